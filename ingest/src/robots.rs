//! robots.txt by RFC 9309: reading it (`rules`), matching paths (`pattern`) and
//! remembering it (`memory`). Fetching it is `politeness`.

mod memory;
mod pattern;
mod rules;

pub(crate) use memory::{Answer, Memory};
pub use rules::{Decision, Rules};
