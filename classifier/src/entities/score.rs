//! Precision and recall of the linker on a labelled set. The set holds places and
//! entity ids; the texts stay where they are and are known by a hash.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tocsin_contract::Mention;

use super::json_lines;
use super::link::{Linked, Linker};
use crate::error::{ClassifierError, Result};

/// One labelled text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Labelled {
    /// File under the folder of the texts, and its line from 1 on.
    pub file: String,
    pub line: usize,
    /// First characters of the SHA-256 of the text, in hexadecimal.
    pub sha: String,
    pub lang: String,
    /// `tune`, `held_out` or `fresh` (bench/entities.md).
    pub half: String,
    /// Start, end (characters) and id or a symbol of the entity; several are parted by `|`.
    pub mentions: Vec<(u32, u32, String)>,
    /// Mentions that may be found or not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub optional: Vec<(u32, u32, String)>,
}

/// Mentions found, missed, and found where there are none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub texts: usize,
    pub right: usize,
    pub wrong: usize,
    pub missed: usize,
}

impl Counts {
    pub fn precision(self) -> f64 {
        share(self.right, self.wrong)
    }

    pub fn recall(self) -> f64 {
        share(self.right, self.missed)
    }

    pub fn f1(self) -> f64 {
        let (p, r) = (self.precision(), self.recall());
        if p + r > 0.0 { 2.0 * p * r / (p + r) } else { 0.0 }
    }
}

fn share(right: usize, other: usize) -> f64 {
    if right + other == 0 { 0.0 } else { right as f64 / (right + other) as f64 }
}

/// Counts by language, half and unit (`mention`: a place and its entity; `entity`: an
/// entity anywhere in a text), and what was not as labelled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkReport {
    pub counts: BTreeMap<(String, String, &'static str), Counts>,
    pub differences: Vec<String>,
}

/// Roles as annotated (first) and as found, of entities that both have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleReport {
    pub counts: BTreeMap<(String, String, &'static str), usize>,
}

impl RoleReport {
    /// Share of the roles of a language that agree.
    pub fn accuracy(&self, lang: &str) -> f64 {
        let of = |agree: bool| {
            let counted =
                self.counts.iter().filter(|((l, a, b), _)| l == lang && (a.as_str() == *b) == agree);
            counted.map(|(_, n)| n).sum()
        };
        share(of(true), of(false))
    }

    pub fn text(&self) -> String {
        let mut table = String::from("lang annotated found    entities\n");
        for ((lang, annotated, found), count) in &self.counts {
            writeln!(table, "{lang:<4} {annotated:<9} {found:<8} {count:>8}").unwrap_or_default();
        }
        for lang in ["en", "zh"] {
            writeln!(table, "{lang}: {:.3} of the roles agree", self.accuracy(lang)).unwrap_or_default();
        }
        table
    }
}

/// Compares the roles of `linker` with those of an annotated file: rows with `text`,
/// `lang` and `entities` of `name` and `role`.
pub fn roles(linker: &Linker, file: &Path) -> Result<RoleReport> {
    let mut report = RoleReport::default();
    for row in json_lines::read::<Value>(file, "annotated file")? {
        let field =
            |row: &Value, name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (text, lang) = (field(&row, "text"), field(&row, "lang"));
        let linked = linker.link(&text, 0);
        for entity in row.get("entities").and_then(Value::as_array).into_iter().flatten() {
            let places = crate::train::data::places(&text, &field(entity, "name"));
            let at = |l: &&Linked| {
                l.mentions.iter().any(|m| places.first().is_some_and(|p| p.0 < m.end && m.start < p.1))
            };
            if let Some(found) = linked.iter().find(at) {
                let key = (lang.clone(), field(entity, "role"), found.role.as_str());
                *report.counts.entry(key).or_default() += 1;
            }
        }
    }
    Ok(report)
}

/// Which way of linking to score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Linker,
    /// Every name and code of the dictionary wherever it stands.
    Naive,
}

/// Scores `linker` on the set in the file `set`, whose texts lie under `texts`.
pub fn score(linker: &Linker, set: &Path, texts: &Path, method: Method) -> Result<LinkReport> {
    let labelled = read(set)?;
    let mut files: HashMap<&str, Vec<String>> = HashMap::new();
    let mut report = LinkReport::default();
    for one in &labelled {
        if !files.contains_key(one.file.as_str()) {
            files.insert(&one.file, lines(&texts.join(&one.file))?);
        }
        let line = files.get(one.file.as_str()).and_then(|lines| lines.get(one.line.wrapping_sub(1)));
        let text = line
            .and_then(|line| text(line))
            .filter(|text| hex::encode(Sha256::digest(text)).starts_with(&one.sha));
        let Some(text) = text else {
            let reason = format!("{} line {} is not the labelled text", one.file, one.line);
            return Err(ClassifierError::unfit(set, "labelled set for these texts", reason));
        };
        let linked = match method {
            Method::Linker => linker.link(&text, 0),
            Method::Naive => linker.link_naively(&text),
        };
        report.add(one, &text, &linked);
    }
    Ok(report)
}

