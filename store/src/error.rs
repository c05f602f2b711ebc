//! What can go wrong in the store, and what to do about it.

use tocsin_stream::{StreamError, TopicPartition, Verdict};

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
    /// It is not the records.
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

#[expect(clippy::wildcard_enum_match_arm, reason = "sqlx may add variants; what is unknown halts")]
fn database_verdict(error: &sqlx::Error) -> Verdict {
    match error {
        sqlx::Error::Database(error) => error.code().map_or(Verdict::Halt, |code| sqlstate_verdict(&code)),
        sqlx::Error::Encode(_) => Verdict::Park,
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::WorkerCrashed => Verdict::Retry,
        _ => Verdict::Halt,
    }
}

/// By class of SQLSTATE: connection, resources, intervention and conflicts pass;
/// data, constraints and program limits (a row too large) stay with the record.
fn sqlstate_verdict(code: &str) -> Verdict {
    let class = code.get(..2).unwrap_or_default();
    match (code, class) {
        ("40001" | "40P01" | "55P03" | "25006", _) | (_, "08" | "53" | "57") => Verdict::Retry,
        (_, "22" | "23" | "54") => Verdict::Park,
        _ => Verdict::Halt,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_tried_again() {
        for code in ["40001", "40P01", "55P03", "25006", "08006", "53100", "57P01", "57014"] {
            assert_eq!(sqlstate_verdict(code), Verdict::Retry, "{code}");
        }
    }

    #[test]
    fn what_is_wrong_with_the_record_is_parked() {
        for code in ["22008", "22021", "23514", "54000"] {
            assert_eq!(sqlstate_verdict(code), Verdict::Park, "{code}");
        }
    }

    #[test]
    fn what_a_person_must_mend_halts() {
        for code in ["42P01", "42501", "28P01", "3F000", "XX001", ""] {
            assert_eq!(sqlstate_verdict(code), Verdict::Halt, "{code}");
        }
    }
}
