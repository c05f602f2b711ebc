//! What can go wrong in alerting, and what to do about it.

use tocsin_stream::{StreamError, TopicPartition, Verdict};

#[derive(Debug, thiserror::Error)]
pub enum AlertingError {
    #[error("{0}")]
    Configuration(String),
    #[error("{attempted}: {cause}")]
    Database { attempted: &'static str, cause: sqlx::Error },
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// Another instance has taken the partition since: what we hold is not ours to write.
    #[error("the right to write {at} was lost: this instance holds epoch {epoch} from offset {from}")]
    Fenced { at: TopicPartition, epoch: i64, from: i64 },
    #[error("{attempted} of {at}: {cause}")]
    State { attempted: &'static str, at: TopicPartition, cause: String },
    /// It is not the records.
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
            Self::Database { cause, .. } => database_verdict(cause),
            Self::Stream(error) => error.verdict(),
            Self::Configuration(_)
            | Self::Fenced { .. }
            | Self::State { .. }
            | Self::NothingFits { .. }
            | Self::Task(_) => Verdict::Halt,
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "sqlx may add variants; what is unknown halts")]
fn database_verdict(error: &sqlx::Error) -> Verdict {
    match error {
        sqlx::Error::Database(error) => error.code().map_or(Verdict::Halt, |code| sqlstate_verdict(&code)),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::WorkerCrashed => Verdict::Retry,
        _ => Verdict::Halt,
    }
}

fn sqlstate_verdict(code: &str) -> Verdict {
    let class = code.get(..2).unwrap_or_default();
    match (code, class) {
        ("40001" | "40P01" | "55P03" | "25006", _) | (_, "08" | "53" | "57") => Verdict::Retry,
        _ => Verdict::Halt,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_tried_again_and_the_rest_halts() {
        for code in ["40001", "40P01", "55P03", "25006", "08006", "53100", "57P01"] {
            assert_eq!(sqlstate_verdict(code), Verdict::Retry, "{code}");
        }
        for code in ["42P01", "22021", "23505", "28P01", ""] {
            assert_eq!(sqlstate_verdict(code), Verdict::Halt, "{code}");
        }
    }
}
