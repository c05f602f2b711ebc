//! XML as a run of tags and texts, for documents that need not be well formed. Expands no
//! declared entity, so an entity bomb stays as small as its file.

/// One piece of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Name with prefix, attributes, whether it closes itself, and the tag as it is written.
    Open {
        name: &'a str,
        attributes: &'a str,
        is_closed: bool,
        source: &'a str,
    },
    Close {
        name: &'a str,
        source: &'a str,
    },
    /// With references still in it.
    Text(&'a str),
    /// Text as it is.
    Raw(&'a str),
}

/// Never fails.
pub(super) struct Pieces<'a> {
    rest: &'a str,
    /// Behind here no declarations in brackets end.
    is_open: bool,
}

impl<'a> Pieces<'a> {
    pub(super) const fn of(text: &'a str) -> Self {
        Self { rest: text, is_open: false }
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
                let (raw, after) = raw.split_once("]]>").unwrap_or((raw, ""));
                self.rest = after;
                return Some(Piece::Raw(raw));
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
            return Some(piece(tag));
        }
    }
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
    Piece::Open { name, attributes, is_closed, source }
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
        assert!(matches!(pieces[0], Piece::Open { name: "e", attributes: "f='>'", .. }));
        assert_eq!(pieces[1..3], [Piece::Text("1 "), Piece::Text("< 2")]);
    }

    /// Of the elements that begin.
    fn names(xml: &str) -> Vec<&str> {
        let name = |piece| if let Piece::Open { name, .. } = piece { Some(name) } else { None };
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
}
