//! One bus for one test: a database, or a prefix on the broker that all tests share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use sqlx::PgPool;
use tocsin_runtime::database::testing;
use tocsin_stream::testing::KafkaBroker;
use tocsin_stream::{Bus, Consumer, ConsumerOptions, Delivery, Outgoing, Record, StreamConfig, TopicSpec};
use tokio::sync::OnceCell;

/// Longest wait for anything that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const GROUP: &str = "group";

static BROKER: OnceCell<KafkaBroker> = OnceCell::const_new();
static COUNT: AtomicU32 = AtomicU32::new(0);

pub(crate) struct Fixture {
    pub(crate) bus: Bus,
    pub(crate) config: StreamConfig,
    /// Of the embedded bus.
    pub(crate) pool: Option<PgPool>,
}

pub(crate) async fn broker() -> &'static KafkaBroker {
    BROKER.get_or_init(KafkaBroker::start).await
}

/// A prefix that no other test has.
pub(crate) fn prefix() -> String {
    format!("t{}.", COUNT.fetch_add(1, Ordering::Relaxed))
}

impl Fixture {
    pub(crate) async fn embedded() -> Self {
        let config = StreamConfig { prefix: prefix(), ..StreamConfig::default() };
        Self::connect(config, Some(testing::database().await.pool)).await
    }

    pub(crate) async fn kafka() -> Self {
        Self::connect(StreamConfig { prefix: prefix(), ..broker().await.config() }, None).await
    }

    pub(crate) async fn connect(config: StreamConfig, pool: Option<PgPool>) -> Self {
        let bus = Bus::connect(&config, pool.clone()).await.unwrap();
        Self { bus, config, pool }
    }

    pub(crate) async fn topic(&self, partitions: u32) -> &'static str {
        let name = "documents";
        self.bus.ensure_topics(&[TopicSpec { name: name.into(), partitions }]).await.unwrap();
        name
    }

    pub(crate) async fn consumer(&self, topic: &str) -> Consumer {
        self.bus.consumer(GROUP, &[topic], ConsumerOptions::default()).await.unwrap()
    }

    /// Sends `count` records with the keys k0..k4 in turn; the value is the number.
    pub(crate) async fn fill(&self, topic: &str, count: usize) {
        let producer = self.bus.producer().await.unwrap();
        for start in (0..count).step_by(100) {
            let numbers = start..count.min(start + 100);
            let batch = numbers.map(|n| outgoing(topic, &format!("k{}", n % 5), n.to_string())).collect();
            producer.send(batch).await.unwrap();
        }
        producer.flush().await.unwrap();
    }
}

pub(crate) fn outgoing(topic: &str, key: &str, value: impl Into<Bytes>) -> Outgoing {
    let key = Bytes::from(key.to_owned());
    Outgoing { topic: topic.into(), partition: None, key, headers: vec![], value: value.into() }
}

/// The next records; waits for them.
pub(crate) async fn records(consumer: &mut Consumer) -> Vec<Record> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Delivery::Records(records) = consumer.poll(Duration::from_millis(200)).await.unwrap() {
            return records;
        }
    }
    panic!("no records within {PATIENCE:?}");
}

/// Reads `count` records and finishes none.
pub(crate) async fn take(consumer: &mut Consumer, count: usize) -> Vec<Record> {
    let mut taken = Vec::new();
    while taken.len() < count {
        taken.extend(records(consumer).await);
    }
    assert_eq!(taken.len(), count, "more records than were sent");
    taken
}

pub(crate) fn finish(consumer: &mut Consumer, records: &[Record]) {
    for record in records {
        consumer.finished(&record.at, record.offset);
    }
}

/// Values in the order of reading, by key.
pub(crate) fn by_key(records: &[Record]) -> BTreeMap<Bytes, Vec<usize>> {
    let mut values: BTreeMap<Bytes, Vec<usize>> = BTreeMap::new();
    for record in records {
        values.entry(record.key.clone().unwrap()).or_default().push(number(record));
    }
    values
}

pub(crate) fn number(record: &Record) -> usize {
    std::str::from_utf8(&record.value).unwrap().parse().unwrap()
}

/// Waits until `question` is answered with yes.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut question: impl FnMut() -> F) {
    let start = Instant::now();
    while !question().await {
        assert!(start.elapsed() < PATIENCE, "{what} did not happen within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
