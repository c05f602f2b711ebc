//! XML as a run of tags and texts, for documents that need not be well formed. Expands no
//! declared entity, so an entity bomb stays as small as its file.

/// One piece of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Open(Tag<'a>),
    Close {
        name: &'a str,
        source: &'a str,
    },
    /// With references still in it.
    Text(&'a str),
    /// Text as it is.
    Raw(&'a str),
}

/// A tag with which an element begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    /// With its prefix.
    pub(super) name: &'a str,
    pub(super) attributes: &'a str,
    /// It closes itself.
    pub(super) is_closed: bool,
    /// As it is written, without its signs.
    pub(super) source: &'a str,
}

/// Never fails.
#[derive(Clone)]
pub(super) struct Pieces<'a> {
    rest: &'a str,
    /// Behind here no declarations in brackets end.
    is_open: bool,
    /// The element that began last.
    element: &'a str,
    /// How much of the text there is from the end of CDATA on that was found last; `None`: there is no other.
    cdata_end: Option<usize>,
}

impl<'a> Pieces<'a> {
    pub(super) const fn of(text: &'a str) -> Self {
        Self { rest: text, is_open: false, element: "", cdata_end: Some(usize::MAX) }
    }

    /// The text of a section of CDATA, and what follows it. A section without an end of its own, so that another
    /// one begins in it or its item ends, is over where its element is.
    fn section(&mut self, raw: &'a str) -> (&'a str, &'a str) {
        let end = self.end_of_section(raw);
        let (text, after) = raw.split_at(end.unwrap_or(raw.len()));
        let whole = (text, after.strip_prefix("]]>").unwrap_or(after));
        let Some((at, name)) = end_tags(text).find(|(_, name)| *name == self.element || is_item(name)) else {
            return whole;
        };
        let (before, from) = raw.split_at(at);
        let beyond = from.get(2..text.len() - at).unwrap_or_default();
        let is_left_open = end.is_none()
            || beyond.contains("<![CDATA[")
            || (name == self.element && end_tags(beyond).any(|(_, name)| is_item(name)));
        if is_left_open { (before, from) } else { whole }
    }

    /// Where in `raw` the next `]]>` stands. No part of a document is searched twice.
    fn end_of_section(&mut self, raw: &str) -> Option<usize> {
        if self.cdata_end? > raw.len() {
            self.cdata_end = raw.find("]]>").map(|at| raw.len() - at);
        }
        self.cdata_end.map(|left| raw.len() - left)
    }

