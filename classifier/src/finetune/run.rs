//! The training loop: batches to workers, their gradients to the optimiser, the
//! log and the checkpoints.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use rand::{SeedableRng, rngs::StdRng};

use super::adam::{Adam, Rates};
use super::dropout::Dropout;
use super::items::{Item, batches, dev, items, split};
use super::log::{bar, log_from};
use super::model::Model;
use super::origin::{Origin, called};
use super::state::{Counters, State};
use super::stopping::Best;
use super::worker::Worker;
use super::{FinetuneOptions, FinetuneReport, checkpoints, heads, score, teacher};
use crate::error::{ClassifierError, Result};
use crate::heads::ALL;
use crate::hub;
use crate::model::TOKENIZER;
use crate::taxonomy::Taxonomy;
use crate::tokens::{Tokens, hide};
use crate::train::data::{self, Example};
use crate::train::{require_labels, texts};

/// Steps between two lines of the log.
const LOG_EVERY: usize = 20;

/// Fine-tunes `options.layers` layers of `options.base` and leaves the encoder in
/// `options.out/encoder`. Without a time limit and without patience (checkpoints come by the clock)
/// the same options give the same bits on the same kind of processor, also when a killed run was
/// started again: it goes on from its last checkpoint. An error when `options.out`
/// holds a run of other options, data or base.
pub fn run(options: &FinetuneOptions) -> Result<FinetuneReport> {
    let base = called(&options.base);
    let options = &FinetuneOptions { base: hub::base(&options.base)?, ..options.clone() };
    let taxonomy = Taxonomy::read(&options.taxonomy)?;
    let mut examples = data::read(&options.data, &options.labels, &taxonomy)?;
    examples.retain(|e| e.dev || !texts::is_held_back(&e.text, options.held_back));
    let unlabelled = texts::unlabelled(&options.unlabelled, &examples)?;
    let origin = Origin::new(options, base, unlabelled.len())?;
    examples.extend(unlabelled);
    check(options, &examples)?;
    std::fs::create_dir_all(&options.out).map_err(|e| ClassifierError::write(&options.out, e))?;
    let taught = teacher::answers(options, &taxonomy, &examples)?;
    let tokens = Tokens::read(&options.base.join(TOKENIZER), options.max_tokens)?;
    let items = items(&examples, taught, &tokens, options.annotated_weight);
    drop(examples);
    let labels = (taxonomy.topics.len(), taxonomy.events.len());
    let model = Model::read(&options.base, options.layers, labels, options.seed)?;
    let mask = tokens.mask().filter(|_| options.masked > 0.0);
    Training::new(options, &items, model, mask, origin)?.run()
}

/// Before hours are spent: whether there are texts for all that comes.
fn check(options: &FinetuneOptions, examples: &[Example]) -> Result<()> {
    data::require_training(examples, "fine-tune on")?;
    if options.patience > 0 && (options.dev_texts == 0 || !examples.iter().any(|e| e.dev)) {
        return Err(ClassifierError::NoData("score checkpoints on, as --patience wants"));
    }
    if options.for_heads { require_labels(examples, ALL) } else { Ok(()) }
}

struct Training<'a> {
    options: &'a FinetuneOptions,
    items: &'a [Item],
    dev: Vec<&'a Item>,
    model: Model,
    origin: Origin,
    adam: Adam,
    /// The token that hides words, if any are to be hidden.
    mask: Option<u32>,
    state: State,
    workers: Vec<Worker>,
    log: std::fs::File,
    log_path: PathBuf,
    started: Instant,
    /// Spent before this process.
    before: Duration,
    total: usize,
    tokens: usize,
    steps: usize,
    checkpoints: usize,
    best: Best,
    loss: f32,
}

impl<'a> Training<'a> {
    fn new(
        options: &'a FinetuneOptions,
        items: &'a [Item],
        mut model: Model,
        mask: Option<u32>,
        origin: Origin,
    ) -> Result<Self> {
        let mut adam = Adam::new(&model);
        let state = State::new(options, items, &model)?;
        if options.from_scratch {
            state.remove()?;
            checkpoints::remove_all(&options.out, &options.base)?;
        }
        let at = state.resume(&mut model, &mut adam)?.unwrap_or_default();
        let log_path = options.out.join("log.jsonl");
        let log = log_from(&log_path, at.log).map_err(|e| ClassifierError::write(&log_path, e))?;
        if at.steps > 0 {
            tracing::info!(steps = at.steps, "going on after step {}", at.steps);
        }
        Ok(Self {
            options,
            items,
            dev: dev(items, options.dev_texts, options.seed),
            adam,
            model,
            origin,
            mask,
            state,
            workers: (0..crate::pool::threads(options.threads)).map(|_| Worker::default()).collect(),
            log,
            log_path,
            started: Instant::now(),
            before: Duration::try_from_secs_f64(f64::from_bits(at.seconds)).unwrap_or_default(),
            total: 0,
            tokens: at.tokens,
            steps: at.steps,
            checkpoints: at.checkpoints,
            best: Best { checkpoint: at.best_at, score: f64::from_bits(at.best) },
            loss: f32::from_bits(at.loss),
        })
    }

