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
mod reading;
#[cfg(test)]
mod samples;
mod service;
mod stage;
mod story;

pub use classify::{Classify, Reading};
pub use config::EnrichConfig;
pub use error::EnrichError;
pub use service::{Enrich, GROUP};
