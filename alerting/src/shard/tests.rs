//! State in a real Postgres: crashes at any record, and the fence.

use tocsin_contract::{SignalRecord, topics};

use super::*;
use crate::outbox::messages;
use crate::samples::{Habit, at, log, signal, simulate};
use chrono::TimeDelta;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

fn place() -> TopicPartition {
    TopicPartition { topic: topics::SIGNALS.to_owned(), partition: 0 }
}

fn now() -> DateTime<Utc> {
    at("2024-01-01T00:00:00Z")
}

async fn load(pool: &PgPool) -> Shard {
    Shard::load(pool, "alerting", &place(), &Rules::default(), 1, now()).await.unwrap()
}

fn records() -> Vec<SignalRecord> {
    let start = at("2023-03-08T00:00:00Z");
    let habit = Habit { a_day: 12.0, negative: 0.3, dispersion: 0.4 };
    let mut signals: Vec<_> = (0..4).flat_map(|n| simulate(&format!("s{n}"), habit, start, 2, n)).collect();
    signals.extend((0..20).map(|n| signal("s1", n, start + TimeDelta::minutes(1900 + n as i64), true)));
    log(signals, start + TimeDelta::days(2))
}

/// Feeds the log; now and then writes, now and then dies without having written.
async fn run(pool: &PgPool, records: &[SignalRecord], seed: u64) -> u32 {
    let (outbox, mut random, mut deaths) = (Outbox::new(&[]), StdRng::seed_from_u64(seed), 0);
    let mut shard = load(pool).await;
    while let Some(record) = records.get(shard.next() as usize) {
        shard.take(shard.next(), Some(record.clone()));
        match random.random_range(0..200) {
            0..8 => drop(shard.save(pool, &outbox, now()).await.unwrap()),
            8 | 9 if seed > 0 => {
                deaths += 1;
                shard = load(pool).await;
            }
            _ => {}
        }
    }
    shard.save(pool, &outbox, now()).await.unwrap();
    deaths
}

async fn resolved(pool: &PgPool) -> i64 {
    let rows = "SELECT count(*) FROM report.alerts WHERE state = 'resolved' AND evidence <> '[]'";
    sqlx::query_scalar(rows).fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn a_crash_at_any_record_gives_the_same_alerts() {
    let records = records();
    let undisturbed = tocsin_runtime::database::testing::database().await.pool;
    run(&undisturbed, &records, 0).await;
    let expected = messages(&undisturbed).await.unwrap();
    assert!(expected.len() >= 2, "{expected:?}");
    let in_one_go = crate::detect::replay(Rules::default(), records.clone());
    let in_one_go: Vec<_> = in_one_go.iter().map(|alert| crate::outbox::body(alert).unwrap()).collect();
    assert_eq!(expected, in_one_go);
    assert!(resolved(&undisturbed).await >= 1);
    for seed in [1, 2] {
        let pool = tocsin_runtime::database::testing::database().await.pool;
        let deaths = run(&pool, &records, seed).await;
        assert!(deaths > 3, "seed {seed} died {deaths} times only");
        assert_eq!(messages(&pool).await.unwrap(), expected, "seed {seed}");
        assert_eq!(resolved(&pool).await, resolved(&undisturbed).await, "seed {seed}");
    }
}

#[tokio::test]
async fn whoever_lost_the_partition_writes_nothing_more() {
    let pool = tocsin_runtime::database::testing::database().await.pool;
    let (outbox, records) = (Outbox::new(&[]), records());
    let mut zombie = load(&pool).await;
    zombie.take(0, records.first().cloned());
    let mut owner = load(&pool).await;
    assert!(matches!(zombie.save(&pool, &outbox, now()).await, Err(AlertingError::Fenced { .. })));
    let untouched: i64 =
        sqlx::query_scalar("SELECT count(*) FROM alerting.course").fetch_one(&pool).await.unwrap();
    assert_eq!(untouched, 0);
    owner.take(0, records.first().cloned());
    assert_eq!(owner.save(&pool, &outbox, now()).await.unwrap().0, [0]);
}

#[tokio::test]
async fn a_topic_that_was_made_anew_is_read_from_its_beginning() {
    let pool = tocsin_runtime::database::testing::database().await.pool;
    let (outbox, records) = (Outbox::new(&[]), records());
    let mut before = load(&pool).await;
    before.take(40, records.first().cloned());
    before.save(&pool, &outbox, now()).await.unwrap();
    let mut shard = load(&pool).await;
    assert_eq!(shard.next(), 41);
    assert_eq!(shard.detector.waiting(), 1);
    shard.take(0, records.get(1).cloned());
    assert_eq!((shard.next(), shard.detector.waiting()), (1, 0), "the progress behind the signal was taken");
    assert_eq!(shard.save(&pool, &outbox, now()).await.unwrap().0, [0]);
    shard.take(1, records.get(2).cloned());
    assert_eq!(shard.save(&pool, &outbox, now()).await.unwrap().0, [1]);
}

#[tokio::test]
async fn a_record_delivered_again_changes_nothing() {
    let pool = tocsin_runtime::database::testing::database().await.pool;
    let mut shard = load(&pool).await;
    let records = records();
    shard.take(0, records.first().cloned());
    shard.take(0, records.get(1).cloned());
    assert_eq!((shard.next(), shard.detector.waiting()), (1, 1));
    assert_eq!(shard.save(&pool, &Outbox::new(&[]), now()).await.unwrap().0, [0, 0]);
}
