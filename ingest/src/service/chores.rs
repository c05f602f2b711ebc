//! What a running ingest does beside its turns, at a pace of its own: however long bus and
//! database take over it, leases are renewed meanwhile.

use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use tocsin_runtime::{Clock as _, Shutdown, SystemClock};
use tocsin_stream::Verdict;

use super::TICK;
use super::leap::Trust;
use super::listeners::Listeners;
use crate::config::IngestConfig;
use crate::error::IngestError;
use crate::leases::Held;
use crate::poll::Poller;
use crate::schedule;

/// How often it is looked what is older than its retention.
const FORGET: TimeDelta = TimeDelta::hours(1);

/// Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Chores {
    pub(super) config: Arc<IngestConfig>,
    pub(super) poller: Poller,
    pub(super) held: Held,
    pub(super) listeners: Listeners,
}

impl Chores {
    /// Tells the stream how far time is, until shutdown. A bus that is away is waited for; fails
    /// with one that will never work.
    pub(super) async fn keep_time(self, shutdown: Shutdown) -> Result<(), IngestError> {
        let mut told = None;
        let mut trust = Trust::new(Instant::now(), SystemClock.now());
        while !shutdown.is_requested() {
            let believed = trust.believes(Instant::now(), SystemClock.now());
            if believed && self.is_time(told) {
                match self.poller.publisher.progress().await {
                    Ok(as_of) => told = Some(as_of),
                    Err(error) if error.verdict() == Verdict::Halt => return Err(error.into()),
                    Err(error) => tracing::warn!("event time stands still: {error}"),
                }
            }
            pause(&shutdown).await;
        }
        Ok(())
    }

    /// Writes down what waits, and forgets what is old, until shutdown. What fails is done the
    /// next time.
    pub(super) async fn keep_house(self, shutdown: Shutdown) -> Result<(), IngestError> {
        let (mut done, mut forgot) = (None, None);
        while !shutdown.is_requested() {
            if self.is_time(done) {
                done = Some(self.now());
                self.write_untold().await;
                if forgot.is_none_or(|at| self.now() - at >= FORGET) {
                    forgot = Some(self.now());
                    self.forget().await;
                }
            }
            pause(&shutdown).await;
        }
        Ok(())
    }

    fn now(&self) -> DateTime<Utc> {
        self.poller.clock.now()
    }

    fn is_time(&self, last: Option<DateTime<Utc>>) -> bool {
        let every = schedule::delta(self.config.progress_every);
        // A clock that was put back makes it time too.
        last.is_none_or(|last| !(TimeDelta::zero()..every).contains(&(self.now() - last)))
    }

    /// Deletions that wait for a source which is not listened to here: it may be another's by now, or no more.
    async fn write_untold(&self) {
        for (source, ids) in self.poller.untold.all() {
            if self.listeners.has(&source) {
                continue;
            }
            match self.poller.state.take_back(&source, &ids, self.now()).await {
                Ok(()) => self.poller.untold.written(&source, &ids),
                Err(error) => tracing::warn!(source.id = source, "deletions of {source} wait: {error}"),
            }
        }
    }

    /// Another key for authors when it is time, and what is older than its retention goes.
    async fn forget(&self) {
        let (state, now) = (&self.poller.state, self.now());
        match state.author_key(period(&self.config, now)).await {
            Ok(key) => self.poller.publisher.finisher().rotate(key),
            Err(error) => tracing::warn!("the key for authors was not changed: {error}"),
        }
        match state.forget_old(&self.held.domains(), now).await {
            Ok(0) => {}
            Ok(items) => tracing::info!(items, "{items} items are older than their retention and forgotten"),
            Err(error) => tracing::warn!("old items not forgotten: {error}"),
        }
        if let Err(error) = state.forget_robots(now).await {
            tracing::warn!("old robots.txt not forgotten: {error}");
        }
    }
}

async fn pause(shutdown: &Shutdown) {
    tokio::select! {
        () = tokio::time::sleep(TICK) => {}
        () = shutdown.requested() => {}
    }
}

/// The number of the period in which one key hashes authors.
pub(super) fn period(config: &IngestConfig, now: DateTime<Utc>) -> i64 {
    now.timestamp().div_euclid(i64::try_from(config.privacy.author_key.as_secs()).unwrap_or(i64::MAX))
}
