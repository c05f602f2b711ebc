//! Surge detection and alert delivery: `signals` in; `alerts` and webhooks out.
//! Owns schema `alerting`; never reads a text or another room's tables.
//!
//! Detection is pure and runs on event time ([`detect`]); state, alerts and outbox
//! move with the offset in one transaction, so that a crash repeats nothing and
//! loses nothing. Only delivery looks at a clock.

mod config;
mod deliver;
pub mod detect;
mod error;
mod form;
mod intake;
mod metric;
mod outbox;
mod publish;
mod reading;
#[cfg(test)]
mod samples;
mod service;
mod shard;
mod watermark;

pub use config::{AlertingConfig, WebhookConfig};
pub use error::AlertingError;
pub use outbox::{messages, settled};
pub use service::{Alerting, GROUP};
