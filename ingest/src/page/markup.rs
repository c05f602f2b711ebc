//! HTML as a run of tags and texts, borrowed from the page; attributes and character
//! references are read when asked for.

mod references;

use std::borrow::Cow;

use super::tag::{Kind, Tag};
pub(crate) use references::decode;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// `is_closed`: it closes itself, as far as elements of its kind can.
    Open {
        tag: Tag,
        attributes: &'a str,
        is_closed: bool,
    },
    Close(Tag),
    Text(&'a str),
    Raw(&'a str),
}

pub(super) struct Markup<'a> {
    rest: &'a str,
    /// The element whose raw text comes next.
    raw: Option<(Tag, &'a str)>,
    /// How many drawings and formulas are open.
    foreign: usize,
}

impl<'a> Markup<'a> {
    pub(super) fn new(html: &'a str) -> Self {
        Self { rest: html, raw: None, foreign: 0 }
    }

    /// The text of a script or title, up to its end tag.
    fn raw_text(&mut self, tag: Tag, name: &str) -> Option<Piece<'a>> {
        let end = end_of_raw(self.rest, name);
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        if text.is_empty() {
            return None;
        }
        Some(if matches!(tag, Tag::Title | Tag::Textarea) { Piece::Text(text) } else { Piece::Raw(text) })
    }

    /// What follows a `<`; `None` where it is nothing.
    fn tag(&mut self, after: &'a str) -> Option<Piece<'a>> {
        if let Some(comment) = after.strip_prefix("!--") {
            // `<!-->` is a whole comment.
            let closed = comment.strip_prefix('>').or_else(|| comment.strip_prefix("->"));
            self.rest = closed.unwrap_or_else(|| comment.split_once("-->").map_or("", |(_, rest)| rest));
            return None;
        }
        if after.starts_with(['!', '?']) {
            self.rest = after.split_once('>').map_or("", |(_, rest)| rest);
            return None;
        }
        let (is_end, after) = after.strip_prefix('/').map_or((false, after), |after| (true, after));
        let end =
            after.find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>')).unwrap_or(after.len());
        let (name, after) = after.split_at(end);
        let (attributes, rest) = after.split_at(end_of_tag(after));
        self.rest = rest.strip_prefix('>').unwrap_or(rest);
        let tag = Tag::of(name);
        if is_end {
            self.foreign = self.foreign.saturating_sub(usize::from(tag.is_foreign()));
            return Some(Piece::Close(tag));
        }
        let is_closed = attributes.ends_with('/');
        self.foreign += usize::from(tag.is_foreign() && !is_closed);
        // Elements of raw text close themselves only in a drawing or formula, as in XML.
        let is_raw = tag.kind() == Kind::Raw && !(is_closed && self.foreign > 0);
        if is_raw {
            self.raw = Some((tag, name));
        }
        Some(Piece::Open { tag, attributes, is_closed: is_closed && !is_raw })
    }
}

impl<'a> Iterator for Markup<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        loop {
            if let Some((tag, name)) = self.raw.take()
                && let Some(piece) = self.raw_text(tag, name)
            {
                return Some(piece);
            }
            if self.rest.is_empty() {
                return None;
            }
            let begin = next_tag(self.rest);
            if begin > 0 {
                let (text, rest) = self.rest.split_at(begin);
                self.rest = rest;
                return Some(Piece::Text(text));
            }
            let after = self.rest.strip_prefix('<').unwrap_or_default();
            if let Some(piece) = self.tag(after) {
                return Some(piece);
            }
        }
    }
}

/// Where the next `<` stands that begins a tag or comment; the length of the text where none does.
fn next_tag(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(at) = bytes.get(from..).and_then(|rest| rest.iter().position(|byte| *byte == b'<')) {
        let at = from + at;
        match (bytes.get(at + 1), bytes.get(at + 2)) {
            (Some(b'!' | b'?'), _) => return at,
            (Some(b'/'), Some(next)) if next.is_ascii_alphabetic() => return at,
            (Some(next), _) if next.is_ascii_alphabetic() => return at,
            _ => from = at + 1,
        }
    }
    bytes.len()
}

/// Where the `>` of a tag stands, outside quotes.
fn end_of_tag(text: &str) -> usize {
    let mut quote = None;
    let mut last = b' ';
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return at,
            (None, b'"' | b'\'') if last == b'=' => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            last = byte;
        }
    }
    text.len()
}

/// Where `</name` stands.
fn end_of_raw(text: &str, name: &str) -> usize {
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find("</")) {
        let at = from + at;
        if bytes.get(at + 2..at + 2 + name.len()).is_some_and(|end| end.eq_ignore_ascii_case(name.as_bytes()))
        {
            return at;
        }
        from = at + 2;
    }
    bytes.len()
}

