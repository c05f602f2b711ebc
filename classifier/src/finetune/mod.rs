//! Fine-tunes the lower layers of an encoder on every labelled set at once, on the
//! CPU, with a backward pass written by hand. Owns the stage before the heads are
//! fitted; its own linear heads lie beside the encoder that it writes. Never touches the
//! base it reads.

mod adam;
mod average;
mod checkpoints;
mod dropout;
mod heads;
mod items;
mod layout;
mod log;
mod model;
mod origin;
mod product;
mod run;
mod score;
mod state;
mod stopping;
mod teacher;
mod worker;

#[cfg(test)]
mod run_tests;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

pub use average::{Pair, average};
pub(crate) use layout::HEADS;
pub(crate) use origin::{Origin, Run, called};
pub use run::run;

/// What to train on, how far, and where the encoder goes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FinetuneOptions {
    /// Folder with config.json, model.safetensors and tokenizer.json, or its name on the hub.
    #[serde(skip)]
    pub base: PathBuf,
    /// Data files or folders, as for the heads.
    #[serde(skip)]
    pub data: Vec<PathBuf>,
    /// Files of labels for texts that are among `data`, as for the heads.
    #[serde(skip)]
    pub labels: Vec<PathBuf>,
    /// Files of texts without labels, for the teacher to answer.
    #[serde(skip)]
    pub unlabelled: Vec<PathBuf>,
    /// Topics and events with the labels of the sets.
    #[serde(skip)]
    pub taxonomy: PathBuf,
    /// Folder of a model, or hf://owner/name, whose answers are learned beside the labels.
    #[serde(skip)]
    pub teacher: Option<PathBuf>,
    /// Receives the last two `ckpt-N` folders, `encoder`, `log.jsonl` and the state of the run.
    #[serde(skip)]
    pub out: PathBuf,
    /// Begins anew even if `out` holds the state of a run, and removes the encoders of that run.
    #[serde(skip)]
    pub from_scratch: bool,
    /// Heads will be fitted on the same data: an error at once where it lacks what one of them needs.
    #[serde(skip)]
    pub for_heads: bool,
    /// Layers kept, from the bottom; 0 is all.
    pub layers: usize,
    pub seed: u64,
    /// 0 is one a core.
    pub threads: usize,
    /// Texts are cut here.
    pub max_tokens: usize,
    /// Tokens of one step, over all threads.
    pub batch_tokens: usize,
    /// Most texts of each public set in one epoch; 0 is all. Of `unlabelled` texts all are taken.
    pub cap: usize,
    /// Every so-manieth training text is left to the heads, which are to be fitted on texts that the encoder
    /// has not learned; 0: none.
    #[serde(skip_serializing_if = "is_zero")]
    pub held_back: usize,
    pub epochs: usize,
    /// Times that an epoch takes each annotated text.
    pub annotated_passes: usize,
    /// Weight of an annotated text in the loss.
    pub annotated_weight: f32,
    /// Peak rate of the top layer.
    pub rate: f32,
    pub head_rate: f32,
    /// Factor of the rate from a layer to the one below.
    pub layer_fall: f32,
    pub decay: f32,
    /// Largest norm of a step's gradient.
    pub clip: f32,
    /// Share of the run in which the rate rises.
    pub warm_up: f64,
    /// Share of the words hidden from each text, anew in each pass.
    pub masked: f32,
    /// Share of each half layer's output dropped in training.
    pub dropout: f32,
    /// The run ends after this long even if data is left; the rates fall in time for it.
    pub time_limit: Option<Duration>,
    /// The run ends after so many checkpoints in a row that were no better on dev than one before, and
    /// its encoder is the best of all; 0: it goes to its end, whose encoder it is. Wants dev texts.
    #[serde(skip_serializing_if = "is_zero")]
    pub patience: usize,
    #[serde(skip)]
    pub checkpoint_every: Duration,
    /// Dev texts scored at each checkpoint.
    #[serde(skip)]
    pub dev_texts: usize,
}

impl Default for FinetuneOptions {
    fn default() -> Self {
        Self {
            base: PathBuf::new(),
            data: Vec::new(),
            labels: Vec::new(),
            unlabelled: Vec::new(),
            taxonomy: PathBuf::from("config/taxonomy.toml"),
            teacher: None,
            out: PathBuf::new(),
            from_scratch: false,
            for_heads: true,
            layers: 0,
            seed: 1,
            threads: 2,
            max_tokens: 96,
            batch_tokens: 1024,
            cap: 9000,
            held_back: 0,
            epochs: 1,
            annotated_passes: 2,
            annotated_weight: 2.0,
            rate: 1.5e-4,
            head_rate: 1e-3,
            layer_fall: 0.9,
            decay: 0.01,
            clip: 1.0,
            warm_up: 0.1,
            masked: 0.1,
            dropout: 0.1,
            time_limit: None,
            patience: 0,
            checkpoint_every: Duration::from_secs(300),
            dev_texts: 1500,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FinetuneReport {
    pub steps: usize,
    pub tokens: usize,
    pub seconds: f64,
    pub tokens_per_second: f64,
    /// Mean loss of the last hundred steps.
    pub loss: f32,
    /// "set task" → accuracy or micro-F1 of the training heads on the dev texts scored, where a set can tell.
    pub dev: BTreeMap<String, f64>,
    /// The encoder, in the form of the base.
    pub encoder: PathBuf,
}

impl FinetuneReport {
    /// Mean of all scores on dev.
    fn mean_dev(&self) -> f64 {
        self.dev.values().sum::<f64>() / self.dev.len().max(1) as f64
    }
}
