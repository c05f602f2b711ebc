//! Section `[ingest]` of the configuration: what is read, how often, how politely.

use std::collections::BTreeSet;
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tocsin_contract::SourceKind;
use tocsin_runtime::config::secret;
use url::Url;

use crate::listing::Selectors;
use crate::redact::Detail;

mod listing;
mod websub;

pub use listing::{DateConfig, ListingConfig, SitemapConfig};
pub use websub::WebSubConfig;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IngestConfig {
    /// Name of this instance on its progress records.
    pub instance: String,
    /// How long a domain stays with an instance that says nothing more. Sources are shared
    /// out among instances on one database; a killed one's are taken over within two of these.
    #[serde(with = "humantime_serde")]
    pub lease: Duration,
    pub user_agent: String,
    /// Addresses that may be fetched though they are not public:
    /// `host`, `address` or `network/length`, each with or without `:port`.
    pub allow: Vec<String>,
    /// Sources that are polled at the same time.
    pub concurrency: usize,
    /// Least time between two requests to one registrable domain.
    #[serde(with = "humantime_serde")]
    pub min_delay: Duration,
    /// How often event time is made known to the stream.
    #[serde(with = "humantime_serde")]
    pub progress_every: Duration,
    /// A document that was published so long before it was first seen is backfill.
    #[serde(with = "humantime_serde")]
    pub backfill_after: Duration,
    /// Longest wait after repeated failures of a source.
    #[serde(with = "humantime_serde")]
    pub max_backoff: Duration,
    pub schedule: Schedule,
    pub privacy: Privacy,
    pub limits: Limits,
    pub push: PushConfig,
    pub websub: WebSubConfig,
    pub sources: Vec<SourceConfig>,
}

/// Bounds for feeds of which nothing else was agreed.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Schedule {
    /// Least time between two requests that may be answered "not modified".
    #[serde(with = "humantime_serde")]
    pub min: Duration,
    /// Least time between two requests where the server gave nothing to recognise its
    /// answer by.
    #[serde(with = "humantime_serde")]
    pub unconditional: Duration,
    /// Longest time between two requests, failures aside.
    #[serde(with = "humantime_serde")]
    pub max: Duration,
}

/// What is kept of people, by kind of source.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Privacy {
    /// How long one key hashes the names of authors. Then it is deleted, and who wrote
    /// before and after can no longer be put together.
    #[serde(with = "humantime_serde")]
    pub author_key: Duration,
    pub news: KindPrivacy,
    pub social: KindPrivacy,
    pub report: KindPrivacy,
    pub feedback: KindPrivacy,
}

/// The same for one kind of source.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KindPrivacy {
    /// Details that are blacked out before anything is written.
    pub redact: BTreeSet<Detail>,
    /// Whether authors are kept at all, hashed.
    pub authors: bool,
    /// How long it is remembered what became of each item; without it for ever.
    #[serde(with = "humantime_serde::option")]
    pub retention: Option<Duration>,
}

impl Privacy {
    pub(crate) const fn of(&self, kind: SourceKind) -> &KindPrivacy {
        match kind {
            SourceKind::News => &self.news,
            SourceKind::Social => &self.social,
            SourceKind::Report => &self.report,
            SourceKind::Feedback => &self.feedback,
        }
    }
}

impl Default for Privacy {
    fn default() -> Self {
        let kind = KindPrivacy::default();
        let (news, social, report, feedback) = (kind.clone(), kind.clone(), kind.clone(), kind);
        Self { author_key: Duration::from_secs(90 * 24 * 3600), news, social, report, feedback }
    }
}

impl Default for KindPrivacy {
    fn default() -> Self {
        Self { redact: BTreeSet::from(Detail::ALL), authors: true, retention: None }
    }
}

/// Caps on one fetch and on one page.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    #[serde(with = "humantime_serde")]
    pub connect: Duration,
    #[serde(with = "humantime_serde")]
    pub total: Duration,
    /// After decompression.
    pub body_bytes: usize,
    pub redirects: usize,
    /// How long the extraction of one page may take.
    #[serde(with = "humantime_serde")]
    pub extract: Duration,
}

/// `POST /v1/documents`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PushConfig {
    /// Bearer tokens that may push. Without one, the route answers 404.
    #[serde(serialize_with = "hide_all")]
    pub tokens: Vec<SecretString>,
    /// Requests in work at the same time; one more is answered 429.
    pub queue: usize,
    pub body_bytes: usize,
}

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
    /// Where a JSON answer keeps what; for `format = "json"`.
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
    /// A page that lists articles, described by `[listing]`.
    Listing,
    /// A sitemap, or an index of sitemaps; how much of it is taken says `[sitemap]`.
    Sitemap,
}

