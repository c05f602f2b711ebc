//! Personal details are blacked out before the first write.

mod address;
mod amount;
mod check;
mod email;
mod numbers;
mod passport;
mod phone;

use std::collections::BTreeSet;
use std::sync::LazyLock;

pub(crate) use address::{names_nobody, without_names};
use regex::Regex;
use serde::{Deserialize, Serialize};

/// A kind of personal detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    Email,
    /// Mobile and fixed, Chinese and international.
    Phone,
    /// Payment cards, by their check digit or by what the text calls them.
    Card,
    /// Chinese identity numbers, likewise, American ones of social security, and passports.
    Id,
}

impl Detail {
    pub const ALL: [Self; 4] = [Self::Email, Self::Phone, Self::Card, Self::Id];

    /// What stands in its place.
    const fn mark(self) -> &'static str {
        match self {
            Self::Email => "[email]",
            Self::Phone => "[phone]",
            Self::Card => "[card]",
            Self::Id => "[id]",
        }
    }
}

/// The text with every e-mail address, phone number, payment card and identity number
/// replaced by its mark, and how many there were. Amounts, dates and stock codes stay.
pub fn redact(text: &str) -> (String, u32) {
    redact_only(text, &BTreeSet::from(Detail::ALL))
}

/// The same for some kinds of details only.
pub(crate) fn redact_only(text: &str, details: &BTreeSet<Detail>) -> (String, u32) {
    let mut count = 0;
    let mut marked = |detail: Detail| {
        count += 1;
        detail.mark()
    };
    let text = if details.contains(&Detail::Email) {
        email::replace(text, || marked(Detail::Email))
    } else {
        text.to_owned()
    };
    let text =
        if details.contains(&Detail::Id) { passport::replace(&text, || marked(Detail::Id)) } else { text };
    let text = numbers::replace(&text, |detail| details.contains(&detail).then(|| marked(detail)));
    (text, count)
}

/// Characters that are not seen, which a class of a pattern takes.
const HIDDEN: &str = r"\u{200b}-\u{200d}\u{2060}\u{feff}";

type Pattern = LazyLock<Option<Regex>>;

fn is_match(pattern: &Pattern, text: &str) -> bool {
    LazyLock::force(pattern).as_ref().is_some_and(|pattern| pattern.is_match(text))
}

/// The last so many characters.
fn tail(text: &str, length: usize) -> &str {
    let start = text.char_indices().nth_back(length.saturating_sub(1)).map_or(0, |(place, _)| place);
    text.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests;
