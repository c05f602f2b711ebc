//! What ingest remembers in Postgres (schema `ingest`): validators and schedule of each
//! source (`source`), which documents it knows (`documents`), how long hosts asked for
//! silence, and the key that authors are hashed with.

use chrono::{DateTime, Utc};
use sqlx::{PgPool, Postgres, Transaction};

use crate::IngestError;
use crate::draft::hash_of;
use crate::error::database;

mod documents;
mod source;

pub(crate) use documents::Known;
pub(crate) use source::{SourceState, write_source};

/// Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) pool: PgPool,
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
