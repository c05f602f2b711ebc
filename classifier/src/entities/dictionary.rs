//! Dictionary files: TOML with `[[entity]]` tables, or a JSON object a line.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tocsin_contract::EntityKind;

use crate::config::find;
use crate::error::{ClassifierError, Result};

/// One entity as the dictionary has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// Stable id, `apple`.
    pub id: String,
    /// Name for people.
    pub name: String,
    #[serde(default = "company")]
    pub kind: EntityKind,
    /// `NASDAQ:AAPL`, the main listing first; `index:SPX`, `central_bank:FED`; empty: private.
    #[serde(default)]
    pub symbols: Vec<String>,
    /// Names that mean this entity wherever they stand; `name` is not among them by itself.
    #[serde(default)]
    pub names: Vec<String>,
    /// Names that are also common words: they need context.
    #[serde(default)]
    pub ambiguous: Vec<String>,
    /// Words that give context to the ambiguous names, besides the general ones.
    #[serde(default)]
    pub context: Vec<String>,
}

const fn company() -> EntityKind {
    EntityKind::Company
}

impl Known {
    /// The main listing, or `private`.
    pub fn symbol(&self) -> String {
        self.symbols.first().cloned().unwrap_or_else(|| "private".to_owned())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dictionary {
    #[serde(default, rename = "entity")]
    pub entities: Vec<Known>,
}

impl Dictionary {
    /// All files of `paths`; a folder stands for the files in it. Ids must be unique.
    pub fn read(paths: &[PathBuf]) -> Result<Self> {
        let mut all = Self::default();
        for path in paths {
            let found = find(path).unwrap_or_else(|| path.clone());
            for file in files(&found)? {
                all.entities.extend(read_file(&file)?.entities);
            }
        }
        let mut seen = HashSet::new();
        match all.entities.iter().find(|e| !seen.insert(e.id.as_str())) {
            Some(twice) => {
                let path = paths.first().map_or(Path::new(""), PathBuf::as_path);
                Err(ClassifierError::unfit(
                    path,
                    "entity dictionary",
                    format!("id {:?} occurs twice", twice.id),
                ))
            }
            None => Ok(all),
        }
    }
}

fn files(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path).map_err(|e| ClassifierError::read(path, e))?;
    let wanted = |p: &PathBuf| p.extension().is_some_and(|e| e == "toml" || e == "jsonl");
    let mut files: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).filter(wanted).collect();
    files.sort();
    Ok(files)
}

fn read_file(path: &Path) -> Result<Dictionary> {
    let text = std::fs::read_to_string(path).map_err(|e| ClassifierError::read(path, e))?;
    let unfit = |reason: String| ClassifierError::unfit(path, "entity dictionary", reason);
    if path.extension().is_some_and(|e| e == "jsonl") {
        let lines = text.lines().filter(|l| !l.trim().is_empty());
        let entities = lines.map(|line| serde_json::from_str(line).map_err(|e| unfit(e.to_string())));
        return Ok(Dictionary { entities: entities.collect::<Result<_>>()? });
    }
    toml::from_str(&text).map_err(|e| unfit(e.to_string()))
}
