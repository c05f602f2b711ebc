//! `tocsin train`: n-grams, features once, five heads, calibration, a model folder that
//! is scored on dev and describes itself.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;
use tocsin_contract::ModelInfo;

use super::cache::{self, Pace};
use super::cases::require_labels;
use super::compared::Compared;
use super::counts::Sets;
use super::data::Example;
use super::fit::FitOptions;
use super::heads::{self, Material};
use super::tuned::Tuned;
use super::{card, data, ngrams, order, texts};
use crate::classifier::Classifier;
use crate::config::ClassifierConfig;
use crate::encoder::Encoder;
use crate::error::{ClassifierError, Result};
use crate::eval::{self, EvalReport};
use crate::finetune::called;
use crate::heads::{ALL, Heads};
use crate::hub;
use crate::model::{self, CONFIG, Form, ModelConfig, NGRAMS, Parts, TOKENIZER, WEIGHTS};
use crate::ngrams::{Blends, Ngrams};
use crate::taxonomy::Taxonomy;
use crate::tokens::Tokens;
use crate::weights::{Shape, Weights};

#[derive(Debug, Clone, PartialEq)]
pub struct TrainOptions {
    /// Folder of the base encoder (config.json, model.safetensors, tokenizer.json), or its name on the hub.
    pub base: PathBuf,
    /// Files or folders of labelled texts.
    pub data: Vec<PathBuf>,
    /// Files of labels for texts that are among `data`.
    pub labels: Vec<PathBuf>,
    pub out: PathBuf,
    pub taxonomy: PathBuf,
    /// Dictionaries for scoring names on dev.
    pub entities: Vec<PathBuf>,
    pub name: String,
    pub version: String,
    pub seed: u64,
    /// How many of the encoder's layers are used, from the bottom; 0 is all.
    pub layers: usize,
    /// Layers (from 1) whose states the heads see; without any the last of each third.
    pub taps: Vec<usize>,
    pub max_tokens: usize,
    pub threads: usize,
    pub token_budget: usize,
    /// Share of the words hidden from training texts while their features are computed.
    pub masked: f32,
    /// Most training texts of each public set (and a third as many dev texts); 0 is all.
    pub limit: usize,
    /// Heads are fitted only on the texts that fine-tuning with the same number left to them; 0: on all.
    pub held_back: usize,
    /// Heads of the base, a Tocsin model, that are kept with its encoder: beside them only
    /// n-grams, temperatures and thresholds are made anew. Empty: all are fitted.
    pub keep_heads: Vec<String>,
    /// Also writes the model with its encoder in f16, to `out/f16`: `tocsin quantize` starts from it.
    pub keep_f16: bool,
    /// Keeps the encoder's output, so that a stopped or repeated run goes on from it.
    pub features: Option<PathBuf>,
    /// For the heads of one class, and for those of many labels.
    pub one: FitOptions,
    pub many: FitOptions,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            base: PathBuf::new(),
            data: Vec::new(),
            labels: Vec::new(),
            out: PathBuf::new(),
            taxonomy: PathBuf::from("config/taxonomy.toml"),
            entities: vec![PathBuf::from("config/entities")],
            name: "tocsin-small".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seed: 1,
            layers: 0,
            taps: Vec::new(),
            max_tokens: 256,
            threads: 0,
            token_budget: 512,
            masked: 0.0,
            limit: 0,
            held_back: 0,
            keep_heads: Vec::new(),
            keep_f16: false,
            features: None,
            one: FitOptions::default(),
            many: FitOptions::many(),
        }
    }
}

/// Folder of the larger model beside the int8 one.
const LARGER: &str = "f16";

