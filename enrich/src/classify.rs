//! The part of the classifier that enrich needs, and how a document that makes it
//! fail is found.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tocsin_contract::{Document, Entity, ModelInfo, RiskEvent, Sentiment, TopicScore};

use crate::metric;

/// What a model reads in one document.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Selected topics, the most probable first.
    pub topics: Vec<TopicScore>,
    pub sentiment: Sentiment,
    pub risk_events: Vec<RiskEvent>,
    pub entities: Vec<Entity>,
    /// Tokens of the text as it was read.
    pub tokens: usize,
}

/// What a model reads in a batch of documents.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Readings {
    /// One for each document, in order.
    pub each: Vec<Reading>,
    /// How long each step took for all of them.
    pub steps: Vec<(&'static str, Duration)>,
}

/// Reads documents; blocks, so it is called on a thread of its own.
pub trait Classify: Debug + Send + Sync + 'static {
    /// A reading of each document, or why this batch cannot be read.
    fn classify(&self, documents: &[Document]) -> Result<Readings, String>;
    /// About how many tokens the document has, without reading it closely.
    fn tokens(&self, document: &Document) -> usize;
    /// The English name of a topic.
    fn topic_name(&self, topic: &str) -> String;
    fn model(&self) -> ModelInfo;
}

/// Reads every document that can be read: a batch that fails (or panics) is halved
/// until the documents that cause it stand alone.
pub(crate) fn read_each(model: &dyn Classify, documents: &[Document]) -> Vec<Result<Reading, String>> {
    if documents.is_empty() {
        return Vec::new();
    }
    match attempt(model, documents) {
        Ok(readings) => {
            for (step, took) in readings.steps {
                metrics::histogram!(metric::STEP_SECONDS, "step" => step).record(took.as_secs_f64());
            }
            readings.each.into_iter().map(Ok).collect()
        }
        Err(cause) if documents.len() == 1 => vec![Err(cause)],
        Err(_) => {
            let (left, right) = documents.split_at(documents.len() / 2);
            let mut readings = read_each(model, left);
            readings.extend(read_each(model, right));
            readings
        }
    }
}

fn attempt(model: &dyn Classify, documents: &[Document]) -> Result<Readings, String> {
    let readings = catch_unwind(AssertUnwindSafe(|| model.classify(documents)))
        .unwrap_or_else(|_| Err("the classifier panicked".into()))?;
    let given = readings.each.len();
    if given == documents.len() {
        Ok(readings)
    } else {
        Err(format!("the classifier gave {given} readings for {} documents", documents.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{WordList, document};

    #[test]
    fn one_document_that_makes_the_model_panic_spares_the_others() {
        let mut documents: Vec<_> = (0..9).map(document).collect();
        documents[4].title = "panic".into();
        documents[7].title = "fail".into();
        let readings = read_each(&WordList::default(), &documents);
        let failed: Vec<_> = (0..9).filter(|n| readings[*n].is_err()).collect();
        assert_eq!(failed, [4, 7]);
        assert_eq!(readings[4].as_ref().unwrap_err(), "the classifier panicked");
    }
}
