//! A worker: takes a delivery that is due, calls the webhook, writes down how it went.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tocsin_runtime::guard::Guard;
use tocsin_runtime::{Clock, Shutdown};
use tocsin_stream::Verdict;
use tokio::sync::Notify;
use tracing::{error, info, warn};

use super::endpoint::Endpoint;
use super::queue::{self, Due, Fate};
use super::schedule;
use super::send::{Answer, Call, send};
use crate::{AlertingError, metric};

/// How often the queue is looked into when nobody says that it was filled.
const LOOK_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, Clone)]
pub(crate) struct Worker {
    pub(crate) pool: PgPool,
    pub(crate) endpoints: Arc<BTreeMap<String, Endpoint>>,
    pub(crate) guard: Arc<Guard>,
    pub(crate) timeout: Duration,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) filled: Arc<Notify>,
}

impl Worker {
    /// Runs until shutdown; a call under way is finished.
    pub(crate) async fn run(self, shutdown: Shutdown) -> Result<(), AlertingError> {
        while !shutdown.is_requested() {
            match self.deliver_next().await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) if error.verdict() == Verdict::Retry => warn!("deliveries wait: {error}"),
                Err(error) => return Err(error),
            }
            tokio::select! {
                () = shutdown.requested() => {}
                () = self.filled.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
        Ok(())
    }

    /// False when nothing is due. The row stays locked during the call: when this
    /// process dies, another takes it at once, with the same `webhook-id`.
    pub(crate) async fn deliver_next(&self) -> Result<bool, AlertingError> {
        let failed = AlertingError::database;
        let mut transaction = self.pool.begin().await.map_err(failed("begin a transaction"))?;
        let Some(due) = queue::take(&mut transaction, &self.endpoints, self.clock.now()).await? else {
            return Ok(false);
        };
        let Some(endpoint) = self.endpoints.get(&due.endpoint) else { return Ok(false) };
        let id = due.webhook_id();
        let call = Call { endpoint, id: &id, body: &due.body };
        let answer = send(call, &self.guard, self.timeout, self.clock.now()).await;
        let now = self.clock.now();
        let fate = fate(&due, &answer, now);
        queue::record(&mut transaction, &due, &answer, &fate, now).await?;
        transaction.commit().await.map_err(failed("commit a delivery"))?;
        report(&due, &answer, &fate);
        Ok(true)
    }
}

fn fate(due: &Due, answer: &Answer, now: chrono::DateTime<chrono::Utc>) -> Fate {
    if answer.is_success() {
        return Fate::Delivered;
    }
    if answer.is_gone() {
        return Fate::Gone;
    }
    schedule::next(due.attempt, now, answer.asked, rand::random()).map_or(Fate::GivenUp, Fate::Again)
}

fn report(due: &Due, answer: &Answer, fate: &Fate) {
    let (endpoint, id, attempt) = (&due.endpoint, due.webhook_id(), due.attempt);
    let duration_ms = answer.latency.as_millis() as u64;
    let cause = match (&answer.error, answer.status) {
        (Some(error), _) => error.clone(),
        (None, Some(status)) => format!("it answered {status}"),
        (None, None) => String::new(),
    };
    let result = match fate {
        Fate::Delivered => {
            info!(endpoint, id, attempt, duration_ms, "delivered {id} to webhook {endpoint}");
            "delivered"
        }
        Fate::Again(at) => {
            warn!(endpoint, id, attempt, duration_ms, "webhook {endpoint} failed, again at {at}: {cause}");
            "failed"
        }
        Fate::GivenUp => {
            error!(
                endpoint,
                id, attempt, duration_ms, "gave up delivering {id} to webhook {endpoint}: {cause}"
            );
            "given_up"
        }
        Fate::Gone => {
            error!(endpoint, id, attempt, duration_ms, "webhook {endpoint} is gone (410) and was disabled");
            "gone"
        }
    };
    metrics::counter!(metric::ATTEMPTS, "result" => result).increment(1);
}
