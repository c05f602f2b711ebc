//! A page as a tree in one list, in the order of the document. Much smaller and faster
//! than a browser's tree, and bounded: a page built to exhaust memory or the stack is cut
//! off. Follows the parsing rules of HTML as far as they decide where text belongs.

use std::borrow::Cow;

use super::markup::{Markup, Piece, attribute, fold_into};
use super::tag::{Kind, Tag};

/// Nodes after which the rest of a page is dropped.
const MAX_NODES: usize = 200_000;
/// Elements nested deeper than this hold no children; what they would hold goes to their parent.
const MAX_DEPTH: usize = 400;

#[derive(Debug, Clone, Copy)]
pub(super) enum Data<'a> {
    /// With what stands between its name and the `>`.
    Element(Tag, &'a str),
    /// With character references still in it.
    Text(&'a str),
    /// Text as it is: of scripts and styles.
    Raw(&'a str),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'a> {
    pub(super) data: Data<'a>,
    /// Index of the parent; the root is its own.
    pub(super) parent: usize,
    /// Index after the last node below this one.
    pub(super) end: usize,
}

/// Nodes in the order of the document: the nodes below `n` are `n + 1 .. nodes[n].end`.
#[derive(Debug)]
pub(super) struct Dom<'a> {
    pub(super) nodes: Vec<Node<'a>>,
}

impl<'a> Dom<'a> {
    /// Never fails; linear in `html`.
    pub(super) fn parse(html: &'a str) -> Self {
        let root = Node { data: Data::Element(Tag::Root, ""), parent: 0, end: 0 };
        let mut builder = Builder { nodes: vec![root], open: vec![(0, Tag::Root)], is_in_head: false };
        for piece in Markup::new(html) {
            if builder.nodes.len() >= MAX_NODES {
                break;
            }
            match piece {
                Piece::Open { tag, attributes, is_closed } => builder.start(tag, attributes, is_closed),
                Piece::Close(tag) => builder.end(tag),
                Piece::Text(text) => builder.leaf(Data::Text(text)),
                Piece::Raw(text) => builder.leaf(Data::Raw(text)),
            }
        }
        builder.close_to(0);
        let mut nodes = builder.nodes;
        if let Some(root) = nodes.first_mut() {
            root.end = usize::MAX;
        }
        let length = nodes.len();
        nodes.iter_mut().for_each(|node| node.end = node.end.min(length));
        Self { nodes }
    }

    pub(super) fn tag(&self, node: usize) -> Option<Tag> {
        match self.nodes.get(node)?.data {
            Data::Element(tag, _) => Some(tag),
            Data::Text(_) | Data::Raw(_) => None,
        }
    }

    /// The value of an attribute, references decoded; empty where it has none.
    pub(super) fn attribute(&self, node: usize, name: &str) -> Option<Cow<'a, str>> {
        match self.nodes.get(node)?.data {
            Data::Element(_, attributes) => attribute(attributes, name),
            Data::Text(_) | Data::Raw(_) => None,
        }
    }

    /// Indices of the elements below `node` that have this tag.
    pub(super) fn below(&self, node: usize, tag: Tag) -> impl Iterator<Item = usize> {
        let end = self.nodes.get(node).map_or(0, |node| node.end);
        (node + 1..end).filter(move |at| self.tag(*at) == Some(tag))
    }

    /// Whether `other` is `node` or below it.
    pub(super) fn holds(&self, node: usize, other: usize) -> bool {
        self.nodes.get(node).is_some_and(|found| (node..found.end).contains(&other))
    }

    /// `node`, what it stands in, and so on up to the root.
    pub(super) fn upwards(&self, node: usize) -> impl Iterator<Item = usize> {
        let parent = |at: &usize| self.nodes.get(*at).map(|found| found.parent).filter(|parent| parent != at);
        std::iter::successors(Some(node), parent)
    }

    /// The text below `node`, white space folded.
    pub(super) fn text(&self, node: usize) -> String {
        self.beginning(node, usize::MAX)
    }

    /// The beginning of the text below `node`, about so many bytes of it.
    pub(super) fn beginning(&self, node: usize, bytes: usize) -> String {
        let mut out = String::new();
        let end = self.nodes.get(node).map_or(0, |node| node.end);
        for node in self.nodes.get(node..end).unwrap_or_default() {
            if out.len() >= bytes {
                break;
            }
            match node.data {
                Data::Text(text) => {
                    fold_into(&mut out, text.split_at(text.floor_char_boundary(bytes)).0);
                }
                Data::Element(tag, _) if tag.kind() != Kind::Inline && !out.ends_with(' ') => out.push(' '),
                Data::Element(..) | Data::Raw(_) => {}
            }
        }
        out.trim().to_owned()
    }

    /// The unparsed text of a script.
    pub(super) fn raw(&self, node: usize) -> &'a str {
        match self.nodes.get(node + 1).map(|node| node.data) {
            Some(Data::Raw(text)) => text,
            Some(Data::Text(_) | Data::Element(..)) | None => "",
        }
    }
}

