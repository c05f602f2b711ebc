use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use tocsin_contract::topics::{ALL, DOCUMENTS_ENRICHED};
use tocsin_contract::{
    DocumentId, DocumentsEnriched, DocumentsRaw, EnrichedRecord, Raw, Signal, SignalProgress, SignalRecord,
    Signals, Tombstone, Trace,
};
use tocsin_runtime::ManualClock;
use tocsin_runtime::database::testing;
use tocsin_stream::{Outgoing, StreamConfig, TopicPartition, TopicSpec, partition_for};
use tokio::task::JoinSet;

use super::*;
use crate::samples::{WordList, document, progress, raw, seen};

mod reload;

const PARTITIONS: u32 = 3;

async fn bus(pool: &PgPool) -> Bus {
    let bus = Bus::connect(&StreamConfig::default(), Some(pool.clone())).await.unwrap();
    let topics = ALL.map(|name| TopicSpec { name: name.into(), partitions: PARTITIONS });
    bus.ensure_topics(&topics).await.unwrap();
    bus
}

fn to_raw(partition: Option<u32>, key: &str, value: Vec<u8>) -> Outgoing {
    let key = key.as_bytes().to_vec().into();
    Outgoing { topic: DOCUMENTS_RAW.into(), partition, key, headers: Vec::new(), value: value.into() }
}

/// Documents of `minutes`, one a minute, and every fifth minute a producer's progress.
async fn publish(bus: &Bus, minutes: std::ops::Range<usize>) {
    let mut batch = Vec::new();
    for n in minutes {
        if n % 5 == 0 {
            let as_of = progress("wire", seen(i64::try_from(n).unwrap()));
            batch.extend((0..PARTITIONS).map(|to| to_raw(Some(to), "progress", as_of.clone())));
        }
        batch.push(to_raw(None, &document(n).id.to_string(), raw(document(n))));
    }
    bus.producer().await.unwrap().send(batch).await.unwrap();
}

fn enrich(bus: &Bus, model: WordList) -> Enrich {
    let config = EnrichConfig {
        max_batch: 20,
        max_wait: Duration::from_millis(10),
        lookback: 7,
        stall_after: Duration::from_secs(5),
        ..EnrichConfig::default()
    };
    Enrich::new(config, Arc::new(model), bus.clone(), Arc::new(ManualClock::at(seen(0))))
}

