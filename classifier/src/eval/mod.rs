//! Scores a model on labelled files, by task, language and set. Uses the classifier
//! as its users do; owns no arithmetic but the scores.

pub mod metrics;
pub mod picture;
mod render;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tocsin_contract::{ModelInfo, Sentiment, SentimentLabel};

use crate::classifier::Classifier;
use crate::config::ClassifierConfig;
use crate::document::{Input, Output};
use crate::error::{ClassifierError, Result};
use crate::taxonomy::{Label, NONE, index};
use crate::train::data::{self, ANNOTATED_SET, Example, Goal};
use metrics::{ClassReport, LabelReport};

/// What to score on what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvalOptions {
    pub classifier: ClassifierConfig,
    /// Files, of which every row counts, and folders, whose `dev.jsonl` files are taken.
    pub data: Vec<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvalReport {
    pub model: ModelInfo,
    pub texts: usize,
    /// By slice: `all`, `lang en`, `set fiqa` of rows that name their set, `annotated en`, ...
    pub sentiment: BTreeMap<String, ClassReport>,
    /// Whether a text is negative, in sets that tell no more.
    #[serde(default)]
    pub negative: BTreeMap<String, ClassReport>,
    pub name_sentiment: BTreeMap<String, ClassReport>,
    /// Whether a name is negative, in such sets.
    #[serde(default)]
    pub name_negative: BTreeMap<String, ClassReport>,
    /// The event of a name, in sets that give one.
    pub name_event: BTreeMap<String, ClassReport>,
    pub topics: BTreeMap<String, LabelReport>,
    /// Accuracy of the most probable topic where a set gives exactly one.
    pub top_topic: BTreeMap<String, f64>,
    /// In sets that tell all events of a text.
    pub risk_events: BTreeMap<String, LabelReport>,
}

/// Scores all rows of the files among `options.data` and the dev rows of the folders.
pub fn run(options: &EvalOptions) -> Result<EvalReport> {
    score(&Classifier::open(&options.classifier)?, &options.data)
}

/// [`run`] with an open classifier.
pub fn score(classifier: &Classifier, data: &[PathBuf]) -> Result<EvalReport> {
    self::examples(classifier, &data::to_score(data, classifier.taxonomy())?)
}

/// Scores what was read already; every text counts.
pub fn examples(classifier: &Classifier, examples: &[Example]) -> Result<EvalReport> {
    if examples.is_empty() {
        return Err(ClassifierError::NoData("score"));
    }
    let mut outputs = Vec::with_capacity(examples.len());
    for chunk in examples.chunks(2048) {
        outputs.extend(classifier.classify(&chunk.iter().map(input).collect::<Vec<_>>()));
        tracing::info!(
            done = outputs.len(),
            of = examples.len(),
            "scored {} of {} texts",
            outputs.len(),
            examples.len()
        );
    }
    let pairs: Vec<(&Example, &Output)> = examples.iter().zip(&outputs).collect();
    Ok(report(classifier, &pairs))
}

fn input(example: &Example) -> Input {
    let targets = example.targets.iter().map(|t| t.name.clone()).collect();
    Input { text: example.text.clone(), lang: Some(example.lang.clone()), targets, ..Input::default() }
}

type Pair<'a> = (&'a Example, &'a Output);

