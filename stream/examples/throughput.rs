//! How many records a second one bus takes and gives: `throughput RECORDS BYTES`
//! on a throw-away Postgres; with BROKERS=host:port on Kafka, with BROKERS=start on
//! a broker of its own.
#![expect(clippy::print_stdout, reason = "the numbers are the purpose")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on ends there")]

use std::time::{Duration, Instant};

use bytes::Bytes;
use tocsin_stream::testing::KafkaBroker;
use tocsin_stream::{Bus, ConsumerOptions, Delivery, Outgoing, StreamConfig, TopicSpec};

const BATCH: usize = 1000;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1).map(|a| a.parse::<usize>().unwrap());
    let (records, bytes) = (arguments.next().unwrap_or(50_000), arguments.next().unwrap_or(200));
    let bus = bus().await;
    let topic = format!("throughput{}", std::process::id());
    bus.ensure_topics(&[TopicSpec { name: topic.clone(), partitions: 3 }]).await.unwrap();

    let start = Instant::now();
    let producer = bus.producer().await.unwrap();
    for first in (0..records).step_by(BATCH) {
        let batch = (first..records.min(first + BATCH)).map(|n| outgoing(&topic, n, bytes)).collect();
        producer.send(batch).await.unwrap();
    }
    say("written", records, start);

    let start = Instant::now();
    let mut consumer = bus.consumer("throughput", &[&topic], ConsumerOptions::default()).await.unwrap();
    let mut read = 0;
    while read < records {
        if let Delivery::Records(records) = consumer.poll(Duration::from_secs(1)).await.unwrap() {
            read += records.len();
            records.iter().for_each(|record| consumer.finished(&record.at, record.offset));
            consumer.commit().await.unwrap();
        }
    }
    say("read and committed", records, start);
    consumer.close().await.unwrap();
}

async fn bus() -> Bus {
    match std::env::var("BROKERS") {
        Ok(start) if start == "start" => {
            let broker: &KafkaBroker = Box::leak(Box::new(KafkaBroker::start().await));
            Bus::connect(&broker.config(), None).await.unwrap()
        }
        Ok(brokers) => {
            Bus::connect(&StreamConfig { brokers, ..StreamConfig::default() }, None).await.unwrap()
        }
        Err(_) => {
            let database = tocsin_runtime::database::testing::database().await;
            Bus::connect(&StreamConfig::default(), Some(database.pool)).await.unwrap()
        }
    }
}

fn outgoing(topic: &str, number: usize, bytes: usize) -> Outgoing {
    Outgoing {
        topic: topic.to_owned(),
        partition: None,
        key: Bytes::from(number.to_string()),
        headers: vec![("content-type".into(), Bytes::from_static(b"application/json"))],
        value: Bytes::from(vec![b'x'; bytes]),
    }
}

fn say(what: &str, records: usize, start: Instant) {
    let seconds = start.elapsed().as_secs_f64();
    println!("{what}: {records} records in {seconds:.2} s, {:.0} a second", records as f64 / seconds);
}
