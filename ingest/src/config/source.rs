//! One of `[[ingest.sources]]`: what a source is, and what is known about it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tocsin_contract::SourceKind;
use url::Url;

use super::{JsonConfig, ListingConfig, SitemapConfig};
use crate::json::Reader;
use crate::listing::Selectors;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    pub id: String,
    pub url: String,
    #[serde(default)]
    pub format: SourceFormat,
    /// `news`, `social`, `report` or `feedback`.
    #[serde(default = "news")]
    pub kind: SourceKind,
    /// Owner of the publication; by default the registrable domain of the URL.
    #[serde(default)]
    pub publisher_family: Option<String>,
    /// What was agreed with the publisher. Without it, a feed is asked by its habit,
    /// within the bounds of `[ingest.schedule]`, and a JSON interface each quarter of an hour.
    #[serde(default, with = "humantime_serde::option")]
    pub every: Option<Duration>,
    /// Whether the pages that a feed links to are fetched for their full text.
    #[serde(default = "yes")]
    pub fetch_pages: bool,
    /// Where a JSON answer keeps what; needed for `format = "json"`, and a change to what
    /// is known of other JSON interfaces.
    #[serde(default)]
    pub json: Option<JsonConfig>,
    /// Where a page lists what; for `format = "listing"`.
    #[serde(default)]
    pub listing: Option<ListingConfig>,
    /// What is taken of it; for `format = "sitemap"`.
    #[serde(default)]
    pub sitemap: Option<SitemapConfig>,
    /// What the publisher's terms say of crawling.
    #[serde(default)]
    pub terms: Terms,
    /// Under which licence its texts may be kept; a note for people.
    #[serde(default)]
    pub licence: Option<String>,
    /// How much it counts, 1 the most; a note for analysts.
    #[serde(default)]
    pub tier: Option<u8>,
    /// Who answers for it here.
    #[serde(default)]
    pub owner: Option<String>,
    /// What people group it by, the widest first.
    #[serde(default)]
    pub tags: Vec<String>,
    /// How long it is remembered what became of its items; by default as of its kind.
    #[serde(default, with = "humantime_serde::option")]
    pub retention: Option<Duration>,
}

/// What somebody read in a publisher's terms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Terms {
    /// Nobody has read them.
    #[default]
    Unknown,
    Allowed,
    /// There is a contract.
    Agreed,
    /// The source is refused.
    Forbidden,
}

impl Terms {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Allowed => "allowed",
            Self::Agreed => "agreed",
            Self::Forbidden => "forbidden",
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceFormat {
    /// RSS, Atom or JSON Feed, told apart by content.
    #[default]
    Feed,
    /// A list of posts in JSON, described by `[json]`.
    Json,
    /// `search_by_date` of the Algolia interface to Hacker News.
    HackerNews,
    /// A listing of Reddit in JSON.
    Reddit,
    /// A timeline of a Mastodon server.
    Mastodon,
    /// A search of posts on a Mastodon server.
    MastodonSearch,
    /// A page that lists articles, described by `[listing]`.
    Listing,
    /// A sitemap, or an index of sitemaps; how much of it is taken says `[sitemap]`.
    Sitemap,
}

impl SourceFormat {
    pub const ALL: [Self; 8] = [
        Self::Feed,
        Self::Json,
        Self::HackerNews,
        Self::Reddit,
        Self::Mastodon,
        Self::MastodonSearch,
        Self::Listing,
        Self::Sitemap,
    ];

    /// Its items are pages, whose text may be fetched.
    pub(crate) const fn has_pages(self) -> bool {
        match self {
            Self::Feed | Self::Listing | Self::Sitemap => true,
            Self::Json | Self::HackerNews | Self::Reddit | Self::Mastodon | Self::MastodonSearch => false,
        }
    }

    /// An interface that is there to be asked, with lists of posts in JSON.
    pub(crate) const fn is_json(self) -> bool {
        !self.has_pages()
    }
}

impl SourceConfig {
    /// A feed of news with every default.
    pub fn of_url(id: &str, url: &str) -> Self {
        Self {
            id: id.to_owned(),
            url: url.to_owned(),
            format: SourceFormat::Feed,
            kind: news(),
            publisher_family: None,
            every: None,
            fetch_pages: yes(),
            json: None,
            listing: None,
            sitemap: None,
            tags: Vec::new(),
            terms: Terms::default(),
            licence: None,
            tier: None,
            owner: None,
            retention: None,
        }
    }

    /// The source as it may be written down, and whether a secret is missing from it.
    pub(crate) fn without_secret(&self) -> (Self, bool) {
        let mut source = self.clone();
        let secret = source.json.as_mut().and_then(|json| json.authorization.take());
        (source, secret.is_some())
    }

    pub(crate) fn check(&self) -> Result<(), String> {
        let id = &self.id;
        if id.trim().is_empty() {
            return Err(format!("ingest.sources: the source with url {} has no id", self.url));
        }
        let url = Url::parse(&self.url).map_err(|cause| format!("source {id}: url {}: {cause}", self.url))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("source {id}: url {} is neither http nor https", self.url));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(format!(
                "source {id}: its url carries a user name or password, which are kept nowhere"
            ));
        }
        if self.every.is_some_and(|every| every < Duration::from_secs(1)) {
            return Err(format!("source {id}: every must be at least 1s"));
        }
        self.check_tables()?;
        let named = |cause| format!("source {id}: {cause}");
        if let Some(listing) = &self.listing {
            Selectors::compile(listing).map_err(named)?;
        }
        if self.format.is_json() {
            Reader::of(self).map_err(named)?;
        }
        Ok(())
    }

    /// A source has the table of its format, and no other.
    fn check_tables(&self) -> Result<(), String> {
        use SourceFormat::{Json, Listing, Sitemap};
        let format = self.format;
        let tables = [
            ("json", self.json.is_some(), format.is_json(), format == Json),
            ("listing", self.listing.is_some(), format == Listing, format == Listing),
            ("sitemap", self.sitemap.is_some(), format == Sitemap, false),
        ];
        for (name, is_there, is_fit, is_needed) in tables {
            if is_there && !is_fit {
                return Err(format!("source {}: a [{name}] table needs format {name}", self.id));
            }
            if is_needed && !is_there {
                return Err(format!("source {}: format {name} needs a [{name}] table", self.id));
            }
        }
        Ok(())
    }

    /// The voice that this source counts as.
    pub fn family(&self) -> String {
        match &self.publisher_family {
            Some(family) => family.clone(),
            None => crate::politeness::domain_of(&self.url),
        }
    }
}

const fn news() -> SourceKind {
    SourceKind::News
}

const fn yes() -> bool {
    true
}