/// What a run produced.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Texts that the heads were fitted on; 0 when they were kept.
    pub train_texts: usize,
    pub ngram_texts: usize,
    pub dev_texts: usize,
    /// The same texts by set.
    pub sets: Sets,
    pub seconds: f64,
    pub bytes: u64,
    /// Layers of the encoder, and those whose states the heads see.
    pub layers: usize,
    pub taps: Vec<usize>,
    /// Scores of the written (int8) model.
    pub dev: EvalReport,
    /// Accuracy by head on the same dev texts (at most 2,000) with the encoder in
    /// f32, then in int8: what int8 cost is the difference.
    pub int8: BTreeMap<String, (f64, f64)>,
    /// How n-grams were added, by head.
    pub blends: BTreeMap<String, Blends>,
}

/// Trains, writes the model folder with its card and log, and scores it. An error before anything is fitted
/// where a head has no training text or no dev text.
pub fn run(options: &TrainOptions) -> Result<Report> {
    let called = called(&options.base);
    let options = &TrainOptions { base: hub::base(&options.base)?, ..options.clone() };
    let started = Instant::now();
    let taxonomy = Taxonomy::read(&options.taxonomy)?;
    let mut all = data::read(&options.data, &options.labels, &taxonomy)?;
    data::require_training(&all, "train on")?;
    let is_kept = |head: &str| options.keep_heads.iter().any(|kept| kept == head);
    let is_of_heads =
        |e: &Example| e.dev || options.held_back == 0 || texts::is_held_back(&e.text, options.held_back);
    let of_heads = all.iter().filter(|e| is_of_heads(e));
    require_labels(of_heads, ALL.into_iter().filter(|head| !is_kept(head)))?;
    let mut base = Base::read(options)?;
    base.ngrams.0.extend(ngrams::fit(&all).0);
    let mut sets = Sets::default();
    sets.add_ngrams(&all);
    all.retain(is_of_heads);
    let mut examples = order(all, options.seed, options.limit);
    if ALL.iter().all(|head| base.heads.0.contains_key(*head)) {
        examples.retain(|e| e.dev);
    }
    sets.add_heads(&examples);
    std::fs::create_dir_all(&options.out).map_err(|e| ClassifierError::write(&options.out, e))?;
    let int8 = base.train(options, &taxonomy, &examples)?;
    let size = |name: &&str| std::fs::metadata(options.out.join(name)).map_or(0, |m| m.len());
    let report = Report {
        train_texts: sets.sum(|texts| texts.heads),
        ngram_texts: sets.sum(|texts| texts.ngrams),
        dev_texts: sets.sum(|texts| texts.dev),
        sets,
        seconds: started.elapsed().as_secs_f64(),
        bytes: [WEIGHTS, NGRAMS].iter().map(size).sum(),
        layers: base.config.encoder.num_hidden_layers,
        taps: base.config.taps.clone(),
        blends: base.config.blends.clone(),
        dev: score(options, &examples)?,
        int8,
    };
    card::write(options, &called, &base.config, &report)?;
    Ok(report)
}

/// What training starts from: an encoder, and those of its heads that are kept.
struct Base {
    /// Of the model to be; what is chosen on dev is not yet in it.
    config: ModelConfig,
    weights: Weights,
    heads: Heads,
    /// Beside kept heads; those that are fitted take their place.
    ngrams: Ngrams,
}

impl Base {
    fn read(options: &TrainOptions) -> Result<Self> {
        let info = ModelInfo {
            name: options.name.clone(),
            version: options.version.clone(),
            quantization: Form::Int8.name().to_owned(),
        };
        if !options.keep_heads.is_empty() {
            let config = ModelConfig::read(&options.base)?;
            let (weights, mut heads) = model::read(&options.base, &config)?;
            heads.0.retain(|name, _| options.keep_heads.contains(name));
            let ngrams = Ngrams::read(&options.base, &config)?;
            let config = ModelConfig { info, ..config };
            return Ok(Self { config, weights, heads, ngrams });
        }
        let weights = weights(options)?;
        let config = ModelConfig {
            info,
            encoder: weights.shape.clone(),
            taps: taps(options, weights.shape.num_hidden_layers)?,
            max_tokens: options.max_tokens,
            topics: Vec::new(),
            events: Vec::new(),
            temperatures: BTreeMap::new(),
            blends: BTreeMap::new(),
            abstain_below: 0.5,
            abstain_names_below: None,
            sha256: BTreeMap::new(),
        };
        Ok(Self { config, weights, heads: Heads::default(), ngrams: Ngrams::default() })
    }

