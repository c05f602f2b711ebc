//! `tocsin train`: features once, five heads, calibration, a model folder that is
//! scored on dev and describes itself.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;
use serde_json::json;
use tocsin_contract::ModelInfo;

use super::cache::{self, Pace, Row};
use super::data::{Example, Goal};
use super::fit::{Case, FitOptions, Kind, Pass, fit};
use super::{calibrate, card, data, order};
use crate::classifier::Classifier;
use crate::config::ClassifierConfig;
use crate::encoder::Encoder;
use crate::error::{ClassifierError, Result};
use crate::eval::{self, EvalReport};
use crate::heads::{ALL, EVENTS, Head, Heads, NAME_EVENT, NAME_SENTIMENT, SENTIMENT, TOPICS};
use crate::hub;
use crate::model::{self, CONFIG, Form, ModelConfig, Rule, TOKENIZER, WEIGHTS};
use crate::taxonomy::{Label, Taxonomy};
use crate::tokens::Tokens;
use crate::weights::{Shape, Weights};

#[derive(Debug, Clone, PartialEq)]
pub struct TrainOptions {
    /// Folder of the base encoder (config.json, model.safetensors, tokenizer.json), or its name on the hub.
    pub base: PathBuf,
    /// Files or folders of labelled texts.
    pub data: Vec<PathBuf>,
    pub out: PathBuf,
    pub taxonomy: PathBuf,
    /// Dictionaries for scoring names on dev.
    pub entities: Vec<PathBuf>,
    pub name: String,
    pub version: String,
    pub seed: u64,
    /// How many of the encoder's layers are used.
    pub layers: usize,
    /// Layers (from 1) whose states the heads see.
    pub taps: Vec<usize>,
    pub max_tokens: usize,
    pub threads: usize,
    pub token_budget: usize,
    /// Share of the words hidden from training texts while their features are computed.
    pub masked: f32,
    /// Most training texts of each public set (and a third as many dev texts); 0 is all.
    pub limit: usize,
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
            out: PathBuf::new(),
            taxonomy: PathBuf::from("config/taxonomy.toml"),
            entities: vec![PathBuf::from("config/entities")],
            name: "tocsin-small".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seed: 1,
            layers: 6,
            taps: vec![2, 4, 6],
            max_tokens: 256,
            threads: 0,
            token_budget: 512,
            masked: 0.0,
            limit: 0,
            keep_f16: false,
            features: None,
            one: FitOptions::default(),
            many: FitOptions::many(),
        }
    }
}

/// Folder of the larger model beside the int8 one.
const LARGER: &str = "f16";
/// Dev texts that are encoded in f32 as well.
const COMPARED: usize = 2000;

/// What a run produced.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    pub train_texts: usize,
    pub dev_texts: usize,
    pub seconds: f64,
    pub bytes: u64,
    /// Scores of the written (int8) model.
    pub dev: EvalReport,
    /// Accuracy by head on the same dev texts (at most [`COMPARED`]) with the encoder in
    /// f32, then in int8: what int8 cost is the difference.
    pub int8: BTreeMap<String, (f64, f64)>,
}

