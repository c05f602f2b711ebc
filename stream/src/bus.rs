//! The way to a bus: topics, producers, consumers, lag.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::PgPool;

use crate::consumer::Reading;
use crate::embedded::EmbeddedBus;
use crate::kafka::{KafkaBus, Need};
use crate::names::Names;
use crate::{Consumer, ConsumerOptions, Producer, StreamConfig, StreamError, TopicSpec, metric, parking};

/// A connection to one of the two buses; cheap to clone.
#[derive(Debug, Clone)]
pub struct Bus {
    pub(crate) backend: Backend,
    /// Partitions of topics that were looked up: they do not change while we run.
    counts: Arc<Mutex<HashMap<String, u32>>>,
}

#[derive(Debug, Clone)]
pub(crate) enum Backend {
    Embedded(Arc<EmbeddedBus>),
    Kafka(Arc<KafkaBus>),
}

impl Bus {
    /// `pool` is used by the embedded bus only (schema `stream`, already migrated).
    /// With Kafka, gives up after about ten seconds with the reason.
    pub async fn connect(config: &StreamConfig, pool: Option<PgPool>) -> Result<Self, StreamError> {
        config.check().map_err(StreamError::Configuration)?;
        metric::describe();
        let names = Names::new(&config.prefix);
        let backend = if config.is_embedded() {
            let pool = pool.ok_or_else(|| {
                StreamError::Configuration("[stream] brokers = \"embedded\" needs a database".into())
            })?;
            Backend::Embedded(EmbeddedBus::connect(pool, names, config.retention).await?)
        } else {
            Backend::Kafka(KafkaBus::connect(config, names).await?)
        };
        Ok(Self { backend, counts: Arc::default() })
    }

    /// Creates the topics that are missing; an existing topic keeps its partitions.
    /// On Kafka a topic that our principal may not see is left to those who may.
    pub async fn ensure_topics(&self, topics: &[TopicSpec]) -> Result<(), StreamError> {
        match &self.backend {
            Backend::Embedded(bus) => bus.ensure_topics(topics).await,
            Backend::Kafka(bus) => bus.ensure_topics(topics).await,
        }
    }

    /// Fails when the bus does not answer, or when a topic that was looked up before can no longer be used.
    /// Consumers wait for either without an error, so this is how a process notices. Parking topics are not
    /// checked: an operator who has dealt with their records may delete them.
    pub async fn check(&self) -> Result<(), StreamError> {
        for topic in self.needed_topics() {
            match &self.backend {
                Backend::Embedded(bus) => bus.check(&topic).await?,
                Backend::Kafka(bus) => bus.check(&topic).await?,
            }
        }
        Ok(())
    }

    fn needed_topics(&self) -> Vec<String> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let parking: BTreeSet<String> = counts.keys().map(|topic| parking::topic(topic)).collect();
        counts.keys().filter(|topic| !parking.contains(*topic)).cloned().collect()
    }

    /// Number of partitions of an existing topic.
    pub async fn partitions(&self, topic: &str) -> Result<u32, StreamError> {
        self.needed_partitions(topic, Need::Describe(topic)).await
    }

    /// As [`Self::partitions`]; what is `need`ed is named when it is not allowed.
    pub(crate) async fn needed_partitions(&self, topic: &str, need: Need<'_>) -> Result<u32, StreamError> {
        self.find_partitions(topic, need).await?.ok_or_else(|| StreamError::no_topic(topic))
    }

    /// None: there is no such topic.
    pub(crate) async fn find_partitions(
        &self,
        topic: &str,
        need: Need<'_>,
    ) -> Result<Option<u32>, StreamError> {
        let known = self.counts.lock().unwrap_or_else(PoisonError::into_inner).get(topic).copied();
        if known.is_some() {
            return Ok(known);
        }
        let found = match &self.backend {
            Backend::Embedded(bus) => bus.partitions(topic).await?,
            Backend::Kafka(bus) => bus.partitions(topic, need).await?,
        };
        if let Some(count) = found {
            self.counts.lock().unwrap_or_else(PoisonError::into_inner).insert(topic.to_owned(), count);
        }
        Ok(found)
    }

    pub async fn producer(&self) -> Result<Producer, StreamError> {
        Producer::open(self.clone()).await
    }

    /// Joins `group`; the first polls tell which partitions it got. A new group
    /// starts at the first record.
    pub async fn consumer(
        &self,
        group: &str,
        topics: &[&str],
        options: ConsumerOptions,
    ) -> Result<Consumer, StreamError> {
        for topic in topics {
            self.needed_partitions(topic, Need::Read(topic)).await?;
        }
        let reading = match &self.backend {
            Backend::Embedded(bus) => Reading::Embedded(bus.consumer(group, topics, options).await?),
            Backend::Kafka(bus) => Reading::Kafka(bus.consumer(group, topics, options).await?),
        };
        Ok(Consumer(reading))
    }

    /// Records of `topic` that `group` has not committed yet, over all partitions.
    pub async fn lag(&self, group: &str, topic: &str) -> Result<u64, StreamError> {
        let partitions = self.partitions(topic).await?;
        match &self.backend {
            Backend::Embedded(bus) => bus.lag(group, topic).await,
            Backend::Kafka(bus) => bus.lag(group, topic, partitions).await,
        }
    }
}
