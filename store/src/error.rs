//! What can go wrong in the store, and what to do about it.

use tocsin_stream::{FenceError, StreamError, TopicPartition, Verdict, database_verdict};

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{attempted}: {cause}")]
    Database { attempted: &'static str, cause: sqlx::Error },
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// Another instance has taken the partition since: what we hold is not ours to write.
    #[error(
        "the right to store {at} was lost: this instance holds epoch {epoch} from offset {from}, the database says {found}"
    )]
    Fenced { at: TopicPartition, epoch: i64, from: i64, found: String },
    /// Too many in a row for the fault to lie in the records.
    #[error("{count} records in a row could not be stored, the last is {at} offset {offset}: {cause}")]
    NothingFits { count: u32, at: TopicPartition, offset: i64, cause: String },
}

impl StoreError {
    pub(crate) fn database(attempted: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |cause| Self::Database { attempted, cause }
    }

    /// Whether the same input may work later, never can, or nothing will.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Database { cause, .. } => database_verdict(cause),
            Self::Stream(error) => error.verdict(),
            Self::Fenced { .. } | Self::NothingFits { .. } => Verdict::Halt,
        }
    }
}

impl From<FenceError> for StoreError {
    fn from(error: FenceError) -> Self {
        match error {
            FenceError::Database { attempted, cause } => Self::Database { attempted, cause },
            FenceError::Lost { at, epoch, from, found } => Self::Fenced { at, epoch, from, found },
        }
    }
}
