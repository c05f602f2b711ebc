//! One of `[[ingest.sources]]`: what a source is, and what is known about it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tocsin_contract::SourceKind;
use url::Url;

use super::{FileConfig, FilterConfig, JsonConfig, ListingConfig, SitemapConfig};
use crate::json::Reader;
use crate::listing::Selectors;
use crate::live::Words;
use crate::politeness::domain_of;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    pub id: String,
    /// Where it is: an address on the Web; for files a path from the root, with `*`, `?`, `[...]`
    /// and `**` in it for many.
    #[serde(alias = "path")]
    pub url: String,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default)]
    pub format: SourceFormat,
    /// `news`, `social`, `report` or `feedback`.
    #[serde(default = "news")]
    pub kind: SourceKind,
    /// Owner of the publication; by default the registrable domain of the URL.
    #[serde(default)]
    pub publisher_family: Option<String>,
    /// What was agreed with the publisher. Without it, a feed is asked by its habit,
    /// within the bounds of `[ingest.schedule]`, a JSON interface each quarter of an hour, and
    /// a file is looked at each minute.
    #[serde(default, with = "humantime_serde::option")]
    pub every: Option<Duration>,
    /// Whether the pages that a feed links to are fetched for their full text.
    #[serde(default = "yes")]
    pub fetch_pages: bool,
    // Tables are boxed: most sources have none, and thousands of them are in memory.
    /// Where a JSON answer keeps what; needed for `format = "json"`, and a change to what
    /// is known of other JSON interfaces. As `[columns]`, which field of a row is what.
    #[serde(default, alias = "columns")]
    pub json: Option<Box<JsonConfig>>,
    /// Where a Mastodon server tells what is new in the timeline at `url`, as
    /// `https://SERVER/api/v1/streaming/hashtag?tag=NAME`: what is said there arrives at once,
    /// and what is taken back as well.
    #[serde(default)]
    pub stream: Option<String>,
    /// Which posts of a stream are taken.
    #[serde(default)]
    pub filter: Option<Box<FilterConfig>>,
    /// How files are written; for `format = "csv"` and `"ndjson"`.
    #[serde(default)]
    pub file: Option<Box<FileConfig>>,
    /// Where a page lists what; for `format = "listing"`.
    #[serde(default)]
    pub listing: Option<Box<ListingConfig>>,
    /// What is taken of it; for `format = "sitemap"`.
    #[serde(default)]
    pub sitemap: Option<Box<SitemapConfig>>,
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
    /// What is said on Bluesky, over a connection that is held open; which of it is taken says
    /// `[filter]`.
    Jetstream,
    /// Files on this machine with a header and a document a row.
    Csv,
    /// Files on this machine with a document a line, in JSON.
    Ndjson,
}

impl SourceFormat {
    pub const ALL: [Self; 11] = [
        Self::Feed,
        Self::Json,
        Self::HackerNews,
        Self::Reddit,
        Self::Mastodon,
        Self::MastodonSearch,
        Self::Listing,
        Self::Sitemap,
        Self::Jetstream,
        Self::Csv,
        Self::Ndjson,
    ];

    /// Its items are pages, whose text may be fetched.
    pub(crate) const fn has_pages(self) -> bool {
        match self {
            Self::Feed | Self::Listing | Self::Sitemap => true,
            Self::Json
            | Self::HackerNews
            | Self::Reddit
            | Self::Mastodon
            | Self::MastodonSearch
            | Self::Jetstream
            | Self::Csv
            | Self::Ndjson => false,
        }
    }

    /// An interface that is there to be asked, with lists of posts in JSON.
    pub(crate) const fn is_json(self) -> bool {
        self.is_asked() && !self.has_pages() && !self.is_file()
    }

    /// It is asked at times, whether or not it is listened to as well.
    pub(crate) const fn is_asked(self) -> bool {
        !matches!(self, Self::Jetstream)
    }

    /// Its items are rows of files on this machine.
    pub(crate) const fn is_file(self) -> bool {
        matches!(self, Self::Csv | Self::Ndjson)
    }
}

