//! Asking hubs: for subscriptions, for more time before a lease runs out, and to be left
//! alone. Asks again, later and later, for as long as a hub does not confirm.

use std::sync::Arc;
use std::time::Duration;

use tocsin_runtime::{Clock, Shutdown};
use tokio::task::JoinSet;
use url::Url;
use url::form_urlencoded::Serializer;

use super::Subscriptions;
use super::ledger::Due;
use crate::IngestError;
use crate::politeness::PoliteClient;

/// How often it is looked what is due.
const TICK: Duration = Duration::from_secs(1);
/// Hubs that are asked at the same time.
const MOST: i64 = 8;

/// Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Keeper {
    pub(crate) subscriptions: Subscriptions,
    pub(crate) client: PoliteClient,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Keeper {
    /// Runs until shutdown is requested. What fails is tried again.
    pub(crate) async fn run(self, stop: Shutdown) {
        while !stop.is_requested() {
            if let Err(error) = self.step().await {
                tracing::warn!("subscriptions are not kept: {error}");
            }
            tokio::select! {
                () = tokio::time::sleep(TICK) => {}
                () = stop.requested() => {}
            }
        }
    }

    async fn step(&self) -> Result<(), IngestError> {
        let (state, now) = (&self.subscriptions.state, self.clock.now());
        state.leave_idle(now).await?;
        let mut asking = JoinSet::new();
        for due in state.due_requests(MOST, now).await? {
            let keeper = self.clone();
            asking.spawn(async move { keeper.ask(&due).await });
        }
        while let Some(asked) = asking.join_next().await {
            asked??;
        }
        Ok(())
    }

    /// The hub confirms by a call of its own, maybe before it answers this one.
    async fn ask(&self, due: &Due) -> Result<(), IngestError> {
        let mode = if due.is_leaving { "unsubscribe" } else { "subscribe" };
        let outcome = match Url::parse(&due.hub) {
            Ok(hub) => self.client.post(&hub, &self.form(due, mode)).await,
            Err(cause) => Err(IngestError::Unreadable { url: due.hub.clone(), cause: cause.to_string() }),
        };
        let error = match outcome {
            Ok(answer) if (200..300).contains(&answer.status) => return Ok(()),
            Ok(answer) => {
                let said: String = String::from_utf8_lossy(&answer.body).chars().take(200).collect();
                format!("the hub answered {} {said:?}", answer.status)
            }
            Err(error) if error.is_ours() => return Err(error),
            Err(error) => error.to_string(),
        };
        tracing::warn!(source.id = due.source_id, hub = due.hub, mode, "{mode} failed: {error}");
        self.subscriptions.state.request_failed(due, &error).await
    }

    fn form(&self, due: &Due, mode: &str) -> String {
        let config = &self.subscriptions.config;
        let base = config.callback.as_deref().unwrap_or_default().trim_end_matches('/');
        let mut form = Serializer::new(String::new());
        form.append_pair("hub.mode", mode)
            .append_pair("hub.topic", &due.topic)
            .append_pair("hub.callback", &format!("{base}/v1/websub/{}", due.token));
        if !due.is_leaving {
            form.append_pair("hub.lease_seconds", &config.lease.as_secs().to_string())
                .append_pair("hub.secret", &due.secret);
        }
        form.finish()
    }
}