/// The labelled texts of a file, a JSON object a line.
pub fn read(set: &Path) -> Result<Vec<Labelled>> {
    json_lines::read(set, "labelled set")
}

fn lines(path: &Path) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(path).map_err(|e| ClassifierError::read(path, e))?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// The text of a data line: its `text`, or `title - description`.
fn text(line: &str) -> Option<String> {
    let row: Value = serde_json::from_str(line).ok()?;
    let field = |name: &str| row.get(name).and_then(Value::as_str);
    match (field("text"), field("title"), field("description").filter(|d| !d.is_empty())) {
        (Some(text), _, _) => Some(text.to_owned()),
        (None, Some(title), Some(description)) => Some(format!("{title} - {description}")),
        (None, title, _) => title.map(str::to_owned),
    }
}

impl LinkReport {
    fn add(&mut self, one: &Labelled, text: &str, linked: &[Linked]) {
        let mut open: Vec<&(u32, u32, String)> = one.mentions.iter().collect();
        let mut mention = Counts { texts: 1, ..Counts::default() };
        for (entity, place) in linked.iter().flat_map(|l| l.mentions.iter().map(move |m| (l, m))) {
            let own = open.iter().position(|label| meets(label, entity, place));
            if let Some(at) = own {
                open.remove(at);
                mention.right += 1;
            } else if !one.optional.iter().any(|label| meets(label, entity, place)) {
                mention.wrong += 1;
                self.differences.push(difference(one, "wrong", text, &place.text, &entity.entity.id));
            }
        }
        mention.missed = open.len();
        for (start, end, id) in open {
            let characters = text.chars().skip(*start as usize).take((end - start) as usize);
            self.differences.push(difference(one, "missed", text, &characters.collect::<String>(), id));
        }
        self.count(one, "mention", mention);
        self.count(one, "entity", entities(one, linked));
    }

    fn count(&mut self, one: &Labelled, unit: &'static str, more: Counts) {
        let counts = self.counts.entry((one.lang.clone(), one.half.clone(), unit)).or_default();
        counts.texts += more.texts;
        counts.right += more.right;
        counts.wrong += more.wrong;
        counts.missed += more.missed;
    }

    /// A table by language, half and unit.
    pub fn text(&self) -> String {
        let mut table =
            String::from("lang half      unit     texts  right  wrong missed  precision recall    F1\n");
        for ((lang, half, unit), c) in &self.counts {
            let scores = format!("{:>9.3} {:>6.3} {:>5.3}", c.precision(), c.recall(), c.f1());
            let counts = format!("{:>5} {:>6} {:>6} {:>6}", c.texts, c.right, c.wrong, c.missed);
            // Writing to a string cannot fail.
            writeln!(table, "{lang:<4} {half:<9} {unit:<8} {counts}  {scores}").unwrap_or_default();
        }
        table
    }
}

/// The same entities of a text, wherever they stand in it.
fn entities(one: &Labelled, linked: &[Linked]) -> Counts {
    let named = |label: &(u32, u32, String), entity: &Linked| is(&label.2, entity);
    let mut wanted: Vec<&str> = one.mentions.iter().map(|(_, _, id)| id.as_str()).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let mut counts = Counts { texts: 1, ..Counts::default() };
    let mut found = vec![false; linked.len()];
    for id in wanted {
        let hits: Vec<usize> =
            (0..linked.len()).filter(|i| linked.get(*i).is_some_and(|l| is(id, l))).collect();
        let fresh = hits.iter().any(|i| found.get(*i) == Some(&false));
        for i in &hits {
            if let Some(seen) = found.get_mut(*i) {
                *seen = true;
            }
        }
        counts.right += usize::from(fresh);
        counts.missed += usize::from(hits.is_empty());
    }
    let unwanted =
        linked.iter().zip(&found).filter(|(l, seen)| !**seen && !one.optional.iter().any(|o| named(o, l)));
    counts.wrong = unwanted.count();
    counts
}

fn meets(label: &(u32, u32, String), entity: &Linked, place: &Mention) -> bool {
    label.0 < place.end && place.start < label.1 && is(&label.2, entity)
}

fn is(label: &str, linked: &Linked) -> bool {
    label.split('|').any(|id| &*linked.entity.id == id || linked.entity.symbols.iter().any(|s| &**s == id))
}

fn difference(one: &Labelled, what: &str, text: &str, found: &str, id: &str) -> String {
    format!("{}\t{}\t{what}\t{found}\t{id}\t{text}", one.lang, one.half)
}
