//! robots.txt by RFC 9309: reading it (`lines`), judging by it (`rules`), matching paths
//! (`pattern`) and remembering it (`memory`). Fetching it is `politeness`.

mod lines;
mod memory;
mod pattern;
mod rules;

pub use lines::lines;
pub(crate) use memory::{Answer, Memory};
pub use rules::{Decision, Rules, product_token};
