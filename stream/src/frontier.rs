//! How far one partition is finished.
//!
//! Owns the arithmetic of offsets for both buses; does no I/O and knows no topic.

use std::collections::BTreeMap;

/// Which offsets of one partition are delivered and unfinished, how many bytes they
/// hold, and how far it is safe to commit. Lives for one assignment: built on
/// assign, dropped on revoke.
#[derive(Debug, Clone)]
pub(crate) struct Frontier {
    /// The offset after the last delivered one.
    expected: i64,
    open: BTreeMap<i64, usize>,
    open_bytes: usize,
    /// What [`Self::finished`] has last reported.
    safe: i64,
}

impl Frontier {
    /// Everything before `offset` counts as finished.
    pub(crate) fn starting_at(offset: i64) -> Self {
        Self { expected: offset, open: BTreeMap::new(), open_bytes: 0, safe: offset }
    }

    /// Notes a delivered record. Offsets that were skipped (transaction markers,
    /// records dropped by age) count as finished. False: it was delivered before.
    pub(crate) fn delivered(&mut self, offset: i64, bytes: usize) -> bool {
        if offset < self.expected {
            return false;
        }
        self.open.insert(offset, bytes);
        self.open_bytes += bytes;
        self.expected = offset + 1;
        true
    }

    /// The offset to commit (the next to read) when the finished prefix grew.
    /// An offset that is not open changes nothing.
    pub(crate) fn finished(&mut self, offset: i64) -> Option<i64> {
        self.open_bytes -= self.open.remove(&offset)?;
        let safe = self.open.first_key_value().map_or(self.expected, |(first, _)| *first);
        let grew = safe > self.safe;
        self.safe = safe;
        grew.then_some(safe)
    }

    /// The offset of the first record that is not finished: where a restart must read on.
    pub(crate) fn safe(&self) -> i64 {
        self.safe
    }

    /// The offset to be read next.
    pub(crate) fn expected(&self) -> i64 {
        self.expected
    }

    /// Bytes of records delivered and not finished.
    pub(crate) fn open_bytes(&self) -> usize {
        self.open_bytes
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn out_of_order_completion_does_not_move_the_frontier() {
        let mut frontier = Frontier::starting_at(10);
        for offset in 10..13 {
            assert!(frontier.delivered(offset, 1));
        }
        assert_eq!(frontier.finished(12), None);
        assert_eq!(frontier.finished(11), None);
        assert_eq!(frontier.finished(10), Some(13));
    }

    #[test]
    fn skipped_offsets_count_as_finished() {
        let mut frontier = Frontier::starting_at(0);
        frontier.delivered(4, 7);
        frontier.delivered(9, 7);
        assert_eq!(frontier.finished(4), Some(9));
        assert_eq!(frontier.finished(9), Some(10));
        assert_eq!(frontier.open_bytes(), 0);
    }

    #[test]
    fn an_offset_that_was_never_delivered_or_is_done_changes_nothing() {
        let mut frontier = Frontier::starting_at(5);
        frontier.delivered(5, 3);
        assert_eq!(frontier.finished(6), None);
        assert_eq!(frontier.finished(4), None);
        assert_eq!(frontier.finished(5), Some(6));
        assert_eq!(frontier.finished(5), None);
        assert!(!frontier.delivered(5, 3));
    }

    proptest! {
        /// Against the definition: everything before `safe` is finished or was
        /// skipped, and the record at `safe` is not.
        #[test]
        fn the_frontier_is_the_first_unfinished_offset(
            start in 0_i64..1000,
            gaps in prop::collection::vec(0_i64..4, 1..60),
            order in prop::collection::vec(any::<prop::sample::Index>(), 0..90),
        ) {
            let mut frontier = Frontier::starting_at(start);
            let (mut open, mut next, mut reported) = (BTreeSet::new(), start, start);
            let mut gaps = gaps.into_iter();
            for pick in order {
                if let Some(gap) = gaps.next() {
                    next += gap;
                    prop_assert!(frontier.delivered(next, 10));
                    open.insert(next);
                    next += 1;
                }
                let chosen = start + pick.index(usize::try_from(next - start).unwrap()) as i64;
                open.remove(&chosen);
                if let Some(safe) = frontier.finished(chosen) {
                    prop_assert!(safe > reported, "commits only grow");
                    reported = safe;
                    prop_assert_eq!(safe, open.first().copied().unwrap_or(next));
                }
                prop_assert!(open.first().is_none_or(|first| frontier.safe() <= *first));
                prop_assert_eq!(frontier.open_bytes(), open.len() * 10);
                prop_assert_eq!(frontier.expected(), next);
            }
        }
    }
}
