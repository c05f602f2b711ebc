//! Consumers that come, go and crash while records flow.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tocsin_stream::{Consumer, Delivery, Producer, Record, TopicPartition};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::fixture::{Fixture, GROUP, eventually, outgoing};

const PARTITIONS: u32 = 8;
const BATCH: usize = 40;

/// What was delivered to whom.
#[derive(Debug, Default)]
struct Log {
    deliveries: BTreeMap<TopicPartition, Vec<i64>>,
    revoked: usize,
    readers: usize,
}

enum End {
    Close,
    Crash,
}

/// Reads, finishes and commits until told how to end.
async fn read(mut consumer: Consumer, log: Arc<Mutex<Log>>, mut end: oneshot::Receiver<End>) {
    let mut position: BTreeMap<TopicPartition, i64> = BTreeMap::new();
    let mut read_any = false;
    loop {
        match end.try_recv() {
            Ok(End::Crash) => return drop(consumer),
            Ok(End::Close) | Err(oneshot::error::TryRecvError::Closed) => {
                return consumer.close().await.unwrap();
            }
            Err(oneshot::error::TryRecvError::Empty) => {}
        }
        match consumer.poll(Duration::from_millis(100)).await.unwrap() {
            Delivery::Assigned(taken) => position.retain(|at, _| !taken.contains(at)),
            Delivery::Revoked(lost) => log.lock().unwrap().revoked += lost.len(),
            Delivery::Records(records) => {
                note(&records, &mut position, &log);
                log.lock().unwrap().readers += usize::from(!std::mem::replace(&mut read_any, true));
                records.iter().for_each(|record| consumer.finished(&record.at, record.offset));
                consumer.commit().await.unwrap();
            }
            Delivery::Quiet => {}
        }
    }
}

/// Within one assignment the offsets of a partition follow each other.
fn note(records: &[Record], position: &mut BTreeMap<TopicPartition, i64>, log: &Mutex<Log>) {
    let mut log = log.lock().unwrap();
    for record in records {
        let before = position.insert(record.at.clone(), record.offset);
        assert!(
            before.is_none_or(|before| before + 1 == record.offset),
            "{}: {before:?}, {record:?}",
            record.at
        );
        log.deliveries.entry(record.at.clone()).or_default().push(record.offset);
    }
}

/// Sends batches until told to stop; gives the number of records sent.
async fn load(producer: Producer, topic: &'static str, mut stop: oneshot::Receiver<()>) -> usize {
    let mut sent = 0;
    while stop.try_recv() == Err(oneshot::error::TryRecvError::Empty) {
        let batch = (sent..sent + BATCH).map(|n| outgoing(topic, &n.to_string(), "x"));
        producer.send(batch.collect()).await.unwrap();
        sent += BATCH;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    sent
}

pub(crate) async fn nothing_is_lost_while_consumers_come_and_go(f: Fixture) {
    let topic = f.topic(PARTITIONS).await;
    let log = Arc::new(Mutex::new(Log::default()));
    let (stop, stopped) = oneshot::channel();
    let mut writer = JoinSet::new();
    writer.spawn(load(f.bus.producer().await.unwrap(), topic, stopped));
    let mut readers = JoinSet::new();
    let mut ends = Vec::new();
    let ending = [None, None, Some(End::Close), None, Some(End::Crash), None];
    for (joined, how) in ending.into_iter().enumerate() {
        let (end, ended) = oneshot::channel();
        readers.spawn(read(f.consumer(topic).await, Arc::clone(&log), ended));
        ends.push(end);
        eventually("reading by one more", || async { log.lock().unwrap().readers > joined }).await;
        if let Some(how) = how {
            assert!(ends.remove(0).send(how).is_ok(), "a consumer has ended by itself");
        }
    }
    stop.send(()).unwrap();
    let sent = writer.join_next().await.unwrap().unwrap();
    eventually("finishing all", || async { f.bus.lag(GROUP, topic).await.unwrap() == 0 }).await;
    drop(ends);
    while let Some(ended) = readers.join_next().await {
        ended.unwrap();
    }
    judge(&log.lock().unwrap(), sent);
}

fn judge(log: &Log, sent: usize) {
    let mut all = 0;
    for (at, offsets) in &log.deliveries {
        let mut distinct = offsets.clone();
        distinct.sort_unstable();
        distinct.dedup();
        let expected: Vec<i64> = (0..).take(distinct.len()).collect();
        assert_eq!(distinct, expected, "{at} has holes");
        all += distinct.len();
    }
    assert_eq!(all, sent);
    assert!(log.revoked > 0, "no rebalance was seen");
}
