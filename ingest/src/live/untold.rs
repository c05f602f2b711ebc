//! Deletions that a stream told and that could not be written down. No server tells them again, so they wait
//! here, and in a file for the next process, until the database has them.

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
    waiting: Arc<Mutex<Waiting>>,
    file: Option<Arc<Path>>,
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
        Ok(Self { waiting: Arc::new(Mutex::new(waiting)), file: Some(file.into()) })
    }

    pub(super) fn keep(&self, source: &str, ids: Vec<String>) {
        if ids.is_empty() {
            return;
        }
        let mut all = self.lock();
        let waiting = all.entry(source.to_owned()).or_default();
        waiting.extend(ids);
        let surplus = waiting.len().saturating_sub(MOST);
        waiting.drain(..surplus);
        let count = waiting.len();
        self.save(&all);
        drop(all);
        tracing::warn!(source.id = source, count, surplus, "{count} deletions of {source} wait");
    }

    pub(super) fn of(&self, source: &str) -> Vec<String> {
        self.lock().get(source).cloned().unwrap_or_default()
    }

    pub(crate) fn all(&self) -> Vec<(String, Vec<String>)> {
        self.lock().iter().map(|(source, ids)| (source.clone(), ids.clone())).collect()
    }

    /// The database has these of the source.
    pub(crate) fn written(&self, source: &str, ids: &[String]) {
        if ids.is_empty() {
            return;
        }
        let written: HashSet<&String> = ids.iter().collect();
        let mut all = self.lock();
        if let Some(waiting) = all.get_mut(source) {
            waiting.retain(|id| !written.contains(id));
        }
        all.retain(|_, ids| !ids.is_empty());
        self.save(&all);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the file at once. Where that fails they wait in memory alone.
    fn save(&self, all: &Waiting) {
        let Some(file) = &self.file else { return };
        let replace = || {
            if let Some(folder) = file.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let new = file.with_extension("new");
            std::fs::write(&new, serde_json::to_vec(all)?)?;
            std::fs::rename(new, file)
        };
        if let Err(cause) = replace() {
            tracing::error!("deletions that wait are not in {}: {cause}", file.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_waits_until_it_is_written_and_of_too_many_the_newest_stay() {
        let untold = Untold::default();
        untold.keep("a", vec!["0".to_owned()]);
        untold.keep("a", (1..=MOST).map(|id| id.to_string()).collect());
        untold.keep("b", Vec::new());
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
        Untold::open(Some(&file)).unwrap().keep("a", vec!["1".to_owned(), "2".to_owned()]);
        let next = Untold::open(Some(&file)).unwrap();
        next.written("a", &["1".to_owned()]);
        assert_eq!(Untold::open(Some(&file)).unwrap().of("a"), ["2"]);
        std::fs::write(&file, "a: 1").unwrap();
        let error = Untold::open(Some(&file)).unwrap_err().to_string();
        assert!(error.contains("untold.json") && error.contains("line 1"), "{error}");
    }
}
