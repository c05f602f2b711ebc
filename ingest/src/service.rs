//! The crawler as a service: turns what is due, keeps event time moving.

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
use crate::config::IngestConfig;
use crate::draft::Finisher;
use crate::error::IngestError;
use crate::politeness::PoliteClient;
use crate::poll::Poller;
use crate::publish::Publisher;
use crate::queue::{Queue, Watched};
use crate::silence::Standing;
use crate::state::State;
use crate::{metric, push, turn};

/// How often the clock is looked at. It may be a quick one.
const TICK: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub struct Ingest {
    config: Arc<IngestConfig>,
    poller: Poller,
    clock: Arc<dyn Clock>,
    router: Router,
}

/// How long turns may take to end once shutdown is requested.
const DRAIN: Duration = Duration::from_secs(10);
/// Turns in work, each with whether it took the place of a suspect.
type Turns = JoinSet<(bool, Result<Watched, IngestError>)>;

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
        let guarded = GuardedClient::new(&config)?;
        let (agent, delay) = (&config.user_agent, config.min_delay);
        let client = PoliteClient::new(guarded, agent, delay, state.clone(), clock.clone());
        let router = push::router(&config.push, publisher.clone());
        let (schedule, extract, stop) = (config.schedule, config.limits.extract, Shutdown::new());
        let poller = Poller { client, state, publisher, schedule, extract, clock: clock.clone(), stop };
        Ok(Self { config: Arc::new(config), poller, clock, router })
    }

    /// `POST /v1/documents`, for the process's HTTP server.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Runs until shutdown is requested; then finishes the turns in work.
    pub async fn run(mut self, shutdown: Shutdown) -> Result<(), IngestError> {
        self.poller.stop = shutdown.clone();
        let mut queue = self.queue().await?;
        let mut turns = Turns::new();
        let mut suspects = 0;
        let mut progressed = None;
        tracing::info!(sources = queue.len(), "watching {} sources", queue.len());
        while !shutdown.is_requested() {
            self.start_due(&mut queue, &mut turns, &mut suspects);
            if self.keep_progress(&mut progressed).await? {
                tell_standings(&queue);
            }
            tokio::select! {
                Some(done) = turns.join_next() => put_back(&mut queue, &mut suspects, done?)?,
                () = tokio::time::sleep(TICK) => {}
                () = shutdown.requested() => {}
            }
            while let Some(done) = turns.try_join_next() {
                put_back(&mut queue, &mut suspects, done?)?;
            }
        }
        // Cut off in a publish, a document is published again under the same id.
        match tokio::time::timeout(DRAIN, finish(&mut turns)).await {
            Ok(ended) => ended?,
            Err(_) => tracing::warn!(turns = turns.len(), "{} turns were cut off", turns.len()),
        }
        self.poller.publisher.flush().await?;
        Ok(())
    }

    async fn queue(&self) -> Result<Queue, IngestError> {
        let (mut queue, mut waiting) = (Queue::default(), self.poller.state.waiting().await?);
        for source in &self.config.sources {
            let state = self.poller.state.source(&source.id, &source.url).await?;
            let waiting = waiting.remove(&source.id);
            queue.put(Watched::new(source.clone(), state, waiting));
        }
        Ok(queue)
    }

    fn start_due(&self, queue: &mut Queue, turns: &mut Turns, suspects: &mut usize) {
        let (now, most) = (self.clock.now(), self.config.concurrency);
        while turns.len() < most {
            let Some(watched) = queue.take_due(now, *suspects < most.div_ceil(4)) else { return };
            let (poller, cap, suspect) = (self.poller.clone(), self.config.max_backoff, watched.is_suspect());
            *suspects += usize::from(suspect);
            turns.spawn(async move { (suspect, turn::take(&poller, cap, watched).await) });
        }
    }

    /// A bus that is away is waited for; one that will never work ends the service.
    /// True where it was time for it.
    async fn keep_progress(&self, last: &mut Option<DateTime<Utc>>) -> Result<bool, StreamError> {
        let every = TimeDelta::from_std(self.config.progress_every).unwrap_or(TimeDelta::MAX);
        if last.is_some_and(|last| self.clock.now() - last < every) {
            return Ok(false);
        }
        match self.poller.publisher.progress().await {
            Ok(as_of) => *last = Some(as_of),
            Err(error) if error.verdict() == Verdict::Halt => return Err(error),
            Err(error) => tracing::warn!("event time stands still: {error}"),
        }
        Ok(true)
    }
}

async fn finish(turns: &mut Turns) -> Result<(), IngestError> {
    while let Some(done) = turns.join_next().await {
        drop(done?.1?);
    }
    Ok(())
}

fn put_back(
    queue: &mut Queue,
    suspects: &mut usize,
    (suspect, done): (bool, Result<Watched, IngestError>),
) -> Result<(), IngestError> {
    *suspects -= usize::from(suspect);
    queue.put_back(done?);
    Ok(())
}

fn tell_standings(queue: &Queue) {
    let counts = queue.standings();
    for standing in Standing::ALL {
        metric::sources(standing, counts.get(standing).copied().unwrap_or(0));
    }
}
