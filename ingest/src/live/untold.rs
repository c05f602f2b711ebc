//! Deletions that a stream told and that could not be written down. No server tells them again, so they wait
//! here, for as long as the process runs, until the source is written to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// So many wait for one source; of more the oldest are given up.
const MOST: usize = 10_000;

/// By source; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Untold(Arc<Mutex<HashMap<String, Vec<String>>>>);

impl Untold {
    /// `ids` in the order in which they were told.
    pub(super) fn keep(&self, source: &str, ids: Vec<String>) {
        if ids.is_empty() {
            return;
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = all.entry(source.to_owned()).or_default();
        waiting.extend(ids);
        let surplus = waiting.len().saturating_sub(MOST);
        waiting.drain(..surplus);
        let count = waiting.len();
        drop(all);
        tracing::warn!(source.id = source, count, surplus, "{count} deletions of {source} wait");
    }

    pub(super) fn take(&self, source: &str) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(source).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_taken_once_and_of_too_many_the_newest_stay() {
        let untold = Untold::default();
        untold.keep("a", vec!["0".to_owned()]);
        untold.keep("a", (1..=MOST).map(|id| id.to_string()).collect());
        untold.keep("b", Vec::new());
        let kept = untold.clone().take("a");
        assert_eq!((kept.len(), kept[0].as_str(), kept[MOST - 1].as_str()), (MOST, "1", "10000"));
        assert!(untold.take("a").is_empty() && untold.take("b").is_empty());
    }
}
