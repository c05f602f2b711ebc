//! The crawler as a service: polls what is due, keeps event time moving.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use tocsin_contract::topics;
use tocsin_runtime::{Clock, Shutdown};
use tocsin_stream::{Bus, StreamError, Verdict};
use tokio::task::JoinSet;

use crate::client::GuardedClient;
use crate::config::{IngestConfig, SourceConfig};
use crate::draft::Finisher;
use crate::error::IngestError;
use crate::politeness::PoliteClient;
use crate::poll::Poller;
use crate::publish::Publisher;
use crate::state::{SourceState, State};
use crate::{metric, push, schedule};

/// How often the clock is looked at. It may be a quick one.
const TICK: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub struct Ingest {
    config: Arc<IngestConfig>,
    poller: Poller,
    clock: Arc<dyn Clock>,
    router: Router,
}

/// How long polls may take to end once shutdown is requested.
const DRAIN: Duration = Duration::from_secs(10);

/// A source and its state between polls.
#[derive(Debug)]
struct Watched {
    source: SourceConfig,
    state: SourceState,
}

impl Ingest {
    /// Connects nothing but the bus and the database.
    pub async fn new(
        config: IngestConfig,
        bus: Bus,
        pool: PgPool,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, IngestError> {
        config.check().map_err(IngestError::Configuration)?;
        let state = State::new(pool);
        let finisher = Finisher::new(state.author_key().await?, config.backfill_after);
        let partitions = bus.partitions(topics::DOCUMENTS_RAW).await?;
        let producer = bus.producer().await?;
        let instance = config.instance.clone();
        let publisher =
            Publisher::new(producer, partitions, instance, state.clone(), finisher, clock.clone());
        let agent = config.user_agent.clone();
        let client = PoliteClient::new(GuardedClient::new(&config)?, agent, config.min_delay);
        let router = push::router(&config.push, publisher.clone());
        let (extract, stop) = (config.limits.extract, Shutdown::new());
        let poller = Poller { client, state, publisher, extract, clock: clock.clone(), stop };
        Ok(Self { config: Arc::new(config), poller, clock, router })
    }

    /// `POST /v1/documents`, for the process's HTTP server.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Runs until shutdown is requested; then finishes the polls in work.
    pub async fn run(mut self, shutdown: Shutdown) -> Result<(), IngestError> {
        self.poller.stop = shutdown.clone();
        let mut waiting = self.watched().await?;
        let mut polls: JoinSet<Result<Watched, IngestError>> = JoinSet::new();
        let mut progressed = None;
        tracing::info!(sources = waiting.len(), "watching {} sources", waiting.len());
        while !shutdown.is_requested() {
            self.start_due(&mut waiting, &mut polls);
            self.keep_progress(&mut progressed).await?;
            tokio::select! {
                Some(done) = polls.join_next() => waiting.push(done??),
                () = tokio::time::sleep(TICK) => {}
                () = shutdown.requested() => {}
            }
            while let Some(done) = polls.try_join_next() {
                waiting.push(done??);
            }
        }
        // Cut off in a publish, a document is published again under the same id.
        match tokio::time::timeout(DRAIN, finish(&mut polls)).await {
            Ok(ended) => ended?,
            Err(_) => tracing::warn!(polls = polls.len(), "{} polls were cut off", polls.len()),
        }
        self.poller.publisher.flush().await?;
        Ok(())
    }

    async fn watched(&self) -> Result<Vec<Watched>, IngestError> {
        let mut all = Vec::with_capacity(self.config.sources.len());
        for source in &self.config.sources {
            let state = self.poller.state.source(&source.id).await?;
            all.push(Watched { source: source.clone(), state });
        }
        Ok(all)
    }

    fn start_due(&self, waiting: &mut Vec<Watched>, polls: &mut JoinSet<Result<Watched, IngestError>>) {
        let now = self.clock.now();
        let free = self.config.concurrency.saturating_sub(polls.len());
        let mut due: Vec<usize> = (0..waiting.len())
            .filter(|place| waiting[*place].state.next_poll_at.is_none_or(|at| at <= now))
            .collect();
        // The longest overdue first, so that a few slow sources starve nobody.
        due.sort_by_key(|place| waiting[*place].state.next_poll_at);
        due.truncate(free);
        let due: HashSet<usize> = due.into_iter().collect();
        let mut place = 0;
        let taken = waiting.extract_if(.., |_| {
            place += 1;
            due.contains(&(place - 1))
        });
        for watched in taken {
            let (poller, clock) = (self.poller.clone(), self.clock.clone());
            let cap = self.config.max_backoff;
            polls.spawn(async move { poll(poller, clock, cap, watched).await });
        }
    }

    /// A bus that is away is waited for; one that will never work ends the service.
    async fn keep_progress(&self, last: &mut Option<DateTime<Utc>>) -> Result<(), StreamError> {
        let every = TimeDelta::from_std(self.config.progress_every).unwrap_or(TimeDelta::MAX);
        if last.is_some_and(|last| self.clock.now() - last < every) {
            return Ok(());
        }
        match self.poller.publisher.progress().await {
            Ok(as_of) => *last = Some(as_of),
            Err(error) if error.verdict() == Verdict::Halt => return Err(error),
            Err(error) => tracing::warn!("event time stands still: {error}"),
        }
        Ok(())
    }
}

async fn finish(polls: &mut JoinSet<Result<Watched, IngestError>>) -> Result<(), IngestError> {
    while let Some(done) = polls.join_next().await {
        drop(done??);
    }
    Ok(())
}

/// Fails only where nothing will work until a person acts.
async fn poll(
    poller: Poller,
    clock: Arc<dyn Clock>,
    cap: Duration,
    mut watched: Watched,
) -> Result<Watched, IngestError> {
    let Watched { source, state } = &mut watched;
    let outcome = poller.poll(source, state).await;
    let now = clock.now();
    let error = match outcome {
        Ok(found) => {
            schedule::succeeded(source, state, now);
            if found.new + found.revised > 0 {
                tracing::info!(
                    source.id,
                    new = found.new,
                    revised = found.revised,
                    postponed = found.postponed,
                    "{} new documents from {}",
                    found.new,
                    source.id
                );
            }
            None
        }
        Err(error) if error.verdict() == Verdict::Halt => return Err(error),
        Err(error) => {
            schedule::failed(source, state, &error, cap, now);
            metric::polled("failed");
            let (failures, next) = (state.failures, state.next_poll_at);
            tracing::warn!(source.id, failures, next_poll_at = ?next, "poll of {} failed: {error}", source.id);
            Some(error.to_string())
        }
    };
    let saved = poller.state.save_source(&source.id, &source.url, state, error.as_deref(), now).await;
    if let Err(error) = saved {
        tracing::warn!(source.id, "state of {} not saved: {error}", source.id);
    }
    Ok(watched)
}
