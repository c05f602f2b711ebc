//! Producers and consumers over one of two buses: Apache Kafka, or the embedded
//! log in Postgres. Owns delivery, the per-partition frontier, back-pressure and
//! parking. Nothing outside this crate names rdkafka.

mod bus;
mod config;
mod consumer;
mod error;
mod producer;
mod record;

pub use bus::Bus;
pub use config::{ConsumerOptions, StreamConfig, TopicSpec};
pub use consumer::{Consumer, Delivery};
pub use error::{StreamError, Verdict};
pub use producer::Producer;
pub use record::{Headers, Outgoing, Placed, Record, TopicPartition, partition_for};
