//! The heads one by one: fitted or taken over, calibrated on dev, n-grams blended in.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::json;

use super::cache::Row;
use super::cases::cases;
use super::data::Example;
use super::fit::{Case, FitOptions, Kind, Pass, fit};
use super::run::TrainOptions;
use super::tuned::Tuned;
use super::{blend, calibrate};
use crate::error::{ClassifierError, Result};
use crate::heads::{ALL, EVENTS, Head, Heads, NAME_SENTIMENT, SENTIMENT, TOPICS};
use crate::model::{ModelConfig, Rule};
use crate::ngrams::{Blend, Blends, Ngrams};
use crate::taxonomy::{Label, Taxonomy};

/// What heads are fitted and calibrated on.
#[derive(Debug)]
pub(super) struct Material<'a> {
    pub(super) options: &'a TrainOptions,
    pub(super) taxonomy: &'a Taxonomy,
    pub(super) examples: &'a [Example],
    pub(super) rows: &'a [Row],
    pub(super) tuned: &'a Tuned,
}

/// All heads: those of `kept`, or fitted. Sets in `config` all that is chosen on dev, and
/// leaves in `ngrams` the tables that help. A kept head that no dev text is of stays as it is.
pub(super) fn heads(
    material: &Material<'_>,
    kept: &Heads,
    ngrams: &mut Ngrams,
    config: &mut ModelConfig,
) -> Result<Heads> {
    let Material { options, taxonomy, examples, rows, tuned } = material;
    let mut log = Log::create(&options.out)?;
    let all = ALL.map(|name| (name, cases(name, taxonomy, examples, rows)));
    let begun = begun(options, kept, &all)?;
    let mut heads = Heads::default();
    for (task, begun) in all.iter().zip(begun) {
        let (name, (kind, cases)) = task;
        let head = match begun {
            Begun::Kept(head) if cases.iter().all(|c| !c.dev) => head,
            Begun::Kept(head) => chosen(task, head, taxonomy, ngrams, config, &mut log)?,
            Begun::Fitted(fitted) => {
                fitted.note(name, &mut log)?;
                let (head, share) = tuned.beside(name, fitted.head, cases, *kind);
                log.line(&json!({ "head": name, "tuned_share": share }))?;
                // What is chosen on dev is chosen for the head that is written.
                let head = Head { hidden: head.hidden.quantised(), ..head };
                chosen(task, head, taxonomy, ngrams, config, &mut log)?
            }
        };
        heads.0.insert((*name).to_owned(), head);
    }
    let helps = |name: &String, blends: &mut Blends| {
        ngrams.0.contains_key(name) && [blends.latin, blends.han].iter().any(|b| *b != Blend::HEAD)
    };
    config.blends.retain(helps);
    ngrams.0.retain(|name, _| config.blends.contains_key(name));
    Ok(heads)
}

/// The head with its temperature; sets in `config` what else is chosen for it on its dev texts.
fn chosen(
    (name, (kind, cases)): &Task<'_>,
    mut head: Head,
    taxonomy: &Taxonomy,
    ngrams: &Ngrams,
    config: &mut ModelConfig,
    log: &mut Log,
) -> Result<Head> {
    let mut dev = calibrate::temperature(&mut head, cases, *kind);
    config.temperatures.insert((*name).to_owned(), head.temperature);
    if let Some(scores) = ngrams.0.get(*name) {
        let blends = blend::choose(name, &dev, scores, *kind);
        blend::apply(&mut dev, scores, &blends);
        config.blends.insert((*name).to_owned(), blends);
    }
    let blends = config.blends.get(*name);
    log.line(&json!({ "head": name, "temperature": head.temperature, "blends": blends }))?;
    match *name {
        TOPICS => config.topics = rules(&taxonomy.topics, calibrate::thresholds(&dev)),
        EVENTS => config.events = rules(&taxonomy.events, calibrate::thresholds(&dev)),
        SENTIMENT => config.abstain_below = calibrate::abstain_below(&dev),
        NAME_SENTIMENT => config.abstain_names_below = Some(calibrate::abstain_below(&dev)),
        _ => {}
    }
    Ok(head)
}

fn rules(labels: &[Label], thresholds: Vec<f32>) -> Vec<Rule> {
    labels.iter().zip(thresholds).map(|(l, threshold)| Rule { id: l.id.clone(), threshold }).collect()
}

/// A head by name, and what supervises it.
type Task<'a> = (&'static str, (Kind, Vec<Case<'a>>));

/// A head before anything is chosen for it on dev.
enum Begun {
    Kept(Head),
    Fitted(Fitted),
}

/// A head, and how it was fitted.
struct Fitted {
    head: Head,
    passes: Vec<Pass>,
    rows: usize,
    seconds: f64,
}

impl Fitted {
    fn note(&self, name: &str, log: &mut Log) -> Result<()> {
        for Pass { epoch, train_loss, dev_loss } in &self.passes {
            let line =
                json!({ "head": name, "epoch": epoch, "train_loss": train_loss, "dev_loss": dev_loss });
            log.line(&line)?;
        }
        log.line(&json!({ "head": name, "rows": self.rows, "seconds": self.seconds }))
    }
}

/// The heads of `all`, in their order: those of `kept`, and the others fitted side by side, as one alone keeps
/// little more than a core busy.
fn begun(options: &TrainOptions, kept: &Heads, all: &[Task<'_>]) -> Result<Vec<Begun>> {
    let threads = crate::pool::threads(options.threads);
    let one = |(name, (kind, cases)): &Task<'_>| match kept.0.get(*name) {
        Some(head) => Ok(Begun::Kept(head.clone())),
        None => fitted(name, options, *kind, cases).map(Begun::Fitted),
    };
    crate::pool::map(threads, all, || (), |(), head| one(head)).into_iter().collect()
}

fn fitted(name: &str, options: &TrainOptions, kind: Kind, cases: &[Case<'_>]) -> Result<Fitted> {
    let started = Instant::now();
    let chosen = if kind == Kind::One { options.one } else { options.many };
    let (head, passes) = fit(cases, kind, FitOptions { seed: options.seed, ..chosen })?;
    let (seconds, rows) = (started.elapsed().as_secs_f64(), cases.len());
    tracing::info!(head = name, rows, seconds, "fitted head {name} on {rows} rows");
    Ok(Fitted { head, passes, rows, seconds })
}

/// `training.jsonl`.
struct Log {
    path: PathBuf,
    file: std::fs::File,
}

impl Log {
    fn create(folder: &Path) -> Result<Self> {
        let path = folder.join("training.jsonl");
        let file = std::fs::File::create(&path).map_err(|e| ClassifierError::write(&path, e))?;
        Ok(Self { path, file })
    }

    fn line(&mut self, line: &serde_json::Value) -> Result<()> {
        writeln!(self.file, "{line}").map_err(|e| ClassifierError::write(&self.path, e))
    }
}
