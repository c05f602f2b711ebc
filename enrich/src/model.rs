//! The real classifier behind [`Classify`].

use tocsin_classifier::{Classifier, Input};
use tocsin_contract::{Document, ModelInfo};

use crate::classify::{Classify, Reading};

impl Classify for Classifier {
    fn classify(&self, documents: &[Document]) -> Result<Vec<Reading>, String> {
        let inputs: Vec<Input> = documents.iter().map(input).collect();
        let outputs = Classifier::classify(self, &inputs);
        let readings = outputs.into_iter().map(|output| Reading {
            topics: output.topics,
            sentiment: output.sentiment,
            risk_events: output.risk_events,
            entities: output.entities,
        });
        Ok(readings.collect())
    }

    fn topic_name(&self, topic: &str) -> String {
        let label = self.taxonomy().topics.iter().find(|label| label.id == topic);
        label.map_or_else(|| topic.to_owned(), |label| label.en.clone())
    }

    fn model(&self) -> ModelInfo {
        Classifier::model(self).clone()
    }
}

fn input(document: &Document) -> Input {
    Input {
        id: None,
        title: Some(document.title.clone()),
        text: document.body.clone(),
        lang: Some(document.lang.clone()),
        targets: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tocsin_classifier::ClassifierConfig;
    use tocsin_contract::SentimentLabel;

    use super::*;
    use crate::reading;
    use crate::samples::{document, seen};

    /// The shipped model; none in a checkout without its weights.
    fn shipped() -> Option<Classifier> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let defaults = ClassifierConfig::default();
        let config = ClassifierConfig {
            model: root.join(&defaults.model),
            taxonomy: root.join(&defaults.taxonomy),
            entities: defaults.entities.iter().map(|path| root.join(path)).collect(),
            ..defaults
        };
        if !config.model.exists() {
            eprintln!("not tested: there is no {}", config.model.display());
            return None;
        }
        Some(Classifier::open(&config).unwrap())
    }

    #[test]
    fn the_shipped_model_gives_signals_for_a_failing_bank() {
        let Some(model) = shipped() else { return };
        let mut document = document(1);
        document.title = "Silicon Valley Bank collapses after a run on deposits; regulators seize it".into();
        document.body = "Shares of the bank were halted. Depositors fear heavy losses.".into();
        let mut readings = Classify::classify(&model, &[document.clone(), document.clone()]).unwrap();
        assert_eq!(readings.len(), 2);
        let reading = readings.remove(0);
        assert_eq!(reading, readings[0]);
        let enriched = reading::enriched(document, reading, Classify::model(&model), seen(2));
        assert_eq!(enriched.sentiment.label, SentimentLabel::Negative);
        let signals = reading::signals(&enriched, seen(0), &model);
        let bank =
            signals.iter().find(|signal| signal.name.contains("Silicon Valley Bank") || signal.name == "SVB");
        assert!(bank.is_some_and(|signal| signal.negative), "{signals:#?}");
        assert!(!enriched.topics.is_empty());
        assert_ne!(model.topic_name("central_banks"), "central_banks");
    }
}
