//! How an encoder was fine-tuned, in a file beside it, for the card of the model that it becomes.

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::FinetuneOptions;
use crate::error::{ClassifierError, Result};

const FILE: &str = "finetuned.json";

/// A base, and what was done to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Origin {
    /// The base of the first run by name.
    pub(crate) base: String,
    /// One a run, each from where the one before ended.
    pub(crate) runs: Vec<Run>,
}

/// A run, as far as it went.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) steps: usize,
    pub(crate) tokens: usize,
    pub(crate) seconds: f64,
    /// Passes over the data at most.
    pub(crate) epochs: usize,
    /// Whether the encoder is the checkpoint that was best on dev.
    pub(crate) is_chosen: bool,
    /// The teacher by name, and the texts that only it answers.
    pub(crate) teacher: Option<String>,
    pub(crate) unlabelled: usize,
}

impl Origin {
    /// What is noted of the encoder in `folder`; `None` where nothing is.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(&path).map_err(|e| ClassifierError::read(&path, e))?;
        let origin = serde_json::from_str(&text);
        origin.map(Some).map_err(|e| ClassifierError::unfit(&path, "note on an encoder", e))
    }

    /// Of a run that has not begun, from the base that is `called` so, with so many `unlabelled` texts.
    pub(super) fn new(options: &FinetuneOptions, called: String, unlabelled: usize) -> Result<Self> {
        let before = Self::read(&options.base)?;
        let Self { base, mut runs } = before.unwrap_or(Self { base: called, runs: Vec::new() });
        runs.push(Run {
            epochs: options.epochs,
            is_chosen: options.patience > 0,
            teacher: options.teacher.as_deref().map(self::called),
            unlabelled,
            ..Run::default()
        });
        Ok(Self { base, runs })
    }

    /// Notes beside the encoder in `folder` how far the last run has come.
    pub(super) fn write(&mut self, folder: &Path, steps: usize, tokens: usize, seconds: f64) -> Result<()> {
        if let Some(run) = self.runs.last_mut() {
            (run.steps, run.tokens, run.seconds) = (steps, tokens, seconds);
        }
        let path = folder.join(FILE);
        let text = serde_json::to_string_pretty(self)
            .map_err(|e| ClassifierError::unfit(&path, "note on an encoder", e))?;
        std::fs::write(&path, text).map_err(|e| ClassifierError::write(&path, e))
    }
}

/// What a folder, or a model of the hub, is called: its name, with those of the folders around it where that is one
/// that every run has. The rest of a path means something on one machine only.
pub(crate) fn called(path: &Path) -> String {
    if !path.exists() {
        let name = path.to_string_lossy();
        return name.strip_prefix("hf://").unwrap_or(&name).to_owned();
    }
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let names = whole.components().filter(|part| matches!(part, Component::Normal(_)));
    let mut last = PathBuf::new();
    for name in names.rev() {
        let name = name.as_os_str();
        last = Path::new(name).join(last);
        let name = name.to_string_lossy();
        if !matches!(&*name, "encoder" | "finetune" | "f16") && !name.starts_with("ckpt-") {
            break;
        }
    }
    last.to_string_lossy().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_called_by_its_last_parts_and_a_model_of_the_hub_by_its_whole_name() {
        let home = tempfile::tempdir().unwrap();
        for (folder, name) in [
            ("models/tiny", "tiny"),
            ("runs/mine/finetune/encoder", "mine/finetune/encoder"),
            ("runs/mine/finetune/ckpt-12", "mine/finetune/ckpt-12"),
            ("runs/mine/f16", "mine/f16"),
        ] {
            let folder = home.path().join(folder);
            std::fs::create_dir_all(&folder).unwrap();
            assert_eq!(called(&folder), name);
            assert_eq!(called(&folder.join(".")), name);
        }
        assert_eq!(called(Path::new("hf://owner/name@v1")), "owner/name@v1");
        assert_eq!(called(Path::new("owner/name")), "owner/name");
    }
}