/// Trains, writes the model folder with its card and log, and scores it.
pub fn run(options: &TrainOptions) -> Result<Report> {
    let options = &TrainOptions { base: hub::base(&options.base)?, ..options.clone() };
    let started = Instant::now();
    let taxonomy = Taxonomy::read(&options.taxonomy)?;
    let examples = order(data::read(&options.data, &taxonomy)?, options.seed, options.limit);
    if examples.iter().all(|e| e.dev) {
        return Err(ClassifierError::NoData("train on"));
    }
    let weights = weights(options)?;
    let encoder = Encoder::new(weights.clone().quantised(), &options.taps);
    let tokens = Tokens::read(&options.base.join(TOKENIZER), options.max_tokens)?;
    let pace = Pace {
        threads: crate::pool::threads(options.threads),
        token_budget: options.token_budget,
        masked: options.masked,
    };
    let rows = cache::rows(&encoder, &tokens, &examples, options.features.as_deref(), pace)?;
    std::fs::create_dir_all(&options.out).map_err(|e| ClassifierError::write(&options.out, e))?;
    let (config, heads) = heads(options, &taxonomy, &encoder, &examples, &rows)?;
    let path = options.base.join(TOKENIZER);
    let tokenizer = std::fs::read(&path).map_err(|e| ClassifierError::read(&path, e))?;
    model::write(&options.out, &config, encoder.weights(), &heads, &tokenizer, Form::Int8)?;
    if options.keep_f16 {
        let folder = options.out.join(LARGER);
        model::write(&folder, &config, &weights, &heads, &tokenizer, Form::F16)?;
    }
    let dev = score(options, &examples)?;
    let compare = Compared::new(&examples, &rows);
    let floats = Encoder::new(weights, &options.taps);
    let before = cache::rows(&floats, &tokens, &compare.examples, None, pace)?;
    let int8 = compare.accuracies(&heads, &taxonomy, &before);
    let report = Report {
        train_texts: examples.iter().filter(|e| !e.dev).count(),
        dev_texts: examples.iter().filter(|e| e.dev).count(),
        seconds: started.elapsed().as_secs_f64(),
        bytes: std::fs::metadata(options.out.join(WEIGHTS)).map_or(0, |m| m.len()),
        dev,
        int8,
    };
    card::write(options, &examples, &report)?;
    Ok(report)
}

fn weights(options: &TrainOptions) -> Result<Weights> {
    let path = options.base.join(CONFIG);
    let shape = Shape::read(&path)?;
    if options.taps.is_empty()
        || options.taps.iter().any(|t| *t == 0 || *t > options.layers.min(shape.num_hidden_layers))
    {
        let reason = format!("taps {:?} are not among its layers 1 to {}", options.taps, options.layers);
        return Err(ClassifierError::unfit(&path, "encoder", reason));
    }
    Weights::read(&options.base.join(WEIGHTS), &shape, options.layers)
}

fn heads(
    options: &TrainOptions,
    taxonomy: &Taxonomy,
    encoder: &Encoder,
    examples: &[Example],
    rows: &[Row],
) -> Result<(ModelConfig, Heads)> {
    let path = options.out.join("training.jsonl");
    let mut log = std::fs::File::create(&path).map_err(|e| ClassifierError::write(&path, e))?;
    let mut heads = Heads::default();
    let mut config = ModelConfig {
        info: ModelInfo {
            name: options.name.clone(),
            version: options.version.clone(),
            quantization: "int8".to_owned(),
        },
        encoder: encoder.shape().clone(),
        taps: options.taps.clone(),
        max_tokens: options.max_tokens,
        topics: Vec::new(),
        events: Vec::new(),
        temperatures: BTreeMap::new(),
        abstain_below: 0.5,
        sha256: BTreeMap::new(),
    };
    for name in ALL {
        let (kind, cases) = cases(name, taxonomy, examples, rows);
        let started = Instant::now();
        let chosen = if kind == Kind::One { options.one } else { options.many };
        let (mut head, passes) = fit(&cases, kind, FitOptions { seed: options.seed, ..chosen })?;
        calibrate::temperature(&mut head, &cases, kind);
        record(&mut log, &path, name, &passes, &head, cases.len(), started)?;
        config.temperatures.insert(name.to_owned(), head.temperature);
        match name {
            TOPICS => config.topics = rules(&taxonomy.topics, calibrate::thresholds(&head, &cases)),
            EVENTS => config.events = rules(&taxonomy.events, calibrate::thresholds(&head, &cases)),
            SENTIMENT => config.abstain_below = calibrate::abstain_below(&head, &cases, 0.85),
            _ => {}
        }
        heads.0.insert(name.to_owned(), head);
    }
    Ok((config, heads))
}

fn rules(labels: &[Label], thresholds: Vec<f32>) -> Vec<Rule> {
    labels.iter().zip(thresholds).map(|(l, threshold)| Rule { id: l.id.clone(), threshold }).collect()
}

