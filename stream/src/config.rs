//! Settings of the bus.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize, Serializer};

/// What `brokers` says for topics in Postgres.
pub(crate) const EMBEDDED: &str = "embedded";

/// Section `[stream]` of the configuration.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct StreamConfig {
    /// `embedded` (topics in Postgres), or Kafka's bootstrap servers, `host:9092,...`.
    pub brokers: String,
    /// Put before every topic and group name, so that installations can share a cluster.
    pub prefix: String,
    /// Partitions of topics that Tocsin creates.
    pub partitions: u32,
    /// Replication factor of topics that Tocsin creates (Kafka only).
    pub replication: u16,
    /// How long the embedded bus keeps records.
    #[serde(with = "humantime_serde")]
    pub retention: Duration,
    /// librdkafka's own settings, passed through (`security.protocol`,
    /// `ssl.ca.location`, `sasl.mechanism`, `sasl.username`, ...).
    #[serde(serialize_with = "without_secrets")]
    pub kafka: BTreeMap<String, String>,
    /// librdkafka's `sasl.password`.
    #[serde(serialize_with = "tocsin_runtime::config::secret::serialize")]
    pub sasl_password: Option<SecretString>,
}

impl Default for StreamConfig {
    fn default() -> Self {
        Self {
            brokers: EMBEDDED.to_owned(),
            prefix: String::new(),
            partitions: 3,
            replication: 1,
            retention: Duration::from_secs(7 * 24 * 3600),
            kafka: BTreeMap::new(),
            sasl_password: None,
        }
    }
}

impl StreamConfig {
    /// Rules that hold between keys, or for a value.
    pub fn check(&self) -> Result<(), String> {
        if self.brokers.trim().is_empty() {
            return Err("[stream] brokers must be \"embedded\" or \"host:port,...\"".into());
        }
        if !(1..=1000).contains(&self.partitions) {
            return Err("[stream] partitions must be between 1 and 1000".into());
        }
        if self.replication == 0 || i32::from(self.replication) > i32::from(i16::MAX) {
            return Err("[stream] replication must be at least 1".into());
        }
        if self.retention < Duration::from_secs(24 * 3600) {
            return Err("[stream] retention must be at least one day (1d)".into());
        }
        if !self.prefix.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) {
            return Err("[stream] prefix may hold letters, digits, '.', '_' and '-' only".into());
        }
        self.check_kafka()
    }

    pub(crate) fn is_embedded(&self) -> bool {
        self.brokers.trim() == EMBEDDED
    }

    /// One name for each setting: librdkafka takes two and picks one at random.
    fn check_kafka(&self) -> Result<(), String> {
        if self.is_embedded() {
            return Ok(());
        }
        for key in self.kafka.keys() {
            if let Some((_, instead)) = REFUSED.iter().find(|(refused, _)| refused == key) {
                return Err(format!("[stream.kafka] {key} cannot be set there: {instead}"));
            }
        }
        let sasl = self.kafka.get("security.protocol").is_some_and(|p| p.to_lowercase().starts_with("sasl"));
        if sasl && self.kafka.contains_key("sasl.username") && self.sasl_password.is_none() {
            return Err("[stream] sasl_password is missing for the principal in sasl.username".into());
        }
        Ok(())
    }
}

