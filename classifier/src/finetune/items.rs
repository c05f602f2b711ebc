//! Labelled texts as token ids, and the order in which one pass takes them.
//! Leaves out what supervises nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};

use super::teacher::Taught;
use crate::features::touches;
use crate::heads::SENTIMENTS;
use crate::tokens::Tokens;
use crate::train::data::{ANNOTATED_SET, Example, Goal, Target, is_guided, places};
use crate::train::texts::UNLABELLED;

/// A name in a text: the tokens that it covers, and what is said of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Mention {
    /// Empty when the name was cut off; the whole text stands in.
    pub(super) tokens: Vec<usize>,
    pub(super) sentiment: Option<usize>,
    pub(super) event: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Item {
    /// Data set, with the language for the annotated one.
    pub(super) set: String,
    pub(super) dev: bool,
    pub(super) ids: Vec<u32>,
    pub(super) weight: f32,
    pub(super) sentiment: Option<usize>,
    /// Sentiments that the set tells apart at all.
    pub(super) told_apart: [bool; SENTIMENTS],
    pub(super) topics: Option<Goal>,
    pub(super) events: Option<Goal>,
    pub(super) mentions: Vec<Mention>,
    /// What the teacher answers for it, if there is one.
    pub(super) taught: Option<Taught>,
}

impl Item {
    fn supervises(&self) -> bool {
        self.taught.is_some()
            || self.sentiment.is_some()
            || self.topics.is_some()
            || self.events.is_some()
            || self.mentions.iter().any(|m| m.sentiment.is_some() || m.event.is_some())
    }

    fn annotated(&self) -> bool {
        self.set.starts_with(ANNOTATED_SET)
    }

    /// Whether `other`, of the same tokens, counts as much and answers nothing that this one does. What a
    /// teacher answers is of the names of one example, so such items stay apart.
    fn can_take(&self, other: &Self) -> bool {
        let both = |a: Option<&Goal>, b: Option<&Goal>| {
            a.zip(b).is_some_and(|(a, b)| a.covered().iter().zip(b.covered()).any(|(a, b)| *a && b))
        };
        let is_told_twice = self.sentiment.and(other.sentiment).is_some()
            || both(self.topics.as_ref(), other.topics.as_ref())
            || both(self.events.as_ref(), other.events.as_ref());
        let is_taught = self.taught.is_some() || other.taught.is_some();
        self.weight.to_bits() == other.weight.to_bits() && !is_told_twice && !is_taught
    }

    /// Tells from now on what `other` does. What is labelled under the guide is in every pass, and stays so.
    fn take(&mut self, other: Self) {
        if other.sentiment.is_some() {
            (self.sentiment, self.told_apart) = (other.sentiment, other.told_apart);
        }
        self.topics = merged(self.topics.take(), other.topics);
        self.events = merged(self.events.take(), other.events);
        self.mentions.extend(other.mentions);
        if is_guided(&other.set) {
            self.set = other.set;
        }
    }
}

/// What either knows; no label is known to both.
fn merged(a: Option<Goal>, b: Option<Goal>) -> Option<Goal> {
    match (a, b) {
        (Some(mut a), Some(b)) => {
            let own = a.labels.iter_mut().zip(&mut a.weights);
            for ((label, weight), (other, known)) in own.zip(b.labels.into_iter().zip(b.weights)) {
                if known > 0.0 {
                    (*label, *weight) = (other, known);
                }
            }
            a.first = a.first.or(b.first);
            Some(a)
        }
        (a, b) => a.or(b),
    }
}

/// Every example that supervises something, with what is `taught` for it, annotated ones with `weight`;
/// examples of one training text are one item.
pub(super) fn items(
    examples: &[Example],
    taught: Vec<Option<Taught>>,
    tokens: &Tokens,
    weight: f32,
) -> Vec<Item> {
    let told = told_apart(examples);
    let one = |(e, taught): (&Example, Option<Taught>)| Item {
        taught,
        ..item(e, tokens, weight, told.get(e.set.as_str()).copied().unwrap_or_default())
    };
    joined(examples.iter().zip(taught).map(one).filter(Item::supervises))
}

