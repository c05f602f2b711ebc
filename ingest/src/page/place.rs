//! Where on a page its own article stands, told from what stands beside and around it.

use super::blocks::Block;
use super::dom::Dom;
use super::tag::Tag;

/// The elements that an article is known by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    title: Option<usize>,
    /// The element of the first block of text.
    first: usize,
    /// Behind the element of the last one.
    end: usize,
    /// What holds title and text, and the `<article>` around both where there is one.
    whole: usize,
}

impl Place {
    /// `is_text`: which blocks are the text; `title`: which is the title.
    pub(super) fn of(dom: &Dom<'_>, blocks: &[Block], is_text: &[bool], title: Option<usize>) -> Self {
        let mut texts = blocks.iter().zip(is_text).filter(|(_, is_text)| **is_text);
        let first = texts.next().map_or(0, |(block, _)| block.parent);
        let last = texts.next_back().map_or(first, |(block, _)| block.parent);
        let block = title.and_then(|title| blocks.get(title));
        let title = block.map(|block| block.parent).or_else(|| dom.below(0, Tag::H1).next());
        let other = title.unwrap_or(last);
        let both = dom.upwards(first).find(|node| dom.holds(*node, other)).unwrap_or(0);
        let is_whole = |node: &usize| matches!(dom.tag(*node), Some(Tag::Article | Tag::Main));
        let whole = dom.upwards(both).find(is_whole).unwrap_or(both);
        let end = dom.nodes.get(last).map_or(0, |node| node.end);
        Self { title, first, end, whole }
    }

    /// In the article, and not in what stands beside or around it.
    pub(super) fn is_own(self, dom: &Dom<'_>, node: usize) -> bool {
        let holds_text = |node: usize| dom.holds(node, self.first);
        let is_article = |node: &usize| dom.tag(*node) == Some(Tag::Article);
        let is_of_it = |node: usize| match dom.tag(node) {
            Some(Tag::Aside | Tag::Nav) => false,
            Some(Tag::Article) => holds_text(node),
            Some(Tag::Footer) => dom.upwards(node).find(is_article).is_some_and(holds_text),
            _ => true,
        };
        dom.holds(self.whole, node) && self.within(dom, node).all(is_of_it)
    }

    /// `node`, what it stands in, and so on up to what holds the article.
    pub(super) fn within(self, dom: &Dom<'_>, node: usize) -> impl Iterator<Item = usize> {
        dom.upwards(node).take_while(move |node| *node > self.whole)
    }

    /// Whether a node stands behind all of the text and outside of an `<article>`: there other pages are named.
    pub(super) fn is_behind(self, dom: &Dom<'_>, node: usize) -> bool {
        node >= self.end && dom.tag(self.whole) != Some(Tag::Article)
    }

    /// In nodes, to the title or to where the text begins.
    pub(super) fn distance(self, node: usize) -> usize {
        node.abs_diff(self.title.unwrap_or(self.first)).min(node.abs_diff(self.first))
    }
}
