//! A smaller model out of a model folder, by steps whose cost can be measured one by one:
//! fewer layers, a vocabulary cut to what texts use, int8. Trains nothing.

mod layers;
#[cfg(test)]
mod tests;
mod texts;
mod vocabulary;

use std::path::{Path, PathBuf};

use serde::Serialize;
use tocsin_contract::ModelInfo;

use crate::error::{ClassifierError, Result};
use crate::folder;
use crate::heads::Heads;
use crate::hub;
use crate::model::{self, CONFIG, Form, ModelConfig, NGRAMS, Parts, TOKENIZER, WEIGHTS};
use crate::ngrams::Ngrams;
use crate::tokens::Tokens;
use crate::weights::{Table, Weights};

/// What to make smaller, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompressOptions {
    /// A model folder (f32, f16 or int8), or `hf://owner/name`.
    pub model: PathBuf,
    pub out: PathBuf,
    /// Layers (from 1) to leave out.
    pub drop_layers: Vec<usize>,
    /// Texts whose tokens stay in the vocabulary: JSON lines, or plain lines; empty: all stay.
    pub prune: Vec<PathBuf>,
    pub int8: bool,
    /// The new model's name; that of the old one by default.
    pub name: Option<String>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    pub model: ModelInfo,
    /// The model as it was, and after each step.
    pub steps: Vec<Step>,
    /// A step that was asked for and had nothing to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remark: Option<&'static str>,
}

const BYTES_ALREADY: &str = "Nothing was left to do for --int8: the model is stored as bytes already.";

/// Sizes of a model at one point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    pub step: &'static str,
    pub weights_bytes: u64,
    pub tokenizer_bytes: u64,
    pub ngrams_bytes: u64,
    pub layers: usize,
    /// Tokens.
    pub vocabulary: usize,
}

/// A model in memory.
struct Model {
    config: ModelConfig,
    weights: Weights,
    heads: Heads,
    ngrams: Ngrams,
    /// `tokenizer.json`.
    tokenizer: Vec<u8>,
    form: Form,
}

/// Reads the model, takes the steps in the order of the options, writes the new folder
/// with a card that says what was done.
pub fn run(options: &CompressOptions) -> Result<Report> {
    let from = hub::folder(&options.model)?.unwrap_or_else(|| options.model.clone());
    folder::refuse_itself(&from, &options.out)?;
    let mut model = Model::read(&from)?;
    let mut steps = vec![model.step("as it was")];
    if !options.drop_layers.is_empty() {
        layers::drop(&mut model, &options.drop_layers)
            .map_err(|reason| ClassifierError::unfit(&from.join(CONFIG), "model for this", reason))?;
        steps.push(model.step("layers dropped"));
    }
    if !options.prune.is_empty() {
        model.prune(&from, &options.prune)?;
        steps.push(model.step("vocabulary pruned"));
    }
    let remark = (options.int8 && model.is_bytes()).then_some(BYTES_ALREADY);
    if options.int8 && remark.is_none() {
        model.weights = model.weights.quantised();
        model.heads.0.values_mut().for_each(|head| head.hidden = head.hidden.quantised());
        model.form = Form::Int8;
        steps.push(model.step("int8"));
    }
    let before = model.config.info.clone();
    if let Some(name) = &options.name {
        model.config.info.name.clone_from(name);
    }
    model::write(&options.out, &model.config, &model.parts(), model.form)?;
    let report = Report { model: ModelConfig::read(&options.out)?.info, steps, remark };
    write_card(&options.out, &before, &report)?;
    Ok(report)
}

