use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tocsin_contract::{DocumentsEnriched, Enriched, PublishedPrecision};
use tocsin_runtime::ManualClock;
use tocsin_runtime::database::testing;
use tocsin_stream::{Bus, ConsumerOptions, Delivery, Record, StreamConfig, TopicSpec};

use super::*;
use crate::samples::{at, delivered, enriched, record, start};

struct Bench {
    pool: PgPool,
    bus: Bus,
    flusher: Flusher,
    claims: Claims,
}

/// The embedded bus and a flusher that owns partition 0.
async fn bench(config: &StoreConfig) -> Bench {
    let pool = testing::database().await.pool;
    let bus = Bus::connect(&StreamConfig::default(), Some(pool.clone())).await.unwrap();
    let topic = TopicSpec { name: DocumentsEnriched::TOPIC.into(), partitions: 1 };
    bus.ensure_topics(&[topic]).await.unwrap();
    let clock = Arc::new(ManualClock::at(start()));
    let writer = Writer::new(pool.clone(), "store", config, clock);
    let claims = Claims::from([(at(0), writer.claim(&at(0)).await.unwrap())]);
    let flusher = Flusher::new(writer, bus.producer().await.unwrap(), "store", config);
    Bench { pool, bus, flusher, claims }
}

impl Bench {
    async fn flush(&mut self, queue: &mut VecDeque<Incoming>) -> Result<(Outcome, Vec<i64>), StoreError> {
        let (count, mut finished) = (queue.len(), Vec::new());
        let done = self.flusher.flush(&mut self.claims, queue, count, |_, offset| finished.push(offset));
        Ok((done.await?, finished))
    }

    async fn stored(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM store.document").fetch_one(&self.pool).await.unwrap()
    }

    async fn parked(&self) -> Vec<Record> {
        let topic = format!("{}.parked", DocumentsEnriched::TOPIC);
        if self.bus.partitions(&topic).await.is_err() {
            return Vec::new();
        }
        let count = self.bus.lag("look", &topic).await.unwrap();
        let options = ConsumerOptions::default();
        let mut consumer = self.bus.consumer("look", &[&topic], options).await.unwrap();
        let mut parked = Vec::new();
        while (parked.len() as u64) < count {
            match consumer.poll(Duration::from_secs(60)).await.unwrap() {
                Delivery::Records(records) => parked.extend(records),
                Delivery::Quiet => panic!("{} of {count} parked records came in time", parked.len()),
                Delivery::Assigned(_) | Delivery::Revoked(_) => {}
            }
        }
        parked
    }
}

fn header(record: &Record, name: &str) -> String {
    let value = record.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.to_vec());
    String::from_utf8(value.unwrap()).unwrap()
}

/// A date that the contract knows and Postgres does not.
fn poison(n: u64) -> Enriched {
    let mut enriched = enriched(n);
    enriched.document.published_at = Some("-9000-01-01T00:00:00Z".parse().unwrap());
    enriched.document.published_precision = PublishedPrecision::Exact;
    enriched
}

#[tokio::test]
async fn one_bad_row_in_five_thousand_is_parked_and_the_rest_stored() {
    let mut bench = bench(&StoreConfig::default()).await;
    let documents: Vec<_> = (0..5000).map(|n| if n == 3210 { poison(n) } else { enriched(n) }).collect();
    let mut queue = VecDeque::from(delivered(&documents, 0));
    let (outcome, finished) = bench.flush(&mut queue).await.unwrap();
    assert_eq!(outcome, Outcome { stored: 4999, corrections: 0, duplicates: 0, deletions: 0 });
    assert_eq!(finished, (0..5000).collect::<Vec<i64>>());
    assert_eq!(bench.claims[&at(0)].next_offset, 5000);
    assert_eq!(bench.stored().await, 4999);
    let parked = bench.parked().await;
    assert_eq!(parked.len(), 1);
    assert_eq!(
        (header(&parked[0], "parked-offset"), header(&parked[0], "parked-group")),
        ("3210".into(), "store".into())
    );
    assert!(
        header(&parked[0], "parked-cause").contains("timestamp"),
        "{}",
        header(&parked[0], "parked-cause")
    );
    assert_eq!(crate::audit::recompute(&bench.pool, None).await.unwrap(), []);
}

#[tokio::test]
async fn what_is_no_message_or_breaks_a_constraint_is_parked_with_its_cause() {
    let mut bench = bench(&StoreConfig::default()).await;
    let mut relevance = enriched(1);
    relevance.entities[0].relevance = 255;
    let mut queue = VecDeque::from(delivered(&[enriched(0), relevance, enriched(2)], 0));
    queue.push_back(Incoming::read(record(0, 3, b"\xff{".to_vec())));
    queue.extend(delivered(&[enriched(4)], 4));
    let (outcome, finished) = bench.flush(&mut queue).await.unwrap();
    assert_eq!((outcome.stored, finished.len()), (3, 5));
    let mut parked = bench.parked().await;
    parked.sort_by_key(|record| header(record, "parked-offset"));
    let causes: Vec<_> = parked.iter().map(|record| header(record, "parked-cause")).collect();
    assert_eq!(causes.len(), 2);
    assert!(causes[0].contains("relevance"), "{}", causes[0]);
    assert!(causes[1].contains("not JSON"), "{}", causes[1]);
    assert_eq!(parked[1].value.as_ref(), b"\xff{");
}

#[tokio::test]
async fn when_nothing_fits_the_store_stops_and_parks_no_more() {
    let config = StoreConfig { halt_after_parked: 20, ..StoreConfig::default() };
    let mut bench = bench(&config).await;
    let bad = (0..30).map(|offset| Incoming::read(record(0, offset, b"{}".to_vec())));
    let mut queue: VecDeque<Incoming> = bad.collect();
    let error = bench.flush(&mut queue).await.unwrap_err();
    assert_eq!(error.verdict(), Verdict::Halt);
    assert!(error.to_string().starts_with("20 records in a row could not be stored"), "{error}");
    assert_eq!((queue.len(), bench.parked().await.len()), (30, 0));
}

#[tokio::test]
async fn a_run_of_bad_rows_is_counted_across_batches() {
    let config = StoreConfig { halt_after_parked: 5, ..StoreConfig::default() };
    let mut bench = bench(&config).await;
    let mut queue = VecDeque::from(delivered(&[enriched(0), poison(1), poison(2), poison(3)], 0));
    bench.flush(&mut queue).await.unwrap();
    let mut queue = VecDeque::from(delivered(&[poison(4), poison(5), enriched(6)], 4));
    let error = bench.flush(&mut queue).await.unwrap_err();
    assert!(matches!(error, StoreError::NothingFits { count: 5, offset: 5, .. }), "{error}");
    assert_eq!(bench.parked().await.len(), 4);
    assert_eq!(queue.len(), 2);
}

#[tokio::test]
async fn a_lock_that_is_held_is_a_reason_to_try_again() {
    let config = StoreConfig { statement_timeout: Duration::from_secs(1), ..StoreConfig::default() };
    let mut bench = bench(&config).await;
    let mut holder = bench.pool.begin().await.unwrap();
    sqlx::query("SELECT 1 FROM store.consumer_offset FOR UPDATE").execute(&mut *holder).await.unwrap();
    let mut queue = VecDeque::from(delivered(&[enriched(0)], 0));
    let error = bench.flush(&mut queue).await.unwrap_err();
    assert_eq!((error.verdict(), queue.len()), (Verdict::Retry, 1));
    holder.rollback().await.unwrap();
    assert_eq!(bench.flush(&mut queue).await.unwrap().0.stored, 1);
}
