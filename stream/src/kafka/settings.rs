//! librdkafka's settings: the operator's, and under them those that our promises need.

use std::collections::BTreeMap;
use std::fmt;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use secrecy::{ExposeSecret, SecretString};

use crate::{MAX_RECORD_BYTES, StreamConfig};

/// Room for a batch header and for the coordinates of a parked record.
pub(super) const MAX_MESSAGE_BYTES: usize = MAX_RECORD_BYTES + (256 << 10);

/// What one client is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Role {
    /// Asks about topics.
    Probe,
    /// Asks about the offsets of this group, without joining it.
    Offsets(String),
    /// Reads as a member of this group.
    Member(String),
    Producer,
    Admin,
}

/// Keys that only the protocol `classic` knows; KIP-848 refuses them.
const CLASSIC: &[&str] =
    &["session.timeout.ms", "heartbeat.interval.ms", "partition.assignment.strategy", "group.protocol.type"];

#[derive(Clone)]
pub(super) struct Settings {
    brokers: String,
    own: BTreeMap<String, String>,
    password: Option<SecretString>,
}

impl Settings {
    pub(super) fn new(config: &StreamConfig) -> Self {
        let password = config.sasl_password.clone();
        Self { brokers: config.brokers.clone(), own: config.kafka.clone(), password }
    }

    pub(super) fn for_role(&self, role: &Role) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers).set("client.id", "tocsin");
        config.set("socket.connection.setup.timeout.ms", "5000").set("reconnect.backoff.max.ms", "5000");
        config.set_log_level(RDKafkaLogLevel::Warning);
        for (key, value) in preset(role) {
            config.set(key, value);
        }
        for (key, value) in self.own.iter().filter(|(key, _)| fits(role, key)) {
            config.set(key, value);
        }
        for (key, value) in fixed(role) {
            config.set(key, value);
        }
        if let Role::Offsets(group) | Role::Member(group) = role {
            config.set("group.id", group);
        }
        if self.own.get("group.protocol").is_some_and(|protocol| protocol == "consumer") {
            for key in CLASSIC {
                config.remove(key);
            }
        }
        if let Some(password) = &self.password {
            config.set("sasl.password", password.expose_secret());
        }
        config
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("brokers", &self.brokers).finish_non_exhaustive()
    }
}

/// What the operator may change.
fn preset(role: &Role) -> Vec<(&'static str, String)> {
    match role {
        Role::Probe | Role::Offsets(_) | Role::Admin => Vec::new(),
        Role::Member(_) => vec![
            ("session.timeout.ms", "15000".into()),
            ("heartbeat.interval.ms", "1000".into()),
            ("partition.assignment.strategy", "cooperative-sticky".into()),
            ("queued.max.messages.kbytes", "16384".into()),
            ("fetch.wait.max.ms", "100".into()),
        ],
        Role::Producer => vec![
            ("compression.codec", "zstd".into()),
            ("linger.ms", "5".into()),
            ("message.timeout.ms", "60000".into()),
            ("message.max.bytes", MAX_MESSAGE_BYTES.to_string()),
            ("queue.buffering.max.kbytes", "65536".into()),
        ],
    }
}

/// What our promises rest on.
fn fixed(role: &Role) -> Vec<(&'static str, &'static str)> {
    match role {
        Role::Probe | Role::Offsets(_) => vec![("allow.auto.create.topics", "false"), NO_AUTO_COMMIT],
        Role::Admin => Vec::new(),
        Role::Member(_) => vec![
            ("allow.auto.create.topics", "false"),
            NO_AUTO_COMMIT,
            ("enable.auto.offset.store", "false"),
            ("auto.offset.reset", "earliest"),
            ("enable.partition.eof", "false"),
        ],
        Role::Producer => vec![("enable.idempotence", "true"), ("acks", "all")],
    }
}

const NO_AUTO_COMMIT: (&str, &str) = ("enable.auto.commit", "false");

/// Whether an operator's setting concerns a client: librdkafka warns of those that
/// do not, and statistics of a client that nobody polls pile up.
fn fits(role: &Role, key: &str) -> bool {
    let consuming = matches!(role, Role::Member(_) | Role::Offsets(_) | Role::Probe);
    let only_consumers = CONSUMING.contains(&key) || CLASSIC.contains(&key) || key.starts_with("fetch.");
    let only_producers = PRODUCING.contains(&key) || key.starts_with("queue.buffering.");
    let piles_up = key == "statistics.interval.ms" && !matches!(role, Role::Member(_) | Role::Producer);
    !piles_up && (consuming || !only_consumers) && (*role == Role::Producer || !only_producers)
}

const CONSUMING: &[&str] = &[
    "group.protocol",
    "group.instance.id",
    "group.remote.assignor",
    "max.poll.interval.ms",
    "queued.min.messages",
    "queued.max.messages.kbytes",
    "max.partition.fetch.bytes",
    "isolation.level",
    "check.crcs",
];
const PRODUCING: &[&str] = &[
    "compression.codec",
    "compression.level",
    "linger.ms",
    "batch.size",
    "batch.num.messages",
    "message.timeout.ms",
    "retries",
    "retry.backoff.ms",
    "max.in.flight.requests.per.connection",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        let kafka = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Settings::new(&StreamConfig { brokers: "b:1".into(), kafka, ..StreamConfig::default() })
    }

    #[test]
    fn a_producer_is_idempotent_and_compresses() {
        let config = settings(&[("linger.ms", "50"), ("fetch.min.bytes", "9")]).for_role(&Role::Producer);
        assert_eq!(config.get("enable.idempotence"), Some("true"));
        assert_eq!(config.get("acks"), Some("all"));
        assert_eq!(config.get("compression.codec"), Some("zstd"));
        assert_eq!(config.get("linger.ms"), Some("50"));
        assert_eq!(config.get("fetch.min.bytes"), None);
    }

    #[test]
    fn the_new_group_protocol_gets_no_classic_keys() {
        let member = Role::Member("g".into());
        assert_eq!(settings(&[]).for_role(&member).get("session.timeout.ms"), Some("15000"));
        let config =
            settings(&[("group.protocol", "consumer"), ("heartbeat.interval.ms", "1")]).for_role(&member);
        assert!(CLASSIC.iter().all(|key| config.get(key).is_none()));
        assert_eq!(config.get("group.protocol"), Some("consumer"));
    }

    #[test]
    fn offsets_are_never_committed_by_librdkafka() {
        let config = settings(&[]).for_role(&Role::Member("g".into()));
        assert_eq!(config.get("enable.auto.commit"), Some("false"));
        assert_eq!(config.get("enable.auto.offset.store"), Some("false"));
        assert_eq!(config.get("auto.offset.reset"), Some("earliest"));
    }
}
