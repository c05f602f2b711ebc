//! WebSub (<https://www.w3.org/TR/websub/>): a feed that names a hub is subscribed to there,
//! and what the hub delivers is taken in as if it had been polled. While a subscription is
//! alive the feed is asked slowly; when its lease has run out, as before.
//!
//! `discover` reads what a feed says of hubs, `ledger` remembers subscriptions in
//! Postgres, `keeper` asks the hubs, `routes` is what they call.

mod discover;
mod keeper;
mod ledger;
mod routes;
mod signature;

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::IngestError;
use crate::client::Fetched;
use crate::config::WebSubConfig;
use crate::schedule;
use crate::state::{SourceState, State};

pub(crate) use keeper::Keeper;
pub(crate) use routes::{Deliveries, router};

/// What polls have to do with subscriptions; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Subscriptions {
    config: Arc<WebSubConfig>,
    state: State,
}

impl Subscriptions {
    pub(crate) fn new(config: WebSubConfig, state: State) -> Self {
        Self { config: Arc::new(config), state }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.config.callback.is_some()
    }

    /// A whole feed was read: it is subscribed to where it says, or no longer.
    pub(crate) async fn heard(
        &self,
        source_id: &str,
        fetched: &Fetched,
        now: DateTime<Utc>,
    ) -> Result<(), IngestError> {
        if !self.is_on() {
            return Ok(());
        }
        match discover::hub(&fetched.headers, &fetched.body, &fetched.url) {
            Some(offer) => self.state.want(source_id, &offer, now).await,
            None => self.state.leave(source_id, now).await,
        }
    }

    /// Puts the next poll off while a hub tells what is new, not beyond its lease.
    pub(crate) async fn slow_down(
        &self,
        source_id: &str,
        state: &mut SourceState,
        now: DateTime<Utc>,
    ) -> Result<(), IngestError> {
        if !self.is_on() {
            return Ok(());
        }
        if let Some(until) = self.state.alive_until(source_id, now).await? {
            let backup = until.min(now + schedule::delta(self.config.backup));
            state.next_poll_at = state.next_poll_at.max(Some(backup));
        }
        Ok(())
    }
}
