//! What librdkafka tells its clients beside answers: log lines, statistics, errors.

use std::sync::Arc;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel as Level;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;

use super::cluster::Cluster;

/// For clients that only ask.
#[derive(Debug, Clone)]
pub(super) struct Context {
    cluster: Arc<Cluster>,
}

impl Context {
    pub(super) fn new(cluster: Arc<Cluster>) -> Self {
        Self { cluster }
    }

    pub(super) fn noted(&self, error: &KafkaError, reason: &str) {
        if let Some(code) = error.rdkafka_error_code() {
            self.cluster.complain(code, reason);
        }
        tracing::debug!("librdkafka: {error}: {reason}");
    }
}

impl ClientContext for Context {
    fn log(&self, level: Level, facility: &str, message: &str) {
        logged(level, facility, message);
    }

    fn stats_raw(&self, _statistics: &[u8]) {}

    fn error(&self, error: KafkaError, reason: &str) {
        self.noted(&error, reason);
    }
}

impl ConsumerContext for Context {}

/// Complaints about a connection are told once, by whoever gives up or watches the bus
/// ([`crate::Bus::check`]); here they are details.
pub(super) fn logged(level: Level, facility: &str, message: &str) {
    match level {
        Level::Emerg | Level::Alert | Level::Critical => tracing::warn!("librdkafka: {facility} {message}"),
        Level::Error | Level::Warning | Level::Notice | Level::Info | Level::Debug => {
            tracing::debug!("librdkafka: {facility} {message}");
        }
    }
}
