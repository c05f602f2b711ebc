//! The whole service on the embedded bus: signals in, alerts on the topic and at a
//! webhook, also when it is ended and started again in between.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use chrono::TimeDelta;
use sqlx::PgPool;
use tocsin_contract::{SignalRecord, Signals, topics};
use tocsin_runtime::database::testing::{TestDatabase, database};
use tocsin_runtime::shutdown::Drained;
use tocsin_runtime::{Shutdown, SystemClock};
use tocsin_stream::{Bus, ConsumerOptions, Delivery, Outgoing, StreamConfig, TopicSpec};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::*;
use crate::outbox::webhooks_pending;
use crate::samples::{Habit, at, log, progress, signal, simulate};
use crate::{WebhookConfig, messages, settled};

mod instances;

const PATIENCE: Duration = Duration::from_secs(60);

async fn bus(pool: &PgPool) -> Bus {
    bus_with(pool, 1).await
}

async fn bus_with(pool: &PgPool, partitions: u32) -> Bus {
    let bus = Bus::connect(&StreamConfig::default(), Some(pool.clone())).await.unwrap();
    let spec = |name: &str| TopicSpec { name: name.to_owned(), partitions };
    let topics = [spec(topics::SIGNALS), spec(topics::ALERTS), spec(&topics::parked(topics::SIGNALS))];
    bus.ensure_topics(&topics).await.unwrap();
    bus
}

fn records() -> Vec<SignalRecord> {
    records_about("bank")
}

/// Two days of one subject, with a surge on the second.
fn records_about(id: &str) -> Vec<SignalRecord> {
    let start = at("2023-03-08T00:00:00Z");
    let habit = Habit { a_day: 12.0, negative: 0.3, dispersion: 0.4 };
    let mut signals = simulate(id, habit, start, 2, 5);
    signals.extend((0..20).map(|n| signal(id, n, start + TimeDelta::minutes(1900 + n as i64), true)));
    log(signals, start + TimeDelta::days(2))
}

async fn send(bus: &Bus, values: Vec<Vec<u8>>) {
    let batch = values.into_iter().map(|value| outgoing(0, value));
    bus.producer().await.unwrap().send(batch.collect()).await.unwrap();
}

fn outgoing(partition: u32, value: Vec<u8>) -> Outgoing {
    let (topic, key) = (topics::SIGNALS.to_owned(), "entity:bank".into());
    Outgoing { topic, partition: Some(partition), key, headers: Vec::new(), value: value.into() }
}

fn encoded(records: &[SignalRecord]) -> Vec<Vec<u8>> {
    records.iter().map(|record| Signals::V1(record.clone()).encode().unwrap()).collect()
}

/// An instance that runs until shutdown is requested.
fn start(config: &AlertingConfig, bus: &Bus, pool: &PgPool) -> Shutdown {
    let shutdown = Shutdown::new();
    let alerting = Alerting::new(config.clone(), bus.clone(), pool.clone(), Arc::new(SystemClock)).unwrap();
    let watch = shutdown.clone();
    shutdown.spawn("alerting", async move { alerting.run(watch).await });
    shutdown
}

async fn end(instance: &Shutdown) {
    instance.request();
    assert_eq!(instance.drained(PATIENCE).await, Drained::Clean);
}

/// Runs the service until it has alerted on everything and called every webhook.
async fn run_until_settled(config: &AlertingConfig, bus: &Bus, pool: &PgPool) {
    let instance = start(config, bus, pool);
    until_settled(bus, pool).await;
    end(&instance).await;
}

async fn until_settled(bus: &Bus, pool: &PgPool) {
    let done = async {
        while bus.lag(GROUP, topics::SIGNALS).await.unwrap() > 0
            || !settled(pool).await.unwrap()
            || webhooks_pending(pool).await.unwrap() > 0
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, done).await.expect("it settles");
}

/// The values on topic `alerts`.
async fn published(bus: &Bus, count: usize) -> Vec<String> {
    let mut consumer = bus.consumer("test", &[topics::ALERTS], ConsumerOptions::default()).await.unwrap();
    let mut values = Vec::new();
    while values.len() < count {
        if let Delivery::Records(records) = consumer.poll(PATIENCE).await.unwrap() {
            values.extend(records.iter().map(|record| String::from_utf8(record.value.to_vec()).unwrap()));
        }
    }
    values
}

async fn receiver(server: &mut JoinSet<()>) -> (String, mpsc::UnboundedReceiver<String>) {
    let (sender, received) = mpsc::unbounded_channel();
    let hook =
        async |State(sender): State<mpsc::UnboundedSender<String>>, body: String| sender.send(body).unwrap();
    let router = Router::new().route("/", post(hook)).with_state(sender);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    server.spawn(async move { axum::serve(listener, router).await.unwrap() });
    (address, received)
}

