//! A farm of hosts, each with a feed that grows over an hour of event time, read by an
//! ingest process that is killed again and again; then its ledger and the bus are compared
//! with the farm's own account. In little here; at length, with figures, by
//! `FARM_HOSTS=300 FARM_ITEMS=12 FARM_SPEED=30 FARM_KILLS=8 cargo test -p tocsin-ingest --test farm -- --nocapture`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod host;
mod server;
#[path = "../support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Child;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use host::Role;
use server::Farm;
use sqlx::PgPool;
use support::{QuickClock, World, quick_process, run_where_asked};
use tocsin_contract::DocumentId;
use tocsin_runtime::Clock;

/// Not a test of its own: the process that is killed.
#[tokio::test]
async fn ingest_in_a_process_of_its_own() {
    run_where_asked().await;
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// (seen, settled, pending) of all sources and hours.
async fn sums(pool: &PgPool) -> (i64, i64, i64) {
    sqlx::query_as(
        "SELECT coalesce(sum(seen), 0)::bigint,
                coalesce(sum(published + revised + duplicate + refused + failed + superseded), 0)::bigint,
                coalesce(sum(pending), 0)::bigint
         FROM report.crawl_hours",
    )
    .fetch_one(pool)
    .await
    .unwrap()
}

/// How many items were taken back, the bus told.
async fn tombstones(pool: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM ingest.item WHERE told_at IS NOT NULL")
        .fetch_one(pool)
        .await
        .unwrap()
}

/// The process, what it was started with, and how much memory it took at most.
struct Crawler<'a> {
    world: &'a World,
    config: String,
    clock: QuickClock,
    child: Child,
    peak_mb: u64,
}

impl<'a> Crawler<'a> {
    fn start(world: &'a World, farm: &Farm, clock: QuickClock) -> Self {
        let mut config = format!(
            "lease = \"3s\"\nmin_delay = \"0s\"\nprogress_every = \"5m\"\nallow = [\"127.0.0.0/8:{}\"]\n[limits]\ntotal = \"4s\"\n",
            farm.port
        );
        config.extend(farm.hosts.iter().map(host::Host::configuration));
        let child = quick_process(world, &config, clock);
        Self { world, config, clock, child, peak_mb: 0 }
    }

    fn kill(&mut self) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap_or(0);
        self.peak_mb = self.peak_mb.max(kilobytes / 1024);
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn kill_and_start(&mut self) {
        self.kill();
        self.child = quick_process(self.world, &self.config, self.clock);
    }
}

