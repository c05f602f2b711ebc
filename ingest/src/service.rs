//! The crawler as a service: turns what is due, keeps event time moving.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

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
use crate::roster::Roster;
use crate::silence::Standing;
use crate::state::State;
use crate::websub::{Deliveries, Keeper, Subscriptions};
use crate::{live, metric, push, schedule, turn, websub};

/// How often the clock is looked at. It may be a quick one.
const TICK: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub struct Ingest {
    config: Arc<IngestConfig>,
    poller: Poller,
    clock: Arc<dyn Clock>,
    router: Router,
    deliveries: Deliveries,
}

/// How long turns may take to end once shutdown is requested.
const DRAIN: Duration = Duration::from_secs(10);
/// A turn that runs for longer waits for its server, and frees its place for another ...
const WAITING: Duration = Duration::from_secs(3);
/// ... as long as not more than so many times the places run. At a first start any source may be one
/// that hangs; afterwards those get a quarter of the places.
const MOST_WAITING: usize = 15;

type Turns = JoinSet<Done>;

/// The end of a turn.
struct Done {
    id: String,
    domain: String,
    place: Place,
    /// `None`: its lease was lost.
    outcome: Result<Option<Watched>, IngestError>,
}

/// What a turn takes up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    One,
    /// One of those for sources that fail or are slow.
    Suspect,
    /// None, and its domain is free for others: a connection is held open.
    Live,
}

