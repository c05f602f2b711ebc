//! RSS, RDF, Atom and sitemaps, read tag by tag: what is broken costs no more than itself.

use std::collections::HashMap;

use url::Url;

use super::item::Item;
use super::names::{Field, is_foreign, space_of, usual_space};
use super::xml::{Piece, Pieces, escape};
use super::{MAX_ENTRIES, dates, plain};
use crate::page::markup::{attribute, decode};

/// Elements open at once after which deeper ones are not told apart.
const MAX_DEPTH: usize = 200;
/// Longest text of a field, in bytes; what is longer is cut.
const MAX_FIELD: usize = 1 << 20;

/// The entries of `text`; `None` where it does not look like a feed.
pub(super) fn items(text: &str, url: Option<&str>) -> Option<Vec<Item>> {
    let mut reader = Reader { base: url.and_then(|url| Url::parse(url).ok()), ..Reader::default() };
    for piece in Pieces(text) {
        match piece {
            Piece::Open { name, attributes, is_closed, source } => {
                reader.open(name, attributes, is_closed, source)
            }
            Piece::Close { name, source } => reader.close(name, source),
            Piece::Text(text) => reader.text(text),
            Piece::Raw(text) => reader.text(&escape(start_of(text))),
        }
        if reader.items.len() >= MAX_ENTRIES {
            break;
        }
    }
    reader.finish();
    reader.is_feed.then_some(reader.items)
}

#[derive(Debug)]
struct Reading {
    field: Field,
    /// As written, for its end.
    name: String,
    text: String,
    /// Plain text by its own word.
    is_plain: bool,
    /// Markup is written as elements.
    has_elements: bool,
    /// Elements of its own name that are open within.
    depth: usize,
}

#[derive(Debug, Default)]
struct Reader {
    base: Option<Url>,
    is_feed: bool,
    is_sitemap: bool,
    lang: Option<String>,
    /// What prefixes stand for.
    spaces: HashMap<String, &'static str>,
    items: Vec<Item>,
    item: Option<Item>,
    reading: Option<Reading>,
    /// Elements whose content is not the item's, by name, that are open.
    skipping: Vec<String>,
    /// The channel's language is being read.
    in_language: Option<String>,
}

impl Reader {
    fn text(&mut self, text: &str) {
        if let Some(reading) = &mut self.reading {
            if reading.text.len() < MAX_FIELD {
                reading.text.push_str(start_of(text));
            }
        } else if let Some(language) = &mut self.in_language {
            language.push_str(text);
        }
    }

    fn open(&mut self, name: &str, attributes: &str, is_closed: bool, source: &str) {
        self.learn_spaces(attributes);
        let (space, local) = self.name_of(name);
        match local.as_str() {
            "rss" | "rdf" | "feed" | "channel" | "urlset" | "sitemapindex" if self.item.is_none() => {
                self.is_feed = true;
                self.is_sitemap |= matches!(local.as_str(), "urlset" | "sitemapindex");
                self.lang = attribute(attributes, "xml:lang").map(String::from).or(self.lang.take());
                self.rebase(attributes);
            }
            "item" | "entry" if space.is_empty() => self.begin(attributes, is_closed),
            "url" | "sitemap" if self.is_sitemap && space.is_empty() => self.begin(attributes, is_closed),
            _ if !self.skipping.is_empty() => self.skip(name, is_closed),
            "language" if self.item.is_none() && !is_closed => self.in_language = Some(String::new()),
            _ if self.item.is_some() => self.open_within(space, &local, name, attributes, is_closed, source),
            _ => {}
        }
    }

    /// Counts elements of the same name within one that is skipped.
    fn skip(&mut self, name: &str, is_closed: bool) {
        let is_same = self.skipping.last().is_some_and(|open| open == name);
        if is_same && !is_closed && self.skipping.len() < MAX_DEPTH {
            self.skipping.push(name.to_owned());
        }
    }

    fn begin(&mut self, attributes: &str, is_closed: bool) {
        self.finish();
        self.is_feed = true;
        let about = attribute(attributes, "rdf:about").map(String::from).unwrap_or_default();
        let lang = attribute(attributes, "xml:lang").map(String::from);
        self.item = Some(Item { id: about, lang, ..Item::default() });
        if is_closed {
            self.finish();
        }
    }

    fn open_within(
        &mut self,
        space: &str,
        local: &str,
        name: &str,
        attributes: &str,
        is_closed: bool,
        source: &str,
    ) {
        let field = Field::of(space, local);
        if let Some(reading) = &mut self.reading {
            if reading.field == Field::Author && matches!(local, "name" | "email" | "uri" | "url") {
                if local == "name" {
                    reading.text.clear();
                }
                return;
            }
            let is_sure = matches!(field, Some(Field::Id | Field::Published)) && space.is_empty();
            let ends_it = if reading.field.is_text() { is_sure && local != "id" } else { field.is_some() };
            if !ends_it {
                reading.markup(name, is_closed, source);
                return;
            }
            // An element that begins before the last one ended: that one was not closed.
            self.keep();
        }
        if space.is_empty() && local == "link" && attribute(attributes, "href").is_some() {
            let href = attribute(attributes, "href").unwrap_or_default();
            self.link(&href, attribute(attributes, "rel").as_deref());
        } else if let Some(field) = field.filter(|_| !is_closed) {
            self.reading = Some(Reading::new(field, name, attributes));
        } else if !is_closed && is_foreign(space, local) {
            self.skipping.push(name.to_owned());
        }
    }

