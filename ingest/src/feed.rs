//! Feeds of any kind to entries: RSS, RDF, Atom, JSON Feed and sitemaps, in any charset,
//! well formed or not. One reader for all of XML, which keeps what it understood.

mod bounds;
mod clock;
mod dates;
mod front;
mod item;
mod json;
mod links;
mod names;
mod reader;
mod reading;
#[cfg(test)]
mod tests;
mod text;
mod xml;

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use crate::{charset, gzip, sitemap};

pub(crate) use dates::{instant, plausible, since_1970};
pub use item::Item;
pub(crate) use text::fold;
pub use text::plain;

/// Longest unpacked document that is no sitemap, and longest text of one in another charset than UTF-8, in bytes.
const MAX_FEED: usize = 24 << 20;

/// One entry of a feed, as the crawler takes it; texts are free of markup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The publisher's id; feeds without one get a hash of what tells the entry from others.
    pub native_id: String,
    pub url: Option<String>,
    pub title: String,
    pub text: String,
    pub author: Option<String>,
    pub published: Option<DateTime<Utc>>,
    /// When it was changed, where the feed says so.
    pub updated: Option<DateTime<Utc>>,
}

/// The entries of a feed in any charset, packed by gzip or not, or why it is none.
/// `url` resolves relative links.
pub fn entries(bytes: &[u8], content_type: Option<&str>, url: &str) -> Result<Vec<Entry>, String> {
    let mut entries = Vec::new();
    each(bytes, content_type, Some(url), &mut |item| entries.push(Entry::from(item)))?;
    let is_bare = entries.iter().all(|entry| entry.title.is_empty() && entry.text.is_empty());
    if is_bare && is_index(bytes) {
        return Err("no feed but a list of sitemaps, which format = \"sitemap\" reads".to_owned());
    }
    Ok(entries)
}

/// Whether it lists other sitemaps, which are no articles.
fn is_index(bytes: &[u8]) -> bool {
    gzip::unpacked(bytes).is_ok_and(|bytes| sitemap::root(&bytes) == Some("sitemapindex"))
}

/// As [`entries`], with all that each entry says.
pub fn items(bytes: &[u8], content_type: Option<&str>, url: Option<&str>) -> Result<Vec<Item>, String> {
    let mut items = Vec::new();
    each(bytes, content_type, url, &mut |item| items.push(item))?;
    Ok(items)
}

/// Hands over one item after the other, so that no more of each is kept than is wanted.
pub(crate) fn each(
    bytes: &[u8],
    content_type: Option<&str>,
    url: Option<&str>,
    keep: &mut dyn FnMut(Item),
) -> Result<(), String> {
    let bytes = gzip::unpacked(bytes).map_err(|cause| format!("no feed: {cause}"))?;
    let most = if sitemap::root(&bytes).is_some() { gzip::MAX_UNPACKED as usize } else { MAX_FEED };
    if matches!(bytes, Cow::Owned(_)) && bytes.len() > most {
        return Err(format!("no feed: longer than {most} bytes when unpacked"));
    }
    let text = charset::text(&bytes, content_type, most);
    let text = text.trim_start_matches(['\u{feff}', '\0']).trim_start();
    if text.starts_with('{') {
        return json::each(text, url, keep);
    }
    let is_feed = reader::each(text, url, keep);
    is_feed.then_some(()).ok_or_else(|| format!("no feed: it begins with {:?}", beginning(text)))
}

fn beginning(text: &str) -> String {
    text.chars().take(40).collect()
}

impl From<Item> for Entry {
    fn from(item: Item) -> Self {
        let both = [item.summary, item.content];
        let text = both.into_iter().flatten().max_by_key(String::len).unwrap_or_default();
        Self {
            url: item.links.into_iter().next().filter(|_| item.has_document),
            native_id: item.id,
            title: item.title,
            text: text::of_entry(&text),
            author: item.author,
            published: item.published.or(item.updated),
            updated: item.updated,
        }
    }
}

/// Other links lead nowhere a document could be.
fn is_web(url: &str) -> bool {
    crate::canonical_url(url).is_some()
}
