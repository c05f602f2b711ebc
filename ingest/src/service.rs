//! The crawler as a service: turns what is due, and keeps its leases whatever else takes its time.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use sqlx::PgPool;
use tocsin_contract::topics;
use tocsin_runtime::{Clock, Shutdown};
use tocsin_stream::Bus;
use tokio::task::JoinSet;

use crate::client::GuardedClient;
use crate::config::IngestConfig;
use crate::draft::Finisher;
use crate::error::IngestError;
use crate::politeness::PoliteClient;
use crate::poll::Poller;
use crate::publish::Publisher;
use crate::queue::Watched;
use crate::roster::Roster;
use crate::silence::Standing;
use crate::state::State;
use crate::websub::{Deliveries, Keeper, Subscriptions};
use crate::{live, metric, push, turn, websub};

mod chores;
mod leap;
mod listeners;
mod shift;

use chores::{Chores, period};
use shift::{Done, Place, Shift};

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
        let agent = config.product_token().map_err(IngestError::Configuration)?;
        let client = PoliteClient::new(guarded, agent, config.min_delay, state.clone(), clock.clone());
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
        metric::describe();
        self.poller.stop = shutdown.clone();
        let mut shift = Shift::new(Roster::open(&self.config, self.poller.state.clone()).await?);
        shift.roster.keep(&mut shift.queue).await?;
        tell_standings(&shift);
        let mut chores = self.begin_chores(&shift, &shutdown);
        while !shutdown.is_requested() {
            // Nothing here may wait for as long as a lease lasts.
            if shift.roster.keep(&mut shift.queue).await? {
                tell_standings(&shift);
            }
            shift.leave_strangers();
            if self.deliveries.take() {
                shift.roster.wake_delivered(&mut shift.queue).await;
            }
            self.start_due(&mut shift);
            tokio::select! {
                Some(done) = shift.turns.join_next() => shift.end(done?)?,
                Some(ended) = chores.join_next() => ended??,
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
        chores.shutdown().await;
        self.poller.publisher.flush().await?;
        if let Err(error) = shift.roster.close().await {
            tracing::warn!("leases not released, they will run out: {error}");
        }
        Ok(())
    }

    /// What goes on beside the turns until shutdown, and is then cut off.
    fn begin_chores(&self, shift: &Shift, shutdown: &Shutdown) -> JoinSet<Result<(), IngestError>> {
        let chores = Chores {
            config: self.config.clone(),
            poller: self.poller.clone(),
            held: shift.roster.held(),
            listeners: shift.listeners.clone(),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(chores.clone().keep_time(shutdown.clone()));
        tasks.spawn(chores.keep_house(shutdown.clone()));
        let subscriptions = self.poller.subscriptions.clone();
        if subscriptions.is_on() {
            let keeper =
                Keeper { subscriptions, client: self.poller.client.clone(), clock: self.clock.clone() };
            let shutdown = shutdown.clone();
            tasks.spawn(async move {
                keeper.run(shutdown).await;
                Ok(())
            });
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
            let Some((watched, place, leave)) = shift.place(watched, &domain) else { continue };
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

/// A connection that is open makes a good source.
fn tell_standings(shift: &Shift) {
    let mut counts = shift.queue.standings();
    *counts.entry(Standing::Good.as_str()).or_default() += shift.listeners.len();
    for standing in Standing::ALL {
        metric::sources(standing, counts.get(standing).copied().unwrap_or(0));
    }
}
