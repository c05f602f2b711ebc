//! An article page to its text, author and date.

use chrono::{DateTime, NaiveDate, Utc};
use dom_smoothie::{Config, Readability, TextMode};
use scraper::{Html, Selector};
use serde_json::Value;
use tocsin_contract::PublishedPrecision;

/// What a page says. Nothing is invented: an absent date stays absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub title: String,
    pub text: String,
    pub author: Option<String>,
    pub published: Option<(DateTime<Utc>, PublishedPrecision)>,
    pub canonical_url: Option<String>,
}

/// Blocking and CPU-bound: run it off the async threads. `Err` says why the page
/// holds no article.
pub fn extract(html: &str, url: &str) -> Result<Page, String> {
    let config = Config { text_mode: TextMode::Formatted, ..Config::default() };
    let mut reader = Readability::new(html, Some(url), Some(config)).map_err(|cause| cause.to_string())?;
    let article = reader.parse().map_err(|cause| cause.to_string())?;
    let document = Html::parse_document(html);
    let text = article.text_content.replace('\0', "").trim().to_owned();
    if text.is_empty() {
        return Err("no article text found".to_owned());
    }
    Ok(Page {
        title: article.title.trim().to_owned(),
        text,
        author: article.byline.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()),
        published: published(&document),
        canonical_url: attribute(&document, "link[rel=canonical]", "href")
            .and_then(|link| url::Url::parse(url).ok()?.join(&link).ok())
            // A page may name another address of its owner, and nobody else's.
            .filter(|link| crate::domain_of(link.as_str()) == crate::domain_of(url))
            .and_then(|link| crate::canonical_url(link.as_str())),
    })
}

/// JSON-LD `datePublished`, then `article:published_time`, then a `<time>` in the
/// article. A wrong date would let decisions look ahead.
fn published(document: &Html) -> Option<(DateTime<Utc>, PublishedPrecision)> {
    let meta = || attribute(document, "meta[property='article:published_time']", "content");
    let time = || attribute(document, "article time[datetime], main time[datetime]", "datetime");
    json_ld_date(document)
        .as_deref()
        .and_then(instant)
        .or_else(|| meta().as_deref().and_then(instant))
        .or_else(|| time().as_deref().and_then(instant))
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
    let selector = Selector::parse(selector).ok()?;
    document.select(&selector).find_map(|element| element.value().attr(name)).map(str::to_owned)
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
        assert_eq!(both.published.unwrap().0.to_rfc3339(), "2024-05-06T08:00:00+00:00");
        let only = extract(&page(meta, ""), "https://example.com/a").unwrap();
        assert_eq!(only.published.unwrap().0.to_rfc3339(), "2024-05-07T10:00:00+00:00");
    }

    #[test]
    fn a_day_is_only_a_day_and_nonsense_is_no_date() {
        let dated = |text: &str| {
            extract(&page("", &format!("<time datetime=\"{text}\">x</time>")), "https://example.com/a")
                .unwrap()
                .published
        };
        assert_eq!(dated("2024-05-06").unwrap().1, PublishedPrecision::Day);
        assert_eq!(dated("2024-05-06T10:00:00").unwrap().1, PublishedPrecision::Day);
        assert_eq!(dated("yesterday"), None);
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