/// The sentiments that each set tells apart. One that names a single sentiment tells it from all others.
fn told_apart(examples: &[Example]) -> BTreeMap<&str, [bool; SENTIMENTS]> {
    let mut told: BTreeMap<&str, [bool; SENTIMENTS]> = BTreeMap::new();
    for example in examples {
        if let Some(seen) = example.sentiment.and_then(|s| told.entry(&example.set).or_default().get_mut(s)) {
            *seen = true;
        }
    }
    for seen in told.values_mut().filter(|seen| seen.iter().filter(|s| **s).count() == 1) {
        *seen = [true; SENTIMENTS];
    }
    told
}

/// Training items of the same tokens as one that tells what each does, so that the text is encoded once.
fn joined(items: impl Iterator<Item = Item>) -> Vec<Item> {
    let (mut kept, mut places): (Vec<Item>, HashMap<Vec<u32>, usize>) = (Vec::new(), HashMap::new());
    for item in items {
        let place = places.get(&item.ids).copied().filter(|_| !item.dev);
        match place.and_then(|at| kept.get_mut(at)).filter(|first| first.can_take(&item)) {
            Some(first) => first.take(item),
            None => {
                if !item.dev {
                    places.entry(item.ids.clone()).or_insert(kept.len());
                }
                kept.push(item);
            }
        }
    }
    kept
}

fn item(example: &Example, tokens: &Tokens, weight: f32, told_apart: [bool; SENTIMENTS]) -> Item {
    let encoded = tokens.encode(&example.text);
    let mention = |target: &Target| {
        let ranges = places(&example.text, &target.name);
        let spans = encoded.spans.iter().enumerate();
        Mention {
            tokens: spans.filter(|(_, span)| touches(span, &ranges)).map(|(i, _)| i).collect(),
            sentiment: target.sentiment,
            event: target.event,
        }
    };
    let annotated = example.set == ANNOTATED_SET;
    Item {
        set: if annotated { format!("{ANNOTATED_SET} {}", example.lang) } else { example.set.clone() },
        dev: example.dev,
        weight: if annotated { weight } else { 1.0 },
        sentiment: example.sentiment,
        told_apart,
        topics: example.topics.clone(),
        events: example.events.clone(),
        mentions: example.targets.iter().map(mention).collect(),
        ids: encoded.ids,
        taught: None,
    }
}

/// One pass over the training texts in batches of about `budget` tokens: at most
/// `cap` texts of each public set (0: all), every other one, the annotated ones `passes` times.
pub(super) fn batches(
    items: &[Item],
    cap: usize,
    passes: usize,
    budget: usize,
    seed: u64,
) -> Vec<Vec<usize>> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut order: Vec<usize> = (0..items.len()).filter(|i| !items[*i].dev).collect();
    order.shuffle(&mut random);
    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    order.retain(|i| {
        let count = taken.entry(&items[*i].set).or_default();
        *count += 1;
        cap == 0 || *count <= cap || is_guided(&items[*i].set) || items[*i].set == UNLABELLED
    });
    let again: Vec<usize> = order.iter().copied().filter(|i| items[*i].annotated()).collect();
    for _ in 1..passes {
        order.extend(&again);
    }
    order.shuffle(&mut random);
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut used = budget;
    for index in order {
        if used >= budget {
            batches.push(Vec::new());
            used = 0;
        }
        used += items[index].ids.len();
        if let Some(batch) = batches.last_mut() {
            batch.push(index);
        }
    }
    batches
}

/// Parts of `batch` with about as many tokens each.
pub(super) fn split<'a>(items: &'a [Item], batch: &[usize], parts: usize) -> Vec<Vec<&'a Item>> {
    let mut longest: Vec<&Item> = batch.iter().filter_map(|i| items.get(*i)).collect();
    longest.sort_by_key(|item| std::cmp::Reverse(item.ids.len()));
    let mut split = vec![(0, Vec::new()); parts];
    for item in longest {
        if let Some((tokens, part)) = split.iter_mut().min_by_key(|(tokens, _)| *tokens) {
            *tokens += item.ids.len();
            part.push(item);
        }
    }
    split.into_iter().map(|(_, part)| part).collect()
}

