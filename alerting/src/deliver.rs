//! Delivery of alerts to webhooks: at least once, signed, retried on a schedule,
//! and per receiver in the order of (episode, sequence).
//!
//! Rows of `alerting.delivery` are the queue; a worker holds its row locked while it
//! calls, so that a crash gives it back. The wall clock is used here and nowhere else.

mod endpoint;
mod queue;
mod schedule;
mod send;
pub(crate) mod sign;
mod sweeper;
mod worker;

pub(crate) use endpoint::{Endpoint, register, warn_of_doubtful};
pub(crate) use sweeper::Sweeper;
pub(crate) use worker::Worker;

#[cfg(test)]
mod tests;
