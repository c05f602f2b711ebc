//! What a page says about itself beside its text: titles, description, the body in JSON-LD,
//! and marks of forums and articles.

use super::blocks::Block;
use super::dom::Dom;
use super::tag::Tag;

/// Longest body of JSON-LD that is compared with the page.
const MAX_BODY: usize = 30_000;
/// What addresses of forums hold.
const FORUMS: [&str; 10] =
    ["forum", "thread", "topic", "question", "/t/", "community", "discuss", "comments", "bbs", "tieba"];
/// Most elements `<article>` that are counted.
const MOST_ARTICLES: usize = 50;

#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    title: String,
    description: String,
    /// `articleBody` or `text` of JSON-LD; letters and digits only.
    body: String,
    is_forum: bool,
    is_article: bool,
    forum_url: bool,
    articles: f32,
}

impl Facts {
    pub(super) fn of(dom: &Dom<'_>, meta: &super::meta::Meta, url: &str) -> Self {
        let dense = |text: &str| dense(text, MAX_BODY);
        let url = url.to_ascii_lowercase();
        Self {
            title: dense(&meta.title),
            description: dense(&meta.description),
            body: dense(&meta.body),
            is_forum: meta.is_forum,
            is_article: meta.is_article,
            forum_url: FORUMS.iter().any(|word| url.contains(word)),
            articles: dom.below(0, Tag::Article).take(MOST_ARTICLES).count() as f32,
        }
    }

    /// The block that is the title, else the first in the largest heading.
    pub(super) fn title_of(&self, dom: &Dom<'_>, blocks: &[Block]) -> Option<usize> {
        let length = self.title.chars().count().max(1);
        let fits = |block: &Block| {
            let part = dense(&block.text, 2 * length);
            let shown = part.chars().count();
            shown * 10 >= length * 6 && (self.title.contains(&part) || part.contains(&self.title))
        };
        let named = || blocks.iter().position(|block| block.count.tokens < 60.0 && fits(block));
        let heading = || blocks.iter().position(|block| dom.tag(block.parent) == Some(Tag::H1));
        (!self.title.is_empty()).then(named).flatten().or_else(heading)
    }

    /// Whether a text is the title, part of the description, part of the body; -1: not told.
    pub(super) fn relations(&self, text: &str) -> [f32; 3] {
        let part = dense(text, 60);
        let within = |whole: &str| match whole.is_empty() {
            true => -1.0,
            false => f32::from(u8::from(!part.is_empty() && whole.contains(&part))),
        };
        [within(&self.title), within(&self.description), within(&self.body)]
    }

    pub(super) fn numbers(&self) -> [f32; 5] {
        let number = |is: bool| f32::from(u8::from(is));
        [
            number(self.is_forum),
            number(self.is_article),
            number(self.forum_url),
            self.articles,
            self.body.len() as f32,
        ]
    }
}

/// Letters and digits only.
pub(super) fn dense(text: &str, most: usize) -> String {
    let mut dense = String::with_capacity(text.len().min(most.saturating_mul(4)));
    dense.extend(text.chars().filter(|c| c.is_alphanumeric()).take(most));
    dense
}
