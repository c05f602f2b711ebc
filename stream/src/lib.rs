//! Producers and consumers over one of two buses: Apache Kafka, or the embedded
//! log in Postgres. Owns delivery, the per-partition frontier, back-pressure and
//! parking. Nothing outside this crate names rdkafka.

mod bus;
mod config;
mod consumer;
mod embedded;
mod error;
mod fence;
mod frontier;
mod kafka;
mod ledger;
mod metric;
mod names;
mod parking;
mod producer;
mod record;
pub mod testing;

pub use bus::Bus;
pub use config::{ConsumerOptions, StreamConfig, TopicSpec};
pub use consumer::{Consumer, Delivery};
pub use error::{StreamError, Verdict};
pub use fence::{Advance, Claim, Claims, Fence, FenceError, HANDOVER, Step, database_verdict};
pub use producer::Producer;
pub use record::{Headers, MAX_RECORD_BYTES, Outgoing, Placed, Record, TopicPartition, partition_for};
