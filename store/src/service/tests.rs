use tocsin_contract::Enriched;
use tocsin_runtime::ManualClock;
use tocsin_runtime::database::testing;
use tocsin_stream::{Outgoing, StreamConfig, TopicSpec};
use tokio::task::JoinSet;

use super::*;
use crate::audit;
use crate::samples::{enriched, message, revised, start};

const PARTITIONS: u32 = 3;

async fn bus(pool: &PgPool) -> Bus {
    let bus = Bus::connect(&StreamConfig::default(), Some(pool.clone())).await.unwrap();
    let topic = TopicSpec { name: DOCUMENTS_ENRICHED.into(), partitions: PARTITIONS };
    bus.ensure_topics(&[topic]).await.unwrap();
    bus
}

fn outgoing(enriched: &Enriched) -> Outgoing {
    Outgoing {
        topic: DOCUMENTS_ENRICHED.into(),
        partition: None,
        key: enriched.document.id.to_string().into_bytes().into(),
        headers: Vec::new(),
        value: message(enriched.clone()).into(),
    }
}

/// `count` documents; every tenth comes twice and every fifteenth is corrected.
async fn publish(bus: &Bus, count: u64) {
    let mut batch = Vec::new();
    for n in 0..count {
        batch.push(outgoing(&enriched(n)));
        if n % 10 == 0 {
            batch.push(outgoing(&enriched(n)));
        }
        if n % 15 == 0 {
            batch.push(outgoing(&revised(n, "b")));
        }
    }
    bus.producer().await.unwrap().send(batch).await.unwrap();
}

fn store(pool: &PgPool, bus: &Bus) -> Store {
    let config = StoreConfig { max_batch: 40, ..StoreConfig::default() };
    Store::new(config, bus.clone(), pool.clone(), Arc::new(ManualClock::at(start())))
}

async fn count(pool: &PgPool, from: &'static str) -> i64 {
    sqlx::query_scalar(from).fetch_one(pool).await.unwrap()
}

