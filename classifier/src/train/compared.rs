//! What int8 costs: the same dev texts with the encoder in f32 and in int8.

use std::collections::BTreeMap;

use super::cache::Row;
use super::cases::cases;
use super::data::Example;
use super::fit::Case;
use crate::heads::{Head, Heads, NAME_EVENT, NAME_SENTIMENT, SENTIMENT};
use crate::taxonomy::Taxonomy;

/// Dev texts that are encoded in f32 as well.
const COMPARED: usize = 2000;

/// Dev texts encoded twice, to see what int8 costs.
pub(super) struct Compared {
    pub(super) examples: Vec<Example>,
    rows: Vec<Row>,
}

impl Compared {
    pub(super) fn new(examples: &[Example], rows: &[Row]) -> Self {
        let dev = examples.iter().zip(rows).filter(|(e, _)| e.dev).take(COMPARED);
        let (examples, rows) = dev.map(|(e, row)| (e.clone(), row.clone())).unzip();
        Self { examples, rows }
    }

    /// Accuracy of each head of one class on `before` and on the int8 rows.
    pub(super) fn accuracies(
        &self,
        heads: &Heads,
        taxonomy: &Taxonomy,
        before: &[Row],
    ) -> BTreeMap<String, (f64, f64)> {
        let of = |name: &str, rows: &[Row]| {
            accuracy(heads.0.get(name)?, &cases(name, taxonomy, &self.examples, rows).1)
        };
        let both = |name: &str| Some((of(name, before)?, of(name, &self.rows)?));
        let names = [SENTIMENT, NAME_SENTIMENT, NAME_EVENT];
        names.iter().filter_map(|name| Some(((*name).to_owned(), both(name)?))).collect()
    }
}

/// Share of the cases whose likeliest class is right; `None` without a case.
fn accuracy(head: &Head, cases: &[Case<'_>]) -> Option<f64> {
    let best = |p: &[f32]| p.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map(|(i, _)| i);
    let right = cases.iter().filter(|c| best(&head.logits(c.features)) == best(&c.goal.labels)).count();
    (!cases.is_empty()).then(|| right as f64 / cases.len() as f64)
}
