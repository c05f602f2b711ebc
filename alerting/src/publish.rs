//! The relay: alert messages from the outbox to topic `alerts`, in order, at least
//! once. Consumers know a message by (alert_id, sequence).

use std::sync::Arc;
use std::time::Duration;

use sqlx::{PgPool, Row as _};
use tocsin_contract::{Trace, headers, topics};
use tocsin_runtime::{Clock, Shutdown};
use tocsin_stream::{Outgoing, Producer, Verdict};
use tokio::sync::Notify;
use tracing::warn;

use crate::{AlertingError, metric};

const BATCH: i64 = 200;
/// How often the outbox is looked into when nobody says that it was filled.
const LOOK_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) pool: PgPool,
    pub(crate) producer: Producer,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) filled: Arc<Notify>,
}

impl Relay {
    pub(crate) async fn run(self, shutdown: Shutdown) -> Result<(), AlertingError> {
        while !shutdown.is_requested() {
            match self.relay().await {
                Ok(sent) if sent >= BATCH as usize => continue,
                Ok(_) => {}
                Err(error) if error.verdict() == Verdict::Retry => {
                    warn!("alerts stay in the outbox: {error}")
                }
                Err(error) => return Err(error),
            }
            tokio::select! {
                () = shutdown.requested() => {}
                () = self.filled.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
        self.relay().await.map(drop)
    }

    /// Sends the first messages of the outbox and marks them; gives their number.
    /// One instance at a time does so: messages of a subject stay in order.
    pub(crate) async fn relay(&self) -> Result<usize, AlertingError> {
        let failed = AlertingError::database;
        let mut transaction = self.pool.begin().await.map_err(failed("begin a transaction"))?;
        let ours: bool =
            sqlx::query_scalar("SELECT pg_try_advisory_xact_lock(hashtext('tocsin.alerting.publish'))")
                .fetch_one(&mut *transaction)
                .await
                .map_err(failed("lock the outbox"))?;
        if !ours {
            return Ok(0);
        }
        let rows = sqlx::query(
            "SELECT message_id, alert_id, subject, body FROM alerting.alert_message
             WHERE published_at IS NULL ORDER BY message_id LIMIT $1",
        )
        .bind(BATCH)
        .fetch_all(&mut *transaction)
        .await
        .map_err(failed("read the outbox"))?;
        if rows.is_empty() {
            return Ok(0);
        }
        let (ids, batch): (Vec<i64>, Vec<Outgoing>) = rows
            .iter()
            .map(|row| (row.get::<i64, _>(0), outgoing(row.get(1), row.get(2), row.get(3))))
            .unzip();
        self.producer.send(batch).await?;
        sqlx::query("UPDATE alerting.alert_message SET published_at = $2 WHERE message_id = ANY($1)")
            .bind(&ids)
            .bind(self.clock.now())
            .execute(&mut *transaction)
            .await
            .map_err(failed("mark published alerts"))?;
        transaction.commit().await.map_err(failed("mark published alerts"))?;
        metrics::counter!(metric::PUBLISHED).increment(ids.len() as u64);
        Ok(ids.len())
    }
}

fn outgoing(alert: &str, subject: String, body: String) -> Outgoing {
    let trace = Trace::of(&[alert], &body);
    Outgoing {
        topic: topics::ALERTS.to_owned(),
        partition: None,
        key: subject.into(),
        headers: headers(trace).map(|(name, value)| (name.to_owned(), value.into())).to_vec(),
        value: body.into(),
    }
}
