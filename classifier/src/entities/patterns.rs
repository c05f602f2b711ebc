//! Names as the automaton searches them, and what must be true of a place where one
//! is found: word boundaries and case.

use super::dictionary::Known;
use super::fold::{self, is_han, is_word};

/// How much a name proves where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tier {
    /// The entity, wherever it stands.
    Certain,
    /// A common word too: needs context.
    Ambiguous,
    /// A word, and the company is little known: needs strong context.
    Doubtful,
    /// Only beside another mention.
    Short,
    /// Contains a name and means something else.
    Nothing,
}

/// In front of an ambiguous name of a dictionary: it needs strong context.
pub(super) const DOUBTFUL: char = '~';

/// Letters from which on a name may stand in small ones.
const WHISPERED: usize = 5;
/// Names of companies that are words in small letters.
const WORDS: [&str; 9] =
    ["shell", "chewy", "tapestry", "whirlpool", "vanguard", "peloton", "nifty", "chime", "costar"];

#[derive(Debug, Clone)]
pub(super) struct Pattern {
    entity: u32,
    /// Folded.
    pub(super) text: Box<str>,
    pub(super) tier: Tier,
    /// Letters must have this case: abbreviations and ambiguous names.
    exact: bool,
}

impl Pattern {
    fn new(entity: usize, text: &str, tier: Tier) -> Self {
        let (text, tier) = match text.strip_prefix(DOUBTFUL) {
            Some(text) => (fold::name(text), Tier::Doubtful),
            None => (fold::name(text), tier),
        };
        let exact =
            tier != Tier::Certain || text.chars().count() <= 4 || text.chars().all(|c| !c.is_lowercase());
        Self { entity: u32::try_from(entity).unwrap_or(u32::MAX), text: text.into(), tier, exact }
    }

    /// Its place in the dictionary; behind the end for a phrase that is no name.
    pub(super) const fn entity(&self) -> usize {
        self.entity as usize
    }

    /// Whether this name may be meant at `from..to` of a folded text; a `loud` one has no small letter.
    pub(super) fn stands(&self, text: &str, from: usize, to: usize, loud: bool) -> bool {
        let Some(found) = text.get(from..to) else { return false };
        let before = text.get(..from).and_then(|t| t.chars().next_back());
        let after = text.get(to..).and_then(|t| t.chars().next());
        let beside_han = before.is_some_and(is_han) || after.is_some_and(is_han);
        is_free(text, from, to) && (self.tier == Tier::Nothing || self.accepts(found, beside_han, loud))
    }

    /// Whether this name is meant, in small letters, in a text without a capital: where it is no word too.
    pub(super) fn whispered(&self, text: &str, from: usize, to: usize) -> bool {
        let letters = self.text.len() >= WHISPERED && self.text.chars().all(|c| c.is_ascii_alphabetic());
        let word = WORDS.contains(&self.text.to_ascii_lowercase().as_str());
        let after = text.get(to..).unwrap_or_default();
        let goes_on = after.starts_with('-')
            || after.strip_prefix('.').is_some_and(|rest| rest.starts_with(char::is_alphanumeric));
        letters
            && self.tier == Tier::Certain
            && !(self.exact || word || goes_on)
            && !text.get(..from).is_some_and(|t| t.ends_with(['-', '$', '#']))
            && is_free(text, from, to)
    }

    /// Abbreviations keep their case, and short names but in a `loud` text. Of other names each long word keeps its
    /// capital, or all letters are capitals; in Chinese text they may be all small.
    fn accepts(&self, found: &str, beside_han: bool, loud: bool) -> bool {
        if found == &*self.text {
            return true;
        }
        let shouted = found == self.text.to_uppercase();
        if self.exact {
            return shouted
                && (self.tier != Tier::Certain && self.text.len() > 4 || loud && self.is_titled());
        }
        if shouted || beside_han {
            return true;
        }
        let words = |text: &str| text.split([' ', '-']).map(str::to_owned).collect::<Vec<_>>();
        words(found).iter().zip(words(&self.text)).all(|(found, own)| {
            let capital = |word: &str| word.chars().next().is_some_and(char::is_uppercase);
            capital(found) || !capital(&own) || own.len() < 4 && own.len() < self.text.len()
        })
    }

    /// Whether it is written as `Nike`, neither as `BoE` nor as `3M`.
    fn is_titled(&self) -> bool {
        let mut letters = self.text.chars();
        letters.next().is_some_and(char::is_uppercase) && letters.all(char::is_lowercase)
    }
}

/// Whether what is found at `from..to` of a folded text is not part of a longer word, an amount or an address.
fn is_free(text: &str, from: usize, to: usize) -> bool {
    let Some(found) = text.get(from..to) else { return false };
    let before = text.get(..from).and_then(|t| t.chars().next_back());
    let after = text.get(to..).and_then(|t| t.chars().next());
    let joined = |inside: Option<char>, outside: Option<char>| {
        inside.is_some_and(is_word) && outside.is_some_and(is_word)
    };
    if joined(found.chars().next(), before) || joined(found.chars().next_back(), after) {
        return false;
    }
    // Dell'Oro is not Dell.
    let rest = text.get(to..).unwrap_or_default();
    let elided = rest
        .strip_prefix('\'')
        .is_some_and(|r| r.chars().next().is_some_and(char::is_alphanumeric) && !r.starts_with(['s', 'S']));
    // $3M is money.
    let digit = found.starts_with(|c: char| c.is_ascii_digit());
    let money = digit && before.is_some_and(|c| "$£€¥.,+-".contains(c));
    // An address, a handle or a hyphened word is no name.
    let latin = found.starts_with(|c: char| c.is_ascii_alphabetic());
    let address = before.is_some_and(|c| "@/_.".contains(c)) || after.is_some_and(|c| "_@/".contains(c));
    !(elided || money || latin && address)
}

/// The names of all `known`, then the phrases that are none. Of a text that several
/// entities claim, the first keeps it, or the surest of one entity.
pub(super) fn patterns(known: &[Known], not_names: &[String]) -> Vec<Pattern> {
    let of = |(entity, k): (usize, &Known)| {
        let tier = |names: &[String], tier: Tier| {
            names.iter().map(|n| Pattern::new(entity, n, tier)).collect::<Vec<_>>()
        };
        [tier(&k.names, Tier::Certain), tier(&k.ambiguous, Tier::Ambiguous), tier(&k.short, Tier::Short)]
            .concat()
    };
    let none = not_names.iter().map(|n| Pattern::new(usize::MAX, n, Tier::Nothing));
    known.iter().enumerate().flat_map(of).chain(none).filter(|p| p.text.chars().count() > 1).collect()
}