    fn close(&mut self, name: &str, source: &str) {
        if let Some(language) = self.in_language.take() {
            self.lang = Some(plain(&language)).filter(|lang| !lang.is_empty()).or(self.lang.take());
            return;
        }
        let (space, local) = self.name_of(name);
        let ends_item = match local.as_str() {
            "item" | "entry" => space.is_empty(),
            "url" | "sitemap" => self.is_sitemap && space.is_empty(),
            _ => false,
        };
        if ends_item {
            self.finish();
            return;
        }
        if self.skipping.last().is_some_and(|open| open == name) {
            self.skipping.pop();
            return;
        }
        let Some(reading) = &mut self.reading else { return };
        if reading.name != name {
            if reading.field == Field::Author && local != "name" {
                reading.text.push(' ');
            } else if reading.field != Field::Author {
                reading.markup(name, false, source);
            } else if let Some(author) = Some(plain(&reading.text)).filter(|author| !author.is_empty()) {
                self.keep_author(author);
            }
        } else if reading.depth > 0 {
            reading.depth -= 1;
            reading.markup("", false, source);
        } else {
            self.keep();
        }
    }

    fn keep_author(&mut self, author: String) {
        if let Some(item) = &mut self.item {
            item.author = item.author.take().or(Some(author));
        }
    }

    fn link(&mut self, href: &str, rel: Option<&str>) {
        let href = href.trim();
        let resolved = self
            .base
            .as_ref()
            .and_then(|base| base.join(href).ok())
            .map_or_else(|| href.to_owned(), String::from);
        let Some(item) = &mut self.item else { return };
        if item.links.contains(&resolved) || href.is_empty() || item.links.len() >= 100 {
            return;
        }
        if rel.is_none_or(|rel| rel == "alternate") && item.links.len() < 2 {
            item.links.insert(0, resolved);
        } else {
            item.links.push(resolved);
        }
    }

    /// Takes over the field that was read.
    fn keep(&mut self) {
        let Some(reading) = self.reading.take() else { return };
        let text = &reading.text;
        match reading.field {
            Field::Link => self.link(&decode(text.trim()), None),
            Field::Author => {
                if let Some(author) = Some(plain(text)).filter(|author| !author.is_empty()) {
                    self.keep_author(author);
                }
            }
            Field::Title
            | Field::Id
            | Field::Published
            | Field::Updated
            | Field::Summary
            | Field::Content
            | Field::Lang => self.keep_own(&reading),
        }
    }

    fn keep_own(&mut self, reading: &Reading) {
        let Some(item) = &mut self.item else { return };
        let text = &reading.text;
        match reading.field {
            Field::Title if item.title.is_empty() => {
                item.title = if reading.is_plain { plain(text) } else { plain(&decode(text)) };
            }
            Field::Id if item.id.is_empty() => item.id = plain(text),
            Field::Published => item.published = item.published.or_else(|| dates::instant(&decode(text))),
            Field::Updated => item.updated = item.updated.or_else(|| dates::instant(&decode(text))),
            Field::Summary => item.summary = item.summary.take().or_else(|| reading.markup_text()),
            Field::Content => item.content = item.content.take().or_else(|| reading.markup_text()),
            Field::Lang => item.lang = Some(plain(text)).filter(|lang| !lang.is_empty()),
            Field::Title | Field::Id | Field::Link | Field::Author => {}
        }
    }

    fn finish(&mut self) {
        self.keep();
        self.skipping.clear();
        if let Some(item) = self.item.take() {
            self.items.push(item.finish(self.lang.as_deref()));
        }
    }

    fn rebase(&mut self, attributes: &str) {
        let Some(base) = attribute(attributes, "xml:base") else { return };
        let joined = self.base.as_ref().map_or_else(|| Url::parse(&base).ok(), |own| own.join(&base).ok());
        self.base = joined.or(self.base.take());
    }

    fn learn_spaces(&mut self, attributes: &str) {
        if !attributes.contains("xmlns:") || self.spaces.len() > 100 {
            return;
        }
        for (name, uri) in crate::page::markup::Attributes(attributes) {
            if let (Some(prefix), Some(space)) = (name.strip_prefix("xmlns:"), space_of(uri)) {
                self.spaces.insert(prefix.to_ascii_lowercase(), space);
            }
        }
    }

    /// What the prefix stands for, and the name without it, in lower case.
    fn name_of(&self, name: &str) -> (&'static str, String) {
        let name = name.to_ascii_lowercase();
        let Some((prefix, local)) = name.split_once(':') else { return ("", name) };
        let space = self.spaces.get(prefix).copied().unwrap_or_else(|| usual_space(prefix));
        (space, local.to_owned())
    }
}

impl Reading {
    fn new(field: Field, name: &str, attributes: &str) -> Self {
        let kind = attribute(attributes, "type").unwrap_or_default().to_ascii_lowercase();
        let is_atom_text = matches!(kind.as_str(), "text" | "text/plain");
        Self {
            field,
            name: name.to_owned(),
            text: String::new(),
            is_plain: is_atom_text,
            has_elements: false,
            depth: 0,
        }
    }

    /// A tag within the field.
    fn markup(&mut self, name: &str, is_closed: bool, source: &str) {
        if (self.field.is_text() || self.field == Field::Title) && self.text.len() < MAX_FIELD {
            self.has_elements = true;
            self.text.push('<');
            self.text.push_str(source);
            self.text.push('>');
        }
        let opens = !is_closed && !source.starts_with('/');
        self.depth += usize::from(opens && name == self.name && self.depth < MAX_DEPTH);
    }

    /// As markup: written as elements, escaped, or plain.
    fn markup_text(&self) -> Option<String> {
        let text = self.text.trim();
        let markup =
            if self.has_elements || self.is_plain { text.to_owned() } else { decode(text).into_owned() };
        Some(markup).filter(|markup| !markup.is_empty())
    }
}

/// As much of a text as a field holds.
fn start_of(text: &str) -> &str {
    text.split_at(text.floor_char_boundary(MAX_FIELD)).0
}
