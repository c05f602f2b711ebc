//! Surge detection: pure and deterministic. Signals and watermarks in, alerts out.
//!
//! Knows no clock, no database and no bus: the same signals in the same steps of
//! event time give the same alerts, byte for byte. The method and its constants
//! follow EARS and Farrington (negative-binomial tails on the same season), with a
//! budget of false alerts a day instead of a fixed p value.

mod baseline;
mod beta;
mod bin;
mod combine;
mod copies;
mod detector;
mod episode;
mod evidence;
mod judge;
mod message;
mod moments;
mod pool;
#[cfg(test)]
mod replay;
mod ring;
mod rules;
mod subject;
mod tail;

pub use bin::Bin;
pub use detector::{Applied, Detector};
pub(crate) use detector::{Course, Place};
#[cfg(test)]
pub(crate) use replay::replay;
pub use rules::Rules;
pub(crate) use subject::SubjectState;

#[cfg(test)]
mod tests;
