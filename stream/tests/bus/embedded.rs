//! What only the embedded bus has: generations, tables by day.

use std::time::Duration;

use tocsin_runtime::database::testing;
use tocsin_stream::{Bus, StreamConfig, StreamError};

use crate::fixture::{Fixture, GROUP, eventually, finish, number, prefix, take};

#[tokio::test]
async fn a_commit_of_an_older_generation_changes_nothing() {
    let f = Fixture::embedded().await;
    let pool = f.pool.clone().unwrap();
    let topic = f.topic(1).await;
    f.fill(topic, 10).await;
    let mut zombie = f.consumer(topic).await;
    let taken = take(&mut zombie, 10).await;
    // As a member does that takes over from one that was silent.
    sqlx::query("UPDATE stream.cursor SET generation = generation + 1").execute(&pool).await.unwrap();
    finish(&mut zombie, &taken);
    zombie.commit().await.unwrap();
    assert_eq!(f.bus.lag(GROUP, topic).await.unwrap(), 10);
    zombie.close().await.unwrap();
    assert_eq!(f.bus.lag(GROUP, topic).await.unwrap(), 10);
}

#[tokio::test]
async fn a_silent_member_loses_its_partitions() {
    let f = Fixture::embedded().await;
    let pool = f.pool.clone().unwrap();
    let topic = f.topic(2).await;
    f.fill(topic, 10).await;
    f.consumer(topic).await.close().await.unwrap();
    // A process that was killed: it holds everything and does not beat.
    sqlx::query(
        "INSERT INTO stream.member SELECT DISTINCT grp, 'dead', ARRAY[topic], now() - interval '11 s' FROM stream.cursor",
    )
    .execute(&pool)
    .await
    .unwrap();
    sqlx::query("UPDATE stream.cursor SET member = 'dead'").execute(&pool).await.unwrap();
    let mut heir = f.consumer(topic).await;
    take(&mut heir, 10).await;
    heir.close().await.unwrap();
}

#[tokio::test]
async fn days_past_retention_are_dropped_and_do_not_count_as_lag() {
    let pool = testing::database().await.pool;
    // This bus keeps the day: its housekeeping runs beside what follows.
    let century = Duration::from_secs(100 * 365 * 86400);
    let config = StreamConfig { prefix: prefix(), retention: century, ..StreamConfig::default() };
    let f = Fixture::connect(config, Some(pool.clone())).await;
    let topic = f.topic(1).await;
    f.fill(topic, 10).await;
    // The first six records move to a day long gone.
    for statement in [
        "CREATE TABLE stream.log_20200101 (LIKE stream.log INCLUDING DEFAULTS INCLUDING CONSTRAINTS)",
        "ALTER TABLE stream.log ATTACH PARTITION stream.log_20200101 FOR VALUES FROM ('2020-01-01 00:00+00') TO ('2020-01-02 00:00+00')",
        "UPDATE stream.log SET written_at = '2020-01-01 12:00+00' WHERE \"offset\" < 6",
    ] {
        sqlx::query(statement).execute(&pool).await.unwrap();
    }
    assert_eq!(f.bus.lag(GROUP, topic).await.unwrap(), 10);
    let config = StreamConfig { retention: Duration::from_secs(86400), ..f.config.clone() };
    let keeper = Bus::connect(&config, f.pool.clone()).await.unwrap();
    eventually("dropping a day", || async { f.bus.lag(GROUP, topic).await.unwrap() == 4 }).await;
    drop(keeper);
    let mut consumer = f.consumer(topic).await;
    let left: Vec<usize> = take(&mut consumer, 4).await.iter().map(number).collect();
    assert_eq!(left, [6, 7, 8, 9]);
    consumer.close().await.unwrap();
}

#[tokio::test]
async fn a_database_without_migrations_is_told_so() {
    let f = Fixture::embedded().await;
    let pool = f.pool.clone().unwrap();
    sqlx::query("DROP SCHEMA stream CASCADE").execute(&pool).await.unwrap();
    let refusal = Bus::connect(&f.config, Some(pool)).await.unwrap_err();
    assert!(matches!(refusal, StreamError::Configuration(_)), "{refusal:?}");
    assert!(refusal.to_string().contains("tocsin migrate"), "{refusal}");
}
