//! A real site on loopback, a real database, the embedded bus, and ingest on them.

#![allow(dead_code, reason = "each test file uses a part")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use tocsin_contract::{Document, DocumentsRaw, Raw, RawProgress, Tombstone, topics};
use tocsin_ingest::{Ingest, IngestConfig};
use tocsin_runtime::database::testing::{TestDatabase, database};
use tocsin_runtime::database::{DatabaseConfig, connect};
use tocsin_runtime::shutdown::Drained;
use tocsin_runtime::{Clock, ManualClock, Shutdown, SystemClock};
use tocsin_stream::{Bus, ConsumerOptions, Delivery, StreamConfig, TopicSpec};

mod site;

#[allow(unused_imports, reason = "each test file uses a part")]
pub(crate) use site::{Reply, Site, article, feed_of, rss};

/// Longest that a test waits for something that must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// What outlives a restart of ingest.
pub(crate) struct World {
    pub(crate) database: TestDatabase,
    pub(crate) bus: Bus,
    pub(crate) clock: ManualClock,
    reads: Mutex<u32>,
}

pub(crate) fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The texts, in alphabetical order.
pub(crate) fn bodies(documents: &[Document]) -> Vec<&str> {
    let mut bodies: Vec<&str> = documents.iter().map(|document| document.body.as_str()).collect();
    bodies.sort_unstable();
    bodies
}

impl World {
    pub(crate) async fn new() -> Self {
        let database = database().await;
        let bus = Bus::connect(&StreamConfig::default(), Some(database.pool.clone())).await.unwrap();
        let topic = TopicSpec { name: topics::DOCUMENTS_RAW.to_owned(), partitions: 3 };
        bus.ensure_topics(&[topic]).await.unwrap();
        Self { database, bus, clock: ManualClock::at(time("2023-03-10T16:00:00Z")), reads: Mutex::new(0) }
    }

    /// From now on no item can be written down, and all else can.
    pub(crate) async fn take_items_away(&self) {
        sqlx::query("ALTER TABLE ingest.item RENAME TO away").execute(&self.database.pool).await.unwrap();
    }

    pub(crate) async fn bring_items_back(&self) {
        sqlx::query("ALTER TABLE ingest.away RENAME TO item").execute(&self.database.pool).await.unwrap();
    }

    pub(crate) async fn ingest(&self, config: &IngestConfig) -> Ingest {
        let clock = Arc::new(self.clock.clone());
        Ingest::new(config.clone(), self.bus.clone(), self.database.pool.clone(), clock).await.unwrap()
    }

    pub(crate) async fn start(&self, config: &IngestConfig) -> Running {
        let ingest = self.ingest(config).await;
        let shutdown = Shutdown::new();
        let watch = shutdown.clone();
        shutdown.spawn("ingest", async move { ingest.run(watch).await });
        Running(shutdown)
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.set(self.clock.now() + chrono::TimeDelta::seconds(seconds));
    }

    /// Everything on `documents.raw` so far, with its partition, in order per partition.
    pub(crate) async fn log(&self) -> Vec<(u32, Raw)> {
        let group = {
            let mut reads = self.reads.lock().unwrap();
            *reads += 1;
            format!("test-{reads}")
        };
        let raw = &[topics::DOCUMENTS_RAW];
        let mut consumer = self.bus.consumer(&group, raw, ConsumerOptions::default()).await.unwrap();
        let (mut log, mut assigned) = (Vec::new(), 0);
        loop {
            match consumer.poll(Duration::from_millis(300)).await.unwrap() {
                Delivery::Assigned(partitions) => assigned += partitions.len(),
                Delivery::Revoked(_) => panic!("nobody else is in the group"),
                Delivery::Quiet if assigned == 3 => break,
                Delivery::Quiet => {}
                Delivery::Records(records) => log.extend(records.into_iter().map(|record| {
                    let DocumentsRaw::V1(raw) = DocumentsRaw::decode(&record.value).unwrap();
                    (record.at.partition, raw)
                })),
            }
        }
        consumer.close().await.unwrap();
        log
    }

    pub(crate) async fn documents(&self) -> Vec<Document> {
        let log = self.log().await.into_iter();
        log.filter_map(|(_, raw)| if let Raw::Document(document) = raw { Some(document) } else { None })
            .collect()
    }

    pub(crate) async fn tombstones(&self) -> Vec<Tombstone> {
        let log = self.log().await.into_iter();
        log.filter_map(|(_, raw)| if let Raw::Tombstone(tombstone) = raw { Some(tombstone) } else { None })
            .collect()
    }

