//! Which hub a feed names, and under which address (its topic): in `Link` headers first,
//! as the standard has it, then in the feed itself.

use std::sync::LazyLock;

use regex::Regex;
use reqwest::header::{HeaderMap, LINK};
use serde_json::Value;
use url::Url;

/// How much of a feed is searched; links of the feed stand before its entries.
const HEAD: usize = 64 << 10;

/// What a feed offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) hub: Url,
    /// The address that the hub knows the feed by.
    pub(crate) topic: String,
}

/// A link with a relation.
type Link = (String, String);

/// `url`: where the feed was had, which is its topic where it names none.
pub(crate) fn hub(headers: &HeaderMap, body: &[u8], url: &Url) -> Option<Offer> {
    let mut links = of_headers(headers);
    links.extend(of_body(body));
    let find = |relation: &str| {
        let named = links.iter().filter(|(rel, _)| rel.split_whitespace().any(|rel| rel == relation));
        let web = named.filter_map(|(_, href)| url.join(href.trim()).ok());
        web.into_iter().find(|link| matches!(link.scheme(), "http" | "https"))
    };
    let topic = find("self").unwrap_or_else(|| url.clone()).to_string();
    Some(Offer { hub: find("hub")?, topic })
}

fn of_headers(headers: &HeaderMap) -> Vec<Link> {
    static LINKS: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r#"<([^<>]*)>((?:\s*;\s*[\w*]+\s*=\s*(?:"[^"]*"|[^",;\s]+))*)"#).ok());
    static REL: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r#"(?i);\s*rel\s*=\s*(?:"([^"]*)"|([^",;\s]+))"#).ok());
    let (Some(links), Some(rel)) = (LINKS.as_ref(), REL.as_ref()) else { return Vec::new() };
    let texts = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    let found = texts.flat_map(|text| links.captures_iter(text));
    let link = |found: regex::Captures<'_>| {
        let rel = rel.captures(found.get(2)?.as_str())?;
        let rel = rel.get(1).or_else(|| rel.get(2))?.as_str().to_ascii_lowercase();
        Some((rel, found.get(1)?.as_str().to_owned()))
    };
    found.filter_map(link).collect()
}

fn of_body(body: &[u8]) -> Vec<Link> {
    if body.trim_ascii_start().starts_with(b"{") {
        return of_json(body).unwrap_or_default();
    }
    static ENTRY: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"<(?:\w+:)?(?:item|entry)[\s>]").ok());
    static LINKS: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r#"<(?:\w+:)?link\s((?:[^>"']|"[^"]*"|'[^']*')*)>"#).ok());
    let head = String::from_utf8_lossy(body.get(..HEAD).unwrap_or(body));
    let (Some(entry), Some(links)) = (ENTRY.as_ref(), LINKS.as_ref()) else { return Vec::new() };
    let head = entry.split(&head).next().unwrap_or_default();
    let link = |found: regex::Captures<'_>| {
        let attributes = found.get(1)?.as_str();
        Some((attribute(attributes, "rel")?.to_ascii_lowercase(), attribute(attributes, "href")?))
    };
    links.captures_iter(head).filter_map(link).collect()
}

fn attribute(attributes: &str, name: &str) -> Option<String> {
    static PAIRS: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r#"([\w:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')"#).ok());
    let mut pairs = PAIRS.as_ref()?.captures_iter(attributes);
    let found = pairs.find(|pair| pair.get(1).is_some_and(|key| key.as_str().eq_ignore_ascii_case(name)))?;
    let value = found.get(2).or_else(|| found.get(3))?.as_str();
    Some(html_escape::decode_html_entities(value).into_owned())
}

/// JSON Feed 1.1: `hubs` and `feed_url`.
fn of_json(body: &[u8]) -> Option<Vec<Link>> {
    let feed: Value = serde_json::from_slice(body).ok()?;
    let hubs = feed.get("hubs").and_then(Value::as_array).into_iter().flatten();
    let is_websub = |hub: &&Value| {
        let kind = hub.get("type").and_then(Value::as_str).unwrap_or_default();
        kind.eq_ignore_ascii_case("websub") || kind.eq_ignore_ascii_case("pubsubhubbub")
    };
    let urls = hubs.filter(is_websub).filter_map(|hub| hub.get("url")?.as_str());
    let mut links: Vec<Link> = urls.map(|url| ("hub".to_owned(), url.to_owned())).collect();
    let own = feed.get("feed_url").and_then(Value::as_str);
    links.extend(own.map(|url| ("self".to_owned(), url.to_owned())));
    Some(links)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(headers: &[&str], body: &str) -> Option<(String, String)> {
        let headers = headers.iter().map(|text| (LINK, text.parse().unwrap())).collect();
        let url = Url::parse("https://e.com/feed?x").unwrap();
        hub(&headers, body.as_bytes(), &url).map(|offer| (offer.hub.to_string(), offer.topic))
    }

    fn offer(hub: &str, topic: &str) -> Option<(String, String)> {
        Some((hub.to_owned(), topic.to_owned()))
    }

    #[test]
    fn atom_rss_and_json_feeds_name_their_hub() {
        let atom = r#"<feed><link rel="self" href="https://e.com/a?b&amp;c"/><link href='https://hub.com/' rel='HUB'/></feed>"#;
        let rss = r#"<rss><channel><link>https://e.com</link><atom:link rel="hub" href="/hub"/><atom:link href="https://e.com/rss" rel="self" type="x"/><item/></channel></rss>"#;
        let json = r#"{"feed_url":"https://e.com/json","hubs":[{"type":"rssCloud","url":"https://no"},{"type":"WebSub","url":"https://hub.com/"}]}"#;
        assert_eq!(found(&[], atom), offer("https://hub.com/", "https://e.com/a?b&c"));
        assert_eq!(found(&[], rss), offer("https://e.com/hub", "https://e.com/rss"));
        assert_eq!(found(&[], json), offer("https://hub.com/", "https://e.com/json"));
    }

    #[test]
    fn headers_go_before_the_feed() {
        let atom = r#"<feed><link rel="hub" href="https://other.com/"/></feed>"#;
        let both = "<https://hub.com/>; rel=\"hub\", <https://e.com/topic>; title=\"a, b\"; rel=self";
        assert_eq!(found(&[both], atom), offer("https://hub.com/", "https://e.com/topic"));
        assert_eq!(
            found(&["<https://e.com/2>; rel=next", "<https://hub.com/>;rel=hub"], ""),
            offer("https://hub.com/", "https://e.com/feed?x")
        );
    }

    #[test]
    fn links_of_entries_and_of_other_kinds_are_no_hubs() {
        let entry = r#"<feed><entry><link rel="hub" href="https://evil.com/"/></entry></feed>"#;
        for (headers, body) in
            [(&[][..], entry), (&[][..], "<rss/>"), (&["<ftp://hub.com/>; rel=hub"][..], "{")]
        {
            assert_eq!(found(headers, body), None, "{body}");
        }
    }
}