    fn run(mut self) -> Result<FinetuneReport> {
        let o = self.options;
        let epoch =
            |e: usize| batches(self.items, o.cap, o.annotated_passes, o.batch_tokens, o.seed + e as u64);
        let batches: Vec<Vec<usize>> = (0..o.epochs).flat_map(epoch).collect();
        self.total = batches.iter().map(|b| self.length(b)).sum();
        if batches.is_empty() {
            return Err(ClassifierError::NoData("fine-tune on"));
        }
        tracing::info!(steps = batches.len(), tokens = self.total, "fine-tuning on {} tokens", self.total);
        let bar = bar(self.total);
        let mut last = Instant::now();
        for batch in batches.iter().skip(self.steps) {
            if self.progress() >= 1.0 || self.best.is_past(self.checkpoints, o.patience) {
                break;
            }
            self.step(batch)?;
            bar.set_position(self.tokens as u64);
            bar.set_message(format!("loss {:.3}", self.loss));
            if last.elapsed() >= o.checkpoint_every {
                self.checkpoint(&bar)?;
                last = Instant::now();
            }
        }
        bar.finish_and_clear();
        self.finish()
    }

    /// Share of the run that is over, by tokens or by time, whichever is further.
    fn progress(&self) -> f64 {
        let time = self.options.time_limit.map_or(0.0, |limit| self.seconds() / limit.as_secs_f64());
        time.max(self.tokens as f64 / self.total.max(1) as f64)
    }

    fn rates(&self) -> Rates {
        let (done, rise) = (self.progress().min(1.0), self.options.warm_up);
        let factor = if done < rise { (done / rise).max(0.01) } else { (1.0 - done) / (1.0 - rise) } as f32;
        Rates {
            top: self.options.rate * factor,
            heads: self.options.head_rate * factor,
            fall: self.options.layer_fall,
            decay: self.options.decay,
        }
    }

    fn step(&mut self, batch: &[usize]) -> Result<()> {
        let rates = self.rates();
        let parts = split(self.items, batch, self.workers.len());
        let weight: f32 = parts.iter().flatten().map(|item| item.weight).sum();
        let hidden = self.mask.map(|mask| self.masked(&parts, mask));
        let seen: Vec<Vec<&Item>> =
            hidden.as_ref().map_or(parts, |h| h.iter().map(|p| p.iter().collect()).collect());
        self.drop();
        let loss = gradients(&self.model, &mut self.workers, &seen, 1.0 / weight);
        let norm = self.adam.step(&mut self.model, &mut self.workers, rates, self.options.clip);
        self.tokens += self.length(batch);
        self.steps += 1;
        let keep = f32::min(0.99, 1.0 - 1.0 / self.steps as f32);
        self.loss = keep * self.loss + (1.0 - keep) * loss;
        if self.steps.is_multiple_of(LOG_EVERY) {
            let seconds = self.seconds();
            let line = serde_json::json!({
                "step": self.steps, "tokens": self.tokens, "of": self.total, "seconds": seconds,
                "tokens_per_second": self.tokens as f64 / seconds, "loss": self.loss, "norm": norm, "rate": rates.top,
            });
            self.write_log(&line)?;
        }
        Ok(())
    }

    /// What is drawn in a step follows from its number, so that a resumed run draws the same.
    const fn step_seed(&self) -> u64 {
        self.options.seed ^ ((self.steps as u64) << 20)
    }

    /// Each worker drops other values in each step.
    fn drop(&mut self) {
        let (share, seed) = (self.options.dropout, self.step_seed());
        for (index, worker) in self.workers.iter_mut().enumerate() {
            worker.dropout = Dropout { share, seed: seed ^ ((index as u64) << 60) };
        }
    }

    fn masked(&self, parts: &[Vec<&Item>], mask: u32) -> Vec<Vec<Item>> {
        let mut random = StdRng::seed_from_u64(self.step_seed());
        let mut one = |item: &&Item| {
            let mut item = (*item).clone();
            hide(&mut item.ids, mask, self.options.masked, &mut random);
            item
        };
        parts.iter().map(|part| part.iter().map(&mut one).collect()).collect()
    }

