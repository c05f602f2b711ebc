//! At least once: what is finished, what is committed, what comes again.

use std::time::Duration;

use tocsin_stream::{Bus, ConsumerOptions, Delivery, StreamError, TopicPartition, Verdict};

use crate::fixture::{Fixture, GROUP, PATIENCE, finish, number, records, take};

pub(crate) async fn unfinished_records_are_delivered_again_after_a_crash(f: Fixture) {
    let topic = f.topic(1).await;
    f.fill(topic, 30).await;
    let mut first = f.consumer(topic).await;
    let taken = take(&mut first, 30).await;
    finish(&mut first, &taken[..10]);
    first.commit().await.unwrap();
    finish(&mut first, &taken[15..]);
    drop(first);
    let mut second = f.consumer(topic).await;
    let again: Vec<usize> = take(&mut second, 20).await.iter().map(number).collect();
    assert_eq!(again, (10..30).collect::<Vec<_>>());
    second.close().await.unwrap();
}

pub(crate) async fn offsets_never_move_past_unfinished_work(f: Fixture) {
    let topic = f.topic(1).await;
    f.fill(topic, 10).await;
    let mut consumer = f.consumer(topic).await;
    let taken = take(&mut consumer, 10).await;
    for (done, lag) in [(9, 10), (3, 10), (0, 9), (1, 8), (2, 6)] {
        finish(&mut consumer, &taken[done..=done]);
        consumer.commit().await.unwrap();
        assert_eq!(f.bus.lag(GROUP, topic).await.unwrap(), lag, "after record {done}");
    }
    consumer.close().await.unwrap();
    assert_eq!(f.bus.lag(GROUP, topic).await.unwrap(), 6, "closing commits no more than was finished");
}

pub(crate) async fn a_seek_decides_what_comes_next(f: Fixture) {
    let topic = f.topic(2).await;
    f.fill(topic, 100).await;
    let mut consumer = f.consumer(topic).await;
    let assigned = assigned(&mut consumer).await;
    for at in &assigned {
        consumer.seek(at, 7).await.unwrap();
    }
    let start = std::time::Instant::now();
    let mut first = std::collections::BTreeMap::new();
    while first.len() < 2 && start.elapsed() < PATIENCE {
        for record in records(&mut consumer).await {
            first.entry(record.at).or_insert(record.offset);
        }
    }
    assert!(first.values().all(|offset| *offset == 7), "{first:?}");
    // A sink's own offset becomes the group's.
    consumer.commit().await.unwrap();
    assert_eq!(f.bus.lag(GROUP, topic).await.unwrap(), 100 - 14);

    consumer.seek(&assigned[0], 2).await.unwrap();
    let back = loop {
        let found = records(&mut consumer).await.into_iter().find(|record| record.at == assigned[0]);
        if let Some(record) = found {
            break record;
        }
    };
    assert_eq!(back.offset, 2);
    consumer.close().await.unwrap();
}

/// The partitions that a lone consumer of two gets.
async fn assigned(consumer: &mut tocsin_stream::Consumer) -> Vec<TopicPartition> {
    let mut all = Vec::new();
    while all.len() < 2 {
        let delivery = consumer.poll(PATIENCE).await.unwrap();
        let Delivery::Assigned(some) = delivery else { panic!("before the assignment: {delivery:?}") };
        all.extend(some);
    }
    all
}

pub(crate) async fn lag_counts_what_is_not_committed(f: Fixture) {
    let topic = f.topic(3).await;
    assert_eq!(f.bus.lag(GROUP, topic).await.unwrap(), 0);
    f.fill(topic, 50).await;
    assert_eq!(f.bus.lag(GROUP, topic).await.unwrap(), 50, "a group that never read");
    let mut consumer = f.consumer(topic).await;
    let taken = take(&mut consumer, 50).await;
    assert_eq!(f.bus.lag(GROUP, topic).await.unwrap(), 50, "read is not committed");
    finish(&mut consumer, &taken);
    consumer.close().await.unwrap();
    assert_eq!(f.bus.lag(GROUP, topic).await.unwrap(), 0);
    assert_eq!(f.bus.lag("another", topic).await.unwrap(), 50);
}

pub(crate) async fn a_topic_that_is_missing_is_named(f: Fixture) {
    let refusal = f.bus.consumer(GROUP, &["absent"], ConsumerOptions::default()).await.unwrap_err();
    assert!(refusal.to_string().contains("topic absent does not exist"), "{refusal}");
    assert_eq!(refusal.verdict(), Verdict::Halt);
    let producer = f.bus.producer().await.unwrap();
    let refusal = producer.send(vec![crate::fixture::outgoing("absent", "k", "v")]).await.unwrap_err();
    assert!(matches!(refusal, StreamError::Configuration(_)), "{refusal}");
    // Asking has not created it.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let again = Bus::connect(&f.config, f.pool.clone()).await.unwrap();
    again.partitions("absent").await.unwrap_err();
}