    /// Encodes the examples, makes the heads, writes the model; gives what int8 cost.
    fn train(
        &mut self,
        options: &TrainOptions,
        taxonomy: &Taxonomy,
        examples: &[Example],
    ) -> Result<BTreeMap<String, (f64, f64)>> {
        let pace = Pace {
            threads: crate::pool::threads(options.threads),
            token_budget: options.token_budget,
            masked: options.masked,
        };
        let encoder = Encoder::new(self.weights.clone().quantised(), &self.config.taps);
        let path = options.base.join(TOKENIZER);
        let tokens = Tokens::read(&path, self.config.max_tokens)?;
        let rows = cache::rows(&encoder, &tokens, examples, options.features.as_deref(), pace)?;
        let tuned = self.tuned(options, taxonomy)?;
        let material = Material { options, taxonomy, examples, rows: &rows, tuned: &tuned };
        let heads = heads::heads(&material, &self.heads, &mut self.ngrams, &mut self.config)?;
        let tokenizer = std::fs::read(&path).map_err(|e| ClassifierError::read(&path, e))?;
        let parts =
            Parts { weights: encoder.weights(), heads: &heads, ngrams: &self.ngrams, tokenizer: &tokenizer };
        model::write(&options.out, &self.config, &parts, Form::Int8)?;
        if options.keep_f16 {
            let parts = Parts { weights: &self.weights, ..parts };
            model::write(&options.out.join(LARGER), &self.config, &parts, Form::F16)?;
        }
        if !options.keep_heads.is_empty() {
            // The base is int8 already.
            return Ok(BTreeMap::new());
        }
        let compare = Compared::new(examples, &rows);
        let floats = Encoder::new(self.weights.clone(), &self.config.taps);
        let before = cache::rows(&floats, &tokens, &compare.examples, None, pace)?;
        Ok(compare.accuracies(&heads, taxonomy, &before))
    }

    /// Of an encoder that was fine-tuned, where the heads see its last layer.
    fn tuned(&self, options: &TrainOptions, taxonomy: &Taxonomy) -> Result<Tuned> {
        let layers = Shape::read(&options.base.join(CONFIG))?.num_hidden_layers;
        match self.config.taps.last() {
            Some(last) if *last == layers => {
                Tuned::read(&options.base, self.config.encoder.hidden_size, self.config.taps.len(), taxonomy)
            }
            _ => Ok(Tuned::default()),
        }
    }
}

fn weights(options: &TrainOptions) -> Result<Weights> {
    let path = options.base.join(CONFIG);
    let shape = Shape::read(&path)?.cut(options.layers);
    Weights::read(&options.base.join(WEIGHTS), &shape)
}

/// The layers that the heads see, of `layers`.
fn taps(options: &TrainOptions, layers: usize) -> Result<Vec<usize>> {
    if options.taps.is_empty() {
        return Ok((1..=3).map(|third| layers * third / 3).filter(|tap| *tap > 0).collect());
    }
    if options.taps.iter().all(|tap| (1..=layers).contains(tap)) {
        return Ok(options.taps.clone());
    }
    let reason = format!("taps {:?} are not among its layers 1 to {layers}", options.taps);
    Err(ClassifierError::unfit(&options.base.join(CONFIG), "encoder", reason))
}

fn score(options: &TrainOptions, examples: &[Example]) -> Result<EvalReport> {
    let config = ClassifierConfig {
        model: options.out.clone(),
        taxonomy: options.taxonomy.clone(),
        entities: options.entities.clone(),
        max_tokens: options.max_tokens,
        threads: options.threads,
        ..ClassifierConfig::default()
    };
    let dev: Vec<Example> = examples.iter().filter(|e| e.dev).cloned().collect();
    eval::examples(&Classifier::open(&config)?, &dev)
}
