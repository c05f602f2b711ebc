//! Reading records of a group, at least once, in order per partition.

use std::time::Duration;

use crate::{Record, StreamError, TopicPartition};

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
#[derive(Debug)]
pub struct Consumer;

impl Consumer {
    /// Waits at most `max_wait`. Cancel-safe: nothing is lost when dropped midway.
    pub async fn poll(&mut self, max_wait: Duration) -> Result<Delivery, StreamError> {
        let _ = max_wait;
        todo!()
    }
    /// The next record of `at` to be delivered is `offset`; everything before counts as finished.
    pub async fn seek(&mut self, at: &TopicPartition, offset: i64) -> Result<(), StreamError> {
        let (_, _) = (at, offset);
        todo!()
    }
    /// Marks a delivered record as done (in any order); commits never pass unfinished work.
    pub fn finished(&mut self, at: &TopicPartition, offset: i64) {
        let (_, _) = (at, offset);
        todo!()
    }
    /// Commits the frontiers that grew since the last commit.
    pub async fn commit(&mut self) -> Result<(), StreamError> {
        todo!()
    }
    /// Commits synchronously and leaves the group.
    pub async fn close(self) -> Result<(), StreamError> {
        todo!()
    }
}