struct Builder<'a> {
    nodes: Vec<Node<'a>>,
    /// The elements that are open, with their tags; the root is never closed.
    open: Vec<(usize, Tag)>,
    is_in_head: bool,
}

impl<'a> Builder<'a> {
    fn leaf(&mut self, data: Data<'a>) {
        let parent = self.open.last().map_or(0, |(node, _)| *node);
        let end = self.nodes.len() + 1;
        self.nodes.push(Node { data, parent, end });
    }

    fn start(&mut self, tag: Tag, attributes: &'a str, is_closed: bool) {
        if matches!(tag, Tag::Html | Tag::Body | Tag::Head) && self.has_open(tag) {
            return;
        }
        self.imply_ends(tag);
        let node = self.nodes.len();
        self.leaf(Data::Element(tag, attributes));
        let may_close = tag == Tag::Other || tag.is_foreign() || tag.kind() == Kind::Raw;
        let holds_nothing = tag.kind() == Kind::Void || (is_closed && may_close);
        if !holds_nothing && self.open.len() < MAX_DEPTH {
            self.open.push((node, tag));
            self.is_in_head |= tag == Tag::Head;
        }
    }

    fn has_open(&self, tag: Tag) -> bool {
        self.open.iter().any(|(_, open)| *open == tag)
    }

    /// Closes what may not be open when `tag` begins.
    #[expect(clippy::wildcard_enum_match_arm, reason = "most elements are like any other here")]
    fn imply_ends(&mut self, tag: Tag) {
        if self.is_in_head && !tag.is_of_head() {
            self.close_up_to(&[Tag::Head], &[Tag::Noscript, Tag::Template]);
        }
        match tag {
            Tag::Li => self.close_up_to(&[Tag::Li], &[Tag::Ul, Tag::Ol]),
            Tag::Dt | Tag::Dd => self.close_up_to(&[Tag::Dt, Tag::Dd], &[Tag::Dl]),
            Tag::Option => self.close_up_to(&[Tag::Option], &[Tag::Select]),
            Tag::Td | Tag::Th => self.close_up_to(&[Tag::Td, Tag::Th], &[Tag::Tr, Tag::Table]),
            Tag::Tr => self.close_up_to(&[Tag::Tr], &[Tag::Table, Tag::Tbody]),
            Tag::Tbody => self.close_up_to(&[Tag::Tbody], &[Tag::Table]),
            Tag::A => self.close_up_to(&[Tag::A], &[Tag::Div, Tag::Td, Tag::Li, Tag::Table]),
            Tag::Body => self.close_up_to(&[Tag::Head], &[]),
            _ => {}
        }
        if tag.closes_paragraph() {
            self.close_up_to(&[Tag::P], &[Tag::Table, Tag::Td, Tag::Th, Tag::Button]);
        }
    }

    /// Closes the innermost of `tags`, unless one of `bounds` is nearer.
    fn close_up_to(&mut self, tags: &[Tag], bounds: &[Tag]) {
        for (at, (_, tag)) in self.open.iter().enumerate().rev() {
            if tags.contains(tag) {
                self.close_to(at);
                return;
            }
            if bounds.contains(tag) {
                return;
            }
        }
    }

    fn end(&mut self, tag: Tag) {
        if matches!(tag, Tag::Html | Tag::Body | Tag::Root) {
            return;
        }
        let is_inline = tag.kind() == Kind::Inline;
        for (at, (_, open)) in self.open.iter().enumerate().rev() {
            if *open == tag && at > 0 {
                self.close_to(at);
                return;
            }
            let is_bound = if is_inline { open.kind() != Kind::Inline } else { open.is_scope() };
            if is_bound && !(tag == Tag::Table || (tag.is_scope() && !matches!(open, Tag::Table))) {
                return;
            }
        }
    }