/// What runs at the moment.
struct Shift {
    roster: Roster,
    queue: Queue,
    turns: Turns,
    suspects: usize,
    /// When the turns in work began that have a place, by source.
    begun: HashMap<String, Instant>,
    /// Which version of which source is listened to, and how that is ended.
    live: HashMap<String, (i64, Shutdown)>,
    /// Since when the housekeeping is done.
    kept: Option<DateTime<Utc>>,
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
        let key = state.author_key(period(&config, clock.now())).await?;
        let finisher = Finisher::new(key, config.privacy.clone(), config.backfill_after);
        let partitions = bus.partitions(topics::DOCUMENTS_RAW).await?;
        let producer = bus.producer().await?;
        let instance = config.instance.clone();
        let publisher =
            Publisher::new(producer, partitions, instance, state.clone(), finisher, clock.clone());
        let guarded = GuardedClient::new(&config)?;
        let (agent, delay) = (&config.user_agent, config.min_delay);
        let client = PoliteClient::new(guarded, agent, delay, state.clone(), clock.clone());
        let router = push::router(&config.push, publisher.clone(), state.clone(), clock.clone());
        let (schedule, extract, stop) = (config.schedule, config.limits.extract, Shutdown::new());
        let subscriptions = Subscriptions::new(config.websub.clone(), state.clone());
        let poller = Poller {
            client,
            state,
            publisher,
            schedule,
            extract,
            clock: clock.clone(),
            stop,
            subscriptions,
            untold: live::Untold::open(config.untold.as_deref())?,
        };
        let (deliveries, limit) = (Deliveries::default(), config.limits.body_bytes);
        let router = router.merge(websub::router(&config.websub, poller.clone(), deliveries.clone(), limit));
        Ok(Self { config: Arc::new(config), poller, clock, router, deliveries })
    }

    /// `POST /v1/documents` and what hubs call, for the process's HTTP server.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Runs until shutdown is requested; then finishes the turns in work.
    pub async fn run(mut self, shutdown: Shutdown) -> Result<(), IngestError> {
        self.poller.stop = shutdown.clone();
        let roster = Roster::open(&self.config, self.poller.state.clone()).await?;
        let mut shift = Shift {
            roster,
            queue: Queue::default(),
            turns: Turns::new(),
            suspects: 0,
            begun: HashMap::new(),
            live: HashMap::new(),
            kept: None,
        };
        let keeper = self.keep_subscriptions(&shutdown);
        let mut progressed = None;
        while !shutdown.is_requested() {
            shift.roster.keep(&mut shift.queue).await?;
            shift.leave_strangers();
            if self.deliveries.take()
                && let Err(error) = shift.roster.wake(&mut shift.queue).await
            {
                tracing::warn!("what was delivered waits: {error}");
            }
            self.start_due(&mut shift);
            if self.keep_progress(&mut progressed).await? {
                tell_standings(&shift);
                self.write_untold(&shift).await;
                self.keep_house(&mut shift).await;
            }
            tokio::select! {
                Some(done) = shift.turns.join_next() => shift.end(done?)?,
                () = tokio::time::sleep(TICK) => {}
                () = shutdown.requested() => {}
            }
            while let Some(done) = shift.turns.try_join_next() {
                shift.end(done?)?;
            }
        }
        // Cut off in a publish, a document is published again under the same id.
        match tokio::time::timeout(DRAIN, shift.finish()).await {
            Ok(ended) => ended?,
            Err(_) => tracing::warn!(turns = shift.turns.len(), "{} turns were cut off", shift.turns.len()),
        }
        shift.turns.shutdown().await;
        drop(keeper);
        self.poller.publisher.flush().await?;
        if let Err(error) = shift.roster.close().await {
            tracing::warn!("leases not released, they will run out: {error}");
        }
        Ok(())
    }

    /// Asks hubs until shutdown; a request in work is cut off when this is dropped.
    fn keep_subscriptions(&self, shutdown: &Shutdown) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        let subscriptions = self.poller.subscriptions.clone();
        if subscriptions.is_on() {
            let keeper =
                Keeper { subscriptions, client: self.poller.client.clone(), clock: self.clock.clone() };
            tasks.spawn(keeper.run(shutdown.clone()));
        }
        tasks
    }

    fn start_due(&self, shift: &mut Shift) {
        let (now, most) = (self.clock.now(), self.config.concurrency);
        let waiting = shift.begun.values().filter(|begun| begun.elapsed() > WAITING).count();
        let places = most + waiting.min(MOST_WAITING * most);
        while shift.begun.len() < places {
            let Some(watched) = shift.queue.take_due(now, shift.suspects < most.div_ceil(4)) else { return };
            let (id, domain) = (watched.source.id.clone(), watched.source.domain());
            let (place, leave) = shift.place(&watched, &domain);
            let (poller, cap, held) = (self.poller.clone(), self.config.max_backoff, shift.roster.held());
            shift.turns.spawn(async move {
                let outcome = tokio::select! {
                    biased;
                    () = held.lost(&domain) => Ok(None),
                    done = take(&poller, cap, watched, place, &leave) => done.map(Some),
                };
                Done { id, domain, place, outcome }
            });
        }
    }

    /// Deletions that wait for a source which is not listened to here: it may be another's by now, or no more.
    async fn write_untold(&self, shift: &Shift) {
        for (source, ids) in self.poller.untold.all() {
            if shift.live.contains_key(&source) {
                continue;
            }
            match self.poller.state.take_back(&source, &ids, self.clock.now()).await {
                Ok(()) => self.poller.untold.written(&source, &ids),
                Err(error) => tracing::warn!(source.id = source, "deletions of {source} wait: {error}"),
            }
        }
    }

    /// Each hour: another key for authors when it is time, and what is older than its
    /// retention is forgotten. What fails is done the next time.
    async fn keep_house(&self, shift: &mut Shift) {
        let now = self.clock.now();
        if shift.kept.is_some_and(|kept| now - kept < TimeDelta::hours(1)) {
            return;
        }
        let state = &self.poller.state;
        match state.author_key(period(&self.config, now)).await {
            Ok(key) => self.poller.publisher.finisher().rotate(key),
            Err(error) => tracing::warn!("the key for authors was not changed: {error}"),
        }
        match state.forget_old(&shift.roster.held().domains(), now).await {
            Ok(0) => {}
            Ok(items) => tracing::info!(items, "{items} items are older than their retention and forgotten"),
            Err(error) => tracing::warn!("old items not forgotten: {error}"),
        }
        if let Err(error) = state.forget_robots(now).await {
            tracing::warn!("old robots.txt not forgotten: {error}");
        }
        shift.kept = Some(now);
    }

    /// A bus that is away is waited for; one that will never work ends the service.
    /// True where it was time for it.
    async fn keep_progress(&self, last: &mut Option<DateTime<Utc>>) -> Result<bool, StreamError> {
        let every = schedule::delta(self.config.progress_every);
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

async fn take(
    poller: &Poller,
    cap: Duration,
    mut watched: Watched,
    place: Place,
    leave: &Shutdown,
) -> Result<Watched, IngestError> {
    if place == Place::Live {
        return live::listen(poller, cap, watched, leave).await;
    }
    let poller = Poller { client: poller.client.of_a_turn(), ..poller.clone() };
    turn::take(&poller, cap, &mut watched).await?;
    Ok(watched)
}

impl Shift {
    /// Notes that the turn of a source begins, and gives what ends it if it is a live one.
    fn place(&mut self, watched: &Watched, domain: &str) -> (Place, Shutdown) {
        let (id, leave) = (watched.source.id.clone(), Shutdown::new());
        if watched.source.is_live() {
            self.live.insert(id, (watched.version, leave.clone()));
            self.queue.rest(domain);
            return (Place::Live, leave);
        }
        self.begun.insert(id, Instant::now());
        if !watched.is_suspect() {
            return (Place::One, leave);
        }
        self.suspects += 1;
        (Place::Suspect, leave)
    }

    /// Nothing is heard any more of a source that is another's, changed or disabled.
    fn leave_strangers(&self) {
        for (id, (version, leave)) in &self.live {
            if !self.roster.has(id, *version) {
                leave.request();
            }
        }
    }

    fn end(&mut self, done: Done) -> Result<(), IngestError> {
        if done.place == Place::Live {
            self.live.remove(&done.id);
        } else {
            self.suspects -= usize::from(done.place == Place::Suspect);
            self.begun.remove(&done.id);
            self.queue.rest(&done.domain);
        }
        match done.outcome? {
            Some(watched) if self.roster.watches(&watched) => self.queue.put(watched),
            Some(_) => {}
            None => {
                tracing::warn!(source.id = done.id, "the turn of {} ended with its lease", done.id);
                self.roster.forget(&done.id);
            }
        }
        Ok(())
    }

    async fn finish(&mut self) -> Result<(), IngestError> {
        while let Some(done) = self.turns.join_next().await {
            done?.outcome?;
        }
        Ok(())
    }
}

/// The number of the period in which one key hashes authors.
fn period(config: &IngestConfig, now: DateTime<Utc>) -> i64 {
    now.timestamp().div_euclid(i64::try_from(config.privacy.author_key.as_secs()).unwrap_or(i64::MAX))
}

/// A connection that is open makes a good source.
fn tell_standings(shift: &Shift) {
    let mut counts = shift.queue.standings();
    *counts.entry(Standing::Good.as_str()).or_default() += shift.live.len();
    for standing in Standing::ALL {
        metric::sources(standing, counts.get(standing).copied().unwrap_or(0));
    }
}
