//! What can go wrong in alerting, and what to do about it.

use tocsin_stream::{FenceError, StreamError, TopicPartition, Verdict, database_verdict};

#[derive(Debug, thiserror::Error)]
pub enum AlertingError {
    #[error("{0}")]
    Configuration(String),
    #[error("{attempted}: {cause}")]
    Database { attempted: &'static str, cause: sqlx::Error },
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// Another instance has taken the partition since: what we hold is not ours to write.
    #[error(
        "the right to write {at} was lost: this instance holds epoch {epoch} from offset {from}, the database says {found}"
    )]
    Fenced { at: TopicPartition, epoch: i64, from: i64, found: String },
    #[error("{attempted} of {at}: {cause}")]
    State { attempted: &'static str, at: TopicPartition, cause: String },
    /// Too many in a row for the fault to lie in the records.
    #[error("{count} records in a row could not be read, the last is {at} offset {offset}: {cause}")]
    NothingFits { count: u32, at: TopicPartition, offset: i64, cause: String },
    #[error("a part of alerting ended: {0}")]
    Task(String),
}

impl AlertingError {
    pub(crate) fn database(attempted: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |cause| Self::Database { attempted, cause }
    }

    /// Whether the same may work later, or nothing will.
    pub fn verdict(&self) -> Verdict {
        match self {
            // What is written is the state of a partition, not a record that could be parked.
            Self::Database { cause, .. } if database_verdict(cause) == Verdict::Retry => Verdict::Retry,
            Self::Stream(error) => error.verdict(),
            Self::Database { .. }
            | Self::Configuration(_)
            | Self::Fenced { .. }
            | Self::State { .. }
            | Self::NothingFits { .. }
            | Self::Task(_) => Verdict::Halt,
        }
    }
}

impl From<FenceError> for AlertingError {
    fn from(error: FenceError) -> Self {
        match error {
            FenceError::Database { attempted, cause } => Self::Database { attempted, cause },
            FenceError::Lost { at, epoch, from, found } => Self::Fenced { at, epoch, from, found },
        }
    }
}