    pub(crate) async fn progress(&self) -> Vec<(u32, RawProgress)> {
        let log = self.log().await.into_iter();
        let only = |(partition, raw)| if let Raw::Progress(p) = raw { Some((partition, p)) } else { None };
        log.filter_map(only).collect()
    }

    /// As [`World::wait_for_documents`], with the clock going on meanwhile, in steps of `seconds`.
    pub(crate) async fn wait_for_documents_as_time_passes(
        &self,
        count: usize,
        seconds: i64,
    ) -> Vec<Document> {
        wait_until("so many documents come", async || {
            self.pass(seconds);
            self.documents().await.len() >= count
        })
        .await;
        self.wait_for_documents(count).await
    }

    /// Waits until the feed was asked for twice more, as time passes: what it showed before has been settled.
    pub(crate) async fn wait_for_polls(&self, site: &Site) {
        let asked = site.asked("/feed").len();
        wait_until("the feed is asked again", async || {
            self.pass(61);
            site.asked("/feed").len() > asked + 1
        })
        .await;
    }

    /// Waits until `count` documents are there; then looks that no more come with them.
    pub(crate) async fn wait_for_documents(&self, count: usize) -> Vec<Document> {
        let started = tokio::time::Instant::now();
        loop {
            let documents = self.documents().await;
            if documents.len() >= count {
                assert_eq!(documents.len(), count, "{documents:#?}");
                return documents;
            }
            assert!(started.elapsed() < PATIENCE, "only {} of {count} documents came", documents.len());
        }
    }
}

/// Starts `ingest_in_a_process_of_its_own` of this test file in a process that can be killed.
pub(crate) fn process(world: &World, config: &str) -> Child {
    command(world, config).spawn().unwrap()
}

/// The same, by a quick clock.
pub(crate) fn quick_process(world: &World, config: &str, clock: QuickClock) -> Child {
    let began = clock.began.timestamp_millis();
    command(world, config).env("CRAWL_CLOCK", format!("{began} {}", clock.speed)).spawn().unwrap()
}

fn command(world: &World, config: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "ingest_in_a_process_of_its_own"])
        .env("CRAWL_DATABASE", world.database.url.expose_secret())
        .env("CRAWL_CONFIG", config)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Event time that runs so many times as fast as the real one, alike in every process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QuickClock {
    began: DateTime<Utc>,
    speed: i32,
}

impl QuickClock {
    pub(crate) fn started(speed: i32) -> Self {
        Self { began: SystemClock.now(), speed }
    }

    pub(crate) fn start(&self) -> DateTime<Utc> {
        time("2023-03-10T16:20:00Z")
    }

    /// How long so many seconds of event time take.
    pub(crate) fn real(&self, seconds: u32) -> Duration {
        Duration::from_secs(seconds.into()) / self.speed.unsigned_abs()
    }

    /// That of the process that started this one.
    fn of_parent() -> Option<Self> {
        let text = std::env::var("CRAWL_CLOCK").ok()?;
        let (began, speed) = text.split_once(' ')?;
        Some(Self {
            began: DateTime::from_timestamp_millis(began.parse().ok()?)?,
            speed: speed.parse().ok()?,
        })
    }
}

impl Clock for QuickClock {
    fn now(&self) -> DateTime<Utc> {
        self.start() + (SystemClock.now() - self.began) * self.speed
    }
}

/// In such a process, runs ingest until it is killed; elsewhere nothing.
pub(crate) async fn run_where_asked() {
    let (Ok(url), Ok(config)) = (std::env::var("CRAWL_DATABASE"), std::env::var("CRAWL_CONFIG")) else {
        return;
    };
    let database = DatabaseConfig { url: Some(url.into()), ..DatabaseConfig::default() };
    let pool = connect(&database).await.unwrap();
    let bus = Bus::connect(&StreamConfig::default(), Some(pool.clone())).await.unwrap();
    let config: IngestConfig = toml::from_str(&config).unwrap();
    let clock: Arc<dyn Clock> = match QuickClock::of_parent() {
        Some(quick) => Arc::new(quick),
        None => Arc::new(SystemClock),
    };
    let ingest = Ingest::new(config, bus, pool, clock).await.unwrap();
    ingest.run(Shutdown::new()).await.unwrap();
}

/// Waits until `holds`, or fails with `what`.
pub(crate) async fn wait_until(what: &str, holds: impl AsyncFn() -> bool) {
    let started = tokio::time::Instant::now();
    while !holds().await {
        assert!(started.elapsed() < PATIENCE, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) struct Running(Shutdown);

impl Running {
    pub(crate) const fn of(shutdown: Shutdown) -> Self {
        Self(shutdown)
    }

    pub(crate) async fn stop(self) {
        self.0.request();
        assert_eq!(self.0.drained(Duration::from_secs(30)).await, Drained::Clean);
    }
}