impl Model {
    fn read(folder: &Path) -> Result<Self> {
        if !folder.join(CONFIG).is_file() {
            return Err(ClassifierError::NoModel(folder.display().to_string()));
        }
        let config = ModelConfig::read(folder)?;
        folder::verify(folder, &config.sha256)?;
        let form = Form::of(&config).ok_or_else(|| {
            let reason = format!("quantization {:?} is none of f32, f16, int8", config.info.quantization);
            ClassifierError::unfit(&folder.join(CONFIG), "Tocsin model", reason)
        })?;
        let (weights, heads) = model::read(folder, &config)?;
        let path = folder.join(TOKENIZER);
        let tokenizer = std::fs::read(&path).map_err(|e| ClassifierError::read(&path, e))?;
        Ok(Self { ngrams: Ngrams::read(folder, &config)?, config, weights, heads, tokenizer, form })
    }

    fn parts(&self) -> Parts<'_> {
        Parts { weights: &self.weights, heads: &self.heads, ngrams: &self.ngrams, tokenizer: &self.tokenizer }
    }

    /// Whether all that `--int8` makes bytes is such; the heads of older models are not.
    fn is_bytes(&self) -> bool {
        let heads = self.heads.0.values();
        self.form == Form::Int8
            && heads.map(|head| &head.hidden.weight).all(|w| matches!(w, Table::I8 { .. }))
    }

    fn prune(&mut self, from: &Path, files: &[PathBuf]) -> Result<()> {
        let path = from.join(TOKENIZER);
        let used = texts::used(&Tokens::read(&path, texts::LONGEST)?, files)?;
        let size = self.config.encoder.vocab_size;
        let pruned = vocabulary::prune(&self.tokenizer, size, &used)
            .map_err(|reason| ClassifierError::unfit(&path, "tokenizer to prune", reason))?;
        self.weights.words = self.weights.words.chosen(&pruned.kept, self.config.encoder.hidden_size);
        self.weights.shape.vocab_size = pruned.kept.len();
        self.config.encoder.vocab_size = pruned.kept.len();
        self.tokenizer = pruned.tokenizer;
        Ok(())
    }

    fn step(&self, step: &'static str) -> Step {
        Step {
            step,
            weights_bytes: model::stored_size(&self.weights, &self.heads, self.form),
            tokenizer_bytes: self.tokenizer.len() as u64,
            ngrams_bytes: model::stored_ngrams(&self.ngrams),
            layers: self.config.encoder.num_hidden_layers,
            vocabulary: self.config.encoder.vocab_size,
        }
    }
}

impl Report {
    /// A table for people.
    pub fn text(&self) -> String {
        let mut out = format!(
            "{} {} ({})\n\n| step | layers | tokens | weights MB | tokenizer MB | n-grams MB | together MB |\n|---|---|---|---|---|---|---|\n",
            self.model.name, self.model.version, self.model.quantization
        );
        for step in &self.steps {
            let megabytes = |bytes: u64| bytes as f64 / 1e6;
            out += &format!(
                "| {} | {} | {} | {:.1} | {:.1} | {:.1} | {:.1} |\n",
                step.step,
                step.layers,
                step.vocabulary,
                megabytes(step.weights_bytes),
                megabytes(step.tokenizer_bytes),
                megabytes(step.ngrams_bytes),
                megabytes(step.weights_bytes + step.tokenizer_bytes + step.ngrams_bytes),
            );
        }
        out + &self.remark.map(|remark| format!("\n{remark}\n")).unwrap_or_default()
    }
}

fn write_card(out: &Path, before: &ModelInfo, report: &Report) -> Result<()> {
    let path = out.join("README.md");
    let text = format!(
        "# {}\n\nMade from {} {} ({}) by `tocsin quantize`; what that model was trained on, under which licences, and its limits \
         are in its own card. What the steps cost is measured by `tocsin eval --model` on this folder and on that one.\n\n{}\n\
         {WEIGHTS}, {TOKENIZER}, {NGRAMS} where there is one and {CONFIG} belong together: the last notes the SHA-256 of the others.\n",
        report.model.name,
        before.name,
        before.version,
        before.quantization,
        report.text(),
    );
    std::fs::write(&path, text).map_err(|e| ClassifierError::write(&path, e))
}