/// Names and values of a tag, references not decoded.
pub(crate) struct Attributes<'a>(pub(crate) &'a str);

impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<(&'a str, &'a str)> {
        let text = self.0.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if text.is_empty() {
            return None;
        }
        let end = text
            .bytes()
            .skip(1)
            .position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'=' | b'/'))
            .map_or(text.len(), |at| at + 1);
        let Some((name, after)) = text.split_at_checked(end) else {
            self.0 = "";
            return None;
        };
        let Some(value) = after.trim_ascii_start().strip_prefix('=') else {
            self.0 = after;
            return Some((name, ""));
        };
        let value = value.trim_ascii_start();
        let quoted = value.strip_prefix(['"', '\'']);
        let (value, rest) = match (quoted, value.as_bytes().first()) {
            (Some(quoted), Some(b'"')) => quoted.split_once('"').unwrap_or((quoted, "")),
            (Some(quoted), _) => quoted.split_once('\'').unwrap_or((quoted, "")),
            (None, _) => value.split_at(value.find(|c: char| c.is_ascii_whitespace()).unwrap_or(value.len())),
        };
        self.0 = rest;
        Some((name, value))
    }
}

/// The value of the attribute `name`, decoded.
pub(crate) fn attribute<'a>(attributes: &'a str, name: &str) -> Option<Cow<'a, str>> {
    Attributes(attributes).find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| decode(value))
}

/// Appends `text`, decoded, with each run of white space as one space.
pub(super) fn fold_into(out: &mut String, text: &str) {
    let decoded = decode(text);
    let mut rest = &*decoded;
    loop {
        let (word, after) = rest.split_at(end_of_word(rest));
        out.push_str(word);
        let mut after = after.chars();
        if after.next().is_none() {
            return;
        }
        if !matches!(out.as_bytes().last(), None | Some(b' ' | b'\n')) {
            out.push(' ');
        }
        rest = after.as_str();
    }
}

/// Where the first white space or NUL stands; the length of the text where none does.
fn end_of_word(text: &str) -> usize {
    let is_gap = |(at, byte): &(usize, u8)| match *byte {
        // With these white space beyond ASCII begins, and much else.
        0xc2 | 0xe1..=0xe3 => text.get(*at..).is_some_and(|rest| rest.starts_with(char::is_whitespace)),
        byte => byte.is_ascii_whitespace() || matches!(byte, b'\x0b' | 0),
    };
    text.bytes().enumerate().find(is_gap).map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_in_every_spelling() {
        let tag = r#" href = "a&amp;b" id=x data-a='>"' hidden / title="#;
        let read = |name| attribute(tag, name);
        assert_eq!(read("HREF").as_deref(), Some("a&b"));
        assert_eq!((read("id").as_deref(), read("hidden").as_deref()), (Some("x"), Some("")));
        assert_eq!((read("data-a").as_deref(), read("absent")), (Some(">\""), None));
    }

    #[test]
    fn white_space_of_every_kind_is_folded() {
        let fold = |parts: &[&str]| {
            let mut out = String::new();
            parts.iter().for_each(|part| fold_into(&mut out, part));
            out
        };
        assert_eq!(fold(&["  a\t\u{b}b\0\u{a0}c\u{3000}\u{2009}d\u{85}", "\n e"]), "a b c d e");
        assert_eq!(fold(&["银行\u{3000}股", "下跌 ", " é\u{1c}f&nbsp;g"]), "银行 股下跌 é\u{1c}f g");
        assert_eq!(fold(&["", " ", "\n"]), "");
    }

    #[test]
    fn names_of_parameters_in_an_address_are_no_references() {
        let link = r#" href="/a?id=1&lang=en&order=2&section=3&amp;part=4&reg""#;
        assert_eq!(attribute(link, "href").as_deref(), Some("/a?id=1&lang=en&order=2&section=3&part=4®"));
    }

    #[test]
    fn a_title_that_closes_itself_in_a_drawing_holds_nothing_and_elsewhere_the_rest() {
        let texts =
            |html: &'static str| Markup::new(html).filter(|piece| matches!(piece, Piece::Text(_))).count();
        assert_eq!(texts("<svg><title/><style/></svg>a<p>b</p>c"), 3);
        assert_eq!(texts("<svg><title>x</title></svg>a<p>b</p>c"), 4);
        assert_eq!(texts("<svg></svg><title/>a<p>b</p>c"), 1);
    }

    #[test]
    fn a_sign_that_begins_no_tag_is_text() {
        let pieces: Vec<Piece<'_>> = Markup::new("1 < 2 <3 <p title='>'>").collect();
        let open = Piece::Open { tag: Tag::P, attributes: " title='>'", is_closed: false };
        assert_eq!(pieces, [Piece::Text("1 < 2 <3 "), open]);
    }
}