fn report(classifier: &Classifier, pairs: &[Pair<'_>]) -> EvalReport {
    let taxonomy = classifier.taxonomy();
    EvalReport {
        model: classifier.model().clone(),
        texts: pairs.len(),
        sentiment: slices(pairs, |p| class_report(p, document_sentiment)),
        negative: slices(pairs, |p| negative_report(p, document_negative)),
        name_sentiment: slices(pairs, |p| class_report(p, name_sentiment)),
        name_negative: slices(pairs, |p| negative_report(p, name_negative)),
        name_event: slices(pairs, |p| name_event(p, &taxonomy.events)),
        topics: slices(pairs, |p| {
            label_report(
                p,
                &taxonomy.topics,
                |e| e.topics.as_ref(),
                |o| o.topics.iter().map(|t| t.topic.as_str()).collect(),
            )
        }),
        top_topic: slices(pairs, |p| top_topic(p, &taxonomy.topics)),
        risk_events: slices(pairs, |p| label_report(p, &taxonomy.events, Example::all_events, event_names)),
    }
}

/// The score of all texts, of each language and of each set (and of the annotated
/// set by language), where there is one.
fn slices<T>(pairs: &[Pair<'_>], score: impl Fn(&[Pair<'_>]) -> Option<T>) -> BTreeMap<String, T> {
    let mut groups: BTreeMap<String, Vec<Pair<'_>>> = BTreeMap::new();
    for pair in pairs {
        let (set, lang) = (pair.0.named_set(), &pair.0.lang);
        let mut names = vec!["all".to_owned(), format!("lang {lang}")];
        if !set.is_empty() {
            names.push(format!("set {set}"));
        }
        if set == ANNOTATED_SET {
            names.push(format!("annotated {lang}"));
        }
        for name in names {
            groups.entry(name).or_default().push(*pair);
        }
    }
    groups.into_iter().filter_map(|(name, group)| Some((name, score(&group)?))).collect()
}

const fn position(label: SentimentLabel) -> usize {
    match label {
        SentimentLabel::Negative => 0,
        SentimentLabel::Neutral => 1,
        SentimentLabel::Positive => 2,
    }
}

fn document_sentiment<'a>((example, output): &Pair<'a>) -> Vec<(usize, &'a Sentiment)> {
    // Where only what is negative is told, that is all that can be scored.
    let truth = example.sentiment.filter(|_| example.negative.is_none());
    truth.map(|truth| (truth, &output.sentiment)).into_iter().collect()
}

fn document_negative<'a>((example, output): &Pair<'a>) -> Vec<(bool, &'a Sentiment)> {
    example.negative.map(|truth| (truth, &output.sentiment)).into_iter().collect()
}

fn name_negative<'a>((example, output): &Pair<'a>) -> Vec<(bool, &'a Sentiment)> {
    let both = example.targets.iter().zip(&output.targets);
    both.filter_map(|(target, said)| Some((target.negative?, &said.sentiment))).collect()
}

fn name_sentiment<'a>((example, output): &Pair<'a>) -> Vec<(usize, &'a Sentiment)> {
    let both = example.targets.iter().zip(&output.targets);
    both.filter_map(|(target, said)| Some((target.sentiment?, &said.sentiment))).collect()
}

fn class_report<'a>(
    pairs: &[Pair<'a>],
    of: impl Fn(&Pair<'a>) -> Vec<(usize, &'a Sentiment)>,
) -> Option<ClassReport> {
    let names = ["negative", "neutral", "positive"].map(str::to_owned);
    let answers: Vec<_> =
        pairs.iter().flat_map(of).map(|(truth, s)| (truth, position(s.label), s.confidence)).collect();
    (!answers.is_empty()).then(|| metrics::classes(&names, &answers))
}

/// Answers to whether something is negative, with how probable they are.
fn negative_report<'a>(
    pairs: &[Pair<'a>],
    of: impl Fn(&Pair<'a>) -> Vec<(bool, &'a Sentiment)>,
) -> Option<ClassReport> {
    let names = ["negative", "not negative"].map(str::to_owned);
    let answer = |(truth, said): (bool, &Sentiment)| {
        let is_negative = said.label == SentimentLabel::Negative;
        let p = if is_negative { said.negative } else { 1.0 - said.negative };
        (usize::from(!truth), usize::from(!is_negative), p)
    };
    let answers: Vec<_> = pairs.iter().flat_map(of).map(answer).collect();
    (!answers.is_empty()).then(|| metrics::classes(&names, &answers))
}

