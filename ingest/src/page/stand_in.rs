//! Whether a page stands in for the one that was asked for: an error, a captcha, a demand for consent, a teaser.
//! What it says of that counts only where hardly an article remains beside it.

mod phrases;

use phrases::{BEGINNINGS, CODES, CONSENT, ERROR_WORDS, GUARDS, JOINING, LEADS, READING, TEASERS, TITLES};

use super::blocks::{Block, is_cjk};
use super::dom::Dom;
use super::meta::Meta;
use super::tag::Tag;

/// Text below which a page is no article whatever its title says, and above which no error page goes; in characters.
pub(super) const SHORT: usize = 700;
/// The same for a demand for consent, which explains itself at length.
pub(super) const LONG: usize = 4 * SHORT;
/// Text that is an article beside what sounds like an error, in characters; one of Chinese counts for three.
const REMAINS: usize = 250;

/// What a page says itself, block by block, in lower case.
#[derive(Debug)]
pub(super) struct Said {
    /// With whether it was taken for the text. All that a page shows where it shows little, else its text: a long
    /// page may speak of anything beside it.
    blocks: Vec<(String, bool)>,
}

impl Said {
    pub(super) fn of(dom: &Dom<'_>, blocks: &[Block], is_text: &[bool]) -> Self {
        let whole: usize = blocks.iter().map(|block| block.text.len()).sum();
        let blocks = blocks.iter().zip(is_text.iter().copied());
        let said = blocks.filter(|(_, is_text)| whole <= LONG || *is_text);
        let said = said.filter(|(block, _)| is_of_page(dom, block.parent));
        Self { blocks: said.map(|(block, is_text)| (block.text.to_lowercase(), is_text)).collect() }
    }

    /// `length`: characters of the page's text, less than [`LONG`].
    pub(super) fn is_error(&self, meta: &Meta, length: usize) -> bool {
        let titles = [meta.title.to_lowercase(), meta.tab.to_lowercase()];
        let (is_short, is_titled) = (length < SHORT, titles.iter().any(|title| is_error_title(title)));
        // What says that it is an article may speak of errors.
        if meta.is_marked() {
            return is_short && is_titled && self.remains() < REMAINS;
        }
        let asks = self.has(&CONSENT) || titles.iter().any(|title| has(title, &CONSENT));
        asks || (is_short && (is_titled || self.has(&GUARDS) || self.is_nothing_else()))
    }

    /// It asks for an account or for money before it shows the rest.
    pub(super) fn is_teaser(&self) -> bool {
        self.has(&TEASERS) || self.blocks.iter().any(|(text, _)| asks_to_join(text))
    }

    fn has(&self, phrases: &[&str]) -> bool {
        self.blocks.iter().any(|(text, _)| has(text, phrases))
    }

    /// Whether it announces an error, and hardly any text remains beside that.
    fn is_nothing_else(&self) -> bool {
        self.blocks.iter().any(|(text, _)| clauses(text).any(announces)) && self.remains() < REMAINS
    }

    /// How much text it holds beside what announces an error, as [`REMAINS`] counts.
    fn remains(&self) -> usize {
        let weight = |text: &str| text.chars().map(|c| if is_cjk(c) { 3 } else { 1 }).sum::<usize>();
        let texts = self.blocks.iter().filter(|(_, is_text)| *is_text).map(|(text, _)| text);
        texts.filter(|text| !clauses(text).any(announces)).map(|text| weight(text)).sum()
    }
}

fn has(text: &str, phrases: &[&str]) -> bool {
    phrases.iter().any(|phrase| text.contains(phrase))
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

/// Whether a part of a title, which is in lower case, is one of such pages.
fn is_error_title(title: &str) -> bool {
    let title = title.replace(" - ", "|").replace("- ", "|").replace(" -", "|");
    title.split(['|', '–', '—', '_', '·', '•', '»']).any(is_error_part)
}

fn is_error_part(part: &str) -> bool {
    let whole = words(part);
    let (codes, others): (Vec<&str>, Vec<&str>) = whole.split(' ').partition(|word| CODES.contains(word));
    let is_code = codes.len() == 1 && others.iter().all(|word| ERROR_WORDS.contains(word));
    // Between Chinese words a hyphen parts the title from the site's name.
    let is_chinese = |piece: &str| !piece.is_ascii() && TITLES.contains(&words(piece).as_str());
    is_code || TITLES.contains(&whole.as_str()) || part.split('-').any(is_chinese)
}

/// The words of a text with single spaces between them; Chinese words and others stand apart.
fn words(text: &str) -> String {
    let (mut words, mut last) = (String::new(), None);
    for c in text.chars() {
        let script = c.is_alphanumeric().then(|| is_cjk(c));
        if script != last && !words.is_empty() && !words.ends_with(' ') {
            words.push(' ');
        }
        words.extend(script.map(|_| c));
        last = script;
    }
    words.trim_end().to_owned()
}

fn clauses(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| {
        matches!(c, '.' | '!' | '?' | ',' | ';' | ':' | '\n' | '|' | '–' | '—' | '(' | ')')
            || matches!(c, '。' | '！' | '？' | '，' | '、' | '；' | '：' | '（' | '）')
    })
}

/// Whether a clause begins as that of an error page does. One in quotation marks is somebody else's.
fn announces(clause: &str) -> bool {
    let mut rest = clause.trim();
    while let Some(shorter) = LEADS.iter().find_map(|lead| after(rest, lead)) {
        rest = shorter;
    }
    BEGINNINGS.iter().any(|beginning| rest.starts_with(beginning))
}

/// What follows a word at the beginning of a text; Chinese words need no space behind them.
fn after<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let rest = text.strip_prefix(word)?;
    (rest.starts_with(' ') || !word.is_ascii()).then(|| rest.trim_start())
}

fn asks_to_join(text: &str) -> bool {
    let is_of_text = |rest: &str| READING.iter().any(|verb| rest.trim_start().starts_with(verb));
    JOINING.iter().any(|offer| text.split(offer).skip(1).any(is_of_text))
}
