//! What travels on a bus.

use std::fmt;

use bytes::Bytes;
use chrono::{DateTime, Utc};

/// Header names and values, in order; names may repeat.
pub type Headers = Vec<(String, Bytes)>;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    pub topic: String,
    pub partition: u32,
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topic, self.partition)
    }
}

/// A record as read.
#[derive(Debug, Clone)]
pub struct Record {
    pub at: TopicPartition,
    pub offset: i64,
    pub key: Option<Bytes>,
    pub headers: Headers,
    pub value: Bytes,
    pub timestamp: DateTime<Utc>,
}

/// A record to be written. `partition: None` places it by [`partition_for`] its key.
#[derive(Debug, Clone)]
pub struct Outgoing {
    pub topic: String,
    pub partition: Option<u32>,
    pub key: Bytes,
    pub headers: Headers,
    pub value: Bytes,
}

/// Where a written record lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    pub at: TopicPartition,
    pub offset: i64,
}

/// The partition of a key: xxh3-64 modulo `partitions`, the same on both buses,
/// so that a log copied from one to the other keeps its order per key.
pub fn partition_for(key: &[u8], partitions: u32) -> u32 {
    (xxhash_rust::xxh3::xxh3_64(key) % u64::from(partitions.max(1))) as u32
}
