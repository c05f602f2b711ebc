//! Distillation: what a larger model answers for the training texts, which a smaller one is to answer too
//! (Hinton, Vinyals, Dean: Distilling the Knowledge in a Neural Network, 2015; temperature 1, as a model's
//! answers are calibrated). A teacher answers everything for every text, where a set has labels for a part of it.
//! Owns the answers that a run keeps for the processes that go on with it.

use std::collections::HashMap;
use std::path::Path;

use safetensors::{Dtype, tensor::TensorView};
use sha2::{Digest, Sha256};

use super::FinetuneOptions;
use crate::encoder::Encoder;
use crate::error::{ClassifierError, Result};
use crate::heads::{
    EVENTS, Head, Heads, NAME_EVENT, NAME_SENTIMENT, SENTIMENT, SENTIMENTS, TOPICS, sigmoid, softmax,
};
use crate::hub;
use crate::model::{self, CONFIG, ModelConfig, TOKENIZER, bytes};
use crate::taxonomy::{Label, Taxonomy};
use crate::tokens::Tokens;
use crate::train::cache::{self, Pace, Row};
use crate::train::data::Example;
use crate::weight_file::WeightFile;

/// Answers of a run, beside its state.
const FILE: &str = "taught.safetensors";
const ANSWERS: &str = "answers";
/// What answers are of: the texts, and the teacher.
const OF: &str = "of";
/// Texts whose features are in memory at once.
const CHUNK: usize = 8192;
/// Tokens of one pass of the teacher's encoder.
const BUDGET: usize = 512;

/// Probabilities of one text. N-grams beside the teacher's heads have no part in them: a student gets its own.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Taught {
    pub(super) sentiment: Vec<f32>,
    pub(super) topics: Vec<f32>,
    pub(super) events: Vec<f32>,
    /// Of each name: sentiments, then events.
    pub(super) names: Vec<Vec<f32>>,
}

impl Taught {
    fn values(&self) -> impl Iterator<Item = f32> {
        let parts = [&self.sentiment, &self.topics, &self.events];
        parts.into_iter().chain(&self.names).flatten().copied()
    }

    /// The next answer of `values`, for a text with so many names.
    fn taken(values: &mut &[f32], (topics, events): (usize, usize), names: usize) -> Option<Self> {
        let mut take = |count: usize| {
            let (part, rest) = values.split_at_checked(count)?;
            *values = rest;
            Some(part.to_vec())
        };
        Some(Self {
            sentiment: take(SENTIMENTS)?,
            topics: take(topics)?,
            events: take(events)?,
            names: (0..names).map(|_| take(SENTIMENTS + events)).collect::<Option<_>>()?,
        })
    }
}

/// What the teacher of `options` answers for each of `examples`; nothing for dev texts, or without one.
/// Read from the folder of the run when they were kept for the same texts and teacher.
pub(super) fn answers(
    options: &FinetuneOptions,
    taxonomy: &Taxonomy,
    examples: &[Example],
) -> Result<Vec<Option<Taught>>> {
    let Some(folder) = &options.teacher else { return Ok(vec![None; examples.len()]) };
    let folder = hub::folder(folder)?.unwrap_or_else(|| folder.clone());
    let train: Vec<Example> = examples.iter().filter(|e| !e.dev).cloned().collect();
    let of = fingerprint(&folder, &train)?;
    let path = options.out.join(FILE);
    let labels = (taxonomy.topics.len(), taxonomy.events.len());
    let kept = if path.exists() { kept(&path, &of, &train, labels)? } else { None };
    let taught = match kept {
        Some(taught) => taught,
        None => {
            let taught = Teacher::read(&folder, taxonomy)?.all(&train, options.threads)?;
            keep(&path, of, &taught)?;
            taught
        }
    };
    let mut taught = taught.into_iter();
    Ok(examples.iter().map(|e| if e.dev { None } else { taught.next() }).collect())
}

struct Teacher {
    encoder: Encoder,
    heads: Heads,
    tokens: Tokens,
}