impl SourceFormat {
    /// Its items are pages, whose text may be fetched.
    pub(crate) const fn has_pages(self) -> bool {
        match self {
            Self::Feed | Self::Listing | Self::Sitemap => true,
            Self::Json => false,
        }
    }
}

/// Dotted paths into a JSON answer (`data.posts`, `user.name`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JsonConfig {
    /// Path of the list; empty when the answer itself is the list.
    pub items: String,
    pub id: String,
    pub text: String,
    pub title: Option<String>,
    /// RFC 3339 text, or seconds or milliseconds since 1970.
    pub created_at: String,
    pub author: Option<String>,
    pub url: Option<String>,
    pub likes: Option<String>,
    pub reposts: Option<String>,
    pub replies: Option<String>,
    pub views: Option<String>,
    /// Where a post says that its author took it back: true, a number but 0, or a text.
    pub deleted: Option<String>,
    /// Query parameter that takes the newest id seen.
    pub since_param: Option<String>,
    /// Sent as the `authorization` header.
    #[serde(serialize_with = "secret::serialize")]
    pub authorization: Option<SecretString>,
}

impl Default for IngestConfig {
    fn default() -> Self {
        Self {
            instance: "ingest".to_owned(),
            lease: Duration::from_secs(24),
            user_agent: concat!("tocsin/", env!("CARGO_PKG_VERSION")).to_owned(),
            allow: Vec::new(),
            concurrency: 16,
            min_delay: Duration::from_secs(2),
            progress_every: Duration::from_secs(15),
            backfill_after: Duration::from_secs(24 * 3600),
            max_backoff: Duration::from_secs(24 * 3600),
            schedule: Schedule::default(),
            privacy: Privacy::default(),
            limits: Limits::default(),
            push: PushConfig::default(),
            websub: WebSubConfig::default(),
            sources: Vec::new(),
        }
    }
}

impl Default for Schedule {
    /// What Rachel Kroll asks of feed readers.
    fn default() -> Self {
        let day = Duration::from_secs(24 * 3600);
        Self { min: Duration::from_secs(3600), unconditional: day, max: day }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            total: Duration::from_secs(30),
            body_bytes: 5 << 20,
            redirects: 5,
            extract: Duration::from_secs(10),
        }
    }
}

impl Default for PushConfig {
    fn default() -> Self {
        Self { tokens: Vec::new(), queue: 64, body_bytes: 8 << 20 }
    }
}

impl Default for JsonConfig {
    fn default() -> Self {
        Self {
            items: String::new(),
            id: "id".to_owned(),
            text: "text".to_owned(),
            title: None,
            created_at: "created_at".to_owned(),
            author: None,
            url: None,
            likes: None,
            reposts: None,
            replies: None,
            views: None,
            deleted: None,
            since_param: None,
            authorization: None,
        }
    }
}

impl IngestConfig {
    /// What no single field can say.
    pub fn check(&self) -> Result<(), String> {
        tocsin_runtime::guard::Guard::new(&self.allow).map_err(|cause| format!("ingest.allow: {cause}"))?;
        if self.concurrency == 0 || self.push.queue == 0 {
            return Err("ingest.concurrency and ingest.push.queue must be at least 1".to_owned());
        }
        if self.lease < Duration::from_secs(3) {
            return Err("ingest.lease must be at least 3s".to_owned());
        }
        if self.privacy.author_key < Duration::from_secs(24 * 3600) {
            return Err("ingest.privacy.author_key must be at least 1d".to_owned());
        }
        self.websub.check()?;
        let mut ids = BTreeSet::new();
        for source in &self.sources {
            source.check()?;
            if !ids.insert(&source.id) {
                return Err(format!("ingest.sources: id {:?} occurs twice", source.id));
            }
        }
        Ok(())
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
        match &self.listing {
            Some(listing) => {
                Selectors::compile(listing).map(drop).map_err(|cause| format!("source {id}: {cause}"))
            }
            None => Ok(()),
        }
    }

    /// A source has the table of its format, and no other.
    fn check_tables(&self) -> Result<(), String> {
        let tables = [
            ("json", SourceFormat::Json, self.json.is_some(), true),
            ("listing", SourceFormat::Listing, self.listing.is_some(), true),
            ("sitemap", SourceFormat::Sitemap, self.sitemap.is_some(), false),
        ];
        for (name, format, is_there, is_needed) in tables {
            if is_there && self.format != format {
                return Err(format!("source {}: a [{name}] table needs format {name}", self.id));
            }
            if is_needed && !is_there && self.format == format {
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

fn hide_all<S: serde::Serializer>(tokens: &[SecretString], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(tokens.iter().map(|_| "***"))
}

const fn news() -> SourceKind {
    SourceKind::News
}

const fn yes() -> bool {
    true
}
