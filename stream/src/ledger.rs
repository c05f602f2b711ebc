//! The frontiers of all partitions that one consumer holds, and what is due to be
//! committed. Used by both buses; does no I/O.

use std::collections::BTreeMap;

use crate::TopicPartition;
use crate::frontier::Frontier;

/// What one consumer was given and has not finished.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    held: BTreeMap<TopicPartition, Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// None until it is known where reading starts.
    frontier: Option<Frontier>,
    committed: Option<i64>,
}

impl Ledger {
    /// `start`: where reading starts, if it is known; it counts as committed.
    pub(crate) fn assign(&mut self, at: TopicPartition, start: Option<i64>) {
        let held = Held { frontier: start.map(Frontier::starting_at), committed: start };
        self.held.insert(at, held);
    }

    pub(crate) fn revoke(&mut self, at: &TopicPartition) {
        self.held.remove(at);
    }

    pub(crate) fn holds(&self, at: &TopicPartition) -> bool {
        self.held.contains_key(at)
    }

    pub(crate) fn partitions(&self) -> impl Iterator<Item = &TopicPartition> {
        self.held.keys()
    }

    /// Where reading goes on, as far as it is known.
    pub(crate) fn positions(&self) -> impl Iterator<Item = (&TopicPartition, i64)> {
        self.held.iter().filter_map(|(at, held)| Some((at, held.frontier.as_ref()?.expected())))
    }

    /// Starts again at `offset`; everything before counts as finished.
    pub(crate) fn seek(&mut self, at: &TopicPartition, offset: i64) {
        if let Some(held) = self.held.get_mut(at) {
            held.frontier = Some(Frontier::starting_at(offset));
        }
    }

    /// False: not ours, or delivered before.
    pub(crate) fn delivered(&mut self, at: &TopicPartition, offset: i64, bytes: usize) -> bool {
        let Some(held) = self.held.get_mut(at) else { return false };
        let frontier = held.frontier.get_or_insert_with(|| Frontier::starting_at(offset));
        frontier.delivered(offset, bytes)
    }

    pub(crate) fn finished(&mut self, at: &TopicPartition, offset: i64) {
        if let Some(frontier) = self.held.get_mut(at).and_then(|held| held.frontier.as_mut()) {
            frontier.finished(offset);
        }
    }

    /// Partitions whose frontier differs from what is committed, and that frontier.
    pub(crate) fn due(&self) -> Vec<(TopicPartition, i64)> {
        self.held.iter().filter_map(|(at, held)| Some((at.clone(), held.due()?))).collect()
    }

    pub(crate) fn committed(&mut self, at: &TopicPartition, offset: i64) {
        if let Some(held) = self.held.get_mut(at) {
            held.committed = Some(offset);
        }
    }

    pub(crate) fn open_bytes(&self) -> usize {
        self.held.values().filter_map(|held| held.frontier.as_ref()).map(Frontier::open_bytes).sum()
    }
}

impl Held {
    fn due(&self) -> Option<i64> {
        let safe = self.frontier.as_ref()?.safe();
        (self.committed != Some(safe)).then_some(safe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first() -> TopicPartition {
        TopicPartition { topic: "t".into(), partition: 0 }
    }

    #[test]
    fn nothing_is_due_twice() {
        let mut ledger = Ledger::default();
        ledger.assign(first(), Some(0));
        assert!(ledger.delivered(&first(), 0, 1));
        assert_eq!(ledger.due(), []);
        ledger.finished(&first(), 0);
        assert_eq!(ledger.due(), [(first(), 1)]);
        ledger.committed(&first(), 1);
        assert_eq!(ledger.due(), []);
    }

    #[test]
    fn work_of_a_revoked_partition_cannot_be_finished_or_delivered() {
        let mut ledger = Ledger::default();
        ledger.assign(first(), Some(0));
        ledger.delivered(&first(), 0, 9);
        ledger.revoke(&first());
        ledger.finished(&first(), 0);
        assert!(!ledger.delivered(&first(), 1, 9));
        assert_eq!((ledger.due(), ledger.open_bytes()), (vec![], 0));
    }

    #[test]
    fn a_seek_makes_the_offset_due() {
        let mut ledger = Ledger::default();
        ledger.assign(first(), None);
        ledger.seek(&first(), 42);
        assert_eq!(ledger.due(), [(first(), 42)]);
    }
}
