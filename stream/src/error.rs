//! What can go wrong on a bus, and what to do about it.

/// What the caller should do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The same input may work later.
    Retry,
    /// This record never can be processed.
    Park,
    /// Nothing will work until a person acts.
    Halt,
}

#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// A person must act: wrong settings, missing rights, unknown host.
    #[error("{0}")]
    Configuration(String),
    /// The bus is away or busy; the same call may work later.
    #[error("{attempted}: {cause}")]
    Unavailable { attempted: String, cause: String },
    /// The record cannot be written as it is (too large, say).
    #[error("{attempted}: {cause}")]
    Unfit { attempted: String, cause: String },
}

impl StreamError {
    pub const fn verdict(&self) -> Verdict {
        match self {
            Self::Configuration(_) => Verdict::Halt,
            Self::Unavailable { .. } => Verdict::Retry,
            Self::Unfit { .. } => Verdict::Park,
        }
    }
}
