//! Reads the labelled sets into one form. A set supervises only what it has labels
//! for; everything else has weight zero. Owns the weights of the sets.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::labels;
use super::texts::beginning;
use crate::error::{ClassifierError, Result};
use crate::taxonomy::{NONE, Taxonomy, covered, index, position};

/// How much more one annotated text counts: it sets the convention.
pub(super) const ANNOTATED: f32 = 4.0;
/// How much more a name in one counts.
pub(super) const NAMED: f32 = 2.0;
/// How much an absent topic counts in a set that names only the first of several.
const UNNAMED: f32 = 0.3;
/// How much less an event counts that a set does not tell of a text, because it tells that of one company alone.
const UNTOLD: f32 = 0.2;

/// How much a text counts whose label was made for another question.
const UNSURE: f32 = 0.5;

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
    pub weight: f32,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Example {
    /// `annotated`, or the public set.
    pub set: String,
    pub lang: String,
    pub text: String,
    pub dev: bool,
    pub weight: f32,
    pub sentiment: Option<usize>,
    pub topics: Option<Goal>,
    pub events: Option<Goal>,
    pub targets: Vec<Target>,
}

impl Example {
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
    let labelled = labels::joined(labels, roots, &examples, taxonomy)?;
    examples.extend(labelled);
    labels::yielded(&mut examples);
    let is_held = |e: &&Example| e.dev && e.set == "annotated";
    let held: HashSet<String> = examples.iter().filter(is_held).map(|e| beginning(&e.text)).collect();
    examples.retain(|e| e.dev || !held.contains(&beginning(&e.text)));
    Ok(examples)
}

