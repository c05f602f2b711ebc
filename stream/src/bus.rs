//! The way to a bus: topics, producers, consumers, lag.

use sqlx::PgPool;

use crate::{Consumer, ConsumerOptions, Producer, StreamConfig, StreamError, TopicSpec};

/// A connection to one of the two buses; cheap to clone.
#[derive(Debug, Clone)]
pub struct Bus;

impl Bus {
    /// `pool` is used by the embedded bus only (schema `stream`, already migrated).
    pub async fn connect(config: &StreamConfig, pool: Option<PgPool>) -> Result<Self, StreamError> {
        let (_, _) = (config, pool);
        todo!()
    }
    /// Creates the topics that are missing; an existing topic keeps its partitions.
    pub async fn ensure_topics(&self, topics: &[TopicSpec]) -> Result<(), StreamError> {
        let _ = topics;
        todo!()
    }
    /// Number of partitions of an existing topic.
    pub async fn partitions(&self, topic: &str) -> Result<u32, StreamError> {
        let _ = topic;
        todo!()
    }
    pub async fn producer(&self) -> Result<Producer, StreamError> {
        todo!()
    }
    pub async fn consumer(
        &self,
        group: &str,
        topics: &[&str],
        options: ConsumerOptions,
    ) -> Result<Consumer, StreamError> {
        let (_, _, _) = (group, topics, options);
        todo!()
    }
    /// Records of `topic` that `group` has not committed yet, over all partitions.
    pub async fn lag(&self, group: &str, topic: &str) -> Result<u64, StreamError> {
        let (_, _) = (group, topic);
        todo!()
    }
}
