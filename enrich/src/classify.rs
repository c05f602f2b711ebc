//! The part of the classifier that enrich needs, and how a document that makes it
//! fail is found.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tocsin_contract::{Document, Entity, ModelInfo, RiskEvent, Sentiment, TopicScore};

/// What a model reads in one document.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Selected topics, the most probable first.
    pub topics: Vec<TopicScore>,
    pub sentiment: Sentiment,
    pub risk_events: Vec<RiskEvent>,
    pub entities: Vec<Entity>,
}

/// Reads documents; blocks, so it is called on a thread of its own.
pub trait Classify: Debug + Send + Sync + 'static {
    /// One reading for each document, in order, or why this batch cannot be read.
    fn classify(&self, documents: &[Document]) -> Result<Vec<Reading>, String>;
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
        Ok(readings) => readings.into_iter().map(Ok).collect(),
        Err(cause) if documents.len() == 1 => vec![Err(cause)],
        Err(_) => {
            let (left, right) = documents.split_at(documents.len() / 2);
            let mut readings = read_each(model, left);
            readings.extend(read_each(model, right));
            readings
        }
    }
}

fn attempt(model: &dyn Classify, documents: &[Document]) -> Result<Vec<Reading>, String> {
    let readings = catch_unwind(AssertUnwindSafe(|| model.classify(documents)))
        .unwrap_or_else(|_| Err("the classifier panicked".into()))?;
    if readings.len() == documents.len() {
        Ok(readings)
    } else {
        Err(format!("the classifier gave {} readings for {} documents", readings.len(), documents.len()))
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
