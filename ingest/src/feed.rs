//! Feeds of any kind to entries: strictly where that finds them, else leniently.

mod lenient;

use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::{DateTime, Utc};
use feed_rs::model;
use feed_rs::parser::Builder;
use serde::Serialize;

use crate::charset;

/// One entry of a feed, as the crawler takes it; texts are free of markup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The publisher's id; feeds without one get a hash of link and title.
    pub native_id: String,
    pub url: Option<String>,
    pub title: String,
    pub text: String,
    pub author: Option<String>,
    pub published: Option<DateTime<Utc>>,
}

/// One entry as the feed tells it; summary and content may hold markup.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Item {
    /// The publisher's id; feeds without one get a hash of link and title.
    pub id: String,
    pub title: String,
    /// The alternate one first.
    pub links: Vec<String>,
    pub published: Option<DateTime<Utc>>,
    pub updated: Option<DateTime<Utc>>,
    pub author: Option<String>,
    pub summary: Option<String>,
    pub content: Option<String>,
    /// As declared by the entry or its feed.
    pub lang: Option<String>,
}

/// The entries of an RSS, Atom or JSON feed in any charset, or why it is none.
/// `url` resolves relative links.
pub fn entries(bytes: &[u8], content_type: Option<&str>, url: &str) -> Result<Vec<Entry>, String> {
    Ok(items(bytes, content_type, Some(url))?.into_iter().map(Entry::from).collect())
}

/// As [`entries`], with all that each entry says.
pub fn items(bytes: &[u8], content_type: Option<&str>, url: Option<&str>) -> Result<Vec<Item>, String> {
    let text = as_utf8(&charset::decode(bytes, content_type));
    let strict = strict(&text, url);
    if strict.as_ref().is_ok_and(|items| !items.is_empty()) {
        return strict;
    }
    // What feed-rs refuses, or reads as empty (Atom 0.3), may still hold entries.
    match lenient::items(&text, url) {
        Some(items) if !items.is_empty() => Ok(items),
        Some(items) => Ok(strict.unwrap_or(items)),
        None => strict,
    }
}

fn strict(text: &str, url: Option<&str>) -> Result<Vec<Item>, String> {
    // feed-rs panics on some input (UTF-16 declarations among them): that is no feed.
    let parsed = catch_unwind(AssertUnwindSafe(|| {
        Builder::new().base_uri(url).sanitize_content(false).build().parse(text.as_bytes())
    }));
    match parsed {
        Ok(Ok(feed)) => {
            let lang = feed.language;
            Ok(feed.entries.into_iter().map(|entry| item(entry, lang.as_deref())).collect())
        }
        Ok(Err(cause)) => Err(format!("no feed: {cause}")),
        Err(_) => Err("no feed: the parser gave up".to_owned()),
    }
}

/// The declaration must not contradict the transcoded bytes.
fn as_utf8(text: &str) -> String {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    match text.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>")) {
        Some((_, rest)) => format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{rest}"),
        None => text.to_owned(),
    }
}

fn item(entry: model::Entry, lang: Option<&str>) -> Item {
    let is_alternate = |link: &&model::Link| link.rel.as_deref() == Some("alternate");
    let (first, others): (Vec<_>, Vec<_>) = entry.links.iter().partition(is_alternate);
    Item {
        links: first.into_iter().chain(others).map(|link| link.href.clone()).collect(),
        id: entry.id,
        title: plain(&entry.title.map(|title| title.content).unwrap_or_default()),
        published: entry.published,
        updated: entry.updated,
        author: entry.authors.into_iter().next().and_then(|person| person.name),
        summary: entry.summary.map(|text| text.content),
        content: entry.content.and_then(|content| content.body),
        lang: entry.language.or_else(|| lang.map(str::to_owned)),
    }
}

impl From<Item> for Entry {
    fn from(item: Item) -> Self {
        let both = [item.summary, item.content];
        let text = both.into_iter().flatten().max_by_key(String::len).unwrap_or_default();
        Self {
            url: item.links.into_iter().next().filter(|url| is_web(url)),
            native_id: item.id,
            title: item.title,
            text: plain(&text),
            author: item.author,
            published: item.published.or(item.updated),
        }
    }
}

/// Other links lead nowhere a document could be.
fn is_web(url: &str) -> bool {
    crate::canonical_url(url).is_some()
}

