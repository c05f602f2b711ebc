//! Records that can never be processed.

use bytes::Bytes;
use tocsin_stream::{MAX_RECORD_BYTES, Record, Verdict};

use crate::fixture::{Fixture, GROUP, finish, number, outgoing, take};

fn header<'a>(record: &'a Record, name: &str) -> &'a str {
    let (_, value) = record.headers.iter().find(|(n, _)| n == name).unwrap();
    std::str::from_utf8(value).unwrap()
}

pub(crate) async fn a_poison_record_is_parked_and_the_rest_flows(f: Fixture) {
    let topic = f.topic(2).await;
    let producer = f.bus.producer().await.unwrap();
    f.fill(topic, 20).await;
    let poison = producer.send(vec![outgoing(topic, "k3", "\u{0}not a number")]).await.unwrap().remove(0);
    f.fill(topic, 20).await;

    let mut consumer = f.consumer(topic).await;
    let mut good = 0;
    for record in take(&mut consumer, 41).await {
        if record.value.starts_with(b"\0") {
            producer.park(&record, GROUP, "not a number: 坏").await.unwrap();
        } else {
            number(&record);
            good += 1;
        }
        finish(&mut consumer, &[record]);
    }
    consumer.close().await.unwrap();
    assert_eq!((good, f.bus.lag(GROUP, topic).await.unwrap()), (40, 0));

    let parking = format!("{topic}.parked");
    let mut reader = f.bus.consumer("people", &[&parking], Default::default()).await.unwrap();
    let parked = take(&mut reader, 1).await.remove(0);
    assert_eq!(header(&parked, "parked-topic"), topic);
    assert_eq!(header(&parked, "parked-partition"), poison.at.partition.to_string());
    assert_eq!(header(&parked, "parked-offset"), poison.offset.to_string());
    assert_eq!(header(&parked, "parked-cause"), "not a number: 坏");
    assert_eq!(header(&parked, "parked-group"), GROUP);
    assert_eq!(parked.value, "\0not a number");
    assert_eq!(parked.key, Some(Bytes::from_static(b"k3")));
    reader.close().await.unwrap();
}

pub(crate) async fn the_largest_record_can_be_sent_and_parked(f: Fixture) {
    let topic = f.topic(1).await;
    let producer = f.bus.producer().await.unwrap();
    // Random bytes: compression must not make room.
    let noise = |size| {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 24) as u8
        };
        (0..size).map(|_| next()).collect::<Vec<u8>>()
    };
    let refusal = producer.send(vec![outgoing(topic, "k", noise(MAX_RECORD_BYTES))]).await.unwrap_err();
    assert_eq!(refusal.verdict(), Verdict::Park, "{refusal}");
    producer.send(vec![outgoing(topic, "k", noise(MAX_RECORD_BYTES - 1))]).await.unwrap();

    let mut consumer = f.consumer(topic).await;
    let record = take(&mut consumer, 1).await.remove(0);
    assert_eq!(record.value.len(), MAX_RECORD_BYTES - 1);
    producer.park(&record, GROUP, &"long ".repeat(2000)).await.unwrap();
    consumer.close().await.unwrap();
}
