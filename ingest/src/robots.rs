//! robots.txt by RFC 9309: reading it (`rules`) and matching paths (`pattern`).
//! Fetching and remembering it is `politeness`.

mod pattern;
mod rules;

pub use rules::{Decision, Rules};
