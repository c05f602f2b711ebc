//! What only Kafka has: security, brokers that are away, librdkafka's settings.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tocsin_stream::testing::KafkaBroker;
use tocsin_stream::{Bus, ConsumerOptions, StreamConfig, StreamError, TopicSpec, Verdict};

use crate::fixture::{Fixture, GROUP, PATIENCE, broker, eventually, finish, outgoing, prefix, records, take};

fn with(config: StreamConfig, key: &str, value: &str) -> StreamConfig {
    let mut config = StreamConfig { prefix: prefix(), ..config };
    config.kafka.insert(key.into(), value.into());
    config
}

/// The sentence of a configuration error.
fn sentence(error: StreamError) -> String {
    match error {
        StreamError::Configuration(sentence) => sentence,
        other @ (StreamError::Unavailable { .. } | StreamError::Unfit { .. } | StreamError::Left(_)) => {
            panic!("{other:?}")
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn principals_do_what_they_may_and_are_told_what_they_may_not() {
    let broker = KafkaBroker::start_secure().await;
    let admin = Bus::connect(&broker.config(), None).await.unwrap();
    admin.ensure_topics(&[TopicSpec { name: "documents.raw".into(), partitions: 2 }]).await.unwrap();
    broker.allow("ingest", &["--operation", "Write", "--topic", "documents.raw"]);
    broker.allow("enrich", &["--operation", "Read", "--topic", "documents.raw"]);
    broker.allow("enrich", &["--operation", "Read", "--group", "enrich"]);

    let ingest = Bus::connect(&broker.config_for("ingest", "ingest-secret"), None).await.unwrap();
    ingest.ensure_topics(&[TopicSpec { name: "documents.raw".into(), partitions: 2 }]).await.unwrap();
    let producer = ingest.producer().await.unwrap();
    producer.send(vec![outgoing("documents.raw", "k", "secret news")]).await.unwrap();

    let enrich = Bus::connect(&broker.config_for("enrich", "enrich-secret"), None).await.unwrap();
    let mut consumer =
        enrich.consumer("enrich", &["documents.raw"], ConsumerOptions::default()).await.unwrap();
    let read = take(&mut consumer, 1).await;
    assert_eq!(read[0].value, "secret news");
    finish(&mut consumer, &read);
    consumer.close().await.unwrap();
    assert_eq!(enrich.lag("enrich", "documents.raw").await.unwrap(), 0);

    let refusal = enrich.producer().await.unwrap().send(vec![outgoing("documents.raw", "k", "v")]).await;
    assert_eq!(
        sentence(refusal.unwrap_err()),
        "principal \"enrich\" may not write topic documents.raw: grant it Write"
    );
    let refusal = reading(&enrich, "another").await;
    assert_eq!(refusal, "principal \"enrich\" may not join group another: grant it Read on the group");
    broker.allow("ingest", &["--operation", "Read", "--group", "ingest"]);
    let refusal = reading(&ingest, "ingest").await;
    assert_eq!(refusal, "principal \"ingest\" may not read topic documents.raw: grant it Read");
    let nobody = Bus::connect(&broker.config_for("nobody", "nobody-secret"), None).await.unwrap();
    let refusal = reading(&nobody, "nobody").await;
    assert_eq!(refusal, "principal \"nobody\" may not read topic documents.raw: grant it Read");

    strangers(&broker).await;
}

/// Wrong passwords and certificates end at the door.
async fn strangers(broker: &KafkaBroker) {
    let wrong = Bus::connect(&broker.config_for("enrich", "guessed"), None).await.unwrap_err();
    let said = sentence(wrong);
    assert!(said.ends_with("does not let principal \"enrich\" in: wrong name or password"), "{said}");

    let other = tempfile::tempdir().unwrap();
    let path = other.path().join("ca.pem");
    std::fs::write(&path, SOMEBODY_ELSES_CA).unwrap();
    let config = broker.config_for("enrich", "enrich-secret");
    let config = with(config, "ssl.ca.location", &path.display().to_string());
    let said = sentence(Bus::connect(&config, None).await.unwrap_err());
    assert!(said.contains("ssl.ca.location does not vouch for"), "{said}");
}

/// What reading as `group` is answered with.
async fn reading(bus: &Bus, group: &str) -> String {
    let mut consumer = match bus.consumer(group, &["documents.raw"], ConsumerOptions::default()).await {
        Ok(consumer) => consumer,
        Err(error) => return sentence(error),
    };
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Err(error) = consumer.poll(Duration::from_millis(200)).await {
            return sentence(error);
        }
    }
    panic!("{group} was not refused");
}

#[tokio::test]
async fn brokers_that_are_away_are_told_in_one_sentence() {
    let config = StreamConfig { brokers: "127.0.0.1:1".into(), ..StreamConfig::default() };
    let start = Instant::now();
    let said = sentence(Bus::connect(&config, None).await.unwrap_err());
    assert!(said.starts_with("kafka at 127.0.0.1:1 cannot be reached: "), "{said}");
    assert!(said.contains("refused") && !said.contains('\n'), "{said}");
    assert!(start.elapsed() < Duration::from_secs(20));

    let config = StreamConfig { brokers: "no-such-host.invalid:9092".into(), ..StreamConfig::default() };
    let said = sentence(Bus::connect(&config, None).await.unwrap_err());
    assert_eq!(said, "kafka at no-such-host.invalid:9092 cannot be reached: the host name is unknown");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bus_that_lost_a_topic_or_its_brokers_says_so_when_it_is_asked() {
    let broker = KafkaBroker::start().await;
    let f = Fixture::connect(broker.config(), None).await;
    let topic = f.topic(2).await;
    f.bus.partitions(topic).await.unwrap();
    f.bus.check().await.unwrap();

    broker.delete(topic);
    eventually("the end of a topic", || async {
        f.bus
            .check()
            .await
            .is_err_and(|error| error.to_string().starts_with("topic documents does not exist"))
    })
    .await;
    f.topic(2).await;
    eventually("its return", || async { f.bus.check().await.is_ok() }).await;

    drop(broker);
    eventually("the end of the broker", || async { f.bus.check().await.is_err() }).await;
    let start = Instant::now();
    assert_eq!(f.bus.check().await.unwrap_err().verdict(), Verdict::Retry);
    assert!(start.elapsed() < Duration::from_secs(10), "an answer is due while somebody waits for it");
}

#[tokio::test]
async fn a_setting_that_librdkafka_does_not_know_is_named() {
    let config = StreamConfig {
        brokers: "127.0.0.1:1".into(),
        kafka: BTreeMap::from([("no.such.setting".to_owned(), "1".to_owned())]),
        ..StreamConfig::default()
    };
    let said = sentence(Bus::connect(&config, None).await.unwrap_err());
    assert!(said.contains("no.such.setting"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statistics_do_not_eat_wake_ups() {
    let config = with(broker().await.config(), "statistics.interval.ms", "5");
    let f = Fixture::connect(config, None).await;
    let topic = f.topic(1).await;
    let mut consumer = f.consumer(topic).await;
    for round in 0..40 {
        f.fill(topic, 1).await;
        let read = records(&mut consumer).await;
        assert_eq!(read.len(), 1, "round {round}");
        finish(&mut consumer, &read);
    }
    consumer.commit().await.unwrap();
    assert_eq!(f.bus.lag(GROUP, topic).await.unwrap(), 0);
    consumer.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_new_group_protocol_loses_nothing_either() {
    let config = with(broker().await.config(), "group.protocol", "consumer");
    let f = Fixture::connect(config, None).await;
    crate::suite::rebalance::nothing_is_lost_while_consumers_come_and_go(f).await;
    let config = with(broker().await.config(), "group.protocol", "consumer");
    let f = Fixture::connect(config, None).await;
    crate::suite::delivery::a_seek_decides_what_comes_next(f).await;
}

/// Made for this test; its key was thrown away.
const SOMEBODY_ELSES_CA: &str = "\
-----BEGIN CERTIFICATE-----\n\
MIIBhTCCASugAwIBAgIUP9wnf40hbJHa/XxHY0huqGK+MYAwCgYIKoZIzj0EAwIw\n\
GDEWMBQGA1UEAwwNc29tZWJvZHktZWxzZTAeFw0yNjExMjUxODEzNTBaFw0zNjEx\n\
MjIxODEzNTBaMBgxFjAUBgNVBAMMDXNvbWVib2R5LWVsc2UwWTATBgcqhkjOPQIB\n\
BggqhkjOPQMBBwNCAAQkdwB6jOYrP+1ambc4qF4hXg7NIToKfkbscx+EqdgDjcKh\n\
01m726wPFwOvP6fhMg+e4tqif8gkwHzcag9YK79Ko1MwUTAdBgNVHQ4EFgQUy6lS\n\
X4psgLcoDe7EWxSHx9PxZZUwHwYDVR0jBBgwFoAUy6lSX4psgLcoDe7EWxSHx9Px\n\
ZZUwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiBCTG3lP8Sm2nKW\n\
lQLmzdRcE8qdDEzH+RWxVw6GtXKiYQIhAKmp7VeKP3PHyEd2bBGJ/xFSM9U1B0Pi\n\
GwvfNBghvhr9\n\
-----END CERTIFICATE-----\n";
