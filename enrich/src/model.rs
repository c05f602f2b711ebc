//! The real classifier behind [`Classify`], and the folder that it is renewed from.

use std::sync::Arc;

use tocsin_classifier::{Classifier, ClassifierConfig, ClassifierError, Input, Watch};
use tocsin_contract::{Document, ModelInfo};

use crate::classify::{Classify, Reading, Readings};
use crate::renewal::Renew;

impl Classify for Classifier {
    fn classify(&self, documents: &[Document]) -> Result<Readings, String> {
        let inputs: Vec<Input> = documents.iter().map(input).collect();
        let (outputs, pace) = self.classify_timed(&inputs);
        let readings = outputs.into_iter().map(|output| Reading {
            topics: output.topics,
            sentiment: output.sentiment,
            risk_events: output.risk_events,
            entities: output.entities,
            tokens: output.tokens,
        });
        let steps = vec![("prepare", pace.prepare), ("model", pace.model)];
        Ok(Readings { each: readings.collect(), steps })
    }

    fn tokens(&self, document: &Document) -> usize {
        self.estimate_tokens(&document.title) + self.estimate_tokens(&document.body)
    }

    fn topic_name(&self, topic: &str) -> String {
        let label = self.taxonomy().topics.iter().find(|label| label.id == topic);
        label.map_or_else(|| topic.to_owned(), |label| label.en.clone())
    }

    fn model(&self) -> ModelInfo {
        Classifier::model(self).clone()
    }
}

/// The folder of the model in use: opens it again, with the dictionaries, when it changed.
#[derive(Debug)]
pub struct ModelFolder {
    config: ClassifierConfig,
    watch: Watch,
}

impl ModelFolder {
    /// The model that `config` names, and its folder from now on. Blocks.
    pub fn open(config: ClassifierConfig) -> Result<(Classifier, Self), ClassifierError> {
        let classifier = Classifier::open(&config)?;
        let watch = classifier.watch();
        Ok((classifier, Self { config, watch }))
    }

    fn reopened(&self) -> Result<Arc<dyn Classify>, String> {
        let config = ClassifierConfig { model: self.watch.folder().to_owned(), ..self.config.clone() };
        let classifier = Classifier::open(&config).map_err(|error| error.to_string())?;
        if self.watch.has_moved() {
            return Err(format!("{} changed while it was read", self.watch.folder().display()));
        }
        Ok(Arc::new(classifier))
    }
}

impl Renew for ModelFolder {
    fn renew(&mut self) -> Option<Result<Arc<dyn Classify>, String>> {
        self.watch.is_due().then(|| self.reopened())
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
        let mut readings = Classify::classify(&model, &[document.clone(), document.clone()]).unwrap().each;
        assert_eq!(readings.len(), 2);
        let estimate = Classify::tokens(&model, &document);
        assert!((readings[0].tokens / 2..=readings[0].tokens * 2).contains(&estimate), "{estimate}");
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
