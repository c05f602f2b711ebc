//! How many texts of each set a run uses, and for what.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::data::Example;

/// Texts of one set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Texts {
    pub langs: BTreeSet<String>,
    /// Training texts of the heads that are fitted; none when all are kept.
    pub heads: usize,
    /// Training texts of the n-grams.
    pub ngrams: usize,
    pub dev: usize,
}

/// By set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Sets(pub BTreeMap<String, Texts>);

impl Sets {
    /// Counts what n-grams can learn from.
    pub(super) fn add_ngrams(&mut self, examples: &[Example]) {
        let is_labelled = |e: &Example| e.sentiment.is_some() || e.topics.is_some() || e.events.is_some();
        for example in examples.iter().filter(|e| !e.dev && is_labelled(e)) {
            self.of(example).ngrams += 1;
        }
    }

    /// Counts what heads are fitted and scored on.
    pub(super) fn add_heads(&mut self, examples: &[Example]) {
        for example in examples {
            let texts = self.of(example);
            if example.dev { texts.dev += 1 } else { texts.heads += 1 }
        }
    }

    fn of(&mut self, example: &Example) -> &mut Texts {
        let texts = self.0.entry(example.set.clone()).or_default();
        texts.langs.insert(example.lang.clone());
        texts
    }

    /// One of the counts over all sets.
    pub fn sum(&self, count: impl Fn(&Texts) -> usize) -> usize {
        self.0.values().map(count).sum()
    }

    /// The languages of all of them.
    pub fn langs(&self) -> BTreeSet<&str> {
        self.0.values().flat_map(|texts| &texts.langs).map(String::as_str).collect()
    }
}
