//! `Idempotency-Key`: a request that is sent again with its key is answered as it was
//! the first time, for a day (the IETF draft of that header; Stripe's API is its model).

use axum::http::HeaderMap;
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use crate::IngestError;
use crate::error::database;
use crate::state::State;

/// How long a key is remembered.
const MEMORY: TimeDelta = TimeDelta::days(1);
/// Longest key, in bytes.
const LONGEST: usize = 255;
const HEADER: &str = "idempotency-key";

/// A key with the body that it came with, hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    key: [u8; 32],
    body: [u8; 32],
}

/// What is known of a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Before {
    Nothing,
    /// The same request was taken, with these documents.
    Taken(Vec<String>),
    /// It came with another body.
    Other,
}

impl Key {
    /// The key of a request, if it has one. Each token has keys of its own. `Err`: why it is none.
    pub(super) fn of(headers: &HeaderMap, token: &str, body: &[u8]) -> Result<Option<Self>, &'static str> {
        let Some(value) = headers.get(HEADER) else { return Ok(None) };
        let text = value.to_str().map_err(|_| "the Idempotency-Key is not printable ASCII")?.trim();
        if text.is_empty() || text.len() > LONGEST {
            return Err("the Idempotency-Key has to have 1 to 255 characters");
        }
        let key = Sha256::new_with_prefix(Sha256::digest(token)).chain_update(text).finalize().into();
        Ok(Some(Self { key, body: Sha256::digest(body).into() }))
    }
}

impl State {
    /// Makes a key that of one body, at once for every request, and forgets keys that are too old. While what came
    /// with it is not remembered, the same body may claim it again: its documents have the same ids.
    pub(super) async fn claim_push(&self, key: &Key, now: DateTime<Utc>) -> Result<Before, IngestError> {
        loop {
            if self.is_claimed(key, now).await? {
                return Ok(Before::Nothing);
            }
            let row: Option<(Vec<u8>, Vec<String>)> =
                sqlx::query_as("SELECT body_hash, ids FROM ingest.push_key WHERE push_key = $1")
                    .bind(key.key.as_slice())
                    .fetch_optional(&self.pool)
                    .await
                    .map_err(database("look up an idempotency key"))?;
            match row {
                Some((body, ids)) if body == key.body => return Ok(Before::Taken(ids)),
                Some(_) => return Ok(Before::Other),
                // Whoever had it has just released it.
                None => {}
            }
        }
    }

    /// No ids: what came with the key is not on the bus yet.
    async fn is_claimed(&self, key: &Key, now: DateTime<Utc>) -> Result<bool, IngestError> {
        let claimed = sqlx::query(
            "WITH forgotten AS (DELETE FROM ingest.push_key WHERE taken_at <= $3 AND push_key <> $1)
             INSERT INTO ingest.push_key AS k (push_key, body_hash, ids, taken_at) VALUES ($1, $2, '{}', $4)
             ON CONFLICT (push_key) DO UPDATE SET body_hash = excluded.body_hash, ids = excluded.ids,
                 taken_at = excluded.taken_at
             WHERE k.taken_at <= $3 OR (k.body_hash = excluded.body_hash AND k.ids = '{}')",
        )
        .bind(key.key.as_slice())
        .bind(key.body.as_slice())
        .bind(now - MEMORY)
        .bind(now)
        .execute(&self.pool)
        .await
        .map_err(database("claim an idempotency key"))?;
        Ok(claimed.rows_affected() > 0)
    }

    /// Remembers what was taken with a key that is claimed.
    pub(super) async fn remember_push(&self, key: &Key, ids: &[String]) -> Result<(), IngestError> {
        sqlx::query("UPDATE ingest.push_key SET ids = $3 WHERE push_key = $1 AND body_hash = $2")
            .bind(key.key.as_slice())
            .bind(key.body.as_slice())
            .bind(ids)
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(database("remember an idempotency key"))
    }

    /// Frees a key that was claimed at `now`, and with which not all was taken.
    pub(super) async fn release_push(&self, key: &Key, now: DateTime<Utc>) -> Result<(), IngestError> {
        sqlx::query(
            "DELETE FROM ingest.push_key
             WHERE push_key = $1 AND body_hash = $2 AND ids = '{}' AND taken_at = $3",
        )
        .bind(key.key.as_slice())
        .bind(key.body.as_slice())
        .bind(now)
        .execute(&self.pool)
        .await
        .map(drop)
        .map_err(database("release an idempotency key"))
    }
}
