//! A page to its kind, text, author and date.

mod kind;

use std::sync::LazyLock;

use chrono::{DateTime, NaiveDate, Utc};
use dom_smoothie::{Config, Readability, TextMode};
use regex::Regex;
use scraper::{Html, Selector};
use serde_json::Value;
use tocsin_contract::PublishedPrecision;

pub use kind::Kind;

/// What a page says. Nothing is invented: an absent date stays absent.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    pub kind: Kind,
    pub title: String,
    /// Empty where no article text was found.
    pub text: String,
    pub author: Option<String>,
    pub published: Option<Dated>,
    pub canonical_url: Option<String>,
    pub site: Option<String>,
    /// Feeds that the page links to, resolved.
    pub feeds: Vec<String>,
}

/// When a page was published, as far as it tells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dated {
    pub at: DateTime<Utc>,
    pub precision: PublishedPrecision,
    /// 0 to 1, by where in the page the date stands.
    pub confidence: f32,
}

/// The article of a page. Blocking and CPU-bound: run it off the async threads. `Err`
/// says why the page holds none.
pub fn extract(html: &str, url: &str) -> Result<Page, String> {
    let page = read(html, url);
    match page.kind {
        Kind::Error => Err(format!("an error, captcha or consent page: {:?}", page.title)),
        Kind::Paywall => Err(format!("the text is behind a paywall: {:?}", page.title)),
        Kind::Article | Kind::Forum | Kind::Listing if page.text.is_empty() => {
            Err("no article text found".to_owned())
        }
        Kind::Article | Kind::Forum | Kind::Listing => Ok(page),
    }
}

/// All that a page tells, of whatever kind it is. Blocking, as [`extract`].
pub fn read(html: &str, url: &str) -> Page {
    let config = Config { text_mode: TextMode::Formatted, ..Config::default() };
    let article = Readability::new(html, Some(url), Some(config)).and_then(|mut reader| reader.parse()).ok();
    let document = Html::parse_document(html);
    let (title, byline, text) = article.map_or_else(
        || (heading(&document), None, String::new()),
        |article| (article.title.trim().to_owned(), article.byline, article.text_content.replace('\0', "")),
    );
    let text = text.trim().to_owned();
    let own = url::Url::parse(url).ok();
    let resolve = |link: &str| own.as_ref().and_then(|own| own.join(link).ok());
    Page {
        kind: kind::of(&document, &title, &text),
        title,
        text,
        author: byline.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()),
        published: published(&document, url),
        canonical_url: attribute(&document, "link[rel=canonical]", "href")
            .and_then(|link| resolve(&link))
            // A page may name another address of its owner, and nobody else's.
            .filter(|link| crate::domain_of(link.as_str()) == crate::domain_of(url))
            .and_then(|link| crate::canonical_url(link.as_str())),
        site: attribute(&document, "meta[property='og:site_name']", "content")
            .or_else(|| own.as_ref()?.host_str().map(str::to_owned)),
        feeds: attributes(&document, FEED_LINKS, "href")
            .filter_map(|link| resolve(&link).map(String::from))
            .collect(),
    }
}

const FEED_LINKS: &str =
    "link[type='application/rss+xml'], link[type='application/atom+xml'], link[type='application/feed+json']";

fn heading(document: &Html) -> String {
    let Ok(selector) = Selector::parse("title, h1") else { return String::new() };
    let first = document.select(&selector).next();
    first.map(|element| element.text().collect::<String>().trim().to_owned()).unwrap_or_default()
}

/// JSON-LD `datePublished`, then the page's meta data, then a `<time>` in the article,
/// then the address. A wrong date would let decisions look ahead.
fn published(document: &Html, url: &str) -> Option<Dated> {
    let dated = |text: Option<String>, confidence: f32| {
        let (at, precision) = instant(&text?)?;
        Some(Dated { at, precision, confidence })
    };
    dated(json_ld_date(document), 0.95)
        .or_else(|| dated(attribute(document, META_DATES, "content"), 0.9))
        .or_else(|| dated(attribute(document, "[itemprop=datePublished][content]", "content"), 0.85))
        .or_else(|| dated(attribute(document, "[itemprop=datePublished][datetime]", "datetime"), 0.85))
        .or_else(|| {
            dated(attribute(document, "article time[datetime], main time[datetime]", "datetime"), 0.7)
        })
        .or_else(|| dated(day_of_url(url), 0.6))
}

/// Names under which sites of both languages tell when a page was published.
const META_DATES: &str = "meta[property='article:published_time'], meta[property='og:published_time'], \
     meta[itemprop='datePublished'], meta[name='parsely-pub-date'], meta[name='sailthru.date'], \
     meta[name='pubdate'], meta[name='publishdate'], meta[name='publish-date'], meta[name='PubDate'], \
     meta[name='DC.date.issued'], meta[name='dcterms.created'], meta[name='weibo: article:create_at'], \
     meta[name='article.published'], meta[name='og:release_date'], meta[property='og:release_date']";

/// `/2023/03/10/`, `/2023-03-10/` or `/20230310/` in the path.
fn day_of_url(url: &str) -> Option<String> {
    static DAY: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"/((?:19|20)\d\d)[-/]?([01]\d)[-/]?([0-3]\d)(?:\D|$)").ok());
    let found = DAY.as_ref()?.captures(url)?;
    Some(format!("{}-{}-{}", found.get(1)?.as_str(), found.get(2)?.as_str(), found.get(3)?.as_str()))
}

