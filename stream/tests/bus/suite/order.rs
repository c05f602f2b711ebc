//! Order, offsets and the bytes themselves.

use std::collections::BTreeMap;

use bytes::Bytes;
use tocsin_stream::{Bus, Outgoing, StreamConfig, partition_for};

use crate::fixture::{Fixture, by_key, number, outgoing, prefix, take};

pub(crate) async fn records_of_a_key_come_in_the_order_sent(f: Fixture) {
    let topic = f.topic(3).await;
    f.fill(topic, 1000).await;
    let mut consumer = f.consumer(topic).await;
    let records = take(&mut consumer, 1000).await;
    for (key, numbers) in by_key(&records) {
        let digit: usize = std::str::from_utf8(&key[1..]).unwrap().parse().unwrap();
        let sent: Vec<usize> = (digit..1000).step_by(5).collect();
        assert_eq!(numbers, sent, "key {key:?}");
    }
    for record in &records {
        assert_eq!(record.at.partition, partition_for(record.key.as_ref().unwrap(), 3));
    }
    consumer.close().await.unwrap();
}

pub(crate) async fn offsets_of_many_writers_have_no_gap(f: Fixture) {
    let topic = f.topic(2).await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..6 {
        let producer = f.bus.producer().await.unwrap();
        writers.spawn(async move {
            let mut placed = Vec::new();
            for round in 0..20 {
                let batch = (0..10).map(|n| outgoing(topic, &format!("{writer}.{round}.{n}"), "x"));
                let places = producer.send(batch.collect()).await.unwrap();
                let mut last = BTreeMap::new();
                for place in &places {
                    let before = last.insert(place.at.partition, place.offset);
                    assert!(before < Some(place.offset), "a batch keeps its order: {places:?}");
                }
                placed.extend(places);
            }
            placed
        });
    }
    let mut offsets: BTreeMap<u32, Vec<i64>> = BTreeMap::new();
    for place in writers.join_all().await.into_iter().flatten() {
        offsets.entry(place.at.partition).or_default().push(place.offset);
    }
    assert_eq!(offsets.values().map(Vec::len).sum::<usize>(), 1200);
    for (partition, mut offsets) in offsets {
        offsets.sort_unstable();
        let expected: Vec<i64> = (0..).take(offsets.len()).collect();
        assert_eq!(offsets, expected, "partition {partition}");
    }
}

pub(crate) async fn a_record_comes_back_as_it_was_sent(f: Fixture) {
    let topic = f.topic(3).await;
    let sent = Outgoing {
        topic: topic.into(),
        partition: Some(2),
        key: Bytes::from_static(b"\x00\xff key"),
        headers: vec![
            ("content-type".into(), Bytes::from_static(b"application/json")),
            ("raw".into(), Bytes::from_static(b"\x00\x01\xfe")),
            ("raw".into(), Bytes::new()),
        ],
        value: "{\"title\": \"银行\"}\0".into(),
    };
    let placed = f.bus.producer().await.unwrap().send(vec![sent.clone()]).await.unwrap();
    let mut consumer = f.consumer(topic).await;
    let record = take(&mut consumer, 1).await.remove(0);
    assert_eq!((&record.at, record.offset), (&placed[0].at, placed[0].offset));
    assert_eq!((record.at.topic.as_str(), record.at.partition), (topic, 2));
    assert_eq!(record.key, Some(sent.key));
    assert_eq!(record.headers, sent.headers);
    assert_eq!(record.value, sent.value);
    consumer.close().await.unwrap();
}

pub(crate) async fn prefixes_keep_installations_apart(f: Fixture) {
    let topic = f.topic(1).await;
    f.fill(topic, 3).await;
    let config = StreamConfig { prefix: prefix(), ..f.config.clone() };
    let other = Bus::connect(&config, f.pool.clone()).await.unwrap();
    other.partitions(topic).await.unwrap_err();
    let second = Fixture { bus: other, config, pool: f.pool.clone() };
    second.topic(1).await;
    second.fill(topic, 2).await;
    let mut consumer = second.consumer(topic).await;
    let numbers: Vec<usize> = take(&mut consumer, 2).await.iter().map(number).collect();
    assert_eq!(numbers, [0, 1]);
    consumer.close().await.unwrap();
}
