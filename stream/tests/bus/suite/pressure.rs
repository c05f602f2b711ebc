//! Slow sinks: bounded memory, an end that comes, a stall that is told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tocsin_stream::{ConsumerOptions, Delivery, StreamError, TopicPartition};

use crate::fixture::{Fixture, GROUP, PATIENCE, finish, outgoing, records, take};

const SIZE: usize = 10_000;
const MOST: usize = 20 * SIZE;

async fn fill_large(f: &Fixture, topic: &str, count: usize) {
    let producer = f.bus.producer().await.unwrap();
    let batch = (0..count).map(|n| outgoing(topic, &n.to_string(), vec![b'x'; SIZE]));
    producer.send(batch.collect()).await.unwrap();
}

pub(crate) async fn unfinished_bytes_are_bounded(f: Fixture) {
    let topic = f.topic(3).await;
    fill_large(&f, topic, 300).await;
    let options = ConsumerOptions { max_unfinished_bytes: MOST, ..ConsumerOptions::default() };
    let mut consumer = f.bus.consumer(GROUP, &[topic], options).await.unwrap();
    let (mut seen, mut open, mut quiet) = (0, Vec::new(), 0);
    // One record may cross the line.
    let most = MOST + SIZE + 100;
    while seen < 300 {
        match consumer.poll(Duration::from_millis(300)).await.unwrap() {
            Delivery::Records(records) => {
                seen += records.len();
                open.extend(records);
                let bytes: usize = open.iter().map(|record| record.size()).sum();
                assert!(bytes <= most, "{bytes} bytes are unfinished");
            }
            Delivery::Quiet if !open.is_empty() => {
                // Everything is paused; finishing lets it flow again.
                quiet += 1;
                finish(&mut consumer, &open);
                open.clear();
            }
            Delivery::Quiet | Delivery::Assigned(_) => {}
            Delivery::Revoked(lost) => panic!("lost {lost:?} while paused"),
        }
    }
    assert!(quiet >= 300 * SIZE / most - 1, "paused {quiet} times only");
    assert_eq!(seen, 300);
    consumer.close().await.unwrap();
}

pub(crate) async fn closing_under_load_does_not_hang(f: Fixture) {
    let topic = f.topic(3).await;
    let producer = f.bus.producer().await.unwrap();
    let mut load = tokio::task::JoinSet::new();
    load.spawn(async move {
        for n in 0_u64.. {
            let batch = (0..50).map(|i| outgoing(topic, &format!("{n}.{i}"), vec![b'x'; 1000]));
            producer.send(batch.collect()).await.unwrap();
        }
    });
    let mut consumer = f.consumer(topic).await;
    let mut done = BTreeSet::new();
    for _ in 0..3 {
        let records = records(&mut consumer).await;
        finish(&mut consumer, &records);
        done.extend(records.into_iter().map(|record| record.at));
    }
    let mut left = records(&mut consumer).await;
    // Kafka may give one partition after the other: what was committed shows in those that had their turn.
    while !left.iter().any(|record| done.contains(&record.at)) {
        left.extend(records(&mut consumer).await);
    }
    tokio::time::timeout(PATIENCE / 2, consumer.close()).await.expect("close hangs").unwrap();
    load.shutdown().await;

    // What was not finished comes first.
    let mut next = f.consumer(topic).await;
    let mut first: BTreeMap<TopicPartition, i64> = BTreeMap::new();
    while left.iter().any(|record| !first.contains_key(&record.at)) {
        for record in records(&mut next).await {
            first.entry(record.at).or_insert(record.offset);
        }
    }
    assert!(left.iter().all(|record| first[&record.at] <= record.offset), "{first:?}");
    assert!(first.values().any(|offset| *offset > 0), "nothing was committed");
    tokio::time::timeout(PATIENCE / 2, next.close()).await.expect("close hangs").unwrap();
}

pub(crate) async fn a_consumer_that_is_not_polled_leaves_and_says_so(f: Fixture) {
    let topic = f.topic(2).await;
    f.fill(topic, 20).await;
    let options = ConsumerOptions { stall_after: Duration::from_secs(4), ..ConsumerOptions::default() };
    let mut stalled = f.bus.consumer(GROUP, &[topic], options).await.unwrap();
    let taken = take(&mut stalled, 20).await;
    // Nobody polls `stalled` meanwhile: the other one gets everything.
    let mut other = f.consumer(topic).await;
    take(&mut other, 20).await;
    let mut error = None;
    while error.is_none() {
        error = stalled.poll(Duration::from_millis(100)).await.err();
    }
    assert!(matches!(error, Some(StreamError::Left(_))), "{error:?}");
    // Too late: the other has it.
    finish(&mut stalled, &taken);
    drop(stalled.commit().await);
    assert_eq!(f.bus.lag(GROUP, topic).await.unwrap(), 20);
    drop(stalled.close().await);
    other.close().await.unwrap();
}
