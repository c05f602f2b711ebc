//! `documents.raw` in, `documents.enriched` and `signals` out. Owns the order in
//! which they appear and the clock that goes with them: whatever crashes or repeats,
//! the same raw log gives the same signals.
//!
//! Never crawls, never writes SQL; what a text means is the classifier's to say.

mod classify;
mod config;
mod error;
mod intake;
mod metric;
mod model;
mod output;
mod queue;
mod reading;
mod renewal;
#[cfg(test)]
mod samples;
mod service;
mod stage;
mod story;

pub use classify::{Classify, Reading, Readings};
pub use config::EnrichConfig;
pub use error::EnrichError;
pub use model::ModelFolder;
pub use renewal::Renew;
pub use service::{Enrich, GROUP};
