//! Reading records of a group, at least once, in order per partition.

use std::time::Duration;

use crate::{Record, StreamError, TopicPartition, embedded, kafka};

/// What one poll brought.
#[derive(Debug)]
pub enum Delivery {
    /// These partitions are ours from now on. A sink with its own offsets seeks here.
    Assigned(Vec<TopicPartition>),
    /// These are no longer: drop their unfinished work; it will be delivered elsewhere.
    Revoked(Vec<TopicPartition>),
    Records(Vec<Record>),
    /// Nothing within the time asked for (or everything paused by back-pressure).
    Quiet,
}

/// One member of a group. Not polled for `stall_after`, it leaves the group.
/// Dropped without [`Self::close`], it leaves without committing.
#[derive(Debug)]
pub struct Consumer(pub(crate) Reading);

#[derive(Debug)]
pub(crate) enum Reading {
    Embedded(embedded::Consumer),
    Kafka(kafka::Consumer),
}

impl Consumer {
    /// Waits at most `max_wait`. Cancel-safe: nothing is lost when dropped midway.
    pub async fn poll(&mut self, max_wait: Duration) -> Result<Delivery, StreamError> {
        match &mut self.0 {
            Reading::Embedded(consumer) => consumer.poll(max_wait).await,
            Reading::Kafka(consumer) => consumer.poll(max_wait).await,
        }
    }

    /// The next record of `at` to be delivered is `offset`; everything before counts as finished.
    pub async fn seek(&mut self, at: &TopicPartition, offset: i64) -> Result<(), StreamError> {
        match &mut self.0 {
            Reading::Embedded(consumer) => {
                consumer.seek(at, offset);
                Ok(())
            }
            Reading::Kafka(consumer) => consumer.seek(at, offset).await,
        }
    }

    /// Marks a delivered record as done (in any order); commits never pass unfinished work.
    pub fn finished(&mut self, at: &TopicPartition, offset: i64) {
        match &mut self.0 {
            Reading::Embedded(consumer) => consumer.finished(at, offset),
            Reading::Kafka(consumer) => consumer.finished(at, offset),
        }
    }

    /// Commits the frontiers that grew since the last commit. A partition that has
    /// another reader by now is no error: its work is delivered there again.
    pub async fn commit(&mut self) -> Result<(), StreamError> {
        match &mut self.0 {
            Reading::Embedded(consumer) => consumer.commit().await,
            Reading::Kafka(consumer) => consumer.commit().await,
        }
    }

    /// Commits synchronously and leaves the group.
    pub async fn close(self) -> Result<(), StreamError> {
        match self.0 {
            Reading::Embedded(consumer) => consumer.close().await,
            Reading::Kafka(consumer) => consumer.close().await,
        }
    }
}
