//! A place in a text where a name or a code stands.

use super::codes::{Code, Form};
use super::patterns::Tier;

/// A match in bytes of the folded text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    /// Place in the dictionary; behind its end for what names nobody.
    pub(super) entity: usize,
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) tier: Tier,
}

impl From<&Code> for Hit {
    fn from(code: &Code) -> Self {
        let tier = if code.form == Form::Unlisted { Tier::Nothing } else { Tier::Certain };
        Self { entity: code.entity, from: code.from, to: code.to, tier }
    }
}

/// Leftmost first, longest first, none overlapping.
pub(super) fn longest(mut hits: Vec<Hit>) -> Vec<Hit> {
    hits.sort_by_key(|h| (h.from, std::cmp::Reverse(h.to), h.tier != Tier::Nothing, h.tier));
    let mut end = 0;
    hits.retain(|h| {
        let free = h.from >= end;
        end = if free { h.to } else { end };
        free
    });
    hits
}