/// Markup to text: tags dropped, entities decoded, white space folded per line.
pub fn plain(markup: &str) -> String {
    if !markup.contains(['<', '&']) {
        return fold(markup);
    }
    let document = scraper::Html::parse_fragment(markup);
    fold(&document.root_element().text().collect::<Vec<_>>().join(" "))
}

fn fold(text: &str) -> String {
    text.replace('\0', "").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const RSS: &str = r#"<?xml version="1.0" encoding="gb2312"?><rss version="2.0"><channel><title>快报</title>
        <item><title>银行股&amp;保险股下跌</title><link>/a/1</link><guid>n-1</guid>
        <pubDate>Fri, 10 Mar 2023 16:00:00 GMT</pubDate><description>&lt;p&gt;三大指数&lt;b&gt;收低&lt;/b&gt;&lt;/p&gt;</description></item></channel></rss>"#;

    #[test]
    fn an_rss_feed_in_gb2312_is_read_whole() {
        let (bytes, _, _) = encoding_rs::GBK.encode(RSS);
        let entries = entries(&bytes, Some("text/xml"), "https://example.com/rss").unwrap();
        assert_eq!(entries.len(), 1);
        let entry = &entries[0];
        assert_eq!((entry.title.as_str(), entry.native_id.as_str()), ("银行股&保险股下跌", "n-1"));
        assert_eq!(entry.text, "三大指数 收低");
        assert_eq!(entry.url.as_deref(), Some("https://example.com/a/1"));
        assert_eq!(entry.published.unwrap().to_rfc3339(), "2023-03-10T16:00:00+00:00");
    }

    #[test]
    fn json_feed_and_atom_are_told_apart_by_content() {
        let json = r#"{"version":"https://jsonfeed.org/version/1.1","title":"t","items":[{"id":"1","url":"https://example.com/1","title":"Profit up","content_text":"Good."}]}"#;
        let atom = r#"<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><id>x</id><updated>2024-01-01T00:00:00Z</updated>
            <entry><id>e</id><title>Rates cut</title><link href="https://example.com/2"/><updated>2024-01-01T00:00:00Z</updated><summary>By 25 bp.</summary></entry></feed>"#;
        for (feed, title) in [(json, "Profit up"), (atom, "Rates cut")] {
            let entries = entries(feed.as_bytes(), None, "https://example.com/feed").unwrap();
            assert_eq!(entries[0].title, title);
        }
    }

    #[test]
    fn atom_0_3_and_broken_xml_are_read_leniently() {
        let old = r#"<feed version="0.3" xmlns="http://purl.org/atom/ns#"><entry><title>Rates &amp; bonds</title>
            <link rel="alternate" type="text/html" href="/2"/><id>tag:x,1</id><issued>2004-01-01T00:00:00Z</issued>
            <modified>2004-01-02T00:00:00Z</modified><author><name>Ann</name></author>
            <content type="text/html" mode="escaped">&lt;p&gt;Up&lt;/p&gt;</content></entry></feed>"#;
        let read = items(old.as_bytes(), None, Some("https://example.com/feed")).unwrap();
        assert_eq!(read.len(), 1);
        let item = &read[0];
        assert_eq!((item.title.as_str(), item.id.as_str()), ("Rates & bonds", "tag:x,1"));
        assert_eq!((item.links[0].as_str(), item.author.as_deref()), ("https://example.com/2", Some("Ann")));
        assert_eq!(item.published.unwrap().to_rfc3339(), "2004-01-01T00:00:00+00:00");
        assert_eq!(item.content.as_deref(), Some("<p>Up</p>"));
        let broken = "<rss><channel><item><title>A & B &nbsp; C</title><link>http://e.com/1</link></item><item><title>Two<b></title><link>http://e.com/2</link></item><item><title>Cut off";
        let read = items(broken.as_bytes(), None, Some("https://example.com/feed")).unwrap();
        let titles: Vec<&str> = read.iter().map(|item| item.title.as_str()).collect();
        assert_eq!(titles, ["A & B C", "Two", "Cut off"]);
        assert_ne!(read[0].id, read[1].id);
    }

    #[test]
    fn a_page_is_no_feed_and_hostile_bytes_do_no_harm() {
        for bytes in [&b"<html><body>hello</body></html>"[..], b"", b"\xff\xfe\x00", b"{\"items\": 7}"] {
            assert!(entries(bytes, None, "https://example.com/").is_err());
        }
    }
}
