//! Dictionary files: TOML with `[[entity]]` tables, a JSON object a line, or a table
//! with an entity a line (see [`super::table`]).

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tocsin_contract::EntityKind;

use super::{json_lines, table};
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
    /// Names that mean this entity wherever they stand; `name` is among them by itself only where there is nothing
    /// else to find it by.
    #[serde(default)]
    pub names: Vec<String>,
    /// Names that are also common words: they need context.
    #[serde(default)]
    pub ambiguous: Vec<String>,
    /// Words that give context to the ambiguous names, besides the general ones.
    #[serde(default)]
    pub context: Vec<String>,
    /// Names that count only beside another mention of the same entity.
    #[serde(default)]
    pub short: Vec<String>,
}

/// Extension of table files.
const TABLE: &str = "tsv";

const fn company() -> EntityKind {
    EntityKind::Company
}

impl Known {
    /// An error where its id or name is empty, or a listing has no market. By its name it is found where there is
    /// nothing else to find it by.
    fn complete(&mut self) -> Result<(), String> {
        if self.id.trim().is_empty() || self.name.trim().is_empty() {
            return Err(format!("an entity has the id {:?} and the name {:?}", self.id, self.name));
        }
        if let Some(symbol) = self.symbols.iter().find(|symbol| !is_listing(symbol)) {
            return Err(format!("symbol {symbol:?} of {:?} names no market, as NASDAQ:AAPL does", self.id));
        }
        if [&self.symbols, &self.names, &self.ambiguous, &self.short].iter().all(|list| list.is_empty()) {
            self.names.push(self.name.clone());
        }
        Ok(())
    }

    /// Takes what `other` has besides.
    fn absorb(&mut self, other: Self) {
        let add = |to: &mut Vec<String>, from: Vec<String>| {
            for one in from {
                if !to.contains(&one) {
                    to.push(one);
                }
            }
        };
        add(&mut self.symbols, other.symbols);
        let known = |name: &String| self.names.contains(name) || self.ambiguous.contains(name);
        let fresh = |names: Vec<String>| names.into_iter().filter(|n| !known(n)).collect::<Vec<_>>();
        let (names, ambiguous, short) = (fresh(other.names), fresh(other.ambiguous), fresh(other.short));
        add(&mut self.names, names);
        add(&mut self.ambiguous, ambiguous);
        add(&mut self.short, short);
        add(&mut self.context, other.context);
    }
}

fn is_listing(symbol: &str) -> bool {
    symbol.split_once(':').is_some_and(|(market, code)| !market.is_empty() && !code.is_empty())
}

/// Every symbol, with the place of the entity that has it.
pub(super) fn symbols(known: &[Known]) -> impl Iterator<Item = (usize, &str)> {
    known.iter().enumerate().flat_map(|(at, known)| known.symbols.iter().map(move |s| (at, s.as_str())))
}

/// Everything that entity linking knows. Ids are unique.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dictionary {
    #[serde(default, rename = "entity")]
    pub entities: Vec<Known>,
    /// Phrases that contain a name and mean something else, `平安夜`.
    #[serde(default)]
    pub not_names: Vec<String>,
    /// Tickers that are words or abbreviations too: alone, or in brackets, they
    /// count only beside another mention.
    #[serde(default)]
    pub not_tickers: Vec<String>,
    /// Given names and titles: a single word after one of them is a person's name.
    #[serde(default)]
    pub given_names: Vec<String>,
}

impl Dictionary {
    /// All files of `paths`; a folder stands for the files in it. An id may occur once
    /// in the TOML and JSON files; lines of tables add to the entity that has their id.
    pub fn read(paths: &[PathBuf]) -> Result<Self> {
        let (mut all, mut lines, mut homes) = (Self::default(), Vec::new(), HashMap::new());
        for path in paths {
            let found = find(path).unwrap_or_else(|| path.clone());
            for file in files(&found)? {
                if file.extension().is_some_and(|e| e == TABLE) {
                    let text = std::fs::read_to_string(&file).map_err(|e| ClassifierError::read(&file, e))?;
                    lines.extend(table::parse(&text).map_err(|reason| unfit(&file, reason))?);
                } else {
                    all.append(read_file(&file)?, &file, &mut homes)?;
                }
            }
        }
        all.add(lines);
        Ok(all)
    }

    /// Takes what the file `path` has; `homes` tells in which file each id stands.
    fn append(&mut self, mut other: Self, path: &Path, homes: &mut HashMap<String, PathBuf>) -> Result<()> {
        for known in &mut other.entities {
            known.complete().map_err(|reason| unfit(path, reason))?;
            let id = &known.id;
            if let Some(first) = homes.insert(id.clone(), path.to_owned()) {
                let reason = format!("id {id:?} occurs twice, first in {}", first.display());
                return Err(unfit(path, reason));
            }
        }
        self.entities.append(&mut other.entities);
        self.not_names.append(&mut other.not_names);
        self.not_tickers.append(&mut other.not_tickers);
        self.given_names.append(&mut other.given_names);
        Ok(())
    }

    /// Merges `lines` into the entities.
    fn add(&mut self, lines: Vec<Known>) {
        let mut places = HashMap::with_capacity(self.entities.len() + lines.len());
        places.extend(self.entities.iter().enumerate().map(|(at, entity)| (entity.id.clone(), at)));
        for line in lines {
            match places.get(&line.id).and_then(|at| self.entities.get_mut(*at)) {
                Some(entity) => entity.absorb(line),
                None => {
                    places.insert(line.id.clone(), self.entities.len());
                    self.entities.push(line);
                }
            }
        }
    }
}

const WHAT: &str = "entity dictionary";

fn unfit(path: &Path, reason: String) -> ClassifierError {
    ClassifierError::unfit(path, WHAT, reason)
}

fn files(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path).map_err(|e| ClassifierError::read(path, e))?;
    let wanted = |p: &PathBuf| p.extension().is_some_and(|e| e == "toml" || e == "jsonl" || e == TABLE);
    let mut files: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).filter(wanted).collect();
    files.sort();
    Ok(files)
}

fn read_file(path: &Path) -> Result<Dictionary> {
    if path.extension().is_some_and(|e| e == "jsonl") {
        return Ok(Dictionary { entities: json_lines::read(path, WHAT)?, ..Dictionary::default() });
    }
    let text = std::fs::read_to_string(path).map_err(|e| ClassifierError::read(path, e))?;
    toml::from_str(&text).map_err(|e| ClassifierError::toml(path, WHAT, &text, &e))
}
