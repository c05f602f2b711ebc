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

impl TopicPartition {
    /// The partition as Postgres keeps it.
    pub fn number(&self) -> i32 {
        crate::names::number(self.partition)
    }
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

/// A record ready to be written: its place is decided.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) topic: String,
    pub(crate) partition: u32,
    pub(crate) key: Option<Bytes>,
    pub(crate) headers: Headers,
    pub(crate) value: Bytes,
}

impl Draft {
    /// The size that counts against [`MAX_RECORD_BYTES`] and a consumer's limits.
    pub(crate) fn size(&self) -> usize {
        size(self.key.as_ref(), &self.headers, &self.value)
    }
}

impl Record {
    /// Bytes of key, headers and value.
    pub fn size(&self) -> usize {
        size(self.key.as_ref(), &self.headers, &self.value)
    }
}

fn size(key: Option<&Bytes>, headers: &Headers, value: &Bytes) -> usize {
    let headers: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    key.map_or(0, Bytes::len) + headers + value.len()
}

/// Where a written record lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    pub at: TopicPartition,
    pub offset: i64,
}

/// The largest record that can be sent, on both buses: key, headers and value.
pub const MAX_RECORD_BYTES: usize = 4 << 20;

/// The partition of a key: xxh3-64 modulo `partitions`, the same on both buses,
/// so that a log copied from one to the other keeps its order per key.
pub fn partition_for(key: &[u8], partitions: u32) -> u32 {
    (xxhash_rust::xxh3::xxh3_64(key) % u64::from(partitions.max(1))) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_partition_of_a_key_never_changes() {
        let places = ["", "bank.harrogate", "银行"].map(|key| partition_for(key.as_bytes(), 12));
        assert_eq!(places, [10, 1, 6], "a log that exists would lose its order per key");
        assert_eq!(partition_for(b"x", 0), 0);
    }
}