/// Settings that are ours, or second names of others, and what to do instead.
const REFUSED: &[(&str, &str)] = &[
    ("bootstrap.servers", "write [stream] brokers"),
    ("metadata.broker.list", "write [stream] brokers"),
    ("sasl.password", "write [stream] sasl_password, or TOCSIN_STREAM__SASL_PASSWORD in the environment"),
    ("sasl.mechanisms", "write sasl.mechanism"),
    ("group.id", "the groups are fixed; use [stream] prefix to tell installations apart"),
    ("enable.auto.commit", "offsets are committed when the work is finished"),
    ("auto.commit.enable", "offsets are committed when the work is finished"),
    ("auto.commit.interval.ms", "offsets are committed when the work is finished"),
    ("enable.auto.offset.store", "offsets are committed when the work is finished"),
    ("auto.offset.reset", "a new group starts at the first record"),
    ("enable.idempotence", "the producer is always idempotent"),
    ("acks", "writes always wait for all replicas"),
    ("request.required.acks", "writes always wait for all replicas"),
    ("transactional.id", "transactions are not used"),
    ("enable.partition.eof", "it is not used"),
    ("allow.auto.create.topics", "each service creates the topics that are missing when it starts"),
    ("compression.type", "write compression.codec"),
    ("delivery.timeout.ms", "write message.timeout.ms"),
    ("queue.buffering.max.ms", "write linger.ms"),
    ("message.send.max.retries", "write retries"),
    ("max.in.flight", "write max.in.flight.requests.per.connection"),
    ("fetch.message.max.bytes", "write max.partition.fetch.bytes"),
    ("topic.metadata.refresh.fast.cnt", "it has no effect"),
];

/// What stands in the names of librdkafka's settings that hold a secret.
const SECRET: [&str; 5] = ["password", "passphrase", "secret", "key.pem", "oauthbearer.config"];

fn without_secrets<S: Serializer>(kafka: &BTreeMap<String, String>, to: S) -> Result<S::Ok, S::Error> {
    let is_secret = |key: &str| SECRET.iter().any(|part| key.contains(*part));
    let shown = |key: &str, value| if is_secret(key) { "***" } else { value };
    to.collect_map(kafka.iter().map(|(key, value)| (key, shown(key, value.as_str()))))
}

/// A topic to be created where it is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TopicSpec {
    pub name: String,
    pub partitions: u32,
}

/// How one consumer reads.
#[derive(Debug, Clone)]
pub struct ConsumerOptions {
    /// Most records that one poll returns.
    pub max_records: usize,
    /// Delivered and not yet finished bytes at which partitions are paused.
    pub max_unfinished_bytes: usize,
    /// Leaves the group and fails when no poll came for so long.
    pub stall_after: Duration,
}

impl Default for ConsumerOptions {
    fn default() -> Self {
        Self { max_records: 500, max_unfinished_bytes: 32 << 20, stall_after: Duration::from_secs(300) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kafka(key: &str, value: &str) -> StreamConfig {
        let kafka = BTreeMap::from([(key.to_owned(), value.to_owned())]);
        StreamConfig { brokers: "broker:9092".into(), kafka, ..StreamConfig::default() }
    }

    #[test]
    fn the_defaults_hold() {
        StreamConfig::default().check().unwrap();
        kafka("security.protocol", "ssl").check().unwrap();
    }

    #[test]
    fn a_second_name_of_a_setting_is_refused_with_the_first() {
        let refusal = kafka("metadata.broker.list", "other:9092").check().unwrap_err();
        assert_eq!(
            refusal,
            "[stream.kafka] metadata.broker.list cannot be set there: write [stream] brokers"
        );
        assert!(kafka("sasl.password", "hunter2").check().unwrap_err().contains("sasl_password"));
        assert!(kafka("enable.auto.commit", "true").check().is_err());
        assert!(kafka("group.id", "mine").check().is_err());
    }

    #[test]
    fn a_password_is_not_written_out() {
        let config = StreamConfig { sasl_password: Some("hunter2".into()), ..StreamConfig::default() };
        assert_eq!(serde_json::to_value(&config).unwrap()["sasl_password"], "***");
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn neither_is_one_among_the_settings_of_the_client() {
        let shown = |key, value| serde_json::to_value(kafka(key, value)).unwrap()["kafka"][key].clone();
        for key in ["ssl.key.password", "ssl.key.pem", "sasl.oauthbearer.client.secret"] {
            assert_eq!(shown(key, "hunter2"), "***");
        }
        assert_eq!(shown("security.protocol", "ssl"), "ssl");
    }

    #[test]
    fn a_principal_without_password_is_refused() {
        let mut config = kafka("security.protocol", "SASL_SSL");
        config.kafka.insert("sasl.username".into(), "enrich".into());
        assert!(config.check().unwrap_err().contains("sasl_password is missing"));
    }
}
