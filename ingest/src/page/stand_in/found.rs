//! Which kinds of phrases a text holds, by one look at it. Says nothing of where they stand.

use std::sync::LazyLock;

use super::super::finder::Finder;
use super::{offers, phrases};

pub(super) const EXPLAINING: u16 = 1;
pub(super) const ASKING: u16 = 1 << 1;
pub(super) const GUARD: u16 = 1 << 2;
pub(super) const BEGINNING: u16 = 1 << 3;
pub(super) const TEASER: u16 = 1 << 4;
pub(super) const BADGE: u16 = 1 << 5;
pub(super) const JOINING: u16 = 1 << 6;
pub(super) const SCRIPT: u16 = 1 << 7;

const KINDS: [(&[&str], u16); 10] = [
    (&phrases::EXPLAINING, EXPLAINING),
    (&phrases::ASKING, ASKING),
    (&phrases::GUARDS, GUARD),
    (&phrases::BEGINNINGS, BEGINNING),
    (&offers::TEASERS, TEASER),
    (&offers::BADGES, BADGE),
    (&offers::JOINING, JOINING),
    (&offers::ACCOUNTS, JOINING),
    (&offers::REST, JOINING),
    (&phrases::SCRIPTS, SCRIPT),
];

/// With straight apostrophes, and with curly ones.
static PHRASES: LazyLock<Option<Finder<u16>>> = LazyLock::new(|| {
    let straight: Vec<(String, u16)> = KINDS
        .iter()
        .flat_map(|(phrases, kind)| phrases.iter().map(move |phrase| ((*phrase).to_owned(), *kind)))
        .collect();
    let quoted = straight.iter().filter(|(phrase, _)| phrase.contains('\''));
    let curly: Vec<(String, u16)> =
        quoted.map(|(phrase, kind)| (phrase.replace('\'', "\u{2019}"), *kind)).collect();
    Finder::new(straight.into_iter().chain(curly), None)
});

/// The kinds of phrases that a text holds, in whatever case, with straight or curly apostrophes.
pub(super) fn found(text: &str) -> u16 {
    PHRASES.iter().flat_map(|phrases| phrases.kinds(text)).fold(0, |all, kind| all | kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_holds_phrases_of_several_kinds_in_any_case() {
        assert_eq!(found("Shares fell."), 0);
        assert_eq!(found("We\u{2019}ll be back soon! Enable JavaScript to read on."), BEGINNING | SCRIPT);
        assert_eq!(found("订阅后继续阅读，付费内容"), TEASER | BADGE);
    }
}