/// The messages that [`records`] bring about.
fn expected(config: &AlertingConfig) -> Vec<String> {
    let alerts = crate::detect::replay(config.rules(), records());
    assert!(alerts.len() >= 2, "{alerts:?}");
    alerts.iter().map(|alert| crate::outbox::body(alert).unwrap()).collect()
}

#[tokio::test]
async fn signals_become_alerts_on_the_topic_and_at_the_webhook_once_each() {
    let TestDatabase { pool, .. } = database().await;
    let (bus, mut server) = (bus(&pool).await, JoinSet::new());
    let (address, mut received) = receiver(&mut server).await;
    let webhook = WebhookConfig {
        name: "desk".into(),
        url: format!("http://{address}/"),
        secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into(),
        ..WebhookConfig::default()
    };
    let config = AlertingConfig {
        webhooks: vec![webhook],
        allow: vec![address],
        flush_every: Duration::from_millis(50),
        ..AlertingConfig::default()
    };
    let records = encoded(&records());
    let (first, rest) = records.split_at(records.len() / 2);
    send(&bus, first.to_vec()).await;
    run_until_settled(&config, &bus, &pool).await;
    send(&bus, rest.to_vec()).await;
    run_until_settled(&config, &bus, &pool).await;

    let expected = expected(&config);
    assert_eq!(messages(&pool).await.unwrap(), expected);
    assert_eq!(published(&bus, expected.len()).await, expected);
    let mut delivered = Vec::new();
    while let Ok(body) = received.try_recv() {
        delivered.push(body);
    }
    assert_eq!(delivered, expected);
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_parked_and_holds_nothing_up() {
    let TestDatabase { pool, .. } = database().await;
    let bus = bus(&pool).await;
    let config = AlertingConfig { flush_every: Duration::from_millis(50), ..AlertingConfig::default() };
    let mut records = encoded(&records());
    records.insert(records.len() / 2, b"{\"v\": 99}".to_vec());
    records.insert(7, b"\xff\x00not json".to_vec());
    records.insert(3, encoded(&[progress(u32::MAX, 1, at("2023-03-08T00:00:00Z"))]).remove(0));
    send(&bus, records).await;
    run_until_settled(&config, &bus, &pool).await;
    assert!(messages(&pool).await.unwrap().len() >= 2);
    let parked = topics::parked(topics::SIGNALS);
    assert_eq!(bus.lag("test", &parked).await.unwrap(), 3);
}

#[tokio::test]
async fn a_clock_that_runs_ahead_of_the_bus_ends_no_alerts() {
    let TestDatabase { pool, .. } = database().await;
    let bus = bus(&pool).await;
    let config = AlertingConfig { flush_every: Duration::from_millis(50), ..AlertingConfig::default() };
    let mut records = records();
    let years_ahead = SystemClock.now() + TimeDelta::days(20 * 365);
    records.insert(records.len() / 2, progress(0, 1, years_ahead));
    records.insert(7, SignalRecord::Signal(signal("bank", 99, years_ahead, true)));
    send(&bus, encoded(&records)).await;
    run_until_settled(&config, &bus, &pool).await;
    assert_eq!(messages(&pool).await.unwrap(), expected(&config));
    let waiting: i64 =
        sqlx::query_scalar("SELECT count(*) FROM alerting.waiting").fetch_one(&pool).await.unwrap();
    assert_eq!(waiting, 0);
}

#[tokio::test]
async fn an_excluded_subject_never_rings() {
    let TestDatabase { pool, .. } = database().await;
    let bus = bus(&pool).await;
    let config = AlertingConfig {
        excluded_subjects: vec!["entity:b*".into()],
        flush_every: Duration::from_millis(50),
        ..AlertingConfig::default()
    };
    send(&bus, encoded(&records())).await;
    run_until_settled(&config, &bus, &pool).await;
    assert_eq!(messages(&pool).await.unwrap(), Vec::<String>::new());
    let heard: i64 =
        sqlx::query_scalar("SELECT count(*) FROM alerting.subject_state").fetch_one(&pool).await.unwrap();
    assert_eq!(heard, 0, "nothing is learned of it either");
}

#[tokio::test]
async fn a_wrong_configuration_is_refused_before_anything_starts() {
    let TestDatabase { pool, .. } = database().await;
    let config = AlertingConfig { allow: vec!["not an address".into()], ..AlertingConfig::default() };
    let refused = Alerting::new(config, bus(&pool).await, pool, Arc::new(SystemClock));
    assert!(matches!(refused, Err(AlertingError::Configuration(_))));
}
