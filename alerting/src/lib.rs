//! Surge detection and alert delivery: `signals` in; `alerts` and webhooks out.
//! Owns schema `alerting`; never reads a text or another room's tables.
//!
//! Detection is pure and runs on event time ([`detect`]); state, alerts and outbox
//! move with the offset in one transaction, so that a crash repeats nothing and
//! loses nothing. Only delivery looks at a clock.

pub mod detect;
pub mod watermark;
