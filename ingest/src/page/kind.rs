//! What kind of page it is, so that a captcha, an error or a teaser is not stored as
//! an article.

mod address;
mod listing;
mod thread;

use serde::Serialize;

use super::blocks::Block;
use super::dom::Dom;
use super::meta::Meta;
use super::stand_in::{LONG, SHORT, Said};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Article,
    /// Posts or questions with answers.
    Forum,
    /// Links to other pages.
    Listing,
    /// An error, a captcha, a demand for consent or cookies; what shows nothing, and what is no page.
    Error,
    /// An article whose text is held back.
    Paywall,
}

/// A page as far as its kind shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) dom: &'a Dom<'a>,
    /// What the names of each node say.
    pub(super) groups: &'a [u32],
    pub(super) meta: &'a Meta,
    pub(super) blocks: &'a [Block],
    /// Which blocks were taken for the text.
    pub(super) is_text: &'a [bool],
    /// What was taken for it.
    pub(super) text: &'a str,
    pub(super) url: &'a str,
}

impl<'a> Seen<'a> {
    /// The blocks, with whether each was taken for the text.
    fn marked(self) -> impl Iterator<Item = (&'a Block, bool)> {
        self.blocks.iter().zip(self.is_text.iter().copied())
    }

    /// Whether the text of an article is not what the page shows, but what it tells search engines.
    fn is_told(self) -> bool {
        let shown: usize = self.texts().map(|block| block.text.len() + 1).sum();
        !self.meta.is_forum && shown < self.text.len()
    }

    /// The blocks that were taken for the text.
    fn texts(self) -> impl Iterator<Item = &'a Block> {
        self.marked().filter(|(_, is_text)| *is_text).map(|(block, _)| block)
    }
}

/// What a page is, by what it says and how it is built.
pub(super) fn of(seen: Seen<'_>) -> Kind {
    if seen.blocks.is_empty() && seen.text.is_empty() {
        return Kind::Error;
    }
    let length = seen.text.chars().count();
    if length < LONG {
        let said = Said::of(seen.dom, seen.blocks, seen.is_text, seen.meta.is_held_back);
        // A page that is built in the browser may show no more than that it is loading.
        if !seen.is_told() && said.is_error(seen.meta, length) {
            return Kind::Error;
        }
        // Each alone may be of an article: a short one, an offer beside it, one that is not free.
        let signs = [length < SHORT, said.is_teaser(), seen.meta.is_held_back];
        if signs.iter().filter(|sign| **sign).count() >= 2 {
            return Kind::Paywall;
        }
    }
    if thread::is_thread(seen) {
        return Kind::Forum;
    }
    if listing::is_listing(seen) { Kind::Listing } else { Kind::Article }
}

#[cfg(test)]
mod tests;
