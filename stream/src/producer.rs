//! Writing records, with delivery awaited.

use crate::{Outgoing, Placed, Record, StreamError};

/// Writes records; cheap to clone. Idempotent on Kafka (`acks=all`).
#[derive(Debug, Clone)]
pub struct Producer;

impl Producer {
    /// Returns once every record is durable, in the order given. On an error some
    /// of the batch may have been written: send it all again (consumers know ids).
    pub async fn send(&self, batch: Vec<Outgoing>) -> Result<Vec<Placed>, StreamError> {
        let _ = batch;
        todo!()
    }
    /// Puts a record that can never be processed on `<topic>.parked`, with its
    /// topic, partition, offset and cause as headers (`parked-topic`,
    /// `parked-partition`, `parked-offset`, `parked-cause`, `parked-group`).
    pub async fn park(&self, record: &Record, group: &str, cause: &str) -> Result<Placed, StreamError> {
        let (_, _, _) = (record, group, cause);
        todo!()
    }
    /// Waits until nothing is in flight.
    pub async fn flush(&self) -> Result<(), StreamError> {
        todo!()
    }
}
