//! How good the training heads are on some dev texts, for each set and task.

use std::collections::{BTreeMap, BTreeSet};

use super::heads::{Logits, logits};
use super::items::Item;
use super::model::Model;
use super::worker::Worker;
use crate::heads::SENTIMENTS;
use crate::train::data::{Goal, is_guided};

const SENTIMENT: &str = "sentiment";
/// Texts of one forward pass.
const BATCH: usize = 16;

/// Hits and chances of one score; a score is their ratio.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    hits: f64,
    of: f64,
}

/// "set task" → accuracy (sentiment, events, mention, mention event) or micro-F1 (topics), where a set can tell: one
/// that names a single sentiment is answered by a constant, and one that tells the event of one company does not say
/// which others are in the text.
pub(super) fn scores(model: &Model, items: &[&Item], threads: usize) -> BTreeMap<String, f64> {
    let mut longest = items.to_vec();
    longest.sort_by_key(|item| std::cmp::Reverse(item.ids.len()));
    let groups: Vec<Vec<&Item>> = longest.chunks(BATCH).map(<[&Item]>::to_vec).collect();
    let parts =
        crate::pool::map(threads, &groups, Worker::default, |worker, group| one(model, worker, group));
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    for (name, count) in parts.into_iter().flatten() {
        let sum = counts.entry(name).or_default();
        sum.hits += count.hits;
        sum.of += count.of;
    }
    let constant = constant(items);
    counts.retain(|name, _| !constant.contains(name));
    counts.into_iter().filter(|(_, c)| c.of > 0.0).map(|(name, c)| (name, c.hits / c.of)).collect()
}

/// The scores of sentiment in sets that name a single one.
fn constant(items: &[&Item]) -> BTreeSet<String> {
    let mut named: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for item in items {
        named.entry(&item.set).or_default().extend(item.sentiment);
    }
    let single = named.into_iter().filter(|(_, sentiments)| sentiments.len() == 1);
    single.map(|(set, _)| format!("{set} {SENTIMENT}")).collect()
}

fn one(model: &Model, worker: &mut Worker, group: &[&Item]) -> Vec<(String, Count)> {
    let texts: Vec<&[u32]> = group.iter().map(|item| item.ids.as_slice()).collect();
    worker.forward(model, &texts);
    let h = model.layout.shape.hidden_size;
    let bounds = worker.starts.array_windows::<2>();
    let of = |(item, [from, to]): (&&Item, &[usize; 2])| {
        let logits = logits(model, &worker.output()[from * h..to * h], item);
        counts(item, &logits)
            .into_iter()
            .map(|(task, count)| (format!("{} {task}", item.set), count))
            .collect::<Vec<_>>()
    };
    group.iter().zip(bounds).flat_map(of).collect()
}

fn counts(item: &Item, logits: &Logits) -> Vec<(&'static str, Count)> {
    let mut found = Vec::new();
    if let Some(class) = item.sentiment {
        found.push((SENTIMENT, right(&logits.sentiment, &item.told_apart, class)));
    }
    if let Some(goal) = &item.topics {
        found.push(("topics", overlap(&logits.topics, goal)));
    }
    if let Some(goal) = item.events.as_ref().filter(|_| is_guided(&item.set)) {
        let hit = most(&logits.events, &goal.covered()).is_some_and(|i| goal.labels.get(i) == Some(&1.0));
        found.push(("events", Count { hits: f64::from(u8::from(hit)), of: 1.0 }));
    }
    for (mention, z) in item.mentions.iter().zip(&logits.mentions) {
        let (sentiment, event) = z.split_at(SENTIMENTS);
        if let Some(class) = mention.sentiment {
            found.push(("mention", right(sentiment, &[true; SENTIMENTS], class)));
        }
        if let Some(class) = mention.event {
            found.push(("mention event", right(event, &vec![true; event.len()], class)));
        }
    }
    found
}

fn right(z: &[f32], open: &[bool], class: usize) -> Count {
    Count { hits: f64::from(u8::from(most(z, open) == Some(class))), of: 1.0 }
}

fn most(z: &[f32], open: &[bool]) -> Option<usize> {
    let open = z.iter().enumerate().filter(|(i, _)| open.get(*i) == Some(&true));
    open.max_by(|a, b| a.1.total_cmp(b.1)).map(|(i, _)| i)
}

/// Micro-F1 as a ratio: twice the common labels over those given plus those found.
fn overlap(z: &[f32], goal: &Goal) -> Count {
    let mut count = Count::default();
    for ((z, label), _) in z.iter().zip(&goal.labels).zip(&goal.weights).filter(|(_, w)| **w > 0.0) {
        let (found, given) = (*z > 0.0, *label > 0.0);
        count.hits += f64::from(u8::from(found && given)) * 2.0;
        count.of += f64::from(u8::from(found)) + f64::from(u8::from(given));
    }
    count
}

#[cfg(test)]
mod tests {
    use super::super::items::Mention;
    use super::super::tests::random;
    use super::*;
    use crate::weights::Shape;

    fn item(set: &str, sentiment: usize) -> Item {
        Item {
            set: set.to_owned(),
            dev: true,
            ids: vec![0, 5, 2],
            sentiment: Some(sentiment),
            told_apart: [true; SENTIMENTS],
            events: Some(Goal { labels: vec![0.0, 1.0], weights: vec![1.0; 2], first: None }),
            mentions: vec![Mention { tokens: vec![1], sentiment: None, event: Some(1) }],
            ..Item::default()
        }
    }

    #[test]
    fn what_a_set_cannot_tell_is_no_score() {
        let shape = Shape::tiny(1);
        let items = [item("annotated en", 0), item("annotated en", 2), item("bdci", 0), item("bdci", 0)];
        let scores = scores(&random(&shape, (2, 2)), &items.iter().collect::<Vec<_>>(), 1);
        let names: Vec<&str> = scores.keys().map(String::as_str).collect();
        let guided = ["events", "mention event", "sentiment"].map(|task| format!("annotated en {task}"));
        assert_eq!(names[..3], guided);
        assert_eq!(names[3..], ["bdci mention event"]);
    }
}