async fn wait(what: &str, clock: QuickClock, holds: impl AsyncFn() -> bool) {
    let (started, patience) = (Instant::now(), clock.real(3600) + Duration::from_secs(120));
    while !holds().await {
        assert!(started.elapsed() < patience, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What the farm says it served, as (source, document).
fn account(farm: &Farm) -> BTreeSet<(String, String)> {
    let served = farm.served.lock().unwrap();
    let of = |host: &host::Host| {
        let items = served.get(&host.source()).cloned().unwrap_or_default();
        items.into_iter().map(|item| (host.source(), document(&host.link(item)))).collect::<Vec<_>>()
    };
    farm.hosts.iter().flat_map(of).collect()
}

fn document(link: &str) -> String {
    DocumentId::from_canonical_url(&tocsin_ingest::canonical_url(link).unwrap()).to_string()
}

async fn ledger(pool: &PgPool) -> BTreeSet<(String, String)> {
    let query = "SELECT source_id, doc_id FROM report.crawl_items";
    let rows: Vec<(String, String)> = sqlx::query_as(query).fetch_all(pool).await.unwrap();
    rows.into_iter().collect()
}

/// Items by role, fate and reason.
async fn fates(pool: &PgPool, farm: &Farm) -> BTreeMap<(String, String, String), i64> {
    let query = "SELECT source_id, fate, reason, sum(items)::bigint FROM report.crawl_fates GROUP BY 1, 2, 3";
    let rows: Vec<(String, String, String, i64)> = sqlx::query_as(query).fetch_all(pool).await.unwrap();
    let mut fates = BTreeMap::new();
    for (source, fate, reason, items) in rows {
        let host = farm.hosts.iter().find(|host| host.source() == source).unwrap();
        *fates.entry((format!("{:?}", host.role()), fate, reason)).or_default() += items;
    }
    fates
}

/// How many items of each kind the farm has shown in the end.
#[derive(Debug, Clone, Copy)]
struct Counts {
    total: usize,
    copies: usize,
    corrected: usize,
    taken_back: usize,
    /// Whose pages robots.txt forbids.
    closed: usize,
}

impl Counts {
    /// `items`: of each host.
    fn of(farm: &Farm, items: usize) -> Self {
        let with = |role: Role| farm.hosts.iter().filter(|host| host.role() == role).count();
        let second = items / 2;
        Self {
            total: (farm.hosts.len() - with(Role::Broken)) * items,
            copies: with(Role::Copy) * items,
            corrected: with(Role::Corrected) * second,
            taken_back: with(Role::TakenBack) * second,
            closed: with(Role::Closed) * second,
        }
    }
}

/// How the process did.
struct Run {
    /// Of real time, for an hour of event time.
    hour: Duration,
    kills: usize,
    /// Kills that found items in work.
    interrupted: i64,
    peak_mb: u64,
}

/// Reads the farm for an hour in which the process is killed so many times, and on until its corrections are settled.
async fn crawl(world: &World, farm: &Farm, clock: QuickClock, counts: Counts, kills: usize) -> Run {
    let pool = &world.database.pool;
    let (started, mut crawler) = (Instant::now(), Crawler::start(world, farm, clock));
    let mut interrupted = 0;
    for kill in 1..=kills {
        let minutes = i64::try_from(60 * kill / (kills + 1)).unwrap();
        wait("the next kill", clock, async || (clock.now() - clock.start()).num_minutes() >= minutes).await;
        crawler.kill_and_start();
        interrupted += i64::from(sums(pool).await.2 > 0);
    }
    let settled = async |seen: usize| {
        let seen = i64::try_from(seen).unwrap();
        sums(pool).await == (seen, seen, 0)
    };
    wait("every item of the hour is settled", clock, async || settled(counts.total).await).await;
    let hour = started.elapsed();
    farm.is_over.store(true, Ordering::SeqCst);
    wait("something is taken back", clock, async || tombstones(pool).await > 0).await;
    crawler.kill_and_start();
    let taken_back = i64::try_from(counts.taken_back).unwrap();
    wait("corrections are settled", clock, async || {
        settled(counts.total + counts.corrected).await && tombstones(pool).await == taken_back
    })
    .await;
    crawler.kill();
    Run { hour, kills: kills + 1, interrupted, peak_mb: crawler.peak_mb }
}

/// The ledger against the farm's account.
async fn compare_ledger(pool: &PgPool, farm: &Farm, counts: Counts) {
    let account = account(farm);
    assert_eq!(account.len(), counts.total, "the farm served everything");
    assert_eq!(ledger(pool).await, account, "the ledger and the farm's account");
    let fates = fates(pool, farm).await;
    let count = |fate: &str| -> usize {
        fates.iter().filter(|((_, f, _), _)| f == fate).map(|(_, n)| usize::try_from(*n).unwrap()).sum()
    };
    assert_eq!(
        (count("published"), count("revised"), count("duplicate")),
        (counts.total - counts.copies, counts.corrected, counts.copies),
        "{fates:#?}"
    );
    let closed = ("Closed".to_owned(), "published".to_owned(), "robots.txt".to_owned());
    let closed = fates.get(&closed).copied().unwrap_or(0);
    assert_eq!(closed, i64::try_from(counts.closed).unwrap(), "{fates:#?}");
}

/// The bus against the farm's account. Returns how many records it holds.
async fn compare_bus(world: &World, farm: &Farm, counts: Counts) -> usize {
    let records = world.documents().await;
    let mut revisions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in &records {
        let of = revisions.entry(record.id.to_string()).or_default();
        if !of.contains(&record.title) {
            of.push(record.title.clone());
        }
    }
    let told: BTreeSet<String> = world.tombstones().await.iter().map(|t| t.id.to_string()).collect();
    let pool = &world.database.pool;
    let buried: Vec<String> =
        sqlx::query_scalar("SELECT doc_id FROM report.crawl_tombstones").fetch_all(pool).await.unwrap();
    assert_eq!(
        (told.len(), &told),
        (counts.taken_back, &buried.into_iter().collect()),
        "the bus and the tombstones"
    );
    let (account, published) = (account(farm), revisions.keys().collect::<BTreeSet<_>>());
    assert_eq!(published, account.iter().map(|(_, document)| document).collect(), "the bus and the account");
    let twice = revisions.values().filter(|titles| titles.len() > 1).collect::<Vec<_>>();
    assert_eq!(twice.len(), counts.corrected, "{twice:?}");
    assert!(twice.iter().all(|titles| titles.len() == 2 && titles[1].ends_with(", corrected")), "{twice:?}");
    records.len()
}

async fn report(pool: &PgPool, farm: &Farm, counts: Counts, run: &Run, records: usize) {
    let (pages, feeds) = (farm.pages.load(Ordering::SeqCst), farm.feeds.load(Ordering::SeqCst));
    let Counts { total, copies, corrected, taken_back, .. } = counts;
    eprintln!(
        "{} hosts, {total} items, {corrected} corrected, {taken_back} taken back, {} kills, {} of them \
         with items in work: all accounted for. An hour of event time in {:.0} s: {pages} pages ({:.0}/s), {feeds} feeds, \
         {} not modified; {records} records on the bus, {} of them again under one id; process at most {} MB",
        farm.hosts.len(),
        run.kills,
        run.interrupted,
        run.hour.as_secs_f64(),
        pages as f64 / run.hour.as_secs_f64(),
        farm.unchanged.load(Ordering::SeqCst),
        records - (total - copies) - corrected,
        run.peak_mb,
    );
    for ((role, fate, reason), items) in fates(pool, farm).await {
        eprintln!("{role}: {items} {fate} {reason}");
    }
}

#[tokio::test]
async fn the_ledger_and_the_bus_hold_what_the_farm_served_to_the_last_item() {
    let (hosts, items) = (setting("FARM_HOSTS", 30), setting("FARM_ITEMS", 6));
    let (speed, kills) = (setting("FARM_SPEED", 400), setting("FARM_KILLS", 2));
    let world = World::new().await;
    let clock = QuickClock::started(i32::try_from(speed).unwrap());
    let farm = Farm::start(hosts, items, clock).await;
    let counts = Counts::of(&farm, items);
    let run = crawl(&world, &farm, clock, counts, kills).await;
    compare_ledger(&world.database.pool, &farm, counts).await;
    assert_eq!(farm.trespasses.load(Ordering::SeqCst), 0, "robots.txt was obeyed");
    let records = compare_bus(&world, &farm, counts).await;
    assert!(farm.unchanged.load(Ordering::SeqCst) > 0, "nothing was asked conditionally");
    report(&world.database.pool, &farm, counts, &run, records).await;
}