/// Runs until everything is read and committed, then stops it.
async fn run_to_the_end(bus: &Bus, model: WordList) {
    let shutdown = Shutdown::new();
    let mut process = JoinSet::new();
    process.spawn(enrich(bus, model).run(shutdown.clone()));
    let deadline = Instant::now() + Duration::from_secs(60);
    while bus.lag(GROUP, DOCUMENTS_RAW).await.unwrap() > 0 {
        assert!(Instant::now() < deadline, "the lag did not go away");
        if let Some(end) = process.try_join_next() {
            panic!("enrich ended early: {end:?}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    shutdown.request();
    process.join_next().await.unwrap().unwrap().unwrap();
}

/// Everything on a topic, each partition in order.
async fn everything(bus: &Bus, topic: &str) -> Vec<Record> {
    let group = format!("look at {topic}").replace(' ', "-");
    let count = bus.lag(&group, topic).await.unwrap();
    let mut consumer = bus.consumer(&group, &[topic], ConsumerOptions::default()).await.unwrap();
    let mut records = Vec::new();
    while (records.len() as u64) < count {
        match consumer.poll(Duration::from_secs(60)).await.unwrap() {
            Delivery::Records(more) => {
                for record in more {
                    consumer.finished(&record.at, record.offset);
                    records.push(record);
                }
            }
            Delivery::Quiet => panic!("{} of {count} records of {topic} came in time", records.len()),
            Delivery::Assigned(_) | Delivery::Revoked(_) => {}
        }
    }
    records
}

/// The signals topic as its reader gets it.
struct Heard {
    signals: Vec<(TopicPartition, Signal)>,
    /// One entry for each progress: where, which, and how many signals came before.
    progress: Vec<(TopicPartition, SignalProgress, usize)>,
}

async fn heard(bus: &Bus) -> Heard {
    let mut heard = Heard { signals: Vec::new(), progress: Vec::new() };
    for record in everything(bus, SIGNALS).await {
        match Signals::decode(&record.value).unwrap() {
            Signals::V1(SignalRecord::Signal(signal)) => heard.signals.push((record.at, signal)),
            Signals::V1(SignalRecord::Progress(progress)) => {
                let before = heard.signals.iter().filter(|(at, _)| *at == record.at).count();
                heard.progress.push((record.at, progress, before));
            }
        }
    }
    heard
}

impl Heard {
    /// Signals by document and subject; every copy says the same.
    fn distinct(&self) -> BTreeMap<(DocumentId, String), Signal> {
        let mut distinct = BTreeMap::new();
        for (_, signal) in &self.signals {
            let key = (signal.document_id, signal.subject.to_string());
            let first = distinct.entry(key).or_insert_with(|| signal.clone());
            assert_eq!(first, signal, "a copy differs");
        }
        distinct
    }

    /// A clock that reached a partition follows all it promises to follow.
    fn assert_promise(&self) {
        let distinct: Vec<Signal> = self.distinct().into_values().collect();
        for (at, progress, before) in &self.progress {
            let came: BTreeSet<(DocumentId, String)> = self
                .signals
                .iter()
                .filter(|(place, _)| place == at)
                .take(*before)
                .map(|(_, signal)| (signal.document_id, signal.subject.to_string()))
                .collect();
            for signal in &distinct {
                let subject = signal.subject.to_string();
                let here = partition_for(subject.as_bytes(), PARTITIONS) == at.partition;
                let id = signal.document_id.to_string();
                let source = partition_for(id.as_bytes(), PARTITIONS) == progress.partition;
                if here && source && signal.known_at < progress.as_of {
                    assert!(
                        came.contains(&(signal.document_id, subject)),
                        "{progress:?} came before {signal:?}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn documents_come_out_enriched_with_a_signal_for_each_subject() {
    let pool = testing::database().await.pool;
    let bus = bus(&pool).await;
    publish(&bus, 0..30).await;
    run_to_the_end(&bus, WordList::default()).await;
    let records = everything(&bus, DOCUMENTS_ENRICHED).await;
    assert_eq!(records.len(), 30);
    for record in &records {
        let EnrichedRecord::Document(enriched) = told(record) else { panic!("nothing was taken back") };
        assert_eq!(record.key.as_deref(), Some(enriched.document.id.to_string().as_bytes()));
        assert_eq!((enriched.model.name.as_str(), enriched.enriched_at), ("words", seen(0)));
        assert!(
            record.headers.iter().any(|(name, value)| name == "content-type" && value == "application/json")
        );
        let trace = record.headers.iter().find(|(name, _)| name == "traceparent").map(|(_, value)| value);
        let own = Trace::document(enriched.document.id, DOCUMENTS_ENRICHED).to_string();
        assert_eq!(trace.map(AsRef::as_ref), Some(own.as_bytes()));
    }
    let heard = heard(&bus).await;
    assert_eq!(heard.signals.len(), 60);
    let known: BTreeSet<DateTime<Utc>> = heard.signals.iter().map(|(_, signal)| signal.known_at).collect();
    assert_eq!(known, (0..30).step_by(5).map(seen).collect());
    for (_, signal) in &heard.signals {
        assert!(signal.known_at <= signal.event_time);
    }
}

fn told(record: &Record) -> EnrichedRecord {
    DocumentsEnriched::decode(&record.value).unwrap().into_record()
}

#[tokio::test]
async fn a_tombstone_follows_its_document_and_gives_no_signal() {
    let pool = testing::database().await.pool;
    let bus = bus(&pool).await;
    publish(&bus, 0..30).await;
    let gone = document(7);
    let tombstone = Tombstone { id: gone.id, source: gone.source, deleted_at: seen(60) };
    let message = DocumentsRaw::V1(Raw::Tombstone(tombstone.clone())).encode().unwrap();
    bus.producer().await.unwrap().send(vec![to_raw(None, &gone.id.to_string(), message)]).await.unwrap();
    run_to_the_end(&bus, WordList::default()).await;

    let records = everything(&bus, DOCUMENTS_ENRICHED).await;
    assert_eq!(records.len(), 31);
    let key = gone.id.to_string();
    let of_it: Vec<_> =
        records.iter().filter(|record| record.key.as_deref() == Some(key.as_bytes())).map(told).collect();
    let [EnrichedRecord::Document(first), second] = of_it.as_slice() else { panic!("{of_it:?}") };
    assert_eq!((first.document.id, second), (gone.id, &EnrichedRecord::Tombstone(tombstone)));
    assert_eq!(heard(&bus).await.signals.len(), 60);
}

#[tokio::test]
async fn every_clock_reaches_every_partition_after_the_signals_before_it() {
    let pool = testing::database().await.pool;
    let bus = bus(&pool).await;
    publish(&bus, 0..60).await;
    run_to_the_end(&bus, WordList::default()).await;
    let heard = heard(&bus).await;
    heard.assert_promise();
    let steps: BTreeSet<_> =
        heard.progress.iter().map(|(at, step, _)| (at.partition, step.partition, step.as_of)).collect();
    assert_eq!(steps.len(), (PARTITIONS * PARTITIONS * 12) as usize);
    assert_eq!(steps.len(), heard.progress.len());
    assert!(heard.progress.iter().all(|(_, step, _)| step.partitions == PARTITIONS));
}

#[tokio::test]
async fn an_enrich_that_is_killed_again_and_again_gives_the_same_signals() {
    let calm = testing::database().await.pool;
    let undisturbed = bus(&calm).await;
    publish(&undisturbed, 0..300).await;
    run_to_the_end(&undisturbed, WordList::default()).await;

    let pool = testing::database().await.pool;
    let bus = bus(&pool).await;
    publish(&bus, 0..300).await;
    for written in [1, 90, 180] {
        let mut process = JoinSet::new();
        let slow = WordList { delay: Duration::from_millis(30), ..WordList::default() };
        process.spawn(enrich(&bus, slow).run(Shutdown::new()));
        until_written(&pool, written).await;
        process.shutdown().await;
    }
    run_to_the_end(&bus, WordList::default()).await;

    let (expected, heard) = (heard(&undisturbed).await, heard(&bus).await);
    assert_eq!(expected.signals.len(), 600);
    assert_eq!(heard.distinct(), expected.distinct());
    heard.assert_promise();
    let steps = |heard: &Heard| -> BTreeSet<_> {
        heard.progress.iter().map(|(at, step, _)| (at.partition, step.partition, step.as_of)).collect()
    };
    assert_eq!(steps(&heard), steps(&expected));
}

/// Waits until so many enriched documents were written.
async fn until_written(pool: &PgPool, at_least: i64) {
    let deadline = Instant::now() + Duration::from_secs(60);
    let written = "SELECT count(*) FROM stream.log WHERE topic = 'documents.enriched'";
    while sqlx::query_scalar::<_, i64>(written).fetch_one(pool).await.unwrap() < at_least {
        assert!(Instant::now() < deadline, "{at_least} documents were not written in time");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_parked_and_holds_up_nothing() {
    let pool = testing::database().await.pool;
    let bus = bus(&pool).await;
    let mut fails = document(500);
    fails.title = "fail".into();
    let bad = [to_raw(Some(0), "x", b"no message".to_vec()), to_raw(Some(1), "y", raw(fails))];
    publish(&bus, 0..10).await;
    bus.producer().await.unwrap().send(bad.to_vec()).await.unwrap();
    publish(&bus, 10..20).await;
    run_to_the_end(&bus, WordList::default()).await;
    assert_eq!(everything(&bus, DOCUMENTS_ENRICHED).await.len(), 20);
    let parked = everything(&bus, "documents.raw.parked").await;
    let causes: BTreeSet<String> = parked
        .iter()
        .flat_map(|record| record.headers.iter().filter(|(name, _)| name == "parked-cause"))
        .map(|(_, cause)| String::from_utf8(cause.to_vec()).unwrap())
        .collect();
    assert_eq!((parked.len(), causes.len()), (2, 2));
    assert!(causes.contains("the word is fail"), "{causes:?}");
}

#[tokio::test]
async fn when_nothing_can_be_read_enrich_stops_and_parks_no_more() {
    let pool = testing::database().await.pool;
    let bus = bus(&pool).await;
    let bad: Vec<_> = (0..40).map(|_| to_raw(Some(0), "x", b"no message".to_vec())).collect();
    bus.producer().await.unwrap().send(bad).await.unwrap();
    let config = EnrichConfig { halt_after_parked: 10, ..EnrichConfig::default() };
    let clock = Arc::new(ManualClock::at(seen(0)));
    let enrich = Enrich::new(config, Arc::new(WordList::default()), bus.clone(), clock);
    let error = enrich.run(Shutdown::new()).await.unwrap_err();
    assert!(error.to_string().starts_with("10 records in a row could not be enriched"), "{error}");
    assert_eq!(error.verdict(), Verdict::Halt);
    assert!(bus.partitions("documents.raw.parked").await.is_err());
}

#[tokio::test]
async fn a_model_slower_than_the_group_s_patience_keeps_its_place() {
    let pool = testing::database().await.pool;
    let bus = bus(&pool).await;
    publish(&bus, 0..25).await;
    // Patience is 5 s, two batches take 8 s each; a member that left would fail.
    run_to_the_end(&bus, WordList { delay: Duration::from_secs(8), ..WordList::default() }).await;
    assert_eq!(everything(&bus, DOCUMENTS_ENRICHED).await.len(), 25);
}
