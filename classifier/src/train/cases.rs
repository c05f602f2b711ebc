//! Which texts and names teach which head, and what.

use super::cache::Row;
use super::data::{Example, Goal, Target};
use super::fit::{Case, Kind};
use crate::error::{ClassifierError, Result};
use crate::heads::{EVENTS, NAME_EVENT, NAME_SENTIMENT, SENTIMENTS, TOPICS};
use crate::taxonomy::Taxonomy;

/// Whether the labels of a head of the whole text exclude each other, and those of an
/// example; `None` where it has none.
pub(super) fn document_goal(head: &str) -> (Kind, fn(&Example) -> Option<Goal>) {
    match head {
        TOPICS => (Kind::Many, |e| e.topics.clone()),
        EVENTS => (Kind::Many, |e| e.events.clone()),
        _ => (Kind::One, |e| e.sentiment.map(|class| one_of(class, SENTIMENTS))),
    }
}

/// An error that names the first of `heads` that no training text teaches, or that no dev text judges.
pub(crate) fn require_labels<'a>(
    examples: impl IntoIterator<Item = &'a Example> + Clone,
    heads: impl IntoIterator<Item = &'static str>,
) -> Result<()> {
    for head in heads {
        for (dev, part) in [(false, "training"), (true, "dev")] {
            if !examples.clone().into_iter().any(|e| e.dev == dev && has_labels(head, e)) {
                return Err(ClassifierError::NoLabels { head, part });
            }
        }
    }
    Ok(())
}

fn has_labels(head: &str, example: &Example) -> bool {
    match head {
        NAME_SENTIMENT => example.targets.iter().any(|t| t.sentiment.is_some()),
        NAME_EVENT => example.targets.iter().any(|t| t.event.is_some()),
        _ => {
            let (_, goal) = document_goal(head);
            goal(example).is_some()
        }
    }
}

/// The rows that supervise a head. Events of a text are judged on dev texts whose events are all told, where there
/// are such.
pub(super) fn cases<'a>(
    head: &str,
    taxonomy: &Taxonomy,
    examples: &'a [Example],
    rows: &'a [Row],
) -> (Kind, Vec<Case<'a>>) {
    match head {
        NAME_SENTIMENT => {
            let sentiment = |t: &Target| t.sentiment.map(|class| one_of(class, SENTIMENTS));
            (Kind::One, of_names(head, examples, rows, sentiment))
        }
        NAME_EVENT => {
            let event = |t: &Target| t.event.map(|class| one_of(class, taxonomy.events.len()));
            (Kind::One, of_names(head, examples, rows, event))
        }
        _ => of_texts(head, examples, rows),
    }
}

fn of_names<'a>(
    head: &str,
    examples: &'a [Example],
    rows: &'a [Row],
    goal: impl Fn(&Target) -> Option<Goal>,
) -> Vec<Case<'a>> {
    let named = |(e, row): (&'a Example, &'a Row)| {
        e.targets.iter().zip(&row.targets).map(move |(t, features)| (e, t, features))
    };
    let case = |(e, t, features): (&'a Example, &Target, &'a Vec<f32>)| {
        let weight = t.weight * e.share_of(head);
        Some(Case { text: &e.text, features, goal: goal(t)?, weight, dev: e.dev })
    };
    examples.iter().zip(rows).flat_map(named).filter_map(case).collect()
}

fn of_texts<'a>(head: &str, examples: &'a [Example], rows: &'a [Row]) -> (Kind, Vec<Case<'a>>) {
    let (kind, goal) = document_goal(head);
    let is_told = examples.iter().any(|e| e.dev && e.all_events().is_some());
    let judges = |e: &Example| head != EVENTS || !is_told || e.all_events().is_some();
    let case = |(e, row): (&'a Example, &'a Row)| {
        Some(Case {
            text: &e.text,
            features: &row.document,
            goal: goal(e).filter(|_| !e.dev || judges(e))?,
            weight: e.weight_for(head),
            dev: e.dev,
        })
    };
    (kind, examples.iter().zip(rows).filter_map(case).collect())
}

fn one_of(class: usize, width: usize) -> Goal {
    Goal {
        labels: (0..width).map(|i| if i == class { 1.0 } else { 0.0 }).collect(),
        weights: vec![1.0; width],
        first: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heads::{ALL, SENTIMENT};

    fn example(set: &str, dev: bool) -> Example {
        let target = Target { sentiment: Some(1), event: Some(0), weight: 1.0, ..Target::default() };
        Example {
            set: set.to_owned(),
            dev,
            weight: 1.0,
            sentiment: Some(0),
            topics: Some(one_of(0, 2)),
            events: Some(one_of(1, 2)),
            targets: vec![target],
            ..Example::default()
        }
    }

    fn rows_of(head: &str, examples: &[Example]) -> Vec<(bool, f32)> {
        let taxonomy = Taxonomy { topics: Vec::new(), events: Vec::new() };
        let row = Row { document: vec![1.0], targets: vec![vec![1.0]] };
        let rows = vec![row; examples.len()];
        cases(head, &taxonomy, examples, &rows).1.iter().map(|case| (case.dev, case.weight)).collect()
    }

    #[test]
    fn events_of_a_text_are_judged_where_all_of_them_are_told() {
        let mut all = [example("finese", false), example("finese", true), example("annotated", true)];
        all[2].weight = 4.0;
        assert_eq!(rows_of(EVENTS, &all), [(false, 1.0), (true, 4.0)]);
        assert_eq!(rows_of(TOPICS, &all), [(false, 1.0), (true, 1.0), (true, 4.0)]);
        assert_eq!(rows_of(NAME_EVENT, &all).len(), 3);
        // Without such a dev text the others judge.
        assert_eq!(rows_of(EVENTS, &all[..2]), [(false, 1.0), (true, 1.0)]);
    }

    #[test]
    fn a_head_that_no_text_teaches_or_judges_is_named() {
        let both = [example("annotated", false), example("annotated", true)];
        require_labels(&both, ALL).unwrap();
        type Take = fn(&mut Example);
        let take: [(&str, Take); 5] = [
            (SENTIMENT, |e| e.sentiment = None),
            (TOPICS, |e| e.topics = None),
            (EVENTS, |e| e.events = None),
            (NAME_SENTIMENT, |e| e.targets[0].sentiment = None),
            (NAME_EVENT, |e| e.targets[0].event = None),
        ];
        for (head, take) in take {
            for (at, part) in ["training", "dev"].iter().enumerate() {
                let mut both = both.clone();
                take(&mut both[at]);
                let error = require_labels(&both, ALL).unwrap_err().to_string();
                assert!(error.contains(&format!("no {part} text")) && error.contains(head), "{error}");
                require_labels(&both, ALL.into_iter().filter(|other| *other != head)).unwrap();
            }
        }
    }
}
