//! RSS, RDF, Atom and sitemaps, read tag by tag: what is broken costs no more than itself.

use std::collections::HashMap;

use url::Url;

use super::item::Item;
use super::links::{Links, Relation, base_of};
use super::names::{Field, is_base64, is_binary, is_foreign, space_of, usual_space};
use super::xml::{Piece, Pieces, escape};
use super::{MAX_ENTRIES, dates, plain};
use crate::page::markup::{Attributes, attribute, decode};

/// Elements open at once after which deeper ones are not told apart.
const MAX_DEPTH: usize = 200;
/// Longest text of a field, in bytes; what is longer is cut.
const MAX_FIELD: usize = 1 << 20;
/// The same of an author.
const MAX_AUTHOR: usize = 1 << 10;

/// The entries of `text`; `None` where it does not look like a feed.
pub(super) fn items(text: &str, url: Option<&str>) -> Option<Vec<Item>> {
    let mut reader = Reader { base: url.and_then(|url| Url::parse(url).ok()), ..Reader::default() };
    for piece in Pieces::of(text) {
        match piece {
            Piece::Open { name, attributes, is_closed, source } => {
                reader.open(name, attributes, is_closed, source)
            }
            Piece::Close { name, source } => reader.close(name, source),
            Piece::Text(text) => reader.text(text),
            Piece::Raw(text) => reader.text(&escape(start_of(text, MAX_FIELD))),
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
    /// Neither text nor markup by its own word.
    is_binary: bool,
    /// What an address in it is to the item; `None`: it holds none.
    relation: Option<Relation>,
    /// What that address is relative to, where the element says so.
    base: Option<Url>,
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
    links: Links,
    /// What the item's links are relative to, where it says so.
    item_base: Option<Url>,
    reading: Option<Reading>,
    /// Elements whose content is not the item's, by name, that are open.
    skipping: Vec<String>,
    /// The channel's language is being read.
    in_language: Option<String>,
}

impl Reader {
    fn text(&mut self, text: &str) {
        if let Some(reading) = &mut self.reading {
            reading.push(text);
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
        self.item_base = base_of(attributes, self.base.as_ref());
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
        let outer = self.item_base.as_ref().or(self.base.as_ref());
        let base = field.filter(|field| *field == Field::Link).and_then(|_| base_of(attributes, outer));
        if space.is_empty()
            && local == "link"
            && let Some(href) = attribute(attributes, "href")
        {
            self.link(Relation::of(attribute(attributes, "rel").as_deref()), &href, base.as_ref());
        } else if let Some(field) = field.filter(|_| !is_closed) {
            self.reading = Some(Reading { base, ..Reading::new(field, name, local, attributes) });
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
            if reading.field != Field::Author {
                reading.markup(name, false, source);
            } else if local != "name" {
                reading.push(" ");
            } else {
                let name = std::mem::take(&mut reading.text);
                self.keep_author(&name);
            }
        } else if reading.depth > 0 {
            reading.depth -= 1;
            reading.markup("", false, source);
        } else {
            self.keep();
        }
    }

    /// The first author counts; no other is looked at.
    fn keep_author(&mut self, text: &str) {
        if let Some(item) = self.item.as_mut().filter(|item| item.author.is_none()) {
            item.author = Some(plain(text)).filter(|author| !author.is_empty());
        }
    }

    fn link(&mut self, relation: Relation, address: &str, base: Option<&Url>) {
        self.links.add(relation, address, base.or(self.item_base.as_ref()).or(self.base.as_ref()));
    }

    /// Takes over the field that was read.
    fn keep(&mut self) {
        let Some(reading) = self.reading.take() else { return };
        let text = &reading.text;
        if let Some(relation) = reading.relation {
            self.link(relation, &decode(text), reading.base.as_ref());
        }
        match reading.field {
            Field::Link => {}
            Field::Author => self.keep_author(text),
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
        let links = std::mem::take(&mut self.links);
        if let Some(mut item) = self.item.take() {
            (item.links, item.url) = links.finish();
            self.items.push(item.finish(self.lang.as_deref()));
        }
    }

    fn rebase(&mut self, attributes: &str) {
        if let Some(base) = base_of(attributes, self.base.as_ref()) {
            self.base = Some(base);
        }
    }

    fn learn_spaces(&mut self, attributes: &str) {
        if !attributes.contains("xmlns:") || self.spaces.len() > 100 {
            return;
        }
        for (name, uri) in Attributes(attributes) {
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
    fn new(field: Field, name: &str, local: &str, attributes: &str) -> Self {
        let kind = attribute(attributes, "type").unwrap_or_default().to_ascii_lowercase();
        let is_base64 = attribute(attributes, "mode").is_some_and(|mode| mode.eq_ignore_ascii_case("base64"));
        Self {
            field,
            name: name.to_owned(),
            text: String::new(),
            is_plain: matches!(kind.as_str(), "text" | "text/plain"),
            is_binary: is_base64 || is_binary(&kind),
            relation: Relation::of_content(local, attributes),
            base: None,
            has_elements: false,
            depth: 0,
        }
    }

    fn push(&mut self, text: &str) {
        let most = if self.field == Field::Author { MAX_AUTHOR } else { MAX_FIELD };
        if self.text.len() < most {
            self.text.push_str(start_of(text, most));
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

    /// As markup: written as elements, escaped, or plain. What Atom carries in Base64 is none.
    fn markup_text(&self) -> Option<String> {
        let text = self.text.trim();
        if self.is_binary && !self.has_elements && is_base64(text) {
            return None;
        }
        let markup =
            if self.has_elements || self.is_plain { text.to_owned() } else { decode(text).into_owned() };
        Some(markup).filter(|markup| !markup.is_empty())
    }
}

/// As much of a text as a field holds.
fn start_of(text: &str, most: usize) -> &str {
    text.split_at(text.floor_char_boundary(most)).0
}
