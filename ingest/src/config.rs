//! Section `[ingest]` of the configuration: what is read, how often, how politely.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tocsin_contract::SourceKind;

use crate::redact::Detail;

mod file;
mod filter;
mod json;
mod listing;
mod source;
mod websub;

pub use file::FileConfig;
pub use filter::FilterConfig;
pub use json::{Counts, JsonConfig, NextConfig};
pub use listing::{DateConfig, ListingConfig, SitemapConfig};
pub use source::{SourceConfig, SourceFormat, Terms};
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
    /// Begins with the product token that a robots.txt calls the crawler by: letters, `-` and `_`.
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
    /// Where deletions wait that a stream told while the database was away, so that the next process has them;
    /// each instance has its own. `tocsin` takes a file in its `data` folder; without one they wait in memory.
    pub untold: Option<PathBuf>,
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
            untold: None,
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

impl IngestConfig {
    /// What no single field can say.
    pub fn check(&self) -> Result<(), String> {
        tocsin_runtime::guard::Guard::new(&self.allow).map_err(|cause| format!("ingest.allow: {cause}"))?;
        self.product_token()?;
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

    /// What a robots.txt calls the crawler by (RFC 9309, 2.2.1).
    pub fn product_token(&self) -> Result<&str, String> {
        let token = self.user_agent.split(['/', ' ']).next().unwrap_or_default();
        let is_token =
            |token: &str| token.bytes().all(|byte| byte.is_ascii_alphabetic() || b"-_".contains(&byte));
        // What browsers call themselves is nobody's name.
        if token.is_empty() || !is_token(token) || token.eq_ignore_ascii_case("mozilla") {
            return Err(format!(
                "ingest.user_agent must begin with the crawler's own name, of letters, - and _, as in \"acme-bot/1.0\": {:?}",
                self.user_agent
            ));
        }
        Ok(token)
    }
}

fn hide_all<S: serde::Serializer>(tokens: &[SecretString], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(tokens.iter().map(|_| "***"))
}