fn name_event(pairs: &[Pair<'_>], events: &[Label]) -> Option<ClassReport> {
    let names: Vec<String> = events.iter().map(|e| e.id.clone()).collect();
    let each = pairs.iter().flat_map(|(e, o)| e.targets.iter().zip(&o.targets));
    let answer = |(target, said): (&data::Target, &crate::document::TargetSentiment)| {
        Some((target.event?, index(events, &said.risk_event.event)?, said.risk_event.p))
    };
    let answers: Vec<_> = each.filter_map(answer).collect();
    (!answers.is_empty()).then(|| metrics::classes(&names, &answers))
}

fn event_names(output: &Output) -> Vec<&str> {
    match output.risk_events.as_slice() {
        [] => vec![NONE],
        events => events.iter().map(|e| e.event.as_str()).collect(),
    }
}

/// `none` is left out of the score: it is the absence of a label.
fn label_report(
    pairs: &[Pair<'_>],
    labels: &[Label],
    goal: impl Fn(&Example) -> Option<&Goal>,
    chosen: impl Fn(&Output) -> Vec<&str>,
) -> Option<LabelReport> {
    let names: Vec<String> = labels.iter().map(|l| l.id.clone()).collect();
    let mut known = vec![false; names.len()];
    let mut answers = Vec::new();
    for (example, output) in pairs {
        let Some(goal) = goal(example) else { continue };
        let is_known = |i: usize| {
            goal.weights.get(i).is_some_and(|w| *w > 0.0) && names.get(i).is_some_and(|n| n != NONE)
        };
        (0..names.len())
            .filter(|i| is_known(*i))
            .for_each(|i| known.iter_mut().skip(i).take(1).for_each(|k| *k = true));
        let truth = (0..names.len())
            .filter(|i| is_known(*i) && goal.labels.get(*i).is_some_and(|y| *y > 0.5))
            .collect();
        let said =
            chosen(output).iter().filter_map(|id| index(labels, id)).filter(|i| is_known(*i)).collect();
        answers.push((truth, said));
    }
    (!answers.is_empty()).then(|| metrics::labels(&names, &known, &answers))
}

/// Accuracy of the most probable of the topics that the set knows.
fn top_topic(pairs: &[Pair<'_>], topics: &[Label]) -> Option<f64> {
    let answer = |(example, output): &Pair<'_>| {
        let goal = example
            .topics
            .as_ref()
            .filter(|g| example.set != ANNOTATED_SET && g.labels.iter().sum::<f32>() == 1.0)?;
        let known = output.all.topics.iter().zip(&goal.weights).filter(|(_, w)| **w > 0.0);
        let best = known.max_by(|a, b| a.0.0.p.total_cmp(&b.0.0.p)).map(|((t, _), _)| t.topic.as_str())?;
        Some(index(topics, best).and_then(|i| goal.labels.get(i)).is_some_and(|y| *y > 0.5))
    };
    let answers: Vec<bool> = pairs.iter().filter_map(answer).collect();
    let right = answers.iter().filter(|a| **a).count();
    (!answers.is_empty()).then(|| right as f64 / answers.len() as f64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_that_name_no_set_are_scored_together_and_by_language() {
        let output: Output = serde_json::from_value(json!({
            "id": null, "topics": [], "risk_events": [], "entities": [], "targets": [],
            "sentiment": { "label": "neutral", "negative": 0.0, "neutral": 1.0, "positive": 0.0,
                "score": 0.0, "confidence": 1.0, "abstain": false },
            "model": { "name": "m", "version": "1", "quantization": "int8" },
        }))
        .unwrap();
        let example =
            |set: &str| Example { set: set.to_owned(), lang: "en".to_owned(), ..Example::default() };
        let examples = [example(""), example("fiqa")];
        let pairs: Vec<Pair<'_>> = examples.iter().map(|example| (example, &output)).collect();
        let counts = slices(&pairs, |group| Some(group.len()));
        let counts: Vec<(&str, usize)> = counts.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        assert_eq!(counts, [("all", 2), ("lang en", 2), ("set fiqa", 1)]);
    }
}
