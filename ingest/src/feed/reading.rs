//! A field of an item while it is read.

use url::Url;

use super::bounds::{self, MAX_AUTHOR, MAX_FIELD, start_of};
use super::links::Relation;
use super::names::{Field, from_base64, is_base64, is_binary, rank};
use super::plain;
use super::xml::{Tag, escape};
use crate::page::markup::{attribute, decode};

/// Elements open at once after which deeper ones are not told apart.
pub(super) const MAX_DEPTH: usize = 200;

#[derive(Debug)]
pub(super) struct Reading {
    pub(super) field: Field,
    /// As written, for its end.
    pub(super) name: String,
    pub(super) text: String,
    /// As [`rank`] has it.
    pub(super) rank: u8,
    /// Plain text by its own word.
    is_plain: bool,
    /// Written as elements, by its own word.
    is_xhtml: bool,
    /// Neither text nor markup by its own word.
    is_binary: bool,
    /// What an address in it is to the item; `None`: it holds none.
    pub(super) relation: Option<Relation>,
    /// What that address is relative to, where the element says so.
    pub(super) base: Option<Url>,
    /// The language that the element says its text is in.
    pub(super) lang: Option<String>,
    /// Markup is written as elements.
    has_elements: bool,
    /// Elements of its own name that are open within.
    pub(super) depth: usize,
}

impl Reading {
    /// `space` and `local` are what the name of the tag means.
    pub(super) fn new(field: Field, space: &str, local: &str, tag: Tag<'_>) -> Self {
        let kind = attribute(tag.attributes, "type").unwrap_or_default().to_ascii_lowercase();
        let mode = attribute(tag.attributes, "mode");
        let is_base64 = mode.is_some_and(|mode| mode.eq_ignore_ascii_case("base64"));
        Self {
            field,
            name: tag.name.to_owned(),
            text: String::new(),
            rank: rank(space, local),
            is_plain: matches!(kind.as_str(), "text" | "text/plain"),
            is_xhtml: kind.contains("xhtml"),
            is_binary: is_base64 || is_binary(&kind),
            relation: Relation::of_content(local, tag.attributes),
            base: None,
            lang: attribute(tag.attributes, "xml:lang").and_then(|name| bounds::language(&name)),
            has_elements: false,
            depth: 0,
        }
    }

    /// The title of an entry of Atom: without a type it is text, by RFC 4287, 3.1.1.
    pub(super) fn of_atom_title(local: &str, tag: Tag<'_>) -> Self {
        let mut reading = Self::new(Field::Title, "", local, tag);
        reading.is_plain |= attribute(tag.attributes, "type").is_none_or(|kind| kind.trim().is_empty());
        reading
    }

    pub(super) fn push(&mut self, text: &str) {
        let most = if self.field == Field::Author { MAX_AUTHOR } else { MAX_FIELD };
        if self.text.len() < most {
            self.text.push_str(start_of(text, most));
        }
    }

    /// A tag within the field.
    pub(super) fn markup(&mut self, name: &str, is_closed: bool, source: &str) {
        if (self.field.is_text() || self.field == Field::Title) && self.text.len() < MAX_FIELD {
            self.has_elements = true;
            self.text.push('<');
            self.text.push_str(start_of(source, MAX_FIELD));
            self.text.push('>');
        }
        let opens = !is_closed && !source.starts_with('/');
        self.depth += usize::from(opens && name == self.name && self.depth < MAX_DEPTH);
    }

    /// As plain text. Where nobody says what it is, it may be markup that was escaped.
    pub(super) fn title(&self) -> String {
        match self.carried().filter(|carried| !carried.is_empty()) {
            Some(carried) => plain(&carried),
            None if self.is_plain || self.is_xhtml => plain(&self.text),
            None => plain(&decode(&self.text)),
        }
    }

    /// As markup: written as elements, escaped, plain, or carried in Base64.
    pub(super) fn markup_text(&self) -> Option<String> {
        let text = self.text.trim();
        let markup = match self.carried() {
            Some(carried) => carried,
            None if self.has_elements || self.is_plain => text.to_owned(),
            None => decode(text).into_owned(),
        };
        Some(markup).filter(|markup| !markup.is_empty())
    }

    /// What Atom carries in Base64, empty where that is no text; `None`: it carries nothing so.
    fn carried(&self) -> Option<String> {
        let is_carried = self.is_binary && !self.has_elements && is_base64(&self.text);
        let carried = is_carried.then(|| from_base64(&self.text))?;
        Some(if self.is_plain { escape(&carried) } else { carried })
    }
}

#[cfg(test)]
mod tests {
    use super::super::items;

    fn title(entry: &str) -> String {
        let read = |feed: String| items(feed.as_bytes(), None, None).unwrap().remove(0).title;
        if entry.starts_with("<entry") {
            read(format!("<feed xmlns='http://www.w3.org/2005/Atom'>{entry}</feed>"))
        } else {
            read(format!("<rss xmlns:a='http://www.w3.org/2005/Atom'>{entry}</rss>"))
        }
    }

    #[test]
    fn a_title_of_atom_is_text_unless_it_says_otherwise() {
        for (written, meant) in [
            ("<title>Why &lt;script&gt; is bad</title>", "Why <script> is bad"),
            ("<title type=''>1 &lt; 2 &amp;amp; 3</title>", "1 < 2 &amp; 3"),
            ("<title type='text'>The &lt;b&gt; tag</title>", "The <b> tag"),
            ("<title><![CDATA[The <b> tag]]></title>", "The <b> tag"),
            (
                "<title type='xhtml'><div>Why <b>&lt;script&gt;</b> is bad</div></title>",
                "Why <script> is bad",
            ),
            ("<title type='html'>Up &lt;b&gt;5 %&lt;/b&gt; &amp;amp; down</title>", "Up 5 % & down"),
            ("<title type='html'>The &amp;lt;b&amp;gt; tag</title>", "The <b> tag"),
            ("<title type='text/html' mode='escaped'>Up &lt;b&gt;5 %&lt;/b&gt;</title>", "Up 5 %"),
        ] {
            assert_eq!(title(&format!("<entry>{written}</entry>")), meant, "{written}");
        }
    }

    #[test]
    fn a_title_of_rss_may_be_markup() {
        for written in
            ["<title>Up &lt;b&gt;5 %&lt;/b&gt;</title>", "<a:title>Up &lt;b&gt;5 %&lt;/b&gt;</a:title>"]
        {
            assert_eq!(title(&format!("<item>{written}</item>")), "Up 5 %", "{written}");
        }
    }
}
