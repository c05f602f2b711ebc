//! Where a classifier finds its files, and how much of the machine it takes.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{ClassifierError, Result};
use crate::hub;
use crate::model::CONFIG;

/// `[classifier]` of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClassifierConfig {
    /// A model folder, or `hf://owner/name` on the hub. A relative folder is looked for in the working
    /// directory, then under `TOCSIN_HOME`, then in the folders above the executable.
    pub model: PathBuf,
    /// `cpu`, or `cuda` where it was compiled in.
    pub device: String,
    /// Worker threads; 0 is one a core.
    pub threads: usize,
    /// Texts are cut at this many tokens, or at the model's own number where that is smaller.
    pub max_tokens: usize,
    /// Tokens in one batch of one worker.
    pub token_budget: usize,
    /// The same on a GPU; halved by itself where memory runs out.
    pub gpu_token_budget: usize,
    /// Dictionaries of entities (`.toml`, `.jsonl` or `.tsv`), or folders of them.
    pub entities: Vec<PathBuf>,
    /// A file with the ids of topics and events.
    pub taxonomy: PathBuf,
}

impl Default for ClassifierConfig {
    fn default() -> Self {
        Self {
            model: PathBuf::from("models/tocsin-small"),
            device: "cpu".to_owned(),
            threads: 0,
            max_tokens: 256,
            token_budget: 512,
            gpu_token_budget: 32_768,
            entities: vec![PathBuf::from("config/entities")],
            taxonomy: PathBuf::from("config/taxonomy.toml"),
        }
    }
}

impl ClassifierConfig {
    /// `Err` names the setting and what it takes. Looks at no file.
    pub fn check(&self) -> Result<(), String> {
        match self {
            c if !matches!(c.device.as_str(), "cpu" | "cuda") => {
                Err(format!("classifier.device is {:?}; it takes cpu or cuda", c.device))
            }
            c if !(8..=512).contains(&c.max_tokens) => {
                Err(format!("classifier.max_tokens is {}; it takes 8 to 512", c.max_tokens))
            }
            c if c.token_budget < 32 => {
                Err(format!("classifier.token_budget is {}; the least is 32", c.token_budget))
            }
            c if c.gpu_token_budget < 32 => {
                Err(format!("classifier.gpu_token_budget is {}; the least is 32", c.gpu_token_budget))
            }
            _ => Ok(()),
        }
    }

    /// The folder of the model, found, or fetched from the hub.
    pub(crate) fn model_folder(&self) -> Result<PathBuf> {
        if let Some(folder) = hub::folder(&self.model)? {
            return Ok(folder);
        }
        let found = find(&self.model).filter(|folder| folder.join(CONFIG).is_file());
        found.ok_or_else(|| ClassifierError::NoModel(self.model.display().to_string()))
    }
}

/// `path` itself when absolute or there, else under `TOCSIN_HOME`, else under a
/// folder above the executable.
pub(crate) fn find(path: &Path) -> Option<PathBuf> {
    let here = path.exists().then(|| path.to_owned());
    let home =
        || std::env::var_os("TOCSIN_HOME").map(|home| Path::new(&home).join(path)).filter(|p| p.exists());
    let beside = || {
        let executable = std::env::current_exe().ok()?;
        executable.ancestors().skip(1).map(|folder| folder.join(path)).find(|p| p.exists())
    };
    here.or_else(home).or_else(beside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_pass_the_check_and_nonsense_does_not() {
        let good = ClassifierConfig::default();
        assert_eq!(good.check(), Ok(()));
        let bad = [
            ClassifierConfig { device: "tpu".to_owned(), ..good.clone() },
            ClassifierConfig { max_tokens: 4, ..good.clone() },
            ClassifierConfig { token_budget: 1, ..good },
        ];
        assert!(bad.iter().all(|c| c.check().is_err()));
    }

    #[test]
    fn a_missing_model_is_named() {
        let config =
            ClassifierConfig { model: PathBuf::from("no/such/model"), ..ClassifierConfig::default() };
        let error = config.model_folder().unwrap_err().to_string();
        assert!(error.contains("no/such/model") && error.contains("TOCSIN_HOME"), "{error}");
    }
}
