//! Whether a page stands in for the one that was asked for: an error, a captcha, a demand for consent, a teaser.
//! What it says of that counts only where hardly an article remains beside it.

mod found;
mod offers;
mod phrases;
mod titles;

use found::{ASKING, BADGE, BEGINNING, EXPLAINING, GUARD, JOINING, SCRIPT, TEASER, found};
use phrases::{BEGINNINGS, CONSENTING, LEADS};
use titles::{is_error_part, is_error_title};

use super::blocks::Block;
use super::dom::Dom;
use super::meta::Meta;
use super::tag::Tag;

/// Text below which a page is no article whatever its title says, and above which no error page goes; in characters.
pub(super) const SHORT: usize = 700;
/// The same for a page that explains itself at length, and for the beginning of an article that is not free.
pub(super) const LONG: usize = 4 * SHORT;
/// Text that is an article beside what sounds like an error, in the weight of its characters.
const REMAINS: f32 = 250.0;
/// The same where what sounds so stands beside the text and not in it.
const LITTLE: f32 = 100.0;
/// Longest block that only marks a text, in the same weight.
const BADGE_LENGTH: f32 = 45.0;
/// Most tokens of a line that is a title.
const TITLE_LENGTH: f32 = 16.0;

/// What a page says itself, block by block.
#[derive(Debug)]
pub(super) struct Said<'a> {
    dom: &'a Dom<'a>,
    /// All that a page shows where it shows little, else its text: a long page may speak of anything beside it.
    lines: Vec<Line<'a>>,
}

#[derive(Debug, Clone, Copy)]
struct Line<'a> {
    block: &'a Block,
    is_text: bool,
    /// Kinds of phrases that it holds.
    found: u16,
}

impl<'a> Said<'a> {
    /// `is_held_back`: the page says that it is not free, and how to read it may stand anywhere.
    pub(super) fn of(dom: &'a Dom<'a>, blocks: &'a [Block], is_text: &[bool], is_held_back: bool) -> Self {
        let whole: usize = blocks.iter().map(|block| block.text.len()).sum();
        let is_all = whole <= LONG || is_held_back;
        let blocks = blocks.iter().zip(is_text.iter().copied()).filter(|(_, is_text)| is_all || *is_text);
        let lines = blocks.map(|(block, is_text)| Line { block, is_text, found: found(&block.text) });
        Self { dom, lines: lines.collect() }
    }

    /// `length`: characters of the page's text, less than [`LONG`].
    pub(super) fn is_error(&self, meta: &Meta, length: usize) -> bool {
        let titles = [meta.title.to_lowercase(), meta.tab.to_lowercase()];
        let is_short = length < SHORT;
        let is_titled = is_short && (titles.iter().any(|title| is_error_title(title)) || self.is_title());
        if is_short && !meta.is_forum && self.needs_scripts() {
            return true;
        }
        // What says that it is an article may speak of errors.
        if meta.is_marked() {
            return is_titled && self.remains(is_announcement) < REMAINS;
        }
        let explains = self.has(EXPLAINING) || titles.iter().any(|title| found(title) & EXPLAINING != 0);
        let is_other = || is_titled || self.has(GUARD) || self.is_nothing_else();
        explains || self.asks_for_consent() || (is_short && is_other())
    }

    /// It asks for an account or for money before it shows the rest.
    pub(super) fn is_teaser(&self) -> bool {
        let is_badge = |line: &Line<'_>| line.block.count.weight() <= BADGE_LENGTH;
        self.said(TEASER).any(|line| offers::holds_back(&plain(&line.block.text)))
            || self.said(BADGE).any(is_badge)
            || self.said(JOINING).any(|line| offers::asks_to_join(&plain(&line.block.text)))
    }