impl Teacher {
    fn read(folder: &Path, taxonomy: &Taxonomy) -> Result<Self> {
        let config = ModelConfig::read(folder)?;
        let same = |rules: &[model::Rule], labels: &[Label]| {
            rules.iter().map(|rule| &rule.id).eq(labels.iter().map(|label| &label.id))
        };
        if !same(&config.topics, &taxonomy.topics) || !same(&config.events, &taxonomy.events) {
            let reason = "it has other topics or events than the taxonomy";
            return Err(ClassifierError::unfit(&folder.join(CONFIG), "teacher", reason));
        }
        let (weights, heads) = model::read(folder, &config)?;
        let tokens = Tokens::read(&folder.join(TOKENIZER), config.max_tokens)?;
        Ok(Self { encoder: Encoder::new(weights.quantised(), &config.taps), heads, tokens })
    }

    fn all(&self, examples: &[Example], threads: usize) -> Result<Vec<Taught>> {
        let pace = Pace { threads: crate::pool::threads(threads), token_budget: BUDGET, masked: 0.0 };
        let mut taught = Vec::with_capacity(examples.len());
        for chunk in examples.chunks(CHUNK) {
            let rows = cache::rows(&self.encoder, &self.tokens, chunk, None, pace)?;
            taught.extend(rows.iter().map(|row| self.one(row)));
            tracing::info!(done = taught.len(), of = examples.len(), "the teacher has answered");
        }
        Ok(taught)
    }

    fn one(&self, row: &Row) -> Taught {
        let logits = |name: &str, features: &[f32]| {
            self.heads.0.get(name).map(|head: &Head| head.logits(features)).unwrap_or_default()
        };
        let each = |name: &str| logits(name, &row.document).into_iter().map(sigmoid).collect();
        let name = |features: &Vec<f32>| {
            let mut both = softmax(&logits(NAME_SENTIMENT, features));
            both.extend(softmax(&logits(NAME_EVENT, features)));
            both
        };
        Taught {
            sentiment: softmax(&logits(SENTIMENT, &row.document)),
            topics: each(TOPICS),
            events: each(EVENTS),
            names: row.targets.iter().map(name).collect(),
        }
    }
}

/// Sum over the texts, their names, and what the model notes of itself, sums of its files among it.
fn fingerprint(teacher: &Path, examples: &[Example]) -> Result<String> {
    let path = teacher.join(CONFIG);
    let mut sum = Sha256::new();
    sum.update(std::fs::read(&path).map_err(|e| ClassifierError::read(&path, e))?);
    examples.iter().for_each(|example| sum.update(example.features_of()));
    Ok(hex::encode(sum.finalize()))
}

/// `None`: the file has answers of another teacher or for other texts.
fn kept(path: &Path, of: &str, examples: &[Example], labels: (usize, usize)) -> Result<Option<Vec<Taught>>> {
    let file = WeightFile::open(path)?;
    if file.facts().get(OF).map(String::as_str) != Some(of) {
        return Ok(None);
    }
    let values = file.floats(ANSWERS)?;
    let mut left = values.as_slice();
    Ok(examples.iter().map(|e| Taught::taken(&mut left, labels, e.targets.len())).collect())
}

fn keep(path: &Path, of: String, taught: &[Taught]) -> Result<()> {
    let values: Vec<f32> = taught.iter().flat_map(Taught::values).collect();
    let raw = bytes(&values);
    let view = TensorView::new(Dtype::F32, vec![values.len()], &raw);
    let view = view.map_err(|e| ClassifierError::unfit(path, "file of answers", e))?;
    let partial = path.with_extension("partial");
    let facts = HashMap::from([(OF.to_owned(), of)]);
    safetensors::serialize_to_file([(ANSWERS, view)], Some(facts), &partial)
        .map_err(|e| ClassifierError::unfit(&partial, "file of answers", e))?;
    std::fs::rename(&partial, path).map_err(|e| ClassifierError::write(path, e))
}
