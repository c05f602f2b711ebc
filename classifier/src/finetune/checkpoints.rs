//! The folders that a run leaves: `ckpt-N` and `encoder`.

use std::path::{Path, PathBuf};

use crate::error::{ClassifierError, Result};

/// The encoder of a finished run.
pub(super) const ENCODER: &str = "encoder";
const PREFIX: &str = "ckpt-";

pub(super) fn folder(out: &Path, checkpoint: usize) -> PathBuf {
    out.join(format!("{PREFIX}{checkpoint}"))
}

/// Removes a folder, if it is there.
pub(super) fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(ClassifierError::write(folder, error))
        }
        _ => Ok(()),
    }
}

/// Removes all that an earlier run left in `out`, but not `base`, should it lie there.
pub(super) fn remove_all(out: &Path, base: &Path) -> Result<()> {
    let base = std::fs::canonicalize(base).map_err(|e| ClassifierError::read(base, e))?;
    let entries = std::fs::read_dir(out).map_err(|e| ClassifierError::read(out, e))?;
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_left = name == ENCODER || name.starts_with(PREFIX);
        if is_left && path.is_dir() && std::fs::canonicalize(&path).is_ok_and(|path| path != base) {
            remove(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_an_earlier_run_are_removed_but_for_the_base_and_what_is_of_others() {
        let home = tempfile::tempdir().unwrap();
        for folder in ["ckpt-1", "ckpt-2", "ckpt-3.partial", "encoder", "notes"] {
            std::fs::create_dir(home.path().join(folder)).unwrap();
        }
        std::fs::write(home.path().join("log.jsonl"), "").unwrap();
        remove_all(home.path(), &home.path().join("ckpt-1")).unwrap();
        let entries = std::fs::read_dir(home.path()).unwrap();
        let mut left: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        assert_eq!(left, ["ckpt-1", "log.jsonl", "notes"]);
    }
}
