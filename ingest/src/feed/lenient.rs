//! What a strict parser refuses: Atom 0.3, XML with bare `&` or unclosed tags, unknown
//! entities, a feed that was cut off. Reads tag by tag and keeps what it understood.
//! Expands no declared entity, so an entity bomb stays as small as its file.

use chrono::{DateTime, NaiveDate, Utc};
use sha2::{Digest, Sha256};
use url::Url;

use super::{Item, plain};

/// One piece of a document.
enum Piece<'a> {
    /// Name without prefix, attributes, and whether it closes itself.
    Open(String, &'a str, bool),
    Close(String),
    /// With entities still in it.
    Text(&'a str),
    /// Text as it is.
    Raw(&'a str),
}

/// The entries of `text`; `None` where it does not look like a feed.
pub(super) fn items(text: &str, url: Option<&str>) -> Option<Vec<Item>> {
    let mut reader = Reader { base: url.and_then(|url| Url::parse(url).ok()), ..Reader::default() };
    for piece in Pieces(text) {
        match piece {
            Piece::Open(name, attributes, closed) => reader.open(&name, attributes, closed),
            Piece::Close(name) => reader.close(&name),
            Piece::Text(text) => reader.text.push_str(text),
            Piece::Raw(text) => reader.text.push_str(&escape(text)),
        }
    }
    reader.finish();
    reader.is_feed.then_some(reader.items)
}

#[derive(Default)]
struct Reader {
    base: Option<Url>,
    is_feed: bool,
    lang: Option<String>,
    items: Vec<Item>,
    item: Option<Item>,
    /// The child of the item that is being read.
    field: Option<String>,
    text: String,
}

impl Reader {
    fn open(&mut self, name: &str, attributes: &str, closed: bool) {
        match name {
            "rss" | "rdf" | "feed" | "channel" => {
                self.is_feed = true;
                self.lang = attribute(attributes, "lang").or(self.lang.take());
            }
            "item" | "entry" if self.is_feed => {
                self.finish();
                self.item =
                    Some(Item { id: attribute(attributes, "about").unwrap_or_default(), ..Item::default() });
            }
            "link" if self.item.is_some() && attribute(attributes, "href").is_some() => {
                self.link(&attribute(attributes, "href").unwrap_or_default(), attribute(attributes, "rel"));
            }
            _ if self.item.is_some() && FIELDS.contains(&name) && !closed => {
                // An element that begins before the last one ended: that one was not closed.
                self.keep();
                self.field = Some(name.to_owned());
                self.text.clear();
            }
            // Markup inside a field is part of its text.
            _ if self.field.is_some() => self.text.push(' '),
            _ => self.text.clear(),
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "item" | "entry" => self.finish(),
            "language" if self.item.is_none() => self.lang = Some(plain(&self.text)),
            _ if self.field.as_deref() == Some(name) => self.keep(),
            _ => {}
        }
    }

    fn link(&mut self, href: &str, rel: Option<String>) {
        let href = plain(href);
        let resolved = self.base.as_ref().and_then(|base| base.join(&href).ok()).map_or(href, String::from);
        let Some(item) = &mut self.item else { return };
        if rel.is_none_or(|rel| rel == "alternate") {
            item.links.insert(0, resolved);
        } else {
            item.links.push(resolved);
        }
    }

    /// Takes over the text of the field that was read.
    fn keep(&mut self) {
        let (Some(field), text) = (self.field.take(), std::mem::take(&mut self.text)) else { return };
        if field == "link" {
            self.link(text.trim(), None);
            return;
        }
        let Some(item) = &mut self.item else { return };
        // Escaped markup is unescaped once; what the reader shows is free of it.
        let unescaped = || Some(decode(text.trim())).filter(|text| !text.is_empty());
        match field.as_str() {
            "title" => item.title = plain(&decode(&text)),
            "id" | "guid" | "identifier" => item.id = plain(&text),
            "pubdate" | "published" | "issued" | "date" | "created" => {
                item.published = item.published.or(instant(&text))
            }
            "updated" | "modified" => item.updated = instant(&text),
            "name" | "author" | "creator" => {
                item.author = Some(plain(&text)).filter(|name| !name.is_empty()).or(item.author.take())
            }
            "description" | "summary" => item.summary = unescaped(),
            _ => item.content = unescaped(),
        }
    }

    fn finish(&mut self) {
        self.keep();
        let Some(mut item) = self.item.take() else { return };
        if item.id.is_empty() {
            let link = item.links.first().cloned().unwrap_or_default();
            item.id =
                hex::encode(Sha256::digest(format!("{link}\n{}", item.title)).get(..16).unwrap_or_default());
        }
        item.lang.clone_from(&self.lang);
        self.items.push(item);
    }
}

const FIELDS: [&str; 18] = [
    "title",
    "link",
    "id",
    "guid",
    "identifier",
    "pubdate",
    "published",
    "issued",
    "date",
    "created",
    "updated",
    "modified",
    "name",
    "creator",
    "description",
    "summary",
    "content",
    "encoded",
];

/// A document as pieces; never fails.
struct Pieces<'a>(&'a str);

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        loop {
            let text = self.0;
            let Some(rest) = text.strip_prefix('<') else {
                if text.is_empty() {
                    return None;
                }
                let (before, after) = text.split_at(text.find('<').unwrap_or(text.len()));
                self.0 = after;
                return Some(Piece::Text(before));
            };
            if let Some(raw) = rest.strip_prefix("![CDATA[") {
                let (raw, after) = raw.split_once("]]>").unwrap_or((raw, ""));
                self.0 = after;
                return Some(Piece::Raw(raw));
            }
            if let Some(comment) = rest.strip_prefix("!--") {
                self.0 = comment.split_once("-->").map_or("", |(_, after)| after);
                continue;
            }
            if !rest.starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c)) {
                // A stray `<`.
                let (before, after) = rest.split_at(rest.find('<').unwrap_or(rest.len()));
                self.0 = after;
                return Some(Piece::Text(before));
            }
            let (tag, after) = rest.split_once('>').unwrap_or((rest, ""));
            self.0 = after;
            if !tag.starts_with(['!', '?']) {
                return Some(tag_of(tag));
            }
        }
    }
}

