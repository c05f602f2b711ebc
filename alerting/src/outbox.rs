//! Writes an alert where it is read from: the episode's row, the message to be
//! published, and a delivery for each webhook that asked for it. Always inside the
//! transaction that moves the offset.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use tocsin_contract::{Alert, AlertState, Alerts};

use crate::{AlertingError, WebhookConfig};

#[derive(Debug, Clone)]
pub(crate) struct Outbox {
    webhooks: Vec<WebhookConfig>,
}

impl Outbox {
    pub(crate) fn new(webhooks: &[WebhookConfig]) -> Self {
        Self { webhooks: webhooks.to_vec() }
    }

    pub(crate) async fn put(
        &self,
        connection: &mut PgConnection,
        alert: &Alert,
        now: DateTime<Utc>,
    ) -> Result<(), AlertingError> {
        match alert.state {
            AlertState::Open | AlertState::Updated | AlertState::Acknowledged => {
                put_episode(connection, alert).await?
            }
            AlertState::Resolved => resolve(connection, alert).await?,
        }
        put_message(connection, alert).await?;
        self.put_deliveries(connection, alert, now).await
    }

    async fn put_deliveries(
        &self,
        connection: &mut PgConnection,
        alert: &Alert,
        now: DateTime<Utc>,
    ) -> Result<(), AlertingError> {
        let names: Vec<&str> =
            self.webhooks.iter().filter(|webhook| webhook.wants(alert)).map(|w| w.name.as_str()).collect();
        sqlx::query(
            "INSERT INTO alerting.delivery (endpoint, alert_id, sequence, next_at, created_at)
             SELECT name, $2, $3, $4, $4 FROM alerting.endpoint
             WHERE name = ANY($1) AND disabled_at IS NULL ORDER BY name
             ON CONFLICT (endpoint, alert_id, sequence) DO NOTHING",
        )
        .bind(names)
        .bind(&alert.alert_id)
        .bind(i64::from(alert.sequence))
        .bind(now)
        .execute(connection)
        .await
        .map_err(AlertingError::database("write deliveries"))?;
        Ok(())
    }
}

async fn put_episode(connection: &mut PgConnection, alert: &Alert) -> Result<(), AlertingError> {
    sqlx::query(
        "INSERT INTO alerting.alert AS a
           (alert_id, state, severity, kind, subject_kind, subject_id, name, summary, opened_at, updated_at,
            resolved_at, window_from, window_to, observed, expected, documents, publishers, p_value, threshold,
            sequence, evidence)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
         ON CONFLICT (alert_id) DO UPDATE
         SET state = excluded.state, severity = excluded.severity, kind = excluded.kind,
             summary = excluded.summary, updated_at = excluded.updated_at,
             window_from = excluded.window_from, window_to = excluded.window_to,
             observed = excluded.observed, expected = excluded.expected, documents = excluded.documents,
             publishers = excluded.publishers, p_value = excluded.p_value, threshold = excluded.threshold,
             sequence = excluded.sequence, evidence = excluded.evidence
         WHERE a.sequence < excluded.sequence",
    )
    .bind(&alert.alert_id)
    .bind(alert.state.as_str())
    .bind(alert.severity.as_str())
    .bind(alert.kind.as_str())
    .bind(alert.subject.kind.as_str())
    .bind(&alert.subject.id)
    .bind(&alert.name)
    .bind(&alert.summary)
    .bind(alert.opened_at)
    .bind(alert.at)
    .bind(alert.resolved_at)
    .bind(alert.window.from)
    .bind(alert.window.to)
    .bind(alert.window.observed)
    .bind(alert.window.expected)
    .bind(alert.window.documents)
    .bind(i64::from(alert.window.publishers))
    .bind(alert.p_value)
    .bind(alert.threshold)
    .bind(i64::from(alert.sequence))
    .bind(sqlx::types::Json(&alert.stories))
    .execute(connection)
    .await
    .map_err(AlertingError::database("write an alert"))?;
    Ok(())
}

/// The row keeps its worst window.
async fn resolve(connection: &mut PgConnection, alert: &Alert) -> Result<(), AlertingError> {
    sqlx::query(
        "UPDATE alerting.alert SET state = $2, resolved_at = $3, updated_at = $4, sequence = $5
         WHERE alert_id = $1 AND sequence < $5",
    )
    .bind(&alert.alert_id)
    .bind(alert.state.as_str())
    .bind(alert.resolved_at)
    .bind(alert.at)
    .bind(i64::from(alert.sequence))
    .execute(connection)
    .await
    .map_err(AlertingError::database("resolve an alert"))?;
    Ok(())
}

async fn put_message(connection: &mut PgConnection, alert: &Alert) -> Result<(), AlertingError> {
    sqlx::query(
        "INSERT INTO alerting.alert_message (alert_id, sequence, subject, at, body) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (alert_id, sequence) DO NOTHING",
    )
    .bind(&alert.alert_id)
    .bind(i64::from(alert.sequence))
    .bind(alert.subject.to_string())
    .bind(alert.at)
    .bind(body(alert)?)
    .execute(connection)
    .await
    .map_err(AlertingError::database("write an alert message"))?;
    Ok(())
}

/// The message as it is published and delivered.
pub(crate) fn body(alert: &Alert) -> Result<String, AlertingError> {
    let unfit =
        |cause: String| AlertingError::Task(format!("cannot write alert {}: {cause}", alert.alert_id));
    let bytes = Alerts::V1(alert.clone()).encode().map_err(|error| unfit(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| unfit(error.to_string()))
}

/// Whether every alert written so far is on topic `alerts`.
pub async fn settled(pool: &PgPool) -> Result<bool, AlertingError> {
    sqlx::query_scalar("SELECT NOT EXISTS (SELECT FROM alerting.alert_message WHERE published_at IS NULL)")
        .fetch_one(pool)
        .await
        .map_err(AlertingError::database("look into the outbox"))
}

/// Deliveries to enabled webhooks that are still to be made.
#[cfg(test)]
pub(crate) async fn webhooks_pending(pool: &PgPool) -> Result<u64, AlertingError> {
    let count: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM alerting.delivery d JOIN alerting.endpoint e ON e.name = d.endpoint
         WHERE d.state = 'pending' AND e.disabled_at IS NULL",
    )
    .fetch_one(pool)
    .await
    .map_err(AlertingError::database("count deliveries"))?;
    Ok(count.unsigned_abs())
}

/// Every alert message, as published, in the order of event time.
pub async fn messages(pool: &PgPool) -> Result<Vec<String>, AlertingError> {
    sqlx::query_scalar("SELECT body FROM alerting.alert_message ORDER BY at, alert_id, sequence")
        .fetch_all(pool)
        .await
        .map_err(AlertingError::database("read alert messages"))
}
