//! What can go wrong in this room, and what a caller should do about it.

use std::path::{Path, PathBuf};

/// What to do with the work that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The same input may work later.
    Retry,
    /// This record never can.
    Park,
    /// Nothing will until a person acts.
    Halt,
}

#[derive(Debug, thiserror::Error)]
pub enum ClassifierError {
    #[error("cannot read {path}: {cause}")]
    Read { path: PathBuf, cause: std::io::Error },
    #[error("cannot write {path}: {cause}")]
    Write { path: PathBuf, cause: std::io::Error },
    /// The other end of a filter is gone.
    #[error("cannot go on with {stream}")]
    Pipe { stream: &'static str, source: std::io::Error },
    #[error("{path} is not a usable {what}: {reason}")]
    Unfit { path: PathBuf, what: &'static str, reason: String },
    #[error(
        "no model at {0}: name a directory with config.json, model.safetensors and tokenizer.json, or hf://owner/name, or set TOCSIN_HOME"
    )]
    NoModel(String),
    #[error("cannot fetch {name} from the model hub: {reason}")]
    Hub { name: String, reason: String },
    #[error("device {asked:?} is not available: {reason}")]
    Device { asked: String, reason: String },
    #[error(
        "{path} is the state of a run with another {what} ({was}, now {is}): give the same again, another folder, or --from-scratch"
    )]
    OtherRun { path: PathBuf, what: String, was: String, is: String },
    #[error("no texts to {0}: every data file was empty or filtered out")]
    NoData(&'static str),
    /// What a file is for is told by its name.
    #[error(
        "no texts to {to} (dev texts that were read: {dev}): training texts are read from files named train.jsonl, dev texts from dev.jsonl; name a folder that has both, for a file of any other name counts as dev texts"
    )]
    NoTraining { to: &'static str, dev: usize },
    #[error(
        "no {part} text has a label for the head {head}: name data that have one, or keep the head of a model (--keep-heads)"
    )]
    NoLabels { head: &'static str, part: &'static str },
    #[error("cannot compute {what}: {cause}")]
    Compute { what: &'static str, cause: candle_core::Error },
}

impl ClassifierError {
    /// No error here is of one record alone: a document is never refused.
    pub const fn verdict(&self) -> Verdict {
        match self {
            Self::Pipe { .. } => Verdict::Retry,
            Self::Read { .. }
            | Self::Write { .. }
            | Self::Unfit { .. }
            | Self::NoModel(_)
            | Self::Hub { .. }
            | Self::Device { .. }
            | Self::OtherRun { .. }
            | Self::NoData(_)
            | Self::NoTraining { .. }
            | Self::NoLabels { .. }
            | Self::Compute { .. } => Verdict::Halt,
        }
    }

    pub(crate) fn read(path: &Path, cause: std::io::Error) -> Self {
        Self::Read { path: path.to_owned(), cause }
    }

    pub(crate) fn write(path: &Path, cause: std::io::Error) -> Self {
        Self::Write { path: path.to_owned(), cause }
    }

    /// A TOML file that cannot be read, in one line.
    pub(crate) fn toml(path: &Path, what: &'static str, text: &str, source: &toml::de::Error) -> Self {
        let before = source.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        Self::unfit_line(path, what, before.matches('\n').count() + 1, source.message())
    }

    /// The same of one line of a file, counted from 1.
    pub(crate) fn unfit_line(path: &Path, what: &'static str, line: usize, reason: &str) -> Self {
        Self::unfit(path, what, format!("line {line}: {reason}"))
    }

    pub(crate) fn unfit(path: &Path, what: &'static str, reason: impl ToString) -> Self {
        Self::Unfit { path: path.to_owned(), what, reason: reason.to_string() }
    }
}

pub type Result<T, E = ClassifierError> = std::result::Result<T, E>;

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn a_cause_is_told_once_by_whoever_tells_an_error_with_its_sources() {
        let gone = || std::io::Error::other("the disk is gone");
        let errors = [
            ClassifierError::read(Path::new("a"), gone()),
            ClassifierError::write(Path::new("a"), gone()),
            ClassifierError::Pipe { stream: "standard output", source: gone() },
            ClassifierError::Compute {
                what: "a head",
                cause: candle_core::Error::Msg("the disk is gone".to_owned()),
            },
        ];
        for error in errors {
            let mut told = vec![error.to_string()];
            let mut source = error.source();
            while let Some(cause) = source {
                told.push(cause.to_string());
                source = cause.source();
            }
            assert_eq!(told.join(": ").matches("the disk is gone").count(), 1, "{told:?}");
        }
    }
}
