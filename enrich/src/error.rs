//! What can go wrong in enrich, and what to do about it.

use tocsin_stream::{StreamError, TopicPartition, Verdict};

#[derive(Debug, thiserror::Error)]
pub enum EnrichError {
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// Messages are plain data; one that cannot be written is a fault of this program.
    #[error("write a message about {about}: {cause}")]
    Encode { about: String, cause: serde_json::Error },
    #[error("the classifier's thread ended: {0}")]
    Thread(tokio::task::JoinError),
    /// Too many in a row for the fault to lie in the records.
    #[error("{count} records in a row could not be enriched, the last is {at} offset {offset}: {cause}")]
    NothingFits { count: u32, at: TopicPartition, offset: i64, cause: String },
    /// Asked to stop while a write was being tried again; nothing was marked as done.
    #[error("stopped before a batch was written: {0}")]
    Stopped(StreamError),
}

impl EnrichError {
    /// Whether the same input may work later, never can, or nothing will.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Stream(error) => error.verdict(),
            Self::Stopped(_) => Verdict::Retry,
            Self::Encode { .. } | Self::Thread(_) | Self::NothingFits { .. } => Verdict::Halt,
        }
    }
}
