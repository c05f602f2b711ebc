//! Subscriptions as Postgres remembers them (`ingest.websub`), so that a restart, or
//! another instance, goes on with them.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::types::Json;

use super::discover::Offer;
use crate::IngestError;
use crate::config::SourceConfig;
use crate::error::database;
use crate::state::State;

/// A hub that denied is asked again after so long.
const DENIED: TimeDelta = TimeDelta::days(1);
/// Requests to a hub that never confirms that we left; then it is forgotten.
const FAREWELLS: i32 = 4;

/// A request that a hub is due.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Due {
    pub(crate) source_id: String,
    pub(crate) token: String,
    pub(crate) secret: String,
    pub(crate) topic: String,
    pub(crate) hub: String,
    pub(crate) is_leaving: bool,
}

/// What a hub that calls an address may deliver.
#[derive(Debug, Clone)]
pub(crate) struct Subscribed {
    pub(crate) source: SourceConfig,
    pub(crate) secret: String,
    pub(crate) topic: String,
}

/// What a hub wants confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    /// With the length of the lease in seconds.
    Subscribe(i64),
    Unsubscribe,
}

impl State {
    /// A feed offers a hub: it is to be subscribed to, unless it is.
    pub(crate) async fn want(
        &self,
        source_id: &str,
        offer: &Offer,
        now: DateTime<Utc>,
    ) -> Result<(), IngestError> {
        let secret =
            "encode(sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')), 'hex')";
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "INSERT INTO ingest.websub AS w (source_id, token, secret, topic, hub, state, next_at)
             VALUES ($1, {secret}, {secret}, $2, $3, 'wanted', $4)
             ON CONFLICT (source_id) DO UPDATE SET token = excluded.token, secret = excluded.secret,
                 topic = excluded.topic, hub = excluded.hub, state = 'wanted', next_at = excluded.next_at,
                 asked_at = NULL, lease_until = NULL, attempts = 0, error = ''
             WHERE (w.topic, w.hub) <> (excluded.topic, excluded.hub) OR w.state = 'leaving'"
        )))
        .bind(source_id)
        .bind(&offer.topic)
        .bind(offer.hub.as_str())
        .bind(now)
        .execute(&self.pool)
        .await
        .map(drop)
        .map_err(database("want a subscription"))
    }

    /// The feed names no hub any more.
    pub(crate) async fn leave(&self, source_id: &str, now: DateTime<Utc>) -> Result<(), IngestError> {
        sqlx::query(
            "UPDATE ingest.websub SET state = 'leaving', next_at = $2, attempts = 0
             WHERE source_id = $1 AND state <> 'leaving'",
        )
        .bind(source_id)
        .bind(now)
        .execute(&self.pool)
        .await
        .map(drop)
        .map_err(database("leave a subscription"))
    }

    /// Ends the subscriptions of sources that are polled no more.
    pub(crate) async fn leave_idle(&self, now: DateTime<Utc>) -> Result<(), IngestError> {
        sqlx::query(
            "UPDATE ingest.websub w SET state = 'leaving', next_at = $1, attempts = 0
             FROM ingest.source s
             WHERE s.source_id = w.source_id AND s.state <> 'active' AND w.state <> 'leaving'",
        )
        .bind(now)
        .execute(&self.pool)
        .await
        .map(drop)
        .map_err(database("leave the subscriptions of idle sources"))
    }

    /// Up to `most` requests that are due, for this instance alone. Each is written down as
    /// made, to be made again later and later, until the hub confirms.
    pub(crate) async fn due_requests(&self, most: i64, now: DateTime<Utc>) -> Result<Vec<Due>, IngestError> {
        sqlx::query("DELETE FROM ingest.websub WHERE state = 'leaving' AND next_at <= $1 AND (attempts >= $2 OR asked_at IS NULL)")
            .bind(now)
            .bind(FAREWELLS)
            .execute(&self.pool)
            .await
            .map_err(database("forget subscriptions"))?;
        sqlx::query_as(
            "UPDATE ingest.websub SET asked_at = $1, attempts = attempts + 1,
                 next_at = $1 + least(interval '10 minutes' * power(2, least(attempts, 10)), interval '1 day'),
                 state = CASE WHEN state = 'denied' OR (state = 'active' AND lease_until <= $1) THEN 'wanted' ELSE state END
             WHERE source_id IN (
                 SELECT source_id FROM ingest.websub WHERE next_at <= $1 ORDER BY next_at LIMIT $2
                 FOR UPDATE SKIP LOCKED)
             RETURNING source_id, token, secret, topic, hub, state = 'leaving' AS is_leaving",
        )
        .bind(now)
        .bind(most)
        .fetch_all(&self.pool)
        .await
        .map_err(database("read which hubs are to be asked"))
    }

    pub(crate) async fn request_failed(&self, due: &Due, error: &str) -> Result<(), IngestError> {
        sqlx::query("UPDATE ingest.websub SET error = $2 WHERE token = $1")
            .bind(&due.token)
            .bind(error)
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(database("write down what a hub answered"))
    }

    /// Whether we asked for what a hub wants confirmed; then it is written down as so.
    pub(crate) async fn confirm(
        &self,
        token: &str,
        topic: &str,
        intent: Intent,
        now: DateTime<Utc>,
    ) -> Result<bool, IngestError> {
        let query = match intent {
            // Renewed when a third of the lease is left.
            Intent::Subscribe(seconds) => sqlx::query(
                "UPDATE ingest.websub SET state = 'active', lease_until = $3 + $4 * interval '1 second',
                     next_at = $3 + $4 * interval '1 second' * 2 / 3, attempts = 0, error = ''
                 WHERE token = $1 AND topic = $2 AND state IN ('wanted', 'active') AND asked_at IS NOT NULL",
            )
            .bind(token)
            .bind(topic)
            .bind(now)
            .bind(seconds as f64),
            Intent::Unsubscribe => {
                let gone = "DELETE FROM ingest.websub WHERE token = $1 AND topic = $2 AND state = 'leaving'";
                sqlx::query(gone).bind(token).bind(topic)
            }
        };
        let changed = query.execute(&self.pool).await.map_err(database("confirm a subscription"))?;
        Ok(changed.rows_affected() > 0)
    }

    /// A hub refuses to tell. False: nobody asked it.
    pub(crate) async fn denied(
        &self,
        token: &str,
        reason: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, IngestError> {
        let changed = sqlx::query(
            "UPDATE ingest.websub SET state = 'denied', lease_until = NULL, next_at = $2, attempts = 0, error = $3
             WHERE token = $1 AND state <> 'leaving'",
        )
        .bind(token)
        .bind(now + DENIED)
        .bind(format!("denied: {reason}"))
        .execute(&self.pool)
        .await
        .map_err(database("write down a denial"))?;
        Ok(changed.rows_affected() > 0)
    }

    /// Until when a hub tells what is new; `None`: it does not.
    pub(crate) async fn alive_until(
        &self,
        source_id: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, IngestError> {
        sqlx::query_scalar(
            "SELECT lease_until FROM ingest.websub WHERE source_id = $1 AND state = 'active' AND lease_until > $2",
        )
        .bind(source_id)
        .bind(now)
        .fetch_optional(&self.pool)
        .await
        .map_err(database("look up a subscription"))
    }

    /// What may be delivered under a token, to a source that is still watched.
    pub(crate) async fn subscribed(&self, token: &str) -> Result<Option<Subscribed>, IngestError> {
        let row: Option<(Json<SourceConfig>, String, String)> = sqlx::query_as(
            "SELECT s.settings, w.secret, w.topic FROM ingest.websub w JOIN ingest.source s USING (source_id)
             WHERE w.token = $1 AND w.state IN ('active', 'wanted', 'denied') AND s.state = 'active'
               AND s.settings IS NOT NULL",
        )
        .bind(token)
        .fetch_optional(&self.pool)
        .await
        .map_err(database("look up what a hub may deliver"))?;
        Ok(row.map(|(Json(source), secret, topic)| Subscribed { source, secret, topic }))
    }

    /// The subscribed sources that have items which wait to be settled, or to be told as taken
    /// back: domain, and since when or until when.
    pub(crate) async fn waiting_deliveries(
        &self,
    ) -> Result<HashMap<String, (String, DateTime<Utc>)>, IngestError> {
        let rows: Vec<(String, String, DateTime<Utc>)> = sqlx::query_as(
            "SELECT s.source_id, s.domain, min(coalesce(i.not_before, i.deleted_at, i.seen_at))
             FROM ingest.websub w JOIN ingest.source s USING (source_id) JOIN ingest.item i USING (source_id)
             WHERE (i.fate = 'pending' OR (i.deleted_at IS NOT NULL AND i.told_at IS NULL))
               AND s.domain IS NOT NULL GROUP BY s.source_id, s.domain",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(database("read which deliveries wait"))?;
        Ok(rows.into_iter().map(|(id, domain, at)| (id, (domain, at))).collect())
    }
}