/// What is to be scored: every row of a root that is a file, the dev rows of one that is a
/// folder. A file that is named twice counts once.
pub fn to_score(roots: &[PathBuf], taxonomy: &Taxonomy) -> Result<Vec<Example>> {
    let (mut all, mut seen) = (Vec::new(), HashSet::new());
    for root in roots {
        for file in files(root, &is_set)? {
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
    set.starts_with("annotated") || set == labels::SET
}

fn is_set(name: &str) -> bool {
    matches!(name, "train.jsonl" | "dev.jsonl")
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
    let text = std::fs::read_to_string(path).map_err(|e| ClassifierError::read(path, e))?;
    let dev = path.file_stem().is_none_or(|s| s != "train");
    let mut known: HashMap<String, usize> = HashMap::new();
    for (number, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
        let unfit = |reason: String| {
            ClassifierError::unfit(path, "data file", format!("line {}: {reason}", number + 1))
        };
        let row: Value = serde_json::from_str(line).map_err(|e| unfit(e.to_string()))?;
        let mut example = example(&row, taxonomy).map_err(unfit)?;
        example.dev = dev;
        let only_targets =
            example.sentiment.is_none() && example.topics.is_none() && example.events.is_none();
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

/// Tells the form of a row by its fields.
fn example(row: &Value, taxonomy: &Taxonomy) -> Result<Example, String> {
    let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
    let set = text("set").unwrap_or_default();
    let base = Example {
        lang: text("lang").unwrap_or_else(|| "und".to_owned()),
        text: text("text").ok_or("no text")?,
        set: set.clone(),
        weight: 1.0,
        ..Example::default()
    };
    if row.get("sentiment").is_some() {
        return annotated(row, base, taxonomy);
    }
    if let Some(labels) = row.get("labels") {
        return Ok(Example { topics: Some(public_topics(&set, labels, taxonomy)), ..base });
    }
    if let Some(event) = text("event") {
        return public_event(row, &event, base, taxonomy);
    }
    match (text("target"), text("label")) {
        (Some(name), Some(label)) => {
            let target = Target { name, sentiment: Some(class(&label)?), event: None, weight: 1.0 };
            Ok(Example { targets: vec![target], ..base })
        }
        (None, Some(label)) => Ok(Example { sentiment: Some(class(&label)?), ..base }),
        // Not negative may be neutral or positive: then the row teaches nothing.
        (_, None) if row.get("negative").is_some() => {
            let sentiment = row.get("negative").and_then(Value::as_bool).filter(|n| *n).map(|_| 0);
            Ok(Example { sentiment, weight: UNSURE, ..base })
        }
        (_, None) => Err("neither sentiment nor label nor labels nor event".to_owned()),
    }
}

pub(super) fn annotated(row: &Value, base: Example, taxonomy: &Taxonomy) -> Result<Example, String> {
    let strings = |name: &str| -> Vec<&str> {
        row.get(name)
            .and_then(Value::as_array)
            .map(|a| a.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default()
    };
    let mut events: Vec<usize> =
        strings("events").iter().filter_map(|e| index(&taxonomy.events, e)).collect();
    let sole = match events.as_slice() {
        [] => index(&taxonomy.events, NONE),
        [one] => Some(*one),
        _ => None,
    };
    if events.is_empty() {
        events.extend(index(&taxonomy.events, NONE));
    }
    let topics: Vec<usize> = strings("topics").iter().filter_map(|t| index(&taxonomy.topics, t)).collect();
    let entities = row.get("entities").and_then(Value::as_array).cloned().unwrap_or_default();
    let none = index(&taxonomy.events, NONE);
    let targets = entities.iter().filter_map(|e| {
        let sentiment = class(e.get("sentiment")?.as_str()?).ok()?;
        let suffers = sentiment == 0 && e.get("role").and_then(Value::as_str) == Some("subject");
        let event = sole.filter(|s| Some(*s) == none || suffers);
        Some(Target {
            name: e.get("name")?.as_str()?.to_owned(),
            sentiment: Some(sentiment),
            event,
            weight: NAMED,
        })
    });
    Ok(Example {
        set: "annotated".to_owned(),
        weight: ANNOTATED,
        sentiment: Some(class(row.get("sentiment").and_then(Value::as_str).unwrap_or_default())?),
        topics: Some(goal(taxonomy.topics.len(), &topics, |_| 1.0)),
        events: Some(goal(taxonomy.events.len(), &events, |_| 1.0)),
        targets: targets.collect(),
        ..base
    })
}

fn public_topics(set: &str, labels: &Value, taxonomy: &Taxonomy) -> Goal {
    let names =
        labels.as_array().map(|a| a.iter().filter_map(Value::as_str).collect::<Vec<_>>()).unwrap_or_default();
    let on: Vec<usize> = names.iter().filter_map(|n| position(&taxonomy.topics, set, n)).collect();
    let covered = covered(&taxonomy.topics, set);
    let names_one = set == "twitter_topic";
    let absent = if names_one { UNNAMED } else { 1.0 };
    let goal = goal(taxonomy.topics.len(), &on, |i| if covered.get(i) == Some(&true) { absent } else { 0.0 });
    Goal { first: on.first().copied().filter(|_| names_one), ..goal }
}

fn public_event(row: &Value, event: &str, base: Example, taxonomy: &Taxonomy) -> Result<Example, String> {
    let on = position(&taxonomy.events, &base.set, event)
        .ok_or_else(|| format!("event {event:?} is not in the taxonomy"))?;
    let covered = covered(&taxonomy.events, &base.set);
    let mut events =
        goal(taxonomy.events.len(), &[on], |i| if covered.get(i) == Some(&true) { UNTOLD } else { 0.0 });
    events.weights.iter_mut().for_each(|weight| *weight *= UNSURE);
    // A set that names no event of a company does not tell that the text has none.
    let events = Some(events).filter(|_| index(&taxonomy.events, NONE) != Some(on));
    let name = row.get("subject").and_then(Value::as_str).unwrap_or_default().to_owned();
    let target = Target { name, sentiment: None, event: Some(on), weight: 1.0 };
    Ok(Example { events, targets: vec![target], ..base })
}

fn goal(width: usize, on: &[usize], absent: impl Fn(usize) -> f32) -> Goal {
    let is_on = |i: usize| on.contains(&i);
    Goal {
        labels: (0..width).map(|i| if is_on(i) { 1.0 } else { 0.0 }).collect(),
        weights: (0..width).map(|i| if is_on(i) { 1.0 } else { absent(i) }).collect(),
        first: None,
    }
}

fn class(label: &str) -> Result<usize, String> {
    match label {
        "negative" => Ok(0),
        "neutral" => Ok(1),
        "positive" => Ok(2),
        other => Err(format!("sentiment {other:?} is none of negative, neutral, positive")),
    }
}

/// Every place where `name` stands in `text`, as characters: in the case of `name` where it stands so
/// anywhere, else in any. It cuts no word of Latin letters or digits in two.
pub fn places(text: &str, name: &str) -> Vec<(u32, u32)> {
    let (text, name): (Vec<char>, Vec<char>) = (text.chars().collect(), name.trim().chars().collect());
    if name.is_empty() || name.len() > text.len() {
        return Vec::new();
    }
    let fold =
        |chars: &[char]| chars.iter().map(|c| c.to_lowercase().next().unwrap_or(*c)).collect::<Vec<char>>();
    let (folded, wanted) = (fold(&text), fold(&name));
    let hits = folded.windows(name.len()).enumerate().filter(|(_, w)| *w == wanted.as_slice());
    let whole = hits.map(|(at, _)| (at, at + name.len()));
    let whole: Vec<(usize, usize)> =
        whole.filter(|(from, to)| !cuts(&text, *from) && !cuts(&text, *to)).collect();
    let same = |(from, to): &(usize, usize)| text.get(*from..*to) == Some(name.as_slice());
    let any = !whole.iter().any(same);
    let kept = whole.iter().filter(|place| any || same(place));
    kept.map(|(from, to)| (*from as u32, *to as u32)).collect()
}

/// Whether a word of Latin letters or digits goes on over `at`.
fn cuts(text: &[char], at: usize) -> bool {
    let latin = |at: usize| text.get(at).is_some_and(|c| c.is_alphanumeric() && *c < '\u{250}');
    at > 0 && latin(at - 1) && latin(at)
}
