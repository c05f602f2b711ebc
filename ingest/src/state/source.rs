//! The row of a source: its validators, cursor, habit and schedule, read and written as a
//! whole. Decides none of them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use super::State;
use crate::IngestError;
use crate::client::Validators;
use crate::error::database;

/// Row of `ingest.source`.
#[derive(Debug, Clone, Default, PartialEq, sqlx::FromRow)]
pub(crate) struct SourceState {
    /// Sent back verbatim.
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
    pub(crate) next_poll_at: Option<DateTime<Utc>>,
    pub(crate) failures: i32,
    /// Newest item of a JSON source: (time, id).
    pub(crate) cursor_at: Option<DateTime<Utc>>,
    pub(crate) cursor_id: Option<String>,
    /// The address that `etag` and `last_modified` belong to.
    pub(crate) validated_url: Option<String>,
    /// Its habit, told by its newest items.
    pub(crate) newest_at: Option<DateTime<Utc>>,
    pub(crate) mean_gap_s: Option<f64>,
    pub(crate) longest_gap_s: Option<f64>,
    /// When it last showed something that was not known.
    pub(crate) last_new_at: Option<DateTime<Utc>>,
    /// Where permanent redirects led ([`crate::moves`]).
    pub(crate) moved_to: Option<String>,
    pub(crate) moved_since: Option<DateTime<Utc>>,
    pub(crate) moved_seen: i32,
    /// When it was first asked.
    pub(crate) watched_since: Option<DateTime<Utc>>,
    /// When a poll last succeeded. In the database it is written down with the end of a poll
    /// ([`crate::silence`]), not with the rest of the row.
    pub(crate) last_success_at: Option<DateTime<Utc>>,
    /// When the failures began that have not ended yet.
    pub(crate) failing_since: Option<DateTime<Utc>>,
    /// When its longest gap was last brought up to date.
    pub(crate) learned_at: Option<DateTime<Utc>>,
    /// Where the list is read on that was not read to its end, and the newest post of
    /// what was read: the cursor once it is.
    pub(crate) walk_next: Option<String>,
    pub(crate) walk_at: Option<DateTime<Utc>>,
    pub(crate) walk_id: Option<String>,
    /// For how long the feed said itself, when it was last read, that it stays as it is.
    pub(crate) told_s: Option<f64>,
}

impl SourceState {
    pub(crate) const fn has_validators(&self) -> bool {
        self.etag.is_some() || self.last_modified.is_some()
    }

    pub(crate) fn validators(&self) -> Option<Validators> {
        let (etag, last_modified) = (self.etag.clone(), self.last_modified.clone());
        self.validated_url.clone().map(|url| Validators { url, etag, last_modified })
    }
}

/// What is remembered of a source, and the address that it was at.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Remembered {
    source_id: String,
    url: String,
    #[sqlx(flatten)]
    state: SourceState,
}

impl Remembered {
    /// As far as it holds for `url`: of another address only the cursor does.
    pub(crate) fn of(self, url: &str) -> SourceState {
        if self.url == url {
            return self.state;
        }
        let SourceState { cursor_at, cursor_id, .. } = self.state;
        SourceState { cursor_at, cursor_id, ..SourceState::default() }
    }
}

impl State {
    /// What is remembered of these sources.
    pub(crate) async fn sources(&self, ids: &[String]) -> Result<HashMap<String, Remembered>, IngestError> {
        let rows: Vec<Remembered> = sqlx::query_as(
            "SELECT source_id, url, etag, last_modified, next_poll_at, failures, cursor_at, cursor_id,
                 validated_url, newest_at, mean_gap_s, longest_gap_s, last_new_at, moved_to, moved_since,
                 moved_seen, watched_since, last_success_at, failing_since, learned_at, walk_next, walk_at,
                 walk_id, told_s
             FROM ingest.source WHERE source_id = ANY($1)",
        )
        .bind(ids)
        .fetch_all(&self.pool)
        .await
        .map_err(database("read the state of sources"))?;
        Ok(rows.into_iter().map(|row| (row.source_id.clone(), row)).collect())
    }

    pub(crate) async fn save_source(
        &self,
        id: &str,
        url: &str,
        state: &SourceState,
    ) -> Result<(), IngestError> {
        write_source(&self.pool, id, url, state).await
    }
}

/// As one row, wherever a transaction needs it.
pub(crate) async fn write_source(
    to: impl PgExecutor<'_>,
    id: &str,
    url: &str,
    state: &SourceState,
) -> Result<(), IngestError> {
    sqlx::query(
        "INSERT INTO ingest.source (source_id, url, etag, last_modified, validated_url, next_poll_at,
             failures, cursor_at, cursor_id, newest_at, mean_gap_s, longest_gap_s, last_new_at,
             moved_to, moved_since, moved_seen, watched_since, failing_since, learned_at,
             walk_next, walk_at, walk_id, told_s)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
         ON CONFLICT (source_id) DO UPDATE SET url = excluded.url, etag = excluded.etag,
             last_modified = excluded.last_modified, validated_url = excluded.validated_url,
             next_poll_at = excluded.next_poll_at, failures = excluded.failures,
             cursor_at = excluded.cursor_at, cursor_id = excluded.cursor_id,
             newest_at = excluded.newest_at, mean_gap_s = excluded.mean_gap_s,
             longest_gap_s = excluded.longest_gap_s, last_new_at = excluded.last_new_at,
             moved_to = excluded.moved_to, moved_since = excluded.moved_since,
             moved_seen = excluded.moved_seen, watched_since = excluded.watched_since,
             failing_since = excluded.failing_since, learned_at = excluded.learned_at,
             walk_next = excluded.walk_next, walk_at = excluded.walk_at, walk_id = excluded.walk_id,
             told_s = excluded.told_s",
    )
    .bind(id)
    .bind(url)
    .bind(&state.etag)
    .bind(&state.last_modified)
    .bind(&state.validated_url)
    .bind(state.next_poll_at)
    .bind(state.failures)
    .bind(state.cursor_at)
    .bind(&state.cursor_id)
    .bind(state.newest_at)
    .bind(state.mean_gap_s)
    .bind(state.longest_gap_s)
    .bind(state.last_new_at)
    .bind(&state.moved_to)
    .bind(state.moved_since)
    .bind(state.moved_seen)
    .bind(state.watched_since)
    .bind(state.failing_since)
    .bind(state.learned_at)
    .bind(&state.walk_next)
    .bind(state.walk_at)
    .bind(&state.walk_id)
    .bind(state.told_s)
    .execute(to)
    .await
    .map(drop)
    .map_err(database("save the state of a source"))
}
