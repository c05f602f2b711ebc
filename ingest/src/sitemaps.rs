//! The parts of sitemap indexes as Postgres remembers them (`ingest.sitemap`): what the
//! index says of each, when it was read, and which are gone for good.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{ETAG, LAST_MODIFIED};

use crate::IngestError;
use crate::client::{Fetched, Validators};
use crate::error::{FetchError, database};
use crate::schedule::{delta, doubled};
use crate::sitemap::Listed;
use crate::state::State;

/// So many times in a row a part must be gone to be retired.
const GONE: i32 = 3;
/// The pause after a failure, doubled each time, and the longest.
const PAUSE: Duration = Duration::from_secs(3600);
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 3600);
/// After so long a retired part is asked for again of which the index gives no date, and so
/// never says that it changed.
const RETIREMENT: TimeDelta = TimeDelta::days(7);

/// A part that is to be asked for.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Part {
    pub(crate) url: String,
    /// As the index says.
    pub(crate) modified: Option<DateTime<Utc>>,
    etag: Option<String>,
    last_modified: Option<String>,
    /// In a row, and of one kind: that it was gone, or any other.
    failures: i32,
    was_gone: bool,
}

impl Part {
    pub(crate) fn validators(&self) -> Option<Validators> {
        let (etag, last_modified) = (self.etag.clone(), self.last_modified.clone());
        let is_known = etag.is_some() || last_modified.is_some();
        is_known.then(|| Validators { url: self.url.clone(), etag, last_modified })
    }
}

/// What an answer says to recognise it by, and when it is worth asking again.
#[derive(Debug)]
pub(crate) struct Reading {
    etag: Option<String>,
    last_modified: Option<String>,
    next_at: Option<DateTime<Utc>>,
    is_unchanged: bool,
}

impl Reading {
    pub(crate) fn of(fetched: &Fetched, next_at: Option<DateTime<Utc>>) -> Self {
        let (etag, last_modified) = (fetched.verbatim(ETAG), fetched.verbatim(LAST_MODIFIED));
        Self { etag, last_modified, next_at, is_unchanged: fetched.status == 304 }
    }
}

impl State {
    /// The parts that the index lists now; others are forgotten. One that was retired is
    /// back if it changed since, or if that can no longer, or only now, be told.
    pub(crate) async fn list_parts(&self, source_id: &str, parts: &[Listed]) -> Result<(), IngestError> {
        let urls: Vec<&str> = parts.iter().map(|part| part.url.as_str()).collect();
        let modified: Vec<Option<DateTime<Utc>>> = parts.iter().map(|part| part.modified).collect();
        sqlx::query(
            "WITH gone AS (DELETE FROM ingest.sitemap WHERE source_id = $1 AND url <> ALL($2))
             INSERT INTO ingest.sitemap AS s (source_id, url, modified)
             SELECT DISTINCT ON (u) $1, u, m FROM UNNEST($2::text[], $3::timestamptz[]) AS t (u, m) ORDER BY u, m
             ON CONFLICT (source_id, url) DO UPDATE SET modified = excluded.modified,
                 failures = CASE WHEN coalesce(excluded.modified > s.modified, true) THEN 0 ELSE s.failures END,
                 next_at = CASE WHEN coalesce(excluded.modified > s.modified, true) THEN NULL ELSE s.next_at END,
                 retired_at = CASE WHEN coalesce(excluded.modified > s.modified, true) THEN NULL ELSE s.retired_at END
             WHERE s.modified IS DISTINCT FROM excluded.modified",
        )
        .bind(source_id)
        .bind(urls)
        .bind(modified)
        .execute(&self.pool)
        .await
        .map(drop)
        .map_err(database("write down the parts of a sitemap"))
    }

    /// Those worth asking for, the newest first: never read, changed since, or without a
    /// date and not retired of late. A date that is only a day may be said of several changes on it.
    pub(crate) async fn due_parts(
        &self,
        source_id: &str,
        most: i64,
        now: DateTime<Utc>,
    ) -> Result<Vec<Part>, IngestError> {
        sqlx::query_as(
            "SELECT url, modified, etag, last_modified, failures, error ~ ': answered (404|410)$' AS was_gone
             FROM ingest.sitemap
             WHERE source_id = $1 AND (retired_at IS NULL OR (modified IS NULL AND retired_at <= $4))
               AND (next_at IS NULL OR next_at <= $2)
               AND (read_at IS NULL OR modified IS NULL OR read_modified IS NULL OR modified > read_modified
                    OR (modified = date_trunc('day', modified, 'UTC') AND read_at < modified + interval '36 hours'))
             ORDER BY modified DESC NULLS LAST, read_at NULLS FIRST, url LIMIT $3",
        )
        .bind(source_id)
        .bind(now)
        .bind(most)
        .bind(now - RETIREMENT)
        .fetch_all(&self.pool)
        .await
        .map_err(database("read which parts of a sitemap are due"))
    }

    /// One that did not change rests for as long as it did before.
    pub(crate) async fn part_read(
        &self,
        source_id: &str,
        part: &Part,
        reading: &Reading,
        now: DateTime<Utc>,
    ) -> Result<(), IngestError> {
        sqlx::query(
            "UPDATE ingest.sitemap SET read_at = $3, read_modified = $4, etag = coalesce($5, etag),
                 last_modified = coalesce($6, last_modified), failures = 0, error = '', retired_at = NULL,
                 next_at = CASE WHEN $8 AND failures = 0 THEN $3 + (next_at - read_at) ELSE $7 END
             WHERE source_id = $1 AND url = $2",
        )
        .bind(source_id)
        .bind(&part.url)
        .bind(now)
        .bind(part.modified)
        .bind(&reading.etag)
        .bind(&reading.last_modified)
        .bind(reading.next_at)
        .bind(reading.is_unchanged)
        .execute(&self.pool)
        .await
        .map(drop)
        .map_err(database("write down that a part of a sitemap was read"))
    }

    /// A part that was gone [`GONE`] times in a row is retired; any other failure is
    /// tried again, less and less often.
    pub(crate) async fn part_failed(
        &self,
        source_id: &str,
        part: &Part,
        error: &IngestError,
        now: DateTime<Utc>,
    ) -> Result<(), IngestError> {
        let is_gone = matches!(error, IngestError::Fetch(FetchError::Status { status: 404 | 410, .. }));
        let before = if part.was_gone == is_gone { part.failures } else { 0 };
        let failures = before.saturating_add(1);
        let pause = doubled(PAUSE, before, LONGEST_PAUSE);
        sqlx::query(
            "UPDATE ingest.sitemap SET failures = $3, error = $4, next_at = $5,
                 retired_at = CASE WHEN $6 THEN $7 ELSE retired_at END
             WHERE source_id = $1 AND url = $2",
        )
        .bind(source_id)
        .bind(&part.url)
        .bind(failures)
        .bind(error.to_string())
        .bind(now + delta(pause))
        .bind(is_gone && failures >= GONE)
        .bind(now)
        .execute(&self.pool)
        .await
        .map(drop)
        .map_err(database("write down that a part of a sitemap failed"))
    }
}