impl SourceConfig {
    /// A feed of news with every default.
    pub fn of_url(id: &str, url: &str) -> Self {
        Self {
            id: id.to_owned(),
            url: url.to_owned(),
            title: None,
            format: SourceFormat::Feed,
            kind: news(),
            publisher_family: None,
            every: None,
            fetch_pages: yes(),
            json: None,
            stream: None,
            filter: None,
            file: None,
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

    /// A connection to it is held open.
    pub(crate) const fn is_live(&self) -> bool {
        self.stream.is_some() || !self.format.is_asked()
    }

    /// Why only an instance whose own file has the source may poll it: it has a secret, or
    /// it is files of that machine, which nobody names for it from afar.
    pub fn is_own(&self) -> Option<&'static str> {
        let has_secret = self.json.as_ref().is_some_and(|json| json.authorization.is_some());
        match (has_secret, self.format.is_file()) {
            (true, _) => Some("a secret, which the register does not keep"),
            (false, true) => Some("files of one machine, which the register does not name"),
            (false, false) => None,
        }
    }

    /// The source as it may be written down.
    pub(crate) fn without_secret(&self) -> Self {
        let mut source = self.clone();
        if let Some(json) = &mut source.json {
            json.authorization = None;
        }
        source
    }

    pub(crate) fn check(&self) -> Result<(), String> {
        let id = &self.id;
        if id.trim().is_empty() {
            return Err(format!("ingest.sources: the source with url {} has no id", self.url));
        }
        match self.format.is_file() {
            true => self.check_path()?,
            false if self.format.is_asked() => self.check_url(&self.url, ["https", "http"])?,
            false => self.check_url(&self.url, ["wss", "ws"])?,
        }
        if let Some(stream) = &self.stream {
            self.check_url(stream, ["https", "http"])?;
        }
        if self.every.is_some_and(|every| every < Duration::from_secs(1)) {
            return Err(format!("source {id}: every must be at least 1s"));
        }
        self.check_tables()?;
        let named = |cause| format!("source {id}: {cause}");
        if let Some(listing) = &self.listing {
            Selectors::compile(listing).map_err(named)?;
        }
        if self.format.is_json() || self.format.is_file() {
            Reader::of(self).map_err(named)?;
        }
        if let Some(filter) = &self.filter {
            Words::of(filter).map_err(named)?;
        }
        self.file.as_ref().map_or(Ok(()), |file| file.check()).map_err(named)
    }

    fn check_url(&self, text: &str, schemes: [&str; 2]) -> Result<(), String> {
        let id = &self.id;
        let url = Url::parse(text).map_err(|cause| format!("source {id}: url {text}: {cause}"))?;
        if !schemes.contains(&url.scheme()) {
            return Err(format!("source {id}: url {text} is neither {} nor {}", schemes[1], schemes[0]));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(format!(
                "source {id}: its url carries a user name or password, which are kept nowhere"
            ));
        }
        Ok(())
    }

    fn check_path(&self) -> Result<(), String> {
        let (id, path) = (&self.id, &self.url);
        if !std::path::Path::new(path).is_absolute() {
            return Err(format!("source {id}: path {path:?} does not begin at the root"));
        }
        glob::Pattern::new(path).map(drop).map_err(|cause| format!("source {id}: path {path:?}: {cause}"))
    }

    /// A source has the table of its format, and no other.
    fn check_tables(&self) -> Result<(), String> {
        use SourceFormat::{Json, Listing, Mastodon, Sitemap};
        let format = self.format;
        let tables = [
            ("json", self.json.is_some(), format.is_json() || format.is_file(), format == Json),
            ("file", self.file.is_some(), format.is_file(), false),
            ("stream", self.stream.is_some(), format == Mastodon, false),
            ("filter", self.filter.is_some(), self.is_live(), false),
            ("listing", self.listing.is_some(), format == Listing, format == Listing),
            ("sitemap", self.sitemap.is_some(), format == Sitemap, false),
        ];
        for (name, is_there, is_fit, is_needed) in tables {
            if is_there && !is_fit {
                return Err(format!("source {}: it has [{name}], which is of no use to its format", self.id));
            }
            if is_needed && !is_there {
                return Err(format!("source {}: format {name} needs a [{name}] table", self.id));
            }
        }
        Ok(())
    }

    /// What is leased to one instance at a time: the registrable domain of its address. Files
    /// have none in common with another source, which may be of another machine.
    pub(crate) fn domain(&self) -> String {
        if self.format.is_file() { format!("{}:{}", self.id, self.url) } else { domain_of(&self.url) }
    }

    /// The voice that this source counts as.
    pub fn family(&self) -> String {
        match &self.publisher_family {
            Some(family) => family.clone(),
            None if self.format.is_file() => self.id.clone(),
            None => domain_of(&self.url),
        }
    }
}

const fn news() -> SourceKind {
    SourceKind::News
}

const fn yes() -> bool {
    true
}
