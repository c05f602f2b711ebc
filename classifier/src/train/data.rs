//! Reads the labelled sets into one form. A set supervises only what it has labels
//! for; everything else has weight zero.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::labels;
pub use super::places::places;
pub(crate) use super::row::ANNOTATED_SET;
use super::row::example;
use super::texts::{beginning, lines};
use crate::document::fault;
use crate::error::{ClassifierError, Result};
use crate::taxonomy::Taxonomy;

/// Labels of one text for one head, with a weight each; weight 0 is "not known".
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Goal {
    pub labels: Vec<f32>,
    pub weights: Vec<f32>,
    /// The label that a set names as the first of all it covers, whatever else is true.
    pub first: Option<usize>,
}

impl Goal {
    /// Which labels are known at all.
    pub fn covered(&self) -> Vec<bool> {
        self.weights.iter().map(|w| *w > 0.0).collect()
    }
}

/// A name in a text, and what is said of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Target {
    pub name: String,
    pub sentiment: Option<usize>,
    pub event: Option<usize>,
    /// Where a set tells no more than whether it is negative: that is scored, and teaches nothing.
    pub negative: Option<bool>,
    pub weight: f32,
}

/// A text with its labels: what its set says nothing of is `None`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Example {
    /// `annotated`, or the public set.
    pub set: String,
    /// What a row under the guide calls its set, where it is not of the annotated texts themselves.
    pub own: Option<String>,
    pub lang: String,
    pub text: String,
    pub dev: bool,
    pub weight: f32,
    pub sentiment: Option<usize>,
    /// Where its set tells no more than whether it is negative; what is teaches `sentiment`.
    pub negative: Option<bool>,
    pub topics: Option<Goal>,
    pub events: Option<Goal>,
    pub targets: Vec<Target>,
}

impl Example {
    /// The set that it is told apart by in scores.
    pub(crate) fn named_set(&self) -> &str {
        self.own.as_deref().unwrap_or(&self.set)
    }

    /// What the features of it depend on: the text, the names, and whether words may be hidden from it.
    pub(crate) fn features_of(&self) -> String {
        let names: Vec<&str> = self.targets.iter().map(|target| target.name.as_str()).collect();
        format!("{:?} {names:?} {}", self.text, self.dev)
    }

    /// What of its weight counts where `head` is fitted.
    pub(super) fn share_of(&self, head: &str) -> f32 {
        if self.set == labels::SET { labels::share(head) } else { 1.0 }
    }

    /// Its weight where `head`, of the whole text, is fitted.
    pub(super) fn weight_for(&self, head: &str) -> f32 {
        self.weight * self.share_of(head)
    }

    /// Its events, where they are all that the text has: a public set tells the event of one company, and not what
    /// else is in the text.
    pub(crate) fn all_events(&self) -> Option<&Goal> {
        self.events.as_ref().filter(|_| is_guided(&self.set))
    }
}

/// Everything under `roots`: each is a file, or a folder with `train.jsonl` and
/// `dev.jsonl`, or a folder of such. `labels` are files of labels for texts that lie under
/// `roots`. Dev texts of the annotated set, and what begins like one, are removed from all training.
pub fn read(roots: &[PathBuf], labels: &[PathBuf], taxonomy: &Taxonomy) -> Result<Vec<Example>> {
    let mut examples = Vec::new();
    for root in roots {
        for file in files(root, &is_set)? {
            read_file(&file, taxonomy, &mut examples)?;
        }
    }
    examples.iter_mut().for_each(|example| example.targets.retain(|target| target.negative.is_none()));
    let labelled = labels::joined(labels, roots, &examples, taxonomy)?;
    examples.extend(labelled);
    labels::yielded(&mut examples);
    let is_held = |e: &&Example| e.dev && e.set == ANNOTATED_SET;
    let held: HashSet<String> = examples.iter().filter(is_held).map(|e| beginning(&e.text)).collect();
    examples.retain(|e| e.dev || !held.contains(&beginning(&e.text)));
    Ok(examples)
}

/// An error where none of `examples` may be learned from.
pub(crate) fn require_training(examples: &[Example], to: &'static str) -> Result<()> {
    if examples.iter().all(|e| e.dev) {
        return Err(ClassifierError::NoTraining { to, dev: examples.len() });
    }
    Ok(())
}

/// What is to be scored: every row of a root that is a file, the dev rows of one that is a
/// folder. A file that is named twice counts once.
pub fn to_score(roots: &[PathBuf], taxonomy: &Taxonomy) -> Result<Vec<Example>> {
    let (mut all, mut seen) = (Vec::new(), HashSet::new());
    for root in roots {
        for file in sets(root)? {
            let place = std::fs::canonicalize(&file).map_err(|e| ClassifierError::read(&file, e))?;
            if !seen.insert(place) {
                continue;
            }
            let mut examples = Vec::new();
            read_file(&file, taxonomy, &mut examples)?;
            all.extend(examples.into_iter().filter(|e| root.is_file() || e.dev));
        }
    }
    Ok(all)
}

/// Whether a set is labelled under the guide, and no public one.
pub(crate) fn is_guided(set: &str) -> bool {
    set.starts_with(ANNOTATED_SET) || set == labels::SET
}

fn is_set(name: &str) -> bool {
    matches!(name, "train.jsonl" | "dev.jsonl")
}

/// The files of a root with sets to score; an error where it is a folder that has none.
fn sets(root: &Path) -> Result<Vec<PathBuf>> {
    let found = files(root, &is_set)?;
    if found.is_empty() {
        let reason = "neither train.jsonl nor dev.jsonl lies in it or below; name the files themselves";
        return Err(ClassifierError::unfit(root, "folder of data", reason));
    }
    Ok(found)
}

/// A root that is a file, or the files under it whose names are `wanted`, in a fixed order.
pub(super) fn files(root: &Path, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<PathBuf>> {
    if root.is_file() {
        return Ok(vec![root.to_owned()]);
    }
    let entries = std::fs::read_dir(root).map_err(|e| ClassifierError::read(root, e))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            found.extend(files(&path, wanted)?);
        } else if path.file_name().and_then(|n| n.to_str()).is_some_and(wanted) {
            found.push(path);
        }
    }
    Ok(found)
}

fn read_file(path: &Path, taxonomy: &Taxonomy, examples: &mut Vec<Example>) -> Result<()> {
    let dev = path.file_stem().is_none_or(|s| s != "train");
    let is_annotated = path.parent().and_then(Path::file_name).is_some_and(|folder| folder == ANNOTATED_SET);
    let mut known: HashMap<String, usize> = HashMap::new();
    for (number, line) in lines(path)? {
        let unfit = |reason: String| ClassifierError::unfit_line(path, "data file", number, &reason);
        if !line.trim_start().starts_with('{') {
            return Err(unfit("not a JSON object".to_owned()));
        }
        let row: Value = serde_json::from_str(&line).map_err(|e| unfit(fault(&e)))?;
        let mut example = example(&row, taxonomy).map_err(unfit)?;
        example.dev = dev;
        example.own = example.own.filter(|_| !is_annotated);
        let only_targets = example.sentiment.is_none()
            && example.negative.is_none()
            && example.topics.is_none()
            && example.events.is_none();
        match known.get(&example.text).and_then(|at| examples.get_mut(*at)) {
            Some(earlier) if only_targets => earlier.targets.extend(example.targets),
            _ => {
                known.insert(example.text.clone(), examples.len());
                examples.push(example);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "data_tests.rs"]
mod tests;
