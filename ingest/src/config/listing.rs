//! `[listing]` and `[sitemap]` of a source: where a page lists what, and how much of a
//! site a sitemap makes a source.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// CSS selectors into a page that lists articles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListingConfig {
    /// Each match is one item; the other selectors look within it.
    pub item: String,
    /// The element whose `href` leads to the item's page; by default the first link.
    #[serde(default)]
    pub link: Option<String>,
    /// By default the link's own text.
    #[serde(default)]
    pub title: Option<String>,
    #[serde(default)]
    pub summary: Option<String>,
    #[serde(default)]
    pub date: Option<DateConfig>,
    /// The link to the next page, anywhere on the page.
    #[serde(default)]
    pub next: Option<String>,
    /// Most pages that one poll reads; the next is asked for only if the one before
    /// showed something new.
    #[serde(default = "few")]
    pub pages: usize,
}

/// Where an item says when it was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DateConfig {
    pub selector: String,
    /// The attribute that holds it; by default the element's text.
    #[serde(default)]
    pub attribute: Option<String>,
    /// As in strftime, `%Y-%m-%d %H:%M`; by default the forms that feeds use.
    #[serde(default)]
    pub format: Option<String>,
    /// Where the format names no zone: hours and minutes east of UTC, `+08:00`.
    #[serde(default = "utc")]
    pub offset: String,
}

/// Which pages of a sitemap are taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SitemapConfig {
    /// Pages that were published, or else changed, longer ago are not part of the source.
    #[serde(with = "humantime_serde")]
    pub max_age: Duration,
    /// Whether pages are taken that the sitemap gives no date.
    pub undated: bool,
    /// Only pages whose address begins with one of these; none: all.
    pub only: Vec<String>,
}

impl Default for SitemapConfig {
    fn default() -> Self {
        Self { max_age: Duration::from_secs(3 * 24 * 3600), undated: false, only: Vec::new() }
    }
}

const fn few() -> usize {
    3
}

fn utc() -> String {
    "+00:00".to_owned()
}
