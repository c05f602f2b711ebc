//! What can go wrong on a bus, and what to do about it.

use std::fmt::Display;

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

#[derive(Debug, Clone, thiserror::Error)]
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
    /// This consumer is out of its group for good; start a new one.
    #[error("{0}")]
    Left(String),
}

impl StreamError {
    pub const fn verdict(&self) -> Verdict {
        match self {
            Self::Configuration(_) | Self::Left(_) => Verdict::Halt,
            Self::Unavailable { .. } => Verdict::Retry,
            Self::Unfit { .. } => Verdict::Park,
        }
    }

    pub(crate) fn unavailable(attempted: impl Into<String>, cause: impl Display) -> Self {
        Self::Unavailable { attempted: attempted.into(), cause: cause.to_string() }
    }

    pub(crate) fn unfit(attempted: impl Into<String>, cause: impl Display) -> Self {
        Self::Unfit { attempted: attempted.into(), cause: cause.to_string() }
    }

    pub(crate) fn no_topic(topic: &str) -> Self {
        Self::Configuration(format!("topic {topic} does not exist: create it before it is used"))
    }

    pub(crate) fn stalled(group: &str, after: std::time::Duration) -> Self {
        Self::Left(format!("a consumer of group {group} was not polled for {after:?} and has left the group"))
    }
}
