//! How far event time has come: the least clock over all partitions of
//! `documents.raw`, as their progress records tell it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tocsin_contract::SignalProgress;

/// The clocks heard so far, by raw partition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Watermark {
    heard: Vec<Option<DateTime<Utc>>>,
}

impl Watermark {
    /// A clock never goes back. When partitions were added, the new ones hold
    /// event time until they are heard.
    pub(crate) fn hear(&mut self, progress: &SignalProgress) {
        let partition = progress.partition as usize;
        let partitions = (progress.partitions as usize).max(partition + 1);
        if partitions > self.heard.len() {
            self.heard.resize(partitions, None);
        }
        if let Some(clock) = self.heard.get_mut(partition) {
            *clock = (*clock).max(Some(progress.as_of));
        }
    }

    /// Undefined until every raw partition was heard.
    pub(crate) fn now(&self) -> Option<DateTime<Utc>> {
        self.heard.iter().copied().min().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(partition: u32, partitions: u32, second: i64) -> SignalProgress {
        SignalProgress { partition, partitions, as_of: DateTime::from_timestamp(second, 0).unwrap() }
    }

    #[test]
    fn it_is_undefined_until_every_partition_was_heard() {
        let mut watermark = Watermark::default();
        assert_eq!(watermark.now(), None);
        watermark.hear(&progress(0, 2, 50));
        assert_eq!(watermark.now(), None);
        watermark.hear(&progress(1, 2, 40));
        assert_eq!(watermark.now(), DateTime::from_timestamp(40, 0));
    }

    #[test]
    fn it_never_goes_back() {
        let mut watermark = Watermark::default();
        watermark.hear(&progress(0, 1, 50));
        watermark.hear(&progress(0, 1, 20));
        assert_eq!(watermark.now(), DateTime::from_timestamp(50, 0));
    }
}
