//! How a process that cannot start says so.

/// Exit code for a configuration or environment that cannot work (`EX_USAGE`).
pub const EXIT_CONFIG: u8 = 64;

/// One sentence for the operator: why this process does not start.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);
