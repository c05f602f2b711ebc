//! The queue of deliveries in Postgres: taking the next that is due, and writing
//! down how an attempt went.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Row as _};

use super::endpoint::Endpoint;
use super::send::Answer;
use crate::AlertingError;

/// A delivery that is due, its row locked.
#[derive(Debug, Clone)]
pub(crate) struct Due {
    id: i64,
    pub(crate) endpoint: String,
    alert_id: String,
    sequence: i64,
    /// Counting the one to be made.
    pub(crate) attempt: u32,
    pub(crate) body: String,
}

impl Due {
    /// The same over all attempts, so that a receiver knows a message again.
    pub(crate) fn webhook_id(&self) -> String {
        format!("msg_{}_{}", self.alert_id, self.sequence)
    }

    /// The attempt as Postgres keeps it.
    fn attempt_number(&self) -> i32 {
        i32::try_from(self.attempt).unwrap_or(i32::MAX)
    }
}

/// What becomes of a delivery after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    Delivered,
    Again(DateTime<Utc>),
    /// Every attempt of the schedule failed.
    GivenUp,
    /// The receiver is gone for good: it gets nothing more.
    Gone,
}

/// Locks the next delivery that is due. A later message of an episode waits until
/// the earlier one has reached its end at the same receiver.
pub(crate) async fn take(
    connection: &mut PgConnection,
    endpoints: &BTreeMap<String, Endpoint>,
    now: DateTime<Utc>,
) -> Result<Option<Due>, AlertingError> {
    let names: Vec<&str> = endpoints.keys().map(String::as_str).collect();
    let row = sqlx::query(
        "SELECT d.delivery_id, d.endpoint, d.alert_id, d.sequence, d.attempts, m.body
         FROM alerting.delivery d
         JOIN alerting.endpoint e ON e.name = d.endpoint AND e.disabled_at IS NULL
         JOIN alerting.alert_message m ON m.alert_id = d.alert_id AND m.sequence = d.sequence
         WHERE d.state = 'pending' AND d.next_at <= $1 AND d.endpoint = ANY($2)
           AND NOT EXISTS (SELECT FROM alerting.delivery p
                           WHERE p.endpoint = d.endpoint AND p.alert_id = d.alert_id
                             AND p.sequence < d.sequence AND p.state = 'pending')
         ORDER BY d.next_at, d.delivery_id
         LIMIT 1 FOR UPDATE OF d SKIP LOCKED",
    )
    .bind(now)
    .bind(names)
    .fetch_optional(connection)
    .await
    .map_err(AlertingError::database("take a delivery"))?;
    Ok(row.map(|row| Due {
        id: row.get(0),
        endpoint: row.get(1),
        alert_id: row.get(2),
        sequence: row.get(3),
        attempt: u32::try_from(row.get::<i32, _>(4)).unwrap_or_default() + 1,
        body: row.get(5),
    }))
}

/// Writes the attempt into the log and moves the delivery on.
pub(crate) async fn record(
    connection: &mut PgConnection,
    due: &Due,
    answer: &Answer,
    fate: &Fate,
    now: DateTime<Utc>,
) -> Result<(), AlertingError> {
    log_attempt(connection, due, answer, now).await?;
    move_on(connection, due, fate, now).await?;
    match fate {
        Fate::Gone => disable(connection, &due.endpoint, now).await,
        Fate::Delivered | Fate::Again(_) | Fate::GivenUp => Ok(()),
    }
}

async fn log_attempt(
    connection: &mut PgConnection,
    due: &Due,
    answer: &Answer,
    now: DateTime<Utc>,
) -> Result<(), AlertingError> {
    sqlx::query(
        "INSERT INTO alerting.delivery_attempt (delivery_id, attempt, at, status, latency_ms, response, error)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(due.id)
    .bind(due.attempt_number())
    .bind(now)
    .bind(answer.status.map(i32::from))
    .bind(i64::try_from(answer.latency.as_millis()).unwrap_or(i64::MAX))
    .bind(&answer.response)
    .bind(&answer.error)
    .execute(connection)
    .await
    .map_err(AlertingError::database("log an attempt"))?;
    Ok(())
}

async fn move_on(
    connection: &mut PgConnection,
    due: &Due,
    fate: &Fate,
    now: DateTime<Utc>,
) -> Result<(), AlertingError> {
    let (state, next) = match fate {
        Fate::Delivered => ("delivered", None),
        Fate::Again(at) => ("pending", Some(*at)),
        Fate::GivenUp => ("failed", None),
        Fate::Gone => ("dropped", None),
    };
    sqlx::query(
        "UPDATE alerting.delivery
         SET state = $2, attempts = $3, next_at = coalesce($4, next_at),
             finished_at = CASE WHEN $4 IS NULL THEN $5 END
         WHERE delivery_id = $1",
    )
    .bind(due.id)
    .bind(state)
    .bind(due.attempt_number())
    .bind(next)
    .bind(now)
    .execute(connection)
    .await
    .map_err(AlertingError::database("move a delivery on"))?;
    Ok(())
}

async fn disable(connection: &mut PgConnection, name: &str, now: DateTime<Utc>) -> Result<(), AlertingError> {
    sqlx::query(
        "UPDATE alerting.endpoint SET disabled_at = $2, reason = 'answered 410 Gone' WHERE name = $1",
    )
    .bind(name)
    .bind(now)
    .execute(&mut *connection)
    .await
    .map_err(AlertingError::database("disable a webhook"))?;
    drop_waiting(connection, now).await.map(drop)
}

/// Drops what waits for receivers that are gone; returns how many. One call may leave some: rows that other
/// workers hold are skipped, and an alert that is just being written may add one.
pub(crate) async fn drop_waiting(
    connection: &mut PgConnection,
    now: DateTime<Utc>,
) -> Result<u64, AlertingError> {
    let dropped = sqlx::query(
        "UPDATE alerting.delivery SET state = 'dropped', finished_at = $1
         WHERE delivery_id IN (SELECT d.delivery_id FROM alerting.delivery d
                               JOIN alerting.endpoint e ON e.name = d.endpoint AND e.disabled_at IS NOT NULL
                               WHERE d.state = 'pending' FOR UPDATE OF d SKIP LOCKED)",
    )
    .bind(now)
    .execute(connection)
    .await
    .map_err(AlertingError::database("drop deliveries"))?;
    Ok(dropped.rows_affected())
}

/// Drops what has been due since before `since` for receivers that are neither among `known` nor were called
/// since then; returns how many. A receiver that was called is configured at another instance.
pub(crate) async fn drop_forsaken(
    connection: &mut PgConnection,
    known: &[String],
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<u64, AlertingError> {
    let dropped = sqlx::query(
        "UPDATE alerting.delivery SET state = 'dropped', finished_at = $1
         WHERE delivery_id IN (
             SELECT d.delivery_id FROM alerting.delivery d
             WHERE d.state = 'pending' AND d.next_at < $2 AND d.endpoint <> ALL($3)
               AND NOT EXISTS (SELECT FROM alerting.delivery p
                               JOIN alerting.delivery_attempt l ON l.delivery_id = p.delivery_id
                               WHERE p.endpoint = d.endpoint AND l.at >= $2)
             FOR UPDATE OF d SKIP LOCKED)",
    )
    .bind(now)
    .bind(since)
    .bind(known)
    .execute(connection)
    .await
    .map_err(AlertingError::database("drop forsaken deliveries"))?;
    Ok(dropped.rows_affected())
}
