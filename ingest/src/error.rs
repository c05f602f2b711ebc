//! What can go wrong while documents are gathered, and what to do about it.

use std::fmt::Display;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tocsin_stream::{StreamError, Verdict, database_verdict};

use crate::guard::Refused;

#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// A person must act.
    #[error("ingest: {0}")]
    Configuration(String),
    #[error("ingest: {attempted}: {cause}")]
    Database { attempted: &'static str, cause: sqlx::Error },
    #[error(transparent)]
    Stream(#[from] StreamError),
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("ingest: a poll ended before its time: {0}")]
    Poll(#[from] tokio::task::JoinError),
    /// What came is not what the source was said to be.
    #[error("{url}: {cause}")]
    Unreadable { url: String, cause: String },
}

/// Why a URL gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("{url}: not fetched: {cause}")]
    Forbidden { url: String, cause: Refused },
    #[error("{url}: refused by robots.txt of {host}")]
    Robots { url: String, host: String },
    #[error("{url}: robots.txt of {host} could not be read: {cause}")]
    NoRobots { url: String, host: String, cause: String },
    #[error("{url}: {domain} asked for silence until {until}")]
    Silence { url: String, domain: String, until: DateTime<Utc> },
    #[error("{url}: answered {status}")]
    Status { url: String, status: u16, retry_after: Option<Duration> },
    #[error("{url}: more than {limit} bytes")]
    TooLarge { url: String, limit: usize },
    #[error("{url}: more than {limit} redirects")]
    Redirects { url: String, limit: usize },
    #[error("{url}: {cause}")]
    Network { url: String, cause: String },
}

impl IngestError {
    /// A setting of a source that cannot be used.
    pub(crate) fn of_source(id: &str, cause: impl Display) -> Self {
        Self::Configuration(format!("source {id}: {cause}"))
    }

    /// Whether the same attempt may succeed later, never, or nothing will until a person acts.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Configuration(_) | Self::Poll(_) => Verdict::Halt,
            Self::Database { cause, .. } if is_of_data(cause) => Verdict::Park,
            Self::Database { .. } => Verdict::Retry,
            Self::Stream(error) => error.verdict(),
            Self::Fetch(error) => error.verdict(),
            Self::Unreadable { .. } => Verdict::Park,
        }
    }

    /// The bus or the database, not the source and what it says.
    pub(crate) fn is_ours(&self) -> bool {
        match self {
            Self::Stream(_) => true,
            Self::Database { cause, .. } => !is_of_data(cause),
            Self::Configuration(_) | Self::Fetch(_) | Self::Poll(_) | Self::Unreadable { .. } => false,
        }
    }
}

/// The database is there and will never take what it was given.
fn is_of_data(cause: &sqlx::Error) -> bool {
    database_verdict(cause) == Verdict::Park
}

impl FetchError {
    /// Whether the same URL may give something later.
    pub const fn verdict(&self) -> Verdict {
        match self {
            Self::Network { .. } | Self::NoRobots { .. } | Self::Silence { .. } => Verdict::Retry,
            Self::Status { status: 408 | 425 | 429 | 500..=599, .. } => Verdict::Retry,
            Self::Forbidden { .. }
            | Self::Robots { .. }
            | Self::Status { .. }
            | Self::TooLarge { .. }
            | Self::Redirects { .. } => Verdict::Park,
        }
    }

    /// The host was not reached, or answered that it is unwell.
    pub(crate) const fn is_away(&self) -> bool {
        match self {
            Self::Network { .. } | Self::NoRobots { .. } | Self::Status { status: 500..=599, .. } => true,
            Self::Forbidden { .. }
            | Self::Robots { .. }
            | Self::Silence { .. }
            | Self::Status { .. }
            | Self::TooLarge { .. }
            | Self::Redirects { .. } => false,
        }
    }

    /// In a word or two, for the ledger.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::Forbidden { .. } => "address not public",
            Self::Robots { .. } => "robots.txt",
            Self::NoRobots { .. } => "no robots.txt",
            Self::Silence { .. } => "host asked for silence",
            Self::Status { status: 401 | 402 | 403 | 407, .. } => "access denied",
            Self::Status { status: 404 | 410, .. } => "gone",
            Self::Status { .. } => "error status",
            Self::TooLarge { .. } => "too large",
            Self::Redirects { .. } => "redirects",
            Self::Network { .. } => "network",
        }
    }
}

/// Names the attempt that a database error ended.
pub(crate) fn database(attempted: &'static str) -> impl FnOnce(sqlx::Error) -> IngestError {
    move |cause| IngestError::Database { attempted, cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_the_database_never_takes_is_the_source_s_and_a_database_that_is_unwell_is_ours() {
        let pool = tocsin_runtime::database::testing::database().await.pool;
        let fail = async |query: &'static str| {
            let done = sqlx::query(query).bind("a\0").execute(&pool).await;
            let error = done.map(drop).map_err(database("keep a text")).unwrap_err();
            (error.verdict(), error.is_ours())
        };
        assert_eq!(fail("SELECT $1::text").await, (Verdict::Park, false));
        assert_eq!(fail("SELECT $1::text FROM ingest.nowhere").await, (Verdict::Retry, true));
    }
}
