//! Settings of the bus.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// Section `[stream]` of the configuration.
#[derive(Debug, Clone, Deserialize)]
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
    pub kafka: BTreeMap<String, String>,
    /// librdkafka's `sasl.password`.
    pub sasl_password: Option<SecretString>,
}

impl Default for StreamConfig {
    fn default() -> Self {
        Self {
            brokers: "embedded".to_owned(),
            prefix: String::new(),
            partitions: 3,
            replication: 1,
            retention: Duration::from_secs(7 * 24 * 3600),
            kafka: BTreeMap::new(),
            sasl_password: None,
        }
    }
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
