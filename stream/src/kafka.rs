//! Apache Kafka through rdkafka. Under construction.
use std::sync::Arc;
use std::time::Duration;

use crate::names::Names;
use crate::record::Draft;
use crate::{ConsumerOptions, Delivery, Placed, StreamConfig, StreamError, TopicPartition, TopicSpec};

#[derive(Debug)]
pub(crate) struct KafkaBus;
#[derive(Debug, Clone)]
pub(crate) struct Producer;
#[derive(Debug)]
pub(crate) struct Consumer;

#[expect(clippy::unused_async, unused_variables, clippy::todo, reason = "under construction")]
mod stub {
    use super::*;
    impl KafkaBus {
        pub(crate) async fn connect(config: &StreamConfig, names: Names) -> Result<Arc<Self>, StreamError> {
            todo!()
        }
        pub(crate) async fn ensure_topics(&self, topics: &[TopicSpec]) -> Result<(), StreamError> {
            todo!()
        }
        pub(crate) async fn partitions(&self, topic: &str) -> Result<Option<u32>, StreamError> {
            todo!()
        }
        pub(crate) async fn producer(&self) -> Result<Producer, StreamError> {
            todo!()
        }
        pub(crate) async fn consumer(
            &self,
            group: &str,
            topics: &[&str],
            options: ConsumerOptions,
        ) -> Result<Consumer, StreamError> {
            todo!()
        }
        pub(crate) async fn lag(&self, group: &str, topic: &str) -> Result<u64, StreamError> {
            todo!()
        }
    }
    impl Producer {
        pub(crate) async fn write(&self, drafts: Vec<Draft>) -> Result<Vec<Placed>, StreamError> {
            todo!()
        }
        pub(crate) async fn flush(&self) -> Result<(), StreamError> {
            todo!()
        }
    }
    impl Consumer {
        pub(crate) async fn poll(&mut self, max_wait: Duration) -> Result<Delivery, StreamError> {
            todo!()
        }
        pub(crate) async fn seek(&mut self, at: &TopicPartition, offset: i64) -> Result<(), StreamError> {
            todo!()
        }
        pub(crate) fn finished(&mut self, at: &TopicPartition, offset: i64) {
            todo!()
        }
        pub(crate) async fn commit(&mut self) -> Result<(), StreamError> {
            todo!()
        }
        pub(crate) async fn close(self) -> Result<(), StreamError> {
            todo!()
        }
    }
}