    /// Closes the elements from place `at` of the open ones on.
    fn close_to(&mut self, at: usize) {
        let end = self.nodes.len();
        for (node, tag) in self.open.drain(at.max(1)..) {
            self.is_in_head &= tag != Tag::Head;
            if let Some(node) = self.nodes.get_mut(node) {
                node.end = end;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree as text: `p(b(x))`.
    fn shape(html: &str) -> String {
        fn write(dom: &Dom<'_>, from: usize, to: usize, out: &mut String) {
            let mut at = from;
            while at < to {
                let node = dom.nodes[at];
                match node.data {
                    Data::Element(tag, _) => {
                        out.push_str(&format!("{tag:?}(").to_lowercase());
                        write(dom, at + 1, node.end, out);
                        out.push(')');
                    }
                    Data::Text(text) | Data::Raw(text) => out.push_str(text),
                }
                at = node.end;
            }
        }
        let (dom, mut out) = (Dom::parse(html), String::new());
        write(&dom, 1, dom.nodes.len(), &mut out);
        out
    }

    #[test]
    fn ends_that_html_lets_authors_leave_out_are_implied() {
        assert_eq!(shape("<p>a<p>b<div>c</div>"), "p(a)p(b)div(c)");
        assert_eq!(shape("<ul><li>a<ul><li>b</ul><li>c</ul>"), "ul(li(aul(li(b)))li(c))");
        assert_eq!(shape("<table><tr><td>a<td>b<tr><td>c</table>d"), "table(tr(td(a)td(b))tr(td(c)))d");
        assert_eq!(shape("<dl><dt>a<dd>b<dt>c</dl>"), "dl(dt(a)dd(b)dt(c))");
        assert_eq!(shape("a<br>b<img src=x>c"), "abr()bimg()c");
    }

    #[test]
    fn ends_without_a_beginning_close_nothing_else() {
        assert_eq!(shape("<div>a</span></p>b</div>c"), "div(ab)c");
        assert_eq!(shape("<div><b>a</div>b</b>c"), "div(b(a))bc");
        assert_eq!(shape("<div><table><tr><td>a</div>b</table>c</div>"), "div(table(tr(td(ab)))c)");
    }

    #[test]
    fn a_head_that_nobody_closed_ends_where_the_page_begins() {
        assert_eq!(shape("<head><meta><title>t</title><h1>a</h1>b"), "head(meta()title(t))h1(a)b");
        assert_eq!(shape("<head><noscript><img></noscript><link><p>a"), "head(noscript(img())link())p(a)");
        assert_eq!(shape("<head><link></head><body><p>a"), "head(link())body(p(a))");
    }

    #[test]
    fn what_closes_itself_in_a_drawing_does_not_swallow_the_page() {
        assert_eq!(shape("<svg><title/><style/></svg><p>a"), "svg(title()style())p(a)");
        assert_eq!(shape("<a><svg class=icon /></a><p>a"), "a(svg())p(a)");
    }

    #[test]
    fn the_beginning_of_a_text_is_read_without_the_rest() {
        let html = format!("<time>May 3 <b>2024</b>{}</time>", "x".repeat(1000));
        let dom = Dom::parse(&html);
        assert_eq!(dom.beginning(1, 10), "May 3 2024");
        assert_eq!((dom.beginning(1, 20).len(), dom.text(1).len()), (30, 1010));
        assert_eq!(dom.upwards(3).collect::<Vec<_>>(), [3, 1, 0]);
    }

    #[test]
    fn scripts_are_not_text_and_comments_are_nothing() {
        assert_eq!(shape("a<script>if (a<b) '</p>'</script>b<!-- <p> -->c"), "ascript(if (a<b) '</p>')bc");
        assert_eq!(shape("<title>a <b> c</title>d"), "title(a <b> c)d");
    }

    #[test]
    fn a_page_nested_without_end_is_read_flat() {
        let deep = "<div>".repeat(100_000) + "text";
        let dom = Dom::parse(&deep);
        assert_eq!(dom.text(0), "text");
        assert!(Dom::parse(&"<i>".repeat(3_000_000)).nodes.len() <= MAX_NODES + 1);
    }
}