/// RFC 3339 with a zone is exact; a day, or a time without a zone, is a day.
fn instant(text: &str) -> Option<(DateTime<Utc>, PublishedPrecision)> {
    let text = text.trim();
    if let Ok(exact) = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
    {
        return Some((exact.to_utc(), PublishedPrecision::Exact));
    }
    let day: String = text.chars().take(10).collect();
    let day = NaiveDate::parse_from_str(&day, "%Y-%m-%d").ok()?;
    Some((day.and_hms_opt(0, 0, 0)?.and_utc(), PublishedPrecision::Day))
}

fn json_ld_date(document: &Html) -> Option<String> {
    let scripts = Selector::parse("script[type='application/ld+json']").ok()?;
    document
        .select(&scripts)
        .filter_map(|script| serde_json::from_str::<Value>(&script.text().collect::<String>()).ok())
        .find_map(|value| date_published(&value, 0))
}

/// Searches lists, `@graph` and nested objects, not deeper than a page has reason to go.
fn date_published(value: &Value, depth: usize) -> Option<String> {
    if depth > 4 {
        return None;
    }
    match value {
        Value::Array(items) => items.iter().find_map(|item| date_published(item, depth + 1)),
        Value::Object(fields) => match fields.get("datePublished").and_then(Value::as_str) {
            Some(date) => Some(date.to_owned()),
            None => fields.values().find_map(|field| date_published(field, depth + 1)),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn attribute(document: &Html, selector: &str, name: &str) -> Option<String> {
    attributes(document, selector, name).next()
}

fn attributes(document: &Html, selector: &str, name: &str) -> impl Iterator<Item = String> {
    let selector = Selector::parse(selector).ok();
    let found: Vec<String> = selector.map_or_else(Vec::new, |selector| {
        document
            .select(&selector)
            .filter_map(|element| element.value().attr(name))
            .map(str::to_owned)
            .collect()
    });
    found.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(head: &str, body: &str) -> String {
        let paragraph = "The lender said that deposits had fallen by a third in the quarter, and that it would sell assets to meet withdrawals, sending its shares sharply lower in early trading on the local exchange. ";
        format!(
            "<html><head><title>Bank falls</title>{head}</head><body><nav>Home News Sport</nav><article><h1>Bank falls</h1>{body}<p>{}</p><p>{}</p></article><footer>Imprint</footer></body></html>",
            paragraph.repeat(2),
            paragraph
        )
    }

    #[test]
    fn the_article_is_kept_and_the_furniture_is_not() {
        let page = extract(&page("", ""), "https://example.com/a").unwrap();
        assert!(page.text.contains("deposits had fallen by a third"));
        assert!(!page.text.contains("Imprint"));
        assert_eq!(page.title, "Bank falls");
        assert_eq!(page.published, None);
    }

    #[test]
    fn the_date_of_json_ld_goes_before_all_others() {
        let ld = r#"<script type="application/ld+json">{"@graph":[{"@type":"NewsArticle","datePublished":"2024-05-06T10:00:00+02:00"}]}</script>"#;
        let meta = r#"<meta property="article:published_time" content="2024-05-07T10:00:00Z">"#;
        let both = extract(&page(&format!("{meta}{ld}"), ""), "https://example.com/a").unwrap();
        assert_eq!(both.published.unwrap().at.to_rfc3339(), "2024-05-06T08:00:00+00:00");
        let only = extract(&page(meta, ""), "https://example.com/a").unwrap();
        assert_eq!(only.published.unwrap().at.to_rfc3339(), "2024-05-07T10:00:00+00:00");
    }

    #[test]
    fn a_day_is_only_a_day_and_nonsense_is_no_date() {
        let dated = |text: &str| {
            extract(&page("", &format!("<time datetime=\"{text}\">x</time>")), "https://example.com/a")
                .unwrap()
                .published
        };
        assert_eq!(dated("2024-05-06").unwrap().precision, PublishedPrecision::Day);
        assert_eq!(dated("2024-05-06T10:00:00").unwrap().precision, PublishedPrecision::Day);
        assert_eq!(dated("yesterday"), None);
    }

    #[test]
    fn the_address_dates_a_page_that_does_not() {
        for url in ["https://example.com/2024/05/06/a", "https://example.com/a/20240506/b.html"] {
            let dated = extract(&page("", ""), url).unwrap().published.unwrap();
            assert_eq!(
                (dated.at.to_rfc3339().as_str(), dated.confidence),
                ("2024-05-06T00:00:00+00:00", 0.6)
            );
        }
        assert_eq!(extract(&page("", ""), "https://example.com/20249999/").unwrap().published, None);
    }

    #[test]
    fn feeds_and_the_site_are_found() {
        let head = r#"<meta property="og:site_name" content="Harbour Times"><link rel="alternate" type="application/rss+xml" href="/rss">"#;
        let page = extract(&page(head, ""), "https://example.com/a").unwrap();
        assert_eq!(
            (page.site.as_deref(), page.feeds),
            (Some("Harbour Times"), vec!["https://example.com/rss".to_owned()])
        );
    }

    #[test]
    fn the_canonical_link_is_resolved_and_cleaned() {
        let link = r#"<link rel="canonical" href="/a?utm_source=feed">"#;
        let page = extract(&page(link, ""), "https://example.com/amp/a").unwrap();
        assert_eq!(page.canonical_url.as_deref(), Some("https://example.com/a"));
    }

    #[test]
    fn a_canonical_link_to_someone_else_is_not_believed() {
        let link = r#"<link rel="canonical" href="https://other.org/a">"#;
        assert_eq!(extract(&page(link, ""), "https://example.com/a").unwrap().canonical_url, None);
    }

    #[test]
    fn a_page_without_text_is_no_article() {
        assert!(extract("<html><body></body></html>", "https://example.com/").is_err());
    }
}
