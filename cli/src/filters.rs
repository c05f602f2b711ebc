//! The classifier's commands: classify, train, eval, average, quantize.

use std::io::{self, BufReader, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use tocsin_classifier::compress::{self, CompressOptions};
use tocsin_classifier::eval::picture::Picture;
use tocsin_classifier::filter::FilterOptions;
use tocsin_classifier::finetune::{self, FinetuneOptions};
use tocsin_classifier::heads::ALL;
use tocsin_classifier::train::{self, TrainOptions};
use tocsin_classifier::{Classifier, ClassifierConfig, eval, filter, refuse_itself};
use tocsin_runtime::{Refusal, telemetry};

use crate::args::{AverageArgs, ClassifyArgs, EvalArgs, QuantizeArgs, TrainArgs};

/// Bytes of standard input that are read at once: enough for full batches of a file.
const READ_AHEAD: usize = 4 << 20;

/// One line out for each line in, in the same order; fails at the end when a line was bad.
pub(crate) fn classify(args: &ClassifyArgs) -> anyhow::Result<ExitCode> {
    telemetry::init(&telemetry::LogConfig::default())?;
    let mut config = ClassifierConfig { device: args.device.clone(), ..ClassifierConfig::default() };
    config.model = args.model.clone().unwrap_or(config.model);
    config.threads = args.threads.unwrap_or(config.threads);
    let classifier = Classifier::open(&config)?;
    let input = BufReader::with_capacity(READ_AHEAD, io::stdin().lock());
    let output = BufWriter::new(io::stdout().lock());
    let options = FilterOptions { all: args.all, explain: args.explain, ..FilterOptions::default() };
    let summary = filter::run(&classifier, input, output, options)?;
    Ok(if summary.errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The heads on a frozen encoder; with `--finetune` the encoder first.
pub(crate) fn train(args: &TrainArgs) -> anyhow::Result<()> {
    telemetry::init(&telemetry::LogConfig::default())?;
    share("--masked", args.masked)?;
    refuse_itself(&args.base, &args.out)?;
    let defaults = TrainOptions::default();
    let base = if args.finetune { finetuned(args)? } else { args.base.clone() };
    let options = TrainOptions {
        base,
        data: args.data.clone(),
        labels: args.labels.clone(),
        out: args.out.clone(),
        seed: args.seed,
        layers: args.layers,
        version: args.model_version.clone().unwrap_or(defaults.version),
        keep_heads: kept_heads(args),
        masked: args.masked,
        features: args.features.clone(),
        keep_f16: args.keep_f16,
        limit: args.cap,
        held_back: args.held_back,
        threads: args.threads.unwrap_or(defaults.threads),
        ..defaults
    };
    let report = train::run(&options)?;
    write!(io::stdout(), "{}", report.dev.text()).context("print the scores")
}

/// The heads to keep; all when none is named.
fn kept_heads(args: &TrainArgs) -> Vec<String> {
    match &args.keep_heads {
        None => Vec::new(),
        Some(named) if named.is_empty() => ALL.map(str::to_owned).into(),
        Some(named) => named.clone(),
    }
}

fn finetuned(args: &TrainArgs) -> anyhow::Result<PathBuf> {
    if !(args.rate > 0.0 && args.rate.is_finite()) {
        return Err(Refusal(format!("--rate is {}; it takes a number above 0", args.rate)).into());
    }
    if args.epochs == 0 {
        return Err(Refusal("--epochs is 0; it takes a number from 1 up".to_owned()).into());
    }
    let options = FinetuneOptions {
        base: args.base.clone(),
        data: args.data.clone(),
        labels: args.labels.clone(),
        unlabelled: args.unlabelled.clone(),
        teacher: args.teacher.clone(),
        out: args.out.join("finetune"),
        from_scratch: args.from_scratch,
        layers: args.layers,
        seed: args.seed,
        epochs: args.epochs,
        time_limit: args.minutes.map(minutes).transpose()?,
        rate: args.rate,
        patience: args.patience,
        cap: args.cap,
        held_back: args.held_back,
        threads: args.threads.unwrap_or(0),
        ..FinetuneOptions::default()
    };
    Ok(finetune::run(&options)?.encoder)
}

fn minutes(minutes: f64) -> Result<Duration, Refusal> {
    let duration = Duration::try_from_secs_f64(60.0 * minutes);
    duration.map_err(|_| Refusal(format!("--minutes is {minutes}; it takes a number from 0 up")))
}

/// A share is from 0 to 1.
fn share(option: &str, share: f32) -> Result<(), Refusal> {
    if (0.0..=1.0).contains(&share) {
        return Ok(());
    }
    Err(Refusal(format!("{option} is {share}; it takes a number from 0 to 1")))
}

/// The classification report on all rows of files and the dev rows of folders.
pub(crate) fn eval(args: &EvalArgs) -> anyhow::Result<()> {
    telemetry::init(&telemetry::LogConfig::default())?;
    // Before the scoring: that takes minutes.
    let picture = args.picture.as_deref().map(Picture::new).transpose()?;
    let mut classifier = ClassifierConfig::default();
    classifier.model = args.model.clone().unwrap_or(classifier.model);
    let report = eval::run(&eval::EvalOptions { classifier, data: args.data.clone() })?;
    if let Some(picture) = picture {
        picture.draw(&report)?;
    }
    let text = if args.json { serde_json::to_string_pretty(&report)? } else { report.text() };
    writeln!(io::stdout(), "{text}").context("print the scores")
}

/// The mean of two encoders.
pub(crate) fn average(args: &AverageArgs) -> anyhow::Result<()> {
    let AverageArgs { first, second, share, out } = args;
    self::share("--share", *share)?;
    finetune::average(finetune::Pair { first, second, share: *share }, out)?;
    writeln!(io::stdout(), "wrote {}", out.display()).context("print the folder")
}

/// A smaller model, and what each step took off.
pub(crate) fn quantize(args: &QuantizeArgs) -> anyhow::Result<()> {
    telemetry::init(&telemetry::LogConfig::default())?;
    let report = compress::run(&CompressOptions {
        model: args.model.clone(),
        out: args.out.clone(),
        drop_layers: args.drop_layers.clone(),
        prune: args.prune_vocab.clone(),
        int8: args.int8,
        name: args.name.clone(),
    })?;
    let text = if args.json { serde_json::to_string_pretty(&report)? } else { report.text() };
    writeln!(io::stdout(), "{}", text.trim_end()).context("print the sizes")
}