/// About `count` dev texts, as many of each set as there are of the smallest or an equal share.
pub(super) fn dev(items: &[Item], count: usize, seed: u64) -> Vec<&Item> {
    let mut found: Vec<&Item> = items.iter().filter(|i| i.dev).collect();
    found.shuffle(&mut StdRng::seed_from_u64(seed));
    let sets: BTreeSet<&str> = found.iter().map(|i| i.set.as_str()).collect();
    let share = count.div_ceil(sets.len().max(1));
    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    found.retain(|item| {
        let count = taken.entry(&item.set).or_default();
        *count += 1;
        *count <= share
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts() -> Vec<Item> {
        let item = |i: usize| Item {
            set: if i.is_multiple_of(3) { "annotated en".to_owned() } else { "guba".to_owned() },
            dev: i % 10 == 9,
            ids: vec![0; 5 + i % 7],
            ..Item::default()
        };
        (0..90).map(item).collect()
    }

    #[test]
    fn a_pass_takes_annotated_texts_twice_and_no_more_of_a_set_than_the_cap() {
        let items = texts();
        let batches = batches(&items, 20, 2, 64, 1);
        let all = batches.concat();
        let annotated: Vec<usize> = all.iter().copied().filter(|i| items[*i].annotated()).collect();
        assert_eq!(all.len() - annotated.len(), 20);
        assert_eq!(annotated.len(), 2 * items.iter().filter(|i| i.annotated() && !i.dev).count());
        assert!(all.iter().all(|i| !items[*i].dev));
        let tokens = |batch: &Vec<usize>| batch.iter().map(|i| items[*i].ids.len()).sum::<usize>();
        assert!(batches.iter().rev().skip(1).all(|b| (54..=75).contains(&tokens(b))));
    }

    #[test]
    fn a_set_that_names_one_sentiment_tells_it_from_all_others() {
        let example = |(set, sentiment): (&str, Option<usize>)| Example {
            set: set.to_owned(),
            sentiment,
            ..Example::default()
        };
        let sets = [("bdci", Some(0)), ("bdci", None), ("guba", Some(0)), ("guba", Some(2)), ("finnl", None)];
        let examples = sets.map(example);
        let wanted = BTreeMap::from([("bdci", [true; 3]), ("guba", [true, false, true])]);
        assert_eq!(told_apart(&examples), wanted);
    }

    #[test]
    fn texts_without_labels_are_all_in_each_pass() {
        let item = |set: &str| Item { set: set.to_owned(), ids: vec![0; 5], ..Item::default() };
        let items = [vec![item(UNLABELLED); 30], vec![item("guba"); 30]].concat();
        let all = batches(&items, 20, 2, 64, 1).concat();
        assert_eq!(all.iter().filter(|i| items[**i].set == UNLABELLED).count(), 30);
        assert_eq!(all.len(), 50);
    }

    #[test]
    fn examples_of_one_training_text_are_one_item_unless_both_answer_the_same() {
        let goal =
            |weights: [f32; 2]| Some(Goal { labels: weights.into(), weights: weights.into(), first: None });
        let post = |ids: u32| Item { set: "guba".to_owned(), ids: vec![ids], weight: 1.0, ..Item::default() };
        let set = Item { sentiment: Some(2), told_apart: [true; 3], topics: goal([1.0, 0.0]), ..post(1) };
        let labelled =
            Item { set: "labelled".to_owned(), topics: goal([0.0, 1.0]), events: goal([1.0; 2]), ..post(1) };
        let both =
            Item { set: labelled.set.clone(), topics: goal([1.0; 2]), events: goal([1.0; 2]), ..set.clone() };
        let (again, other, dev) = (set.clone(), post(2), Item { dev: true, ..labelled.clone() });
        let all = [set, labelled, again.clone(), other.clone(), dev.clone()];
        assert_eq!(joined(all.into_iter()), [both, again, other, dev]);
    }

    #[test]
    fn parts_hold_every_text_and_about_the_same_tokens() {
        let items = texts();
        let parts = split(&items, &(0..40).collect::<Vec<_>>(), 2);
        let tokens: Vec<usize> = parts.iter().map(|p| p.iter().map(|i| i.ids.len()).sum()).collect();
        assert_eq!(parts.concat().len(), 40);
        assert!(tokens[0].abs_diff(tokens[1]) <= 11, "{tokens:?}");
    }

    #[test]
    fn dev_texts_are_shared_among_the_sets() {
        let items = texts();
        let dev = dev(&items, 4, 1);
        assert_eq!(dev.iter().filter(|i| i.annotated()).count(), 2);
        assert_eq!(dev.len(), 4);
        assert!(dev.iter().all(|i| i.dev));
    }
}
