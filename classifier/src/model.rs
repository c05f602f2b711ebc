//! A model folder: `config.json`, `model.safetensors` (encoder and heads),
//! `tokenizer.json`, and where it blends n-grams in `ngrams.safetensors`. Owns its form:
//! reading, writing, int8 rows.

mod write;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tocsin_contract::ModelInfo;

use crate::error::{ClassifierError, Result};
use crate::features;
use crate::heads::{
    ALL, BLENDED, EVENTS, Head, Heads, Hidden, NAME_EVENT, NAME_SENTIMENT, SENTIMENTS, TOPICS,
};
use crate::ngrams::Blends;
use crate::weight_file::WeightFile;
use crate::weights::{Linear, Shape, Weights};
pub use write::{Form, Parts, write};
pub(crate) use write::{bytes, stored_ngrams, stored_size};

/// `config.json` of a Tocsin model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelConfig {
    #[serde(flatten)]
    pub info: ModelInfo,
    pub encoder: Shape,
    /// Layers (from 1) whose states the heads see.
    pub taps: Vec<usize>,
    pub max_tokens: usize,
    pub topics: Vec<Rule>,
    /// With `none`.
    pub events: Vec<Rule>,
    pub temperatures: BTreeMap<String, f32>,
    /// How n-grams are added to the logits of a head, by head; none in models without them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub blends: BTreeMap<String, Blends>,
    /// A sentiment that is less sure abstains.
    pub abstain_below: f32,
    /// The same of the sentiment towards a name; none in models that have one bound for both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abstain_names_below: Option<f32>,
    /// SHA-256 of the weights, the tokenizer and the n-grams that belong to this configuration, by
    /// file; empty in folders of before they were noted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sha256: BTreeMap<String, String>,
}

/// A label and the probability from which on it is selected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    pub id: String,
    pub threshold: f32,
}

/// Names of the files in a model folder.
pub const CONFIG: &str = "config.json";
pub const WEIGHTS: &str = "model.safetensors";
pub const TOKENIZER: &str = "tokenizer.json";
pub const NGRAMS: &str = "ngrams.safetensors";

impl ModelConfig {
    /// That of a folder. An error: there is none, or what it says does not fit together.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(CONFIG);
        let text = std::fs::read_to_string(&path).map_err(|e| ClassifierError::read(&path, e))?;
        let unfit = |reason: String| ClassifierError::unfit(&path, "Tocsin model", reason);
        let config: Self = serde_json::from_str(&text).map_err(|e| unfit(e.to_string()))?;
        config.check().map_err(unfit)?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        self.encoder.check()?;
        let layers = self.encoder.num_hidden_layers;
        if let Some(head) = self.blends.keys().find(|head| !BLENDED.contains(&head.as_str())) {
            return Err(format!("blends names {head}; n-grams are added to {BLENDED:?}"));
        }
        match self.taps.iter().find(|tap| !(1..=layers).contains(*tap)) {
            Some(tap) => Err(format!("taps has layer {tap}; the encoder has 1 to {layers}")),
            None if self.taps.is_empty() => Err("taps names no layer".to_owned()),
            None if self.topics.is_empty() || self.events.is_empty() => {
                Err("it has no topics or no events".to_owned())
            }
            None => Ok(()),
        }
    }

    /// The confidence below which the sentiment towards a name abstains.
    pub(crate) fn names_bound(&self) -> f32 {
        self.abstain_names_below.unwrap_or(self.abstain_below)
    }

    /// Inputs and outputs of a head.
    fn head_sizes(&self, head: &str) -> (usize, usize) {
        let hidden = self.encoder.hidden_size;
        let (document, mention) =
            (features::document_width(self.taps.len(), hidden), features::mention_width(hidden));
        let inputs = if matches!(head, NAME_SENTIMENT | NAME_EVENT) { mention } else { document };
        (inputs, self.outputs(head))
    }

    /// Classes or labels of a head.
    pub(crate) fn outputs(&self, head: &str) -> usize {
        match head {
            TOPICS => self.topics.len(),
            EVENTS | NAME_EVENT => self.events.len(),
            _ => SENTIMENTS,
        }
    }
}

/// The encoder of a folder, and its heads.
pub fn read(folder: &Path, config: &ModelConfig) -> Result<(Weights, Heads)> {
    let path = folder.join(WEIGHTS);
    let file = WeightFile::open(&path)?;
    let weights = Weights::load(&file, &config.encoder)?;
    let mut heads = Heads::default();
    for name in ALL {
        let temperature = config.temperatures.get(name).copied().unwrap_or(1.0);
        heads.0.insert(name.to_owned(), head(&file, name, config.head_sizes(name), temperature)?);
    }
    Ok((weights, heads))
}

fn head(file: &WeightFile, name: &str, (inputs, outputs): (usize, usize), temperature: f32) -> Result<Head> {
    let full = |part: &str| format!("heads.{name}.{part}");
    let get = |part: &str, wanted: usize| file.values(&full(part), wanted);
    let (weight, bias) = (full("hidden.weight"), file.floats(&full("hidden.bias"))?);
    let (middle, hidden) = (bias.len(), Hidden { weight: file.table(&weight)?, bias });
    file.agree(&weight, hidden.weight.len(), middle * inputs)?;
    Ok(Head {
        mean: get("mean", inputs)?,
        scale: get("scale", inputs)?,
        hidden,
        output: Linear {
            weight: get("output.weight", outputs * middle)?,
            bias: get("output.bias", outputs)?,
        },
        temperature,
    })
}
