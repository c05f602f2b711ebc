//! Where a run stands, in one file that is replaced whole: weights, moments, counters, and what the run
//! was asked, so that a killed run goes on and another one is not mistaken for it.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use safetensors::{Dtype, tensor::TensorView};
use sha2::{Digest, Sha256};

use super::FinetuneOptions;
use super::adam::Adam;
use super::items::Item;
use super::model::Model;
use crate::error::{ClassifierError, Result};
use crate::model::bytes;
use crate::weight_file::WeightFile;

const FILE: &str = "state.safetensors";
/// Sorted before [`SOURCE`]: what is read may differ because an option does, and then the option is named.
const OPTION: &str = "option.";
const SOURCE: &str = "source.";
const COUNTERS: [&str; 8] = ["steps", "tokens", "checkpoints", "loss", "seconds", "log", "best", "best_at"];

/// Counters of a run; the loss and the seconds as their bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counters {
    pub(super) steps: usize,
    pub(super) tokens: usize,
    pub(super) checkpoints: usize,
    pub(super) loss: u32,
    pub(super) seconds: u64,
    /// Bytes of the log that belong to the steps done.
    pub(super) log: u64,
    /// The best mean dev score, as its bits, and the checkpoint that had it.
    pub(super) best: u64,
    pub(super) best_at: usize,
}

/// The state file of one run.
#[derive(Debug)]
pub(super) struct State {
    path: PathBuf,
    /// Every option that decides the outcome, and digests of the data and the base.
    asked: HashMap<String, String>,
}

impl State {
    /// `model` as it was read from the base.
    pub(super) fn new(options: &FinetuneOptions, items: &[Item], model: &Model) -> Result<Self> {
        let path = options.out.join(FILE);
        let value = serde_json::to_value(options).map_err(|e| ClassifierError::unfit(&path, "state", e))?;
        let fields = value.as_object().into_iter().flatten();
        let mut asked: HashMap<_, _> =
            fields.map(|(name, value)| (format!("{OPTION}{name}"), value.to_string())).collect();
        let threads = crate::pool::threads(options.threads).to_string();
        asked.insert(format!("{OPTION}threads"), threads);
        let data = items.iter().map(|item| format!("{:?}", Item { taught: None, ..item.clone() }));
        asked.insert(format!("{SOURCE}data"), digest(data));
        if options.teacher.is_some() {
            let answers = items.iter().map(|item| format!("{:?}", item.taught));
            asked.insert(format!("{SOURCE}teacher"), digest(answers));
        }
        asked.insert(format!("{SOURCE}base"), digest([&model.p, &model.words].map(|values| bytes(values))));
        Ok(Self { path, asked })
    }

    pub(super) fn remove(&self) -> Result<()> {
        if self.path.exists() {
            std::fs::remove_file(&self.path).map_err(|e| ClassifierError::write(&self.path, e))?;
        }
        Ok(())
    }

    /// Brings `model` and `adam` to where the run stood; `None` when it has not begun.
    /// An error when the file is of another run.
    pub(super) fn resume(&self, model: &mut Model, adam: &mut Adam) -> Result<Option<Counters>> {
        if !self.path.exists() {
            return Ok(None);
        }
        let file = WeightFile::open(&self.path)?;
        let facts = file.facts();
        self.same(&facts)?;
        for (name, to) in vectors(model, adam) {
            to.copy_from_slice(&file.values(name, to.len())?);
        }
        let at = self.counters(&facts)?;
        adam.steps = at.steps as i32;
        Ok(Some(at))
    }

    /// The first option by name that differs is the one the error tells.
    fn same(&self, facts: &HashMap<String, String>) -> Result<()> {
        let noted = facts.keys().filter(|name| name.starts_with(OPTION) || name.starts_with(SOURCE));
        let names: BTreeSet<_> = self.asked.keys().chain(noted).collect();
        for name in names {
            let (was, is) = (facts.get(name), self.asked.get(name));
            if was != is {
                let text = |value: Option<&String>| value.cloned().unwrap_or_else(|| "nothing".to_owned());
                return Err(ClassifierError::OtherRun {
                    path: self.path.clone(),
                    what: name.trim_start_matches(OPTION).trim_start_matches(SOURCE).to_owned(),
                    was: text(was),
                    is: text(is),
                });
            }
        }
        Ok(())
    }

    fn counters(&self, facts: &HashMap<String, String>) -> Result<Counters> {
        let number = |name: &str| {
            let value = facts.get(name).and_then(|text| text.parse::<u64>().ok());
            value.ok_or_else(|| ClassifierError::unfit(&self.path, "state", format!("no count of {name}")))
        };
        let [steps, tokens, checkpoints, loss, seconds, log, best, best_at] = COUNTERS.map(number);
        Ok(Counters {
            steps: steps? as usize,
            tokens: tokens? as usize,
            checkpoints: checkpoints? as usize,
            loss: loss? as u32,
            seconds: seconds?,
            log: log?,
            // A run of before they were noted has no best.
            best: best.unwrap_or_default(),
            best_at: best_at.unwrap_or_default() as usize,
        })
    }

    /// Replaces the file; a process killed meanwhile leaves the old one.
    pub(super) fn write(&self, model: &mut Model, adam: &mut Adam, at: Counters) -> Result<()> {
        let mut facts = self.asked.clone();
        let numbers = [
            at.steps as u64,
            at.tokens as u64,
            at.checkpoints as u64,
            u64::from(at.loss),
            at.seconds,
            at.log,
            at.best,
            at.best_at as u64,
        ];
        facts.extend(COUNTERS.iter().zip(numbers).map(|(name, n)| ((*name).to_owned(), n.to_string())));
        let raw: Vec<_> =
            vectors(model, adam).map(|(name, values)| (name, values.len(), bytes(values))).into();
        let views = raw.iter().map(|(name, count, bytes)| {
            let view = TensorView::new(Dtype::F32, vec![*count], bytes);
            view.map(|v| (*name, v)).map_err(|e| ClassifierError::unfit(&self.path, "state", e))
        });
        let partial = self.path.with_extension("partial");
        safetensors::serialize_to_file(views.collect::<Result<Vec<_>>>()?, Some(facts), &partial)
            .map_err(|e| ClassifierError::unfit(&partial, "state", e))?;
        settle(&partial, &self.path).map_err(|e| ClassifierError::write(&self.path, e))
    }
}

fn settle(partial: &Path, path: &Path) -> std::io::Result<()> {
    std::fs::OpenOptions::new().write(true).open(partial)?.sync_all()?;
    std::fs::rename(partial, path)
}

fn vectors<'a>(model: &'a mut Model, adam: &'a mut Adam) -> [(&'static str, &'a mut [f32]); 6] {
    [
        ("p", &mut model.p),
        ("words", &mut model.words),
        ("p.first", &mut adam.moments.0),
        ("p.second", &mut adam.moments.1),
        ("words.first", &mut adam.word_moments.0),
        ("words.second", &mut adam.word_moments.1),
    ]
}

fn digest<T: AsRef<[u8]>>(parts: impl IntoIterator<Item = T>) -> String {
    let mut digest = Sha256::new();
    parts.into_iter().for_each(|part| digest.update(part.as_ref()));
    hex::encode(digest.finalize())
}