    /// What follows a declaration; a DOCTYPE may hold others in brackets.
    fn after_declaration(&mut self, rest: &'a str) -> &'a str {
        let (declaration, after) = rest.split_once('>').unwrap_or((rest, ""));
        if !declaration.starts_with('!') || !declaration.contains('[') || self.is_open {
            return after;
        }
        let behind = end_of_subset(rest);
        self.is_open = behind.is_none();
        behind.unwrap_or(after)
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        loop {
            let text = self.rest;
            let Some(rest) = text.strip_prefix('<') else {
                if text.is_empty() {
                    return None;
                }
                let (before, after) = text.split_at(text.find('<').unwrap_or(text.len()));
                self.rest = after;
                return Some(Piece::Text(before));
            };
            if let Some(raw) = rest.strip_prefix("![CDATA[") {
                let (text, after) = self.section(raw);
                self.rest = after;
                return Some(Piece::Raw(text));
            }
            if let Some(comment) = rest.strip_prefix("!--") {
                self.rest = comment.split_once("-->").map_or("", |(_, after)| after);
                continue;
            }
            if rest.starts_with(['!', '?']) {
                self.rest = self.after_declaration(rest);
                continue;
            }
            if !rest.starts_with(|c: char| c.is_alphabetic() || matches!(c, '/' | '_' | ':')) {
                // A stray `<`.
                let (before, after) = text.split_at(rest.find('<').map_or(text.len(), |at| at + 1));
                self.rest = after;
                return Some(Piece::Text(before));
            }
            let (tag, after) = rest.split_at(end_of_tag(rest));
            self.rest = after.strip_prefix('>').unwrap_or(after);
            let piece = piece(tag);
            if let Piece::Open(tag) = piece {
                self.element = tag.name;
            }
            return Some(piece);
        }
    }
}

/// The end tags that a text holds: where each stands, and its name.
fn end_tags(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices("</").filter_map(|(at, _)| {
        let after = text.get(at + 2..)?;
        Some((at, after.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>')).next()?))
    })
}

fn is_item(name: &str) -> bool {
    let local = name.rsplit(':').next().unwrap_or(name);
    ["item", "entry"].iter().any(|item| local.eq_ignore_ascii_case(item))
}

/// What follows `]>`, or `]` and `>` with space between them.
fn end_of_subset(text: &str) -> Option<&str> {
    let mut ends = text.match_indices(']').filter_map(|(at, _)| text.get(at + 1..));
    ends.find_map(|after| after.trim_start().strip_prefix('>'))
}

/// Where the `>` stands, outside quotes; the first one where a quote is never closed, or only in another tag.
fn end_of_tag(tag: &str) -> usize {
    let first = tag.find('>').unwrap_or(tag.len());
    let mut quote = None;
    for (at, byte) in tag.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return at,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(_), b'<') => return first,
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    first
}

fn piece(source: &str) -> Piece<'_> {
    if let Some(name) = source.strip_prefix('/') {
        return Piece::Close { name: name.trim(), source };
    }
    let is_closed = source.ends_with('/');
    let tag = source.strip_suffix('/').unwrap_or(source);
    let (name, attributes) = tag.split_once(|c: char| c.is_whitespace()).unwrap_or((tag, ""));
    Piece::Open(Tag { name, attributes, is_closed, source })
}

/// Text to markup that shows it.
pub(super) fn escape(text: &str) -> String {
    if !text.contains(['&', '<']) {
        return text.to_owned();
    }
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_and_comments_are_nothing_and_a_stray_sign_is_text() {
        let xml = "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b \"c\">]><!-- <d> --><e f='>'>1 < 2</e>";
        let pieces: Vec<Piece<'_>> = Pieces::of(xml).collect();
        assert_eq!(pieces.len(), 4, "{pieces:?}");
        assert!(matches!(pieces[0], Piece::Open(Tag { name: "e", attributes: "f='>'", .. })));
        assert_eq!(pieces[1..3], [Piece::Text("1 "), Piece::Text("< 2")]);
    }

    /// Of the elements that begin.
    fn names(xml: &str) -> Vec<&str> {
        let name = |piece| if let Piece::Open(tag) = piece { Some(tag.name) } else { None };
        Pieces::of(xml).filter_map(name).collect()
    }

    #[test]
    fn declarations_in_brackets_end_in_every_spelling_and_where_they_do_not_the_feed_is_left() {
        for end in ["]>", "] >", "]\n>", " ]\r\n\t>"] {
            let xml = format!("<!DOCTYPE a [<!ENTITY b \"[c]\"> <!-- d -->{end}<e><f/></e>");
            assert_eq!(names(&xml), ["e", "f"], "{end:?}");
        }
        assert_eq!(names("<!DOCTYPE a [<!ENTITY b \"c\"><e/><!DOCTYPE a [ x><f/>"), ["e", "f"]);
    }

    /// Of the sections of CDATA.
    fn sections(xml: &str) -> Vec<&str> {
        let section = |piece| if let Piece::Raw(text) = piece { Some(text) } else { None };
        Pieces::of(xml).filter_map(section).collect()
    }

    #[test]
    fn a_section_that_is_left_open_ends_with_its_element_or_item() {
        for (xml, texts) in [
            ("<a><![CDATA[x</a><b>y</b>", "x"),
            ("<a><![CDATA[x</a><b><![CDATA[y]]></b>", "x|y"),
            ("<a><![CDATA[x</a></item><item><b>y ]]></b>", "x"),
            ("<a><![CDATA[x</Item><item><a><![CDATA[y]]></a>", "x|y"),
            ("<a><![CDATA[x</d:entry>", "x"),
            ("<a><![CDATA[x <b>y", "x <b>y"),
        ] {
            assert_eq!(sections(xml).join("|"), texts, "{xml}");
        }
    }

    #[test]
    fn a_section_with_an_end_holds_what_it_likes() {
        for text in [
            "<p>A </p>",
            "what </a> is",
            "<item>x</item><item>y</item>",
            "<script>//<![CDATA[ f() //</script>",
            "</item> &amp;",
        ] {
            assert_eq!(sections(&format!("<a><![CDATA[{text}]]></a><a>b</a>")), [text]);
        }
    }

    #[test]
    fn sections_that_are_left_open_are_read_in_little_time() {
        for part in
            ["<a><![CDATA[</a>", "<a><![CDATA[</b>", "<a><![CDATA[</item>", "<![CDATA[</", "<a><![CDATA["]
        {
            for end in ["", "]]>"] {
                let xml = part.repeat((2 << 20) / part.len()) + end;
                assert!(Pieces::of(&xml).count() > 0);
            }
        }
    }
}
