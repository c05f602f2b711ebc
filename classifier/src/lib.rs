//! Reads financial texts in English and Chinese: sentiment, topics, risk events, the
//! companies named and what is said of each. Owns tokens, batches, the encoder, its
//! heads, entity linking, training and scoring. Knows no Kafka and no SQL.

#[cfg(target_arch = "x86_64")]
mod amx;
mod attention;
pub mod classifier;
pub mod compress;
pub mod config;
pub mod document;
pub mod encoder;
pub mod entities;
pub mod error;
pub mod eval;
pub mod explain;
pub mod features;
pub mod filter;
pub mod finetune;
mod folder;
pub mod heads;
mod hub;
mod int8;
mod kernel;
pub mod model;
pub mod ngrams;
mod pool;
#[cfg(target_arch = "x86_64")]
mod processor;
pub mod taxonomy;
pub mod tensor;
pub mod tokens;
pub mod train;
mod unigram;
mod weight_file;
pub mod weights;

pub use classifier::{Classifier, Pace};
pub use config::ClassifierConfig;
pub use document::{AllScores, Input, Output, TargetSentiment};
pub use error::{ClassifierError, Verdict};
pub use folder::{Watch, refuse_itself};
pub use int8::Int8;
pub use tocsin_contract::ModelInfo;
