//! A model folder as something that may change: which state it is in, and whether its
//! files are those that its configuration was written with. Reads no weights.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::error::{ClassifierError, Result};
use crate::model::{CONFIG, NGRAMS, TOKENIZER, WEIGHTS};

/// SHA-256 of each file that a model has beside its configuration, by name.
pub(crate) fn sums(folder: &Path, ngrams: bool) -> Result<BTreeMap<String, String>> {
    let files = [WEIGHTS, TOKENIZER].into_iter().chain(ngrams.then_some(NGRAMS));
    files.map(|name| Ok((name.to_owned(), digest(&folder.join(name))?))).collect()
}

/// An error when a file is not the one whose sum was noted: then the folder is half copied,
/// or put together from two models.
pub(crate) fn verify(folder: &Path, noted: &BTreeMap<String, String>) -> Result<()> {
    for (name, sum) in noted {
        let path = folder.join(name);
        if digest(&path)? != *sum {
            let reason = format!("its SHA-256 is not the one that {CONFIG} notes");
            return Err(ClassifierError::unfit(&path, "file of this model", reason));
        }
    }
    Ok(())
}

/// An error where `out`, a folder for a result, is the folder `from`: what is being read must not be written over.
pub fn refuse_itself(from: &Path, out: &Path) -> Result<()> {
    let place = |path: &Path| std::fs::canonicalize(path).ok();
    match (place(from), place(out)) {
        (Some(from), Some(to)) if from == to => {
            let reason = "what it is made from lies there";
            Err(ClassifierError::unfit(out, "folder for the result", reason))
        }
        _ => Ok(()),
    }
}

/// SHA-256 in hexadecimal; the file is read in pieces.
fn digest(path: &Path) -> Result<String> {
    let fail = |e| ClassifierError::read(path, e);
    let mut file = BufReader::with_capacity(1 << 16, File::open(path).map_err(fail)?);
    let mut sum = Sha256::new();
    loop {
        let bytes = file.fill_buf().map_err(fail)?;
        if bytes.is_empty() {
            return Ok(hex::encode(sum.finalize()));
        }
        sum.update(bytes);
        let read = bytes.len();
        file.consume(read);
    }
}

/// Length, time of the last change and number of a file; `None` while there is none.
type Stamp = Option<(u64, Option<SystemTime>, u64)>;

/// What tells one state of a model folder from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fingerprint([Stamp; 4]);

impl Fingerprint {
    pub(crate) fn of(folder: &Path) -> Self {
        Self([CONFIG, TOKENIZER, WEIGHTS, NGRAMS].map(|name| stamp(&folder.join(name))))
    }
}

fn stamp(path: &Path) -> Stamp {
    let facts = std::fs::metadata(path).ok()?;
    Some((facts.len(), facts.modified().ok(), number(&facts)))
}

#[cfg(unix)]
fn number(facts: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(facts)
}

#[cfg(not(unix))]
fn number(_: &std::fs::Metadata) -> u64 {
    0
}

/// Tells when the folder of a loaded model holds another one.
#[derive(Debug, Clone)]
pub struct Watch {
    folder: PathBuf,
    /// The state that was loaded last, or could not be.
    tried: Fingerprint,
    /// The state at the last look.
    seen: Fingerprint,
}

impl Watch {
    pub(crate) fn new(folder: PathBuf, loaded: Fingerprint) -> Self {
        Self { folder, seen: loaded.clone(), tried: loaded }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether there is something to load: the folder is in another state than at the last
    /// `true`, and in the same as at the last look, so that nobody is copying just now.
    pub fn is_due(&mut self) -> bool {
        let now = Fingerprint::of(&self.folder);
        let still = now == self.seen;
        self.seen = now;
        if !still || self.seen == self.tried {
            return false;
        }
        self.tried = self.seen.clone();
        true
    }

    /// Whether the folder changed since [`Self::is_due`] said yes: what was read then may be
    /// of two models.
    pub fn has_moved(&self) -> bool {
        Fingerprint::of(&self.folder) != self.tried
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(weights: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [(CONFIG, "{}"), (TOKENIZER, "[]"), (WEIGHTS, weights)] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    #[test]
    fn sums_are_those_of_sha256sum_and_another_file_is_named() {
        let folder = folder("abc");
        let noted = sums(folder.path(), false).unwrap();
        assert_eq!(noted[WEIGHTS], "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        verify(folder.path(), &noted).unwrap();
        std::fs::write(folder.path().join(WEIGHTS), "abd").unwrap();
        let error = verify(folder.path(), &noted).unwrap_err().to_string();
        assert!(error.contains(WEIGHTS) && error.contains("SHA-256"), "{error}");
        std::fs::write(folder.path().join(WEIGHTS), "abc").unwrap();
        std::fs::write(folder.path().join(NGRAMS), "abc").unwrap();
        let noted = sums(folder.path(), true).unwrap();
        std::fs::remove_file(folder.path().join(NGRAMS)).unwrap();
        assert!(verify(folder.path(), &noted).unwrap_err().to_string().contains(NGRAMS));
    }

    #[test]
    fn a_change_is_due_once_and_only_when_it_has_settled() {
        let folder = folder("abc");
        let mut watch = Watch::new(folder.path().to_owned(), Fingerprint::of(folder.path()));
        assert!(!watch.is_due());
        std::fs::write(folder.path().join(WEIGHTS), "abcd").unwrap();
        assert!(!watch.is_due(), "somebody may still be writing");
        std::fs::write(folder.path().join(WEIGHTS), "abcde").unwrap();
        assert!(!watch.is_due(), "somebody was");
        assert!(watch.is_due());
        assert!(!watch.is_due());
        assert!(!watch.has_moved());
        std::fs::remove_file(folder.path().join(WEIGHTS)).unwrap();
        assert!(watch.has_moved());
    }
}