fn tag_of(tag: &str) -> Piece<'_> {
    let local = |name: &str| name.rsplit(':').next().unwrap_or_default().to_ascii_lowercase();
    if let Some(name) = tag.strip_prefix('/') {
        return Piece::Close(local(name.trim()));
    }
    let closed = tag.ends_with('/');
    let tag = tag.trim_end_matches('/');
    let (name, attributes) = tag.split_once(|c: char| c.is_whitespace()).unwrap_or((tag, ""));
    Piece::Open(local(name), attributes, closed)
}

/// Value of the attribute with this local name.
fn attribute(attributes: &str, name: &str) -> Option<String> {
    let mut rest = attributes;
    while let Some((key, after)) = rest.split_once('=') {
        let key = key.trim().rsplit(|c: char| c.is_whitespace() || c == ':').next().unwrap_or_default();
        let after = after.trim_start();
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (value, next) = match quote {
            Some(quote) => after.strip_prefix(quote).and_then(|v| v.split_once(quote)).unwrap_or((after, "")),
            None => after.split_once(|c: char| c.is_whitespace()).unwrap_or((after, "")),
        };
        if key.eq_ignore_ascii_case(name) {
            return Some(value.to_owned());
        }
        rest = next;
    }
    None
}

/// Character references and HTML's named entities to characters, once; tags stay.
fn decode(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let shown = scraper::Html::parse_fragment(&text.replace('<', "&lt;"));
    shown.root_element().text().collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// RFC 2822, RFC 3339, or a day.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    let text = plain(text);
    let day = || NaiveDate::parse_from_str(text.get(..10)?, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    DateTime::parse_from_rfc3339(&text)
        .or_else(|_| DateTime::parse_from_rfc2822(&text))
        .map(|at| at.to_utc())
        .ok()
        .or_else(|| Some(day()?.and_utc()))
}
