//! Deletions that a stream told. No server tells them again, so they wait here, and in a file for the next
//! process, from when they are heard until the database has them.

use std::collections::{BTreeMap, HashSet};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::IngestError;

/// So many wait for one source; of more the oldest are given up.
const MOST: usize = 10_000;

/// Ids by source, in the order in which they were told.
type Waiting = BTreeMap<String, Vec<String>>;

/// Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Untold {
    memory: Arc<Mutex<Memory>>,
    file: Option<Arc<Path>>,
}

#[derive(Debug, Default)]
struct Memory {
    waiting: Waiting,
    /// The file does not say what waits.
    is_ahead: bool,
}

impl Untold {
    /// What waits in `file`, which need not be there yet.
    pub(crate) fn open(file: Option<&Path>) -> Result<Self, IngestError> {
        let Some(file) = file else { return Ok(Self::default()) };
        let unfit = |cause: String| {
            IngestError::Configuration(format!("ingest.untold: {} cannot be read: {cause}", file.display()))
        };
        let waiting = match std::fs::read(file) {
            Ok(text) => serde_json::from_slice(&text).map_err(|cause| unfit(cause.to_string()))?,
            Err(cause) if cause.kind() == ErrorKind::NotFound => Waiting::new(),
            Err(cause) => return Err(unfit(cause.to_string())),
        };
        let memory = Memory { waiting, is_ahead: false };
        Ok(Self { memory: Arc::new(Mutex::new(memory)), file: Some(file.into()) })
    }

    /// One more waits; for the next process, from the next [`Self::keep`] on.
    pub(super) fn hear(&self, source: &str, id: &str) {
        let mut memory = self.lock();
        let waiting = memory.waiting.entry(source.to_owned()).or_default();
        waiting.push(id.to_owned());
        let surplus = waiting.len().saturating_sub(MOST);
        waiting.drain(..surplus);
        memory.is_ahead = true;
        drop(memory);
        if surplus > 0 {
            tracing::warn!(source.id = source, "one deletion of {source} is given up: {MOST} wait");
        }
    }

    /// Brings the file up to what waits.
    pub(super) fn keep(&self) {
        let mut memory = self.lock();
        if memory.is_ahead {
            memory.is_ahead = !self.save(&memory.waiting);
        }
    }

    pub(super) fn of(&self, source: &str) -> Vec<String> {
        self.lock().waiting.get(source).cloned().unwrap_or_default()
    }

    pub(crate) fn all(&self) -> Vec<(String, Vec<String>)> {
        self.lock().waiting.iter().map(|(source, ids)| (source.clone(), ids.clone())).collect()
    }

    /// The database has these of the source.
    pub(crate) fn written(&self, source: &str, ids: &[String]) {
        if ids.is_empty() {
            return;
        }
        let written: HashSet<&String> = ids.iter().collect();
        let mut memory = self.lock();
        if let Some(waiting) = memory.waiting.get_mut(source) {
            waiting.retain(|id| !written.contains(id));
        }
        memory.waiting.retain(|_, ids| !ids.is_empty());
        memory.is_ahead = !self.save(&memory.waiting);
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the file at once. False: that failed, and what is new waits in memory alone.
    fn save(&self, all: &Waiting) -> bool {
        let Some(file) = &self.file else { return true };
        let replace = || {
            if let Some(folder) = file.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let new = file.with_extension("new");
            std::fs::write(&new, serde_json::to_vec(all)?)?;
            std::fs::rename(new, file)
        };
        let replaced = replace();
        if let Err(cause) = &replaced {
            tracing::error!("deletions that wait are not in {}: {cause}", file.display());
        }
        replaced.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_waits_until_it_is_written_and_of_too_many_the_newest_stay() {
        let untold = Untold::default();
        for id in 0..=MOST {
            untold.hear("a", &id.to_string());
        }
        let kept = untold.clone().of("a");
        assert_eq!((kept.len(), kept[0].as_str(), kept[MOST - 1].as_str()), (MOST, "1", "10000"));
        untold.written("a", &kept[..MOST - 1]);
        assert_eq!(untold.all(), [("a".to_owned(), vec!["10000".to_owned()])]);
        untold.written("a", &kept);
        untold.written("b", &kept[..1]);
        assert!(untold.all().is_empty() && untold.of("a").is_empty());
    }

    #[test]
    fn the_next_process_has_them_and_a_file_of_another_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new/untold.json");
        let untold = Untold::open(Some(&file)).unwrap();
        untold.keep();
        assert!(!file.exists(), "nothing waits");
        untold.hear("a", "1");
        untold.hear("a", "2");
        untold.keep();
        let next = Untold::open(Some(&file)).unwrap();
        next.written("a", &["1".to_owned()]);
        assert_eq!(Untold::open(Some(&file)).unwrap().of("a"), ["2"]);
        std::fs::write(&file, "a: 1").unwrap();
        let error = Untold::open(Some(&file)).unwrap_err().to_string();
        assert!(error.contains("untold.json") && error.contains("line 1"), "{error}");
    }
}
