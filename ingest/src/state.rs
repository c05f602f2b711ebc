//! What ingest remembers in Postgres (schema `ingest`): validators and schedule of
//! each source, which documents it knows, and the key that authors are hashed with.

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use tocsin_contract::DocumentId;

use crate::IngestError;
use crate::draft::Draft;
use crate::error::database;

/// Row of `ingest.source`.
#[derive(Debug, Clone, Default, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct SourceState {
    /// Sent back verbatim.
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
    pub(crate) next_poll_at: Option<DateTime<Utc>>,
    pub(crate) failures: i32,
    /// Newest item of a JSON source: (time, id).
    pub(crate) cursor_at: Option<DateTime<Utc>>,
    pub(crate) cursor_id: Option<String>,
}

/// What is known of a document.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Known {
    /// The source that brought it first; only that one revises it.
    pub(crate) source_id: String,
    pub(crate) revision: String,
    /// Hash of what the feed said, to see that nothing changed without fetching the page.
    pub(crate) entry_hash: i64,
    pub(crate) first_seen_at: DateTime<Utc>,
}

impl Known {
    /// Nothing to do for `draft`: its list says what it said, or it is another
    /// source's document (two feeds with one story would revise it in turns).
    pub(crate) fn says_the_same(&self, draft: &Draft) -> bool {
        self.source_id != draft.source.id || self.entry_hash == draft.entry_hash
    }
}

/// Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pool: PgPool,
}

impl State {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    pub(crate) async fn source(&self, id: &str) -> Result<SourceState, IngestError> {
        let row = sqlx::query_as(
            "SELECT etag, last_modified, next_poll_at, failures, cursor_at, cursor_id
             FROM ingest.source WHERE source_id = $1",
        );
        let row = row.bind(id).fetch_optional(&self.pool).await;
        Ok(row.map_err(database("read the state of a source"))?.unwrap_or_default())
    }

    pub(crate) async fn save_source(
        &self,
        id: &str,
        url: &str,
        state: &SourceState,
        error: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<(), IngestError> {
        sqlx::query(
            "INSERT INTO ingest.source (source_id, url, etag, last_modified, next_poll_at, failures,
                 cursor_at, cursor_id, last_error, last_poll_at, last_success_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, CASE WHEN $9 IS NULL THEN $10 END)
             ON CONFLICT (source_id) DO UPDATE SET url = excluded.url, etag = excluded.etag,
                 last_modified = excluded.last_modified, next_poll_at = excluded.next_poll_at,
                 failures = excluded.failures, cursor_at = excluded.cursor_at,
                 cursor_id = excluded.cursor_id, last_error = excluded.last_error,
                 last_poll_at = excluded.last_poll_at,
                 last_success_at = coalesce(excluded.last_success_at, source.last_success_at)",
        )
        .bind(id)
        .bind(url)
        .bind(&state.etag)
        .bind(&state.last_modified)
        .bind(state.next_poll_at)
        .bind(state.failures)
        .bind(state.cursor_at)
        .bind(&state.cursor_id)
        .bind(error)
        .bind(now)
        .execute(&self.pool)
        .await
        .map(drop)
        .map_err(database("save the state of a source"))
    }

    pub(crate) async fn known(&self, id: DocumentId) -> Result<Option<Known>, IngestError> {
        sqlx::query_as(
            "SELECT source_id, revision, entry_hash, first_seen_at FROM ingest.seen WHERE doc_id = $1",
        )
        .bind(id.as_bytes().as_slice())
        .fetch_optional(&self.pool)
        .await
        .map_err(database("look up a document"))
    }

    /// Remembers a document; the instant of its first sight is never overwritten.
    pub(crate) async fn remember(&self, id: DocumentId, known: &Known) -> Result<(), IngestError> {
        sqlx::query(
            "INSERT INTO ingest.seen (doc_id, source_id, revision, entry_hash, first_seen_at)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (doc_id) DO UPDATE SET revision = excluded.revision,
                 entry_hash = excluded.entry_hash",
        )
        .bind(id.as_bytes().as_slice())
        .bind(&known.source_id)
        .bind(&known.revision)
        .bind(known.entry_hash)
        .bind(known.first_seen_at)
        .execute(&self.pool)
        .await
        .map(drop)
        .map_err(database("remember a document"))
    }

    /// The key of this installation, made on first use.
    pub(crate) async fn author_key(&self) -> Result<Vec<u8>, IngestError> {
        sqlx::query_scalar(
            "WITH made AS (
                 INSERT INTO ingest.secret (name, value)
                 VALUES ('author', sha256(convert_to(
                     gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')))
                 ON CONFLICT (name) DO NOTHING RETURNING value)
             SELECT value FROM made UNION ALL
             SELECT value FROM ingest.secret WHERE name = 'author' LIMIT 1",
        )
        .fetch_one(&self.pool)
        .await
        .map_err(database("read the key for authors"))
    }
}