async fn until_stored(pool: &PgPool, at_least: i64) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while count(pool, "SELECT count(*) FROM store.document").await < at_least {
        assert!(Instant::now() < deadline, "{at_least} documents were not stored in time");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until every partition was claimed so many times.
async fn until_claimed(pool: &PgPool, times: i64) {
    let deadline = Instant::now() + Duration::from_secs(60);
    let (all, claimed) =
        (i64::from(PARTITIONS), "SELECT count(*) FROM store.consumer_offset WHERE epoch >= $1");
    while sqlx::query_scalar::<_, i64>(claimed).bind(times).fetch_one(pool).await.unwrap() < all {
        assert!(Instant::now() < deadline, "the partitions were not claimed {times} times in time");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn until_no_lag(bus: &Bus) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while bus.lag(GROUP, DOCUMENTS_ENRICHED).await.unwrap() > 0 {
        assert!(Instant::now() < deadline, "the lag did not go away");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_store_that_is_killed_again_and_again_stores_everything_once() {
    let pool = testing::database().await.pool;
    let bus = bus(&pool).await;
    publish(&bus, 600).await;
    for (times, stored) in (1..).zip([1, 150, 400]) {
        let mut process = JoinSet::new();
        process.spawn(store(&pool, &bus).run(Shutdown::new()));
        until_claimed(&pool, times).await;
        until_stored(&pool, stored).await;
        // Dropped wherever it stands: inside a transaction, most often.
        process.shutdown().await;
    }
    let shutdown = Shutdown::new();
    let mut process = JoinSet::new();
    process.spawn(store(&pool, &bus).run(shutdown.clone()));
    // It may find nothing left to store.
    until_claimed(&pool, 4).await;
    until_stored(&pool, 600).await;
    until_no_lag(&bus).await;
    shutdown.request();
    process.join_next().await.unwrap().unwrap().unwrap();
    assert_eq!(count(&pool, "SELECT count(*) FROM store.document").await, 600);
    assert_eq!(count(&pool, "SELECT count(*) FROM store.correction").await, 40);
    let counted = "SELECT sum(n_docs)::bigint FROM store.trend_daily WHERE subject_id = 'svb'";
    assert_eq!(count(&pool, counted).await, 600);
    assert_eq!(audit::recompute(&pool, None).await.unwrap(), []);
    let shards = "SELECT count(DISTINCT shard) FROM store.trend_daily";
    assert_eq!(count(&pool, shards).await, i64::from(PARTITIONS));
}

/// Polls until so many records wait to be stored.
async fn until_queued(work: &mut Work, consumer: &mut Consumer, count: usize) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while work.queue.len() < count {
        assert!(Instant::now() < deadline, "{count} records were not delivered in time");
        let delivery = consumer.poll(IDLE).await.unwrap();
        work.accept(consumer, delivery, &Shutdown::new()).await.unwrap();
    }
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_recognised_in_a_batch_that_is_cut_otherwise() {
    let pool = testing::database().await.pool;
    let bus = bus(&pool).await;
    let (mut work, mut consumer) = store(&pool, &bus).open().await.unwrap();
    let send = async |numbers: std::ops::Range<u64>| {
        let batch = numbers.map(|n| outgoing(&enriched(n))).collect();
        bus.producer().await.unwrap().send(batch).await.unwrap();
    };
    send(0..10).await;
    until_queued(&mut work, &mut consumer, 10).await;
    let (claims, queue) = (work.claims.clone(), work.queue.clone());
    work.flush(&mut consumer).await.unwrap();
    // As the process stands whose connection ended before the answer.
    (work.claims, work.queue, work.in_doubt) = (claims, queue, true);
    send(10..15).await;
    until_queued(&mut work, &mut consumer, 15).await;
    work.flush(&mut consumer).await.unwrap();
    assert!(work.queue.is_empty());
    assert_eq!(count(&pool, "SELECT count(*) FROM store.document").await, 15);
    assert_eq!(audit::recompute(&pool, None).await.unwrap(), []);
}

#[tokio::test]
async fn two_stores_share_the_partitions_and_count_once() {
    let pool = testing::database().await.pool;
    let bus = bus(&pool).await;
    let shutdown = Shutdown::new();
    let mut processes = JoinSet::new();
    processes.spawn(store(&pool, &bus).run(shutdown.clone()));
    publish(&bus, 100).await;
    until_stored(&pool, 50).await;
    processes.spawn(store(&pool, &bus).run(shutdown.clone()));
    let more: Vec<_> = (100..500).map(|n| outgoing(&enriched(n))).collect();
    bus.producer().await.unwrap().send(more).await.unwrap();
    until_stored(&pool, 500).await;
    until_no_lag(&bus).await;
    shutdown.request();
    while let Some(end) = processes.join_next().await {
        end.unwrap().unwrap();
    }
    assert_eq!(count(&pool, "SELECT count(*) FROM store.document").await, 500);
    assert_eq!(audit::recompute(&pool, None).await.unwrap(), []);
}

#[tokio::test]
async fn a_store_that_lost_its_partition_stops_with_the_reason() {
    let pool = testing::database().await.pool;
    let bus = bus(&pool).await;
    publish(&bus, 30).await;
    let mut process = JoinSet::new();
    process.spawn(store(&pool, &bus).run(Shutdown::new()));
    until_stored(&pool, 30).await;
    sqlx::query("UPDATE store.consumer_offset SET epoch = epoch + 1").execute(&pool).await.unwrap();
    let more: Vec<_> = (100..130).map(|n| outgoing(&enriched(n))).collect();
    bus.producer().await.unwrap().send(more).await.unwrap();
    let error = process.join_next().await.unwrap().unwrap().unwrap_err();
    assert!(matches!(error, StoreError::Fenced { .. }), "{error}");
    assert_eq!(count(&pool, "SELECT count(*) FROM store.document").await, 30);
}

/// Cuts every other connection to this database, as a server that restarts does.
async fn cut_connections(pool: &PgPool) -> i64 {
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    sqlx::query_scalar(cut).fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn a_store_whose_connections_are_cut_goes_on_and_counts_once() {
    let database = testing::database().await;
    let pool = database.pool;
    let other = PgPool::connect_with((*pool.connect_options()).clone()).await.unwrap();
    let bus = bus(&pool).await;
    publish(&bus, 600).await;
    let shutdown = Shutdown::new();
    let mut process = JoinSet::new();
    process.spawn(store(&pool, &bus).run(shutdown.clone()));
    for stored in [1, 200, 400] {
        until_stored(&other, stored).await;
        assert!(cut_connections(&other).await > 0);
    }
    until_stored(&other, 600).await;
    shutdown.request();
    process.join_next().await.unwrap().unwrap().unwrap();
    assert_eq!(count(&other, "SELECT count(*) FROM store.document").await, 600);
    assert_eq!(audit::recompute(&other, None).await.unwrap(), []);
}
