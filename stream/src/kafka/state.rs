//! What a consumer, its pump and librdkafka's callbacks share.
//!
//! The lock is held for bookkeeping only: never across a call that waits.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use crate::ledger::Ledger;
use crate::{Delivery, Record, StreamError, TopicPartition};

#[derive(Debug, Clone, Default)]
pub(super) struct Shared(Arc<(Mutex<State>, Notify)>);

#[derive(Debug)]
pub(super) struct State {
    pub(super) ledger: Ledger,
    queue: VecDeque<Item>,
    /// Partitions that we have paused: librdkafka forgets it with each assignment.
    pub(super) paused: BTreeSet<TopicPartition>,
    /// Why this consumer is out of its group.
    pub(super) failure: Option<StreamError>,
    pub(super) polled: Instant,
    /// Nothing more is delivered or committed.
    pub(super) closing: bool,
}

#[derive(Debug)]
enum Item {
    Assigned(Vec<TopicPartition>),
    Revoked(Vec<TopicPartition>),
    Record(Record),
}

impl Default for State {
    fn default() -> Self {
        Self {
            ledger: Ledger::default(),
            queue: VecDeque::new(),
            paused: BTreeSet::new(),
            failure: None,
            polled: Instant::now(),
            closing: false,
        }
    }
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the poll that waits, or the next one.
    pub(super) fn wake(&self) {
        self.0.1.notify_one();
    }

    pub(super) async fn woken(&self) {
        self.0.1.notified().await;
    }

    pub(super) fn fail(&self, error: StreamError) {
        self.lock().failure.get_or_insert(error);
        self.wake();
    }
}

impl State {
    pub(super) fn assign(&mut self, taken: Vec<TopicPartition>) {
        for at in &taken {
            self.ledger.assign(at.clone(), None);
            self.paused.remove(at);
        }
        if !taken.is_empty() {
            self.queue.push_back(Item::Assigned(taken));
        }
    }

    pub(super) fn revoke(&mut self, lost: Vec<TopicPartition>) {
        for at in &lost {
            self.ledger.revoke(at);
            self.paused.remove(at);
        }
        self.drop_queued(&lost);
        if !lost.is_empty() {
            self.queue.push_back(Item::Revoked(lost));
        }
    }

    /// The next record of `at` is `offset`; what was fetched before does not count.
    pub(super) fn seek(&mut self, at: &TopicPartition, offset: i64) {
        self.drop_queued(std::slice::from_ref(at));
        self.ledger.seek(at, offset);
    }

    fn drop_queued(&mut self, of: &[TopicPartition]) {
        self.queue.retain(|item| !matches!(item, Item::Record(record) if of.contains(&record.at)));
    }

    pub(super) fn deliver(&mut self, record: Record) {
        let (offset, size) = (record.offset, record.size());
        if !self.ledger.holds(&record.at) {
            return;
        }
        if !self.ledger.delivered(&record.at, offset, size) {
            // A log that was truncated or made anew. Delivering twice is allowed, losing is not.
            tracing::warn!("{} goes back to offset {offset}", record.at);
            self.seek(&record.at, offset);
            self.ledger.delivered(&record.at, offset, size);
        }
        self.queue.push_back(Item::Record(record));
    }

    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// The next event, or the records before it.
    pub(super) fn next(&mut self, most: usize) -> Option<Delivery> {
        let mut records = Vec::new();
        while records.len() < most.max(1) {
            match self.queue.pop_front() {
                Some(Item::Record(record)) => records.push(record),
                Some(event) if !records.is_empty() => {
                    self.queue.push_front(event);
                    break;
                }
                Some(Item::Assigned(taken)) => return Some(Delivery::Assigned(taken)),
                Some(Item::Revoked(lost)) => return Some(Delivery::Revoked(lost)),
                None => break,
            }
        }
        (!records.is_empty()).then_some(Delivery::Records(records))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use chrono::DateTime;

    use super::*;

    fn place(partition: u32) -> TopicPartition {
        TopicPartition { topic: "t".into(), partition }
    }

    fn record(partition: u32, offset: i64) -> Record {
        Record {
            at: place(partition),
            offset,
            key: None,
            headers: vec![],
            value: Bytes::from_static(b"12345"),
            timestamp: DateTime::UNIX_EPOCH,
        }
    }

    fn offsets(delivery: Option<Delivery>) -> Vec<(u32, i64)> {
        match delivery {
            Some(Delivery::Records(records)) => records.iter().map(|r| (r.at.partition, r.offset)).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn records_fetched_before_a_revoke_are_not_delivered_after_it() {
        let mut state = State::default();
        state.assign(vec![place(0), place(1)]);
        state.deliver(record(0, 5));
        state.deliver(record(1, 7));
        state.revoke(vec![place(0)]);
        assert!(matches!(state.next(9), Some(Delivery::Assigned(_))));
        assert_eq!(offsets(state.next(9)), [(1, 7)]);
        assert!(matches!(state.next(9), Some(Delivery::Revoked(lost)) if lost == [place(0)]));
        assert_eq!(state.ledger.open_bytes(), 5);
    }

    #[test]
    fn a_seek_forgets_what_was_fetched() {
        let mut state = State::default();
        state.assign(vec![place(0)]);
        state.deliver(record(0, 5));
        state.seek(&place(0), 2);
        state.deliver(record(0, 2));
        assert!(matches!(state.next(9), Some(Delivery::Assigned(_))));
        assert_eq!(offsets(state.next(9)), [(0, 2)]);
    }

    #[test]
    fn records_of_a_partition_not_held_are_dropped() {
        let mut state = State::default();
        state.deliver(record(3, 0));
        assert!(state.next(9).is_none());
    }
}
