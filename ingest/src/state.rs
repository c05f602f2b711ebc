//! What ingest remembers in Postgres (schema `ingest`): validators and schedule of
//! each source, which documents it knows, and the key that authors are hashed with.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, PgPool, Postgres, Transaction};
use tocsin_contract::DocumentId;

use crate::IngestError;
use crate::canonical::twins;
use crate::client::Validators;
use crate::draft::{Draft, hash_of};
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

/// Texts of fewer characters are the same by chance.
const TELLING: usize = 40;

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

/// Row of `ingest.seen`.
#[derive(Debug, sqlx::FromRow)]
struct Found {
    doc_id: Vec<u8>,
    #[sqlx(flatten)]
    known: Known,
}

const UNDER_ANOTHER: &str = "look for a document under another id";

/// Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) pool: PgPool,
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
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// A transaction that the server ends when this process falls asleep in it, so that
    /// its locks hold up no other instance.
    pub(crate) async fn begin(&self) -> Result<Transaction<'_, Postgres>, IngestError> {
        let begin = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '5s'";
        self.pool.begin_with(begin).await.map_err(database("begin a transaction"))
    }

    /// The same, alone with the items of one source until it ends: a poll and a delivery
    /// may come at once.
    pub(crate) async fn begin_items(
        &self,
        source_id: &str,
    ) -> Result<Transaction<'_, Postgres>, IngestError> {
        let lock = hash_of(&["ingest.item", source_id]);
        let begin = format!(
            "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '5s'; SELECT pg_advisory_xact_lock({lock})"
        );
        let begun = self.pool.begin_with(sqlx::AssertSqlSafe(begin)).await;
        begun.map_err(database("begin with the items of a source"))
    }

    /// What is remembered of these sources.
    pub(crate) async fn sources(&self, ids: &[String]) -> Result<HashMap<String, Remembered>, IngestError> {
        let rows: Vec<Remembered> = sqlx::query_as(
            "SELECT source_id, url, etag, last_modified, next_poll_at, failures, cursor_at, cursor_id,
                 validated_url, newest_at, mean_gap_s, longest_gap_s, last_new_at, moved_to, moved_since,
                 moved_seen, watched_since, failing_since, learned_at, walk_next, walk_at, walk_id, told_s
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

    /// Until when a domain asked for silence.
    pub(crate) async fn silence(&self, domain: &str) -> Result<Option<DateTime<Utc>>, IngestError> {
        sqlx::query_scalar("SELECT quiet_until FROM ingest.host WHERE domain = $1")
            .bind(domain)
            .fetch_optional(&self.pool)
            .await
            .map_err(database("look up the silence of a host"))
    }

    pub(crate) async fn silence_until(&self, domain: &str, until: DateTime<Utc>) -> Result<(), IngestError> {
        sqlx::query(
            "INSERT INTO ingest.host (domain, quiet_until) VALUES ($1, $2)
             ON CONFLICT (domain) DO UPDATE SET quiet_until = greatest(host.quiet_until, excluded.quiet_until)",
        )
        .bind(domain)
        .bind(until)
        .execute(&self.pool)
        .await
        .map(drop)
        .map_err(database("write down the silence of a host"))
    }

    pub(crate) async fn known(&self, id: DocumentId) -> Result<Option<Known>, IngestError> {
        Ok(self.first_known(id, vec![id.as_bytes().to_vec()]).await?.map(|(_, known)| known))
    }

    /// The document that a draft shows: of its own id, else the one that the source
    /// published before under another, as far as that can be told: at a twin of its address,
    /// or without an address in the same words.
    pub(crate) async fn known_as(&self, draft: &Draft) -> Result<Option<(DocumentId, Known)>, IngestError> {
        let mut ids = vec![draft.id.as_bytes().to_vec()];
        for twin in draft.canonical_url.iter().flat_map(|url| twins(url)) {
            ids.push(DocumentId::from_canonical_url(&twin).as_bytes().to_vec());
        }
        let known = self.first_known(draft.id, ids).await?;
        let words = draft.title.chars().count() + draft.body.chars().count();
        if known.is_some() || draft.canonical_url.is_some() || words < TELLING {
            return Ok(known);
        }
        let query = "SELECT doc_id FROM ingest.item WHERE source_id = $1 AND entry_hash = $2
                         AND fate IN ('published', 'revised', 'duplicate') ORDER BY seen_at LIMIT 1";
        let query = sqlx::query_scalar(query).bind(&draft.source.id).bind(draft.entry_hash);
        let before: Option<Vec<u8>> =
            query.fetch_optional(&self.pool).await.map_err(database(UNDER_ANOTHER))?;
        match before {
            Some(before) => self.first_known(draft.id, vec![before]).await,
            None => Ok(None),
        }
    }

    /// What is known under one of `ids`: `own` before all others, then the oldest.
    async fn first_known(
        &self,
        own: DocumentId,
        ids: Vec<Vec<u8>>,
    ) -> Result<Option<(DocumentId, Known)>, IngestError> {
        let found: Option<Found> = sqlx::query_as(
            "SELECT doc_id, source_id, revision, entry_hash, first_seen_at FROM ingest.seen
             WHERE doc_id = ANY($1) ORDER BY doc_id <> $2, first_seen_at LIMIT 1",
        )
        .bind(ids)
        .bind(own.as_bytes().as_slice())
        .fetch_optional(&self.pool)
        .await
        .map_err(database("look up a document"))?;
        Ok(found.and_then(|Found { doc_id, known }| {
            Some((DocumentId::from_bytes(doc_id.try_into().ok()?), known))
        }))
    }

    /// The key that hashes authors in this period, made on first use; those of the
    /// periods before are deleted.
    pub(crate) async fn author_key(&self, period: i64) -> Result<Vec<u8>, IngestError> {
        let name = format!("author/{period}");
        // Another instance may be making it at this very moment: then the second try finds it.
        for _ in 0..2 {
            let key = sqlx::query_scalar(
                "WITH gone AS (
                     DELETE FROM ingest.secret WHERE (name LIKE 'author/%' OR name = 'author') AND name <> $1),
                 made AS (
                     INSERT INTO ingest.secret (name, value)
                     VALUES ($1, sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')))
                     ON CONFLICT (name) DO NOTHING RETURNING value)
                 SELECT value FROM made UNION ALL
                 SELECT value FROM ingest.secret WHERE name = $1 LIMIT 1",
            );
            let key = key.bind(&name).fetch_optional(&self.pool).await;
            if let Some(key) = key.map_err(database("read the key for authors"))? {
                return Ok(key);
            }
        }
        Err(database("read the key for authors")(sqlx::Error::RowNotFound))
    }

    /// Forgets what became of items for longer than their source's retention.
    pub(crate) async fn forget_old(
        &self,
        domains: &[String],
        now: DateTime<Utc>,
    ) -> Result<u64, IngestError> {
        /// So many at once, so that nobody waits long for their rows.
        const BATCH: i64 = 1000;
        let mut items = 0;
        loop {
            let gone = sqlx::query(
                "DELETE FROM ingest.item i USING (
                     SELECT o.source_id, o.item_key FROM ingest.source s CROSS JOIN LATERAL (
                         SELECT i.source_id, i.item_key FROM ingest.item i
                         WHERE i.source_id = s.source_id AND i.fate <> 'pending'
                           AND (i.deleted_at IS NULL OR i.told_at IS NOT NULL)
                           AND i.settled_at < $2 - s.retention_s * interval '1 second'
                         ORDER BY i.settled_at LIMIT $3) o
                     WHERE s.domain = ANY($1) AND s.retention_s IS NOT NULL LIMIT $3) old
                 WHERE i.source_id = old.source_id AND i.item_key = old.item_key
                   AND i.fate <> 'pending' AND (i.deleted_at IS NULL OR i.told_at IS NOT NULL)",
            )
            .bind(domains)
            .bind(now)
            .bind(BATCH)
            .execute(&self.pool)
            .await
            .map_err(database("forget old items"))?
            .rows_affected();
            items += gone;
            if gone < BATCH.unsigned_abs() {
                return Ok(items);
            }
        }
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