fn record(
    log: &mut impl Write,
    path: &Path,
    head: &str,
    passes: &[Pass],
    fitted: &Head,
    cases: usize,
    started: Instant,
) -> Result<()> {
    let seconds = started.elapsed().as_secs_f64();
    tracing::info!(
        head,
        cases,
        seconds,
        temperature = fitted.temperature,
        "fitted head {head} on {cases} rows"
    );
    let last = json!({ "head": head, "rows": cases, "seconds": seconds, "temperature": fitted.temperature });
    let lines = passes.iter().map(
        |p| json!({ "head": head, "epoch": p.epoch, "train_loss": p.train_loss, "dev_loss": p.dev_loss }),
    );
    for line in lines.chain([last]) {
        writeln!(log, "{line}").map_err(|e| ClassifierError::write(path, e))?;
    }
    Ok(())
}

/// The rows that supervise a head.
fn cases<'a>(
    head: &str,
    taxonomy: &Taxonomy,
    examples: &[Example],
    rows: &'a [Row],
) -> (Kind, Vec<Case<'a>>) {
    let texts = || examples.iter().zip(rows);
    let whole = |pick: &dyn Fn(&Example) -> Option<Goal>| -> Vec<Case<'a>> {
        texts()
            .filter_map(|(e, row)| {
                Some(Case { features: &row.document, goal: pick(e)?, weight: e.weight, dev: e.dev })
            })
            .collect()
    };
    let named = |pick: &dyn Fn(&data::Target) -> Option<Goal>| -> Vec<Case<'a>> {
        let each =
            texts().flat_map(|(e, row)| e.targets.iter().zip(&row.targets).map(|(t, f)| (e.dev, t, f)));
        each.filter_map(|(dev, t, features)| Some(Case { features, goal: pick(t)?, weight: t.weight, dev }))
            .collect()
    };
    match head {
        TOPICS => (Kind::Many, whole(&|e| e.topics.clone())),
        EVENTS => (Kind::Many, whole(&|e| e.events.clone())),
        NAME_SENTIMENT => (Kind::One, named(&|t| t.sentiment.map(|class| one_of(class, 3)))),
        NAME_EVENT => (Kind::One, named(&|t| t.event.map(|class| one_of(class, taxonomy.events.len())))),
        _ => (Kind::One, whole(&|e| e.sentiment.map(|class| one_of(class, 3)))),
    }
}

fn one_of(class: usize, width: usize) -> Goal {
    Goal {
        labels: (0..width).map(|i| if i == class { 1.0 } else { 0.0 }).collect(),
        weights: vec![1.0; width],
        first: None,
    }
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

/// Dev texts encoded twice, to see what int8 costs.
struct Compared {
    examples: Vec<Example>,
    rows: Vec<Row>,
}

impl Compared {
    fn new(examples: &[Example], rows: &[Row]) -> Self {
        let dev = examples.iter().zip(rows).filter(|(e, _)| e.dev).take(COMPARED);
        let (examples, rows) = dev.map(|(e, row)| (e.clone(), row.clone())).unzip();
        Self { examples, rows }
    }

    /// Accuracy of each head of one class on `before` and on the int8 rows.
    fn accuracies(&self, heads: &Heads, taxonomy: &Taxonomy, before: &[Row]) -> BTreeMap<String, (f64, f64)> {
        let of = |name: &str, rows: &[Row]| {
            accuracy(heads.0.get(name)?, &cases(name, taxonomy, &self.examples, rows).1)
        };
        let both = |name: &str| Some((of(name, before)?, of(name, &self.rows)?));
        let names = [SENTIMENT, NAME_SENTIMENT, NAME_EVENT];
        names.iter().filter_map(|name| Some(((*name).to_owned(), both(name)?))).collect()
    }
}

/// Share of the cases whose likeliest class is right; `None` without a case.
fn accuracy(head: &Head, cases: &[Case<'_>]) -> Option<f64> {
    let best = |p: &[f32]| p.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map(|(i, _)| i);
    let right = cases.iter().filter(|c| best(&head.logits(c.features)) == best(&c.goal.labels)).count();
    (!cases.is_empty()).then(|| right as f64 / cases.len() as f64)
}