    /// The lines of the page that hold a phrase of this kind.
    fn said(&self, kind: u16) -> impl Iterator<Item = &Line<'a>> {
        let lines = self.lines.iter().filter(move |line| line.found & kind != 0);
        lines.filter(move |line| is_of_page(self.dom, line.block.parent))
    }

    fn has(&self, kind: u16) -> bool {
        self.said(kind).next().is_some()
    }

    fn texts(&self) -> impl Iterator<Item = &Line<'a>> {
        self.lines.iter().filter(|line| line.is_text)
    }

    /// Whether its text is no more than such a page is called: `Loading...`, `404`.
    fn is_title(&self) -> bool {
        let is_one = |line: &Line<'_>| {
            line.block.count.tokens <= TITLE_LENGTH && is_error_part(&line.block.text.to_lowercase())
        };
        self.texts().next().is_some() && self.texts().all(is_one)
    }

    /// Whether all it has is what it says to browsers without scripts, and that is of scripts.
    fn needs_scripts(&self) -> bool {
        let is_hidden = |line: &Line<'_>| {
            self.dom.upwards(line.block.parent).any(|node| self.dom.tag(node) == Some(Tag::Noscript))
        };
        self.texts().any(|line| line.found & SCRIPT != 0) && self.texts().all(is_hidden)
    }

    /// Whether its text is a demand for consent, and hardly anything else.
    fn asks_for_consent(&self) -> bool {
        self.said(ASKING).any(|line| line.is_text) && self.remains(is_of_consent) < REMAINS
    }

    /// Whether it announces an error, and hardly any text remains beside that.
    fn is_nothing_else(&self) -> bool {
        let is_said = |is_text: bool| {
            let mut lines = self.said(BEGINNING).filter(|line| line.is_text == is_text);
            lines.any(|line| clauses(&plain(&line.block.text)).any(announces))
        };
        (is_said(true) && self.remains(is_announcement) < REMAINS)
            || (is_said(false) && self.remains(is_announcement) < LITTLE)
    }

    /// The weight of its text beside what `is_of_error`.
    fn remains(&self, is_of_error: impl Fn(&Line<'_>) -> bool) -> f32 {
        let own = self.texts().filter(|line| is_of_page(self.dom, line.block.parent));
        own.filter(|line| !is_of_error(line)).map(|line| line.block.count.weight()).sum()
    }
}

/// In lower case, with straight apostrophes.
fn plain(text: &str) -> String {
    text.to_lowercase().replace('\u{2019}', "'")
}

/// Whether a line begins by announcing an error: all of it explains that.
fn is_announcement(line: &Line<'_>) -> bool {
    line.found & BEGINNING != 0
        && clauses(&plain(&line.block.text))
            .map(without_leads)
            .find(|clause| !clause.is_empty())
            .is_some_and(announces)
}

fn is_of_consent(line: &Line<'_>) -> bool {
    let text = plain(&line.block.text);
    CONSENTING.iter().any(|word| text.contains(word))
}

/// Whether what stands in a node is said by the page: not by the site around it, nor to browsers without scripts.
fn is_of_page(dom: &Dom<'_>, node: usize) -> bool {
    let mut is_in_header = false;
    for node in dom.upwards(node) {
        let tag = dom.tag(node);
        let is_below = matches!(tag, Some(Tag::Noscript | Tag::Footer | Tag::Nav));
        if is_below || is_named(dom, node, &["footer", "site-footer", "contentinfo", "navigation"]) {
            return false;
        }
        if matches!(tag, Some(Tag::Article | Tag::Main)) {
            // An article has a header of its own.
            is_in_header = false;
        }
        is_in_header |= tag == Some(Tag::Header)
            || is_named(dom, node, &["header", "site-header", "masthead", "topbar", "banner"]);
    }
    !is_in_header
}

fn is_named(dom: &Dom<'_>, node: usize, names: &[&str]) -> bool {
    let is_known = |word: &str| names.iter().any(|name| word.eq_ignore_ascii_case(name));
    ["class", "id", "role"]
        .iter()
        .filter_map(|key| dom.attribute(node, key))
        .any(|value| value.split_ascii_whitespace().any(is_known))
}

fn clauses(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| {
        matches!(c, '.' | '!' | '?' | ',' | ';' | ':' | '\n' | '|' | '–' | '—' | '(' | ')')
            || matches!(c, '。' | '！' | '？' | '，' | '、' | '；' | '：' | '（' | '）')
    })
}

/// Whether a clause begins as that of an error page does. One in quotation marks is somebody else's.
fn announces(clause: &str) -> bool {
    let rest = without_leads(clause);
    BEGINNINGS.iter().any(|beginning| rest.starts_with(beginning))
}

/// A clause without the words that such pages begin with.
fn without_leads(clause: &str) -> &str {
    let mut rest = clause.trim();
    while let Some(shorter) = LEADS.iter().find_map(|lead| after(rest, lead)) {
        rest = shorter;
    }
    rest
}

/// What follows a word at the beginning of a text; Chinese words need no space behind them, nor does the last word.
fn after<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let rest = text.strip_prefix(word)?;
    (rest.is_empty() || rest.starts_with(' ') || !word.is_ascii()).then(|| rest.trim_start())
}