    fn length(&self, batch: &[usize]) -> usize {
        batch.iter().filter_map(|i| self.items.get(*i)).map(|item| item.ids.len()).sum()
    }

    fn checkpoint(&mut self, bar: &ProgressBar) -> Result<()> {
        self.checkpoints += 1;
        let folder = self.folder(self.checkpoints);
        let report = self.save(&folder)?;
        let before = self.best;
        self.best = before.and(self.checkpoints, report.mean_dev());
        bar.println(format!(
            "{}: loss {:.3}, mean dev score {:.4}",
            folder.display(),
            self.loss,
            report.mean_dev()
        ));
        self.keep()?;
        self.prune(before)
    }

    fn folder(&self, checkpoint: usize) -> PathBuf {
        checkpoints::folder(&self.options.out, checkpoint)
    }

    /// The state as of the steps done, from which a killed run goes on.
    fn keep(&mut self) -> Result<()> {
        let log = self.log.metadata().map_err(|e| ClassifierError::read(&self.log_path, e))?.len();
        let at = Counters {
            steps: self.steps,
            tokens: self.tokens,
            checkpoints: self.checkpoints,
            best: self.best.score.to_bits(),
            best_at: self.best.checkpoint,
            loss: self.loss.to_bits(),
            seconds: self.seconds().to_bits(),
            log,
        };
        self.state.write(&mut self.model, &mut self.adam, at)
    }

    /// Removes the checkpoint before the last two, and the best one of `before` that is none of
    /// them and was beaten; where the run may stop early, the best one stays.
    fn prune(&self, before: Best) -> Result<()> {
        let old = [self.checkpoints.saturating_sub(2), before.checkpoint];
        let is_kept = |checkpoint: usize| {
            checkpoint == 0
                || checkpoint + 2 > self.checkpoints
                || self.options.patience > 0 && checkpoint == self.best.checkpoint
        };
        let mut old = old.into_iter().filter(|checkpoint| !is_kept(*checkpoint));
        old.try_for_each(|checkpoint| checkpoints::remove(&self.folder(checkpoint)))
    }

    /// Spent on this run by all its processes.
    fn seconds(&self) -> f64 {
        (self.before + self.started.elapsed()).as_secs_f64()
    }

    /// Writes the encoder and scores it.
    fn save(&mut self, folder: &Path) -> Result<FinetuneReport> {
        let seconds = self.seconds();
        self.model.write(&self.options.base, folder)?;
        self.origin.write(folder, self.steps, self.tokens, seconds)?;
        let dev = score::scores(&self.model, &self.dev, self.workers.len());
        let report = FinetuneReport {
            steps: self.steps,
            tokens: self.tokens,
            seconds,
            tokens_per_second: self.tokens as f64 / seconds,
            loss: self.loss,
            dev,
            encoder: folder.to_owned(),
        };
        let mut line = serde_json::json!(report);
        line["mean_dev"] = report.mean_dev().into();
        self.write_log(&line)?;
        tracing::info!(steps = report.steps, loss = report.loss, "wrote {}", folder.display());
        Ok(report)
    }

    fn finish(mut self) -> Result<FinetuneReport> {
        self.keep()?;
        let folder = self.options.out.join(checkpoints::ENCODER);
        let report = self.save(&folder)?;
        if self.options.patience == 0 || self.best.score <= report.mean_dev() {
            return Ok(report);
        }
        tracing::info!(
            checkpoint = self.best.checkpoint,
            "the best encoder is that of an earlier checkpoint"
        );
        let best = self.folder(self.best.checkpoint);
        self.model = Model::read(&best, self.options.layers, self.model.layout.labels(), self.options.seed)?;
        self.save(&folder)
    }

    fn write_log(&mut self, line: &serde_json::Value) -> Result<()> {
        writeln!(self.log, "{line}").map_err(|e| ClassifierError::write(&self.log_path, e))
    }
}

/// Each worker takes one part; returns the loss of all, gradients stay in the workers.
pub(super) fn gradients(model: &Model, workers: &mut [Worker], parts: &[Vec<&Item>], scale: f32) -> f32 {
    let one = |worker: &mut Worker, part: &[&Item]| {
        let texts: Vec<&[u32]> = part.iter().map(|item| item.ids.as_slice()).collect();
        worker.forward(model, &texts);
        let loss = heads::backward(model, worker, part, scale);
        worker.backward(model, &texts);
        loss
    };
    std::thread::scope(|scope| {
        let jobs: Vec<_> =
            workers.iter_mut().zip(parts).map(|(w, p)| scope.spawn(move || one(w, p))).collect();
        jobs.into_iter().fold(0.0, |sum, job| match job.join() {
            Ok(loss) => sum + loss,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })
}
