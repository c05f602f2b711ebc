//! Which texts and names teach which head, and what.

use super::cache::Row;
use super::data::{Example, Goal, Target};
use super::fit::{Case, Kind};
use crate::heads::{EVENTS, NAME_EVENT, NAME_SENTIMENT, TOPICS};
use crate::taxonomy::Taxonomy;

/// Classes of sentiment.
const SENTIMENTS: usize = 3;

/// Whether the labels of a head of the whole text exclude each other, and those of an
/// example; `None` where it has none.
pub(super) fn document_goal(head: &str) -> (Kind, fn(&Example) -> Option<Goal>) {
    match head {
        TOPICS => (Kind::Many, |e| e.topics.clone()),
        EVENTS => (Kind::Many, |e| e.events.clone()),
        _ => (Kind::One, |e| e.sentiment.map(|class| one_of(class, SENTIMENTS))),
    }
}

/// The rows that supervise a head.
pub(super) fn cases<'a>(
    head: &str,
    taxonomy: &Taxonomy,
    examples: &'a [Example],
    rows: &'a [Row],
) -> (Kind, Vec<Case<'a>>) {
    let texts = || examples.iter().zip(rows);
    let named = |pick: &dyn Fn(&Target) -> Option<Goal>| -> Vec<Case<'a>> {
        let each =
            texts().flat_map(|(e, row)| e.targets.iter().zip(&row.targets).map(move |(t, f)| (e, t, f)));
        let case = |(e, t, features): (&'a Example, &Target, &'a Vec<f32>)| {
            Some(Case {
                text: &e.text,
                features,
                goal: pick(t)?,
                weight: t.weight * e.share_of(head),
                dev: e.dev,
            })
        };
        each.filter_map(case).collect()
    };
    match head {
        NAME_SENTIMENT => (Kind::One, named(&|t| t.sentiment.map(|class| one_of(class, SENTIMENTS)))),
        NAME_EVENT => (Kind::One, named(&|t| t.event.map(|class| one_of(class, taxonomy.events.len())))),
        _ => {
            let (kind, goal) = document_goal(head);
            let case = |(e, row): (&'a Example, &'a Row)| {
                Some(Case {
                    text: &e.text,
                    features: &row.document,
                    goal: goal(e)?,
                    weight: e.weight_for(head),
                    dev: e.dev,
                })
            };
            (kind, texts().filter_map(case).collect())
        }
    }
}

fn one_of(class: usize, width: usize) -> Goal {
    Goal {
        labels: (0..width).map(|i| if i == class { 1.0 } else { 0.0 }).collect(),
        weights: vec![1.0; width],
        first: None,
    }
}
