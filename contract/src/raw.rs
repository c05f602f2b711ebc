//! `documents.raw`: what ingest found, before any model read it.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{DocumentId, version::versioned};

versioned!(
    /// A record of `documents.raw`, keyed by document id (progress: by producer).
    DocumentsRaw, "documents.raw", newest 1, { V1(Raw) = 1 }
);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "nearly every record is a document")]
pub enum Raw {
    Document(Document),
    Tombstone(Tombstone),
    Progress(RawProgress),
}

/// Its source took a document back: who keeps its text erases it. What was counted
/// stays counted. Carries no text, so it is the same record on every topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tombstone {
    pub id: DocumentId,
    pub source: Source,
    /// When the source was seen to have taken it back.
    pub deleted_at: DateTime<Utc>,
}

/// A producer's clock, written to every partition of `documents.raw` in turn:
/// each document that this producer writes to the partition after it was first
/// seen at or after `as_of`. It is what moves event time forward downstream, so
/// that no decision needs a wall clock and a replayed log decides the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawProgress {
    pub producer: String,
    pub as_of: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Document {
    pub id: DocumentId,
    /// Content hash of title and body; changes when the text was corrected.
    pub revision: String,
    pub source: Source,
    pub url: Option<String>,
    pub canonical_url: Option<String>,
    /// The author's name or handle under a keyed hash; never in clear.
    pub author_hash: Option<String>,
    /// BCP 47 primary language: `en`, `zh`, or `und` where undetermined.
    pub lang: String,
    pub title: String,
    pub body: String,
    pub published_at: Option<DateTime<Utc>>,
    pub published_precision: PublishedPrecision,
    /// Minted once, when the document was first seen; its partition date for ever.
    pub first_seen_at: DateTime<Utc>,
    pub fetched_at: DateTime<Utc>,
    pub engagement: Option<Engagement>,
    /// How many personal details were blacked out of the text.
    pub redactions: u32,
    /// Old when first seen (a feed's archive): stored, but never a reason to ring.
    pub is_backfill: bool,
}

impl Document {
    /// When it happened, for bins and rollups: the publication instant where it
    /// is known exactly and not in the future of `first_seen_at`, else `first_seen_at`.
    pub fn event_time(&self) -> DateTime<Utc> {
        match (self.published_at, self.published_precision) {
            (Some(at), PublishedPrecision::Exact) => at.min(self.first_seen_at),
            (_, PublishedPrecision::Exact | PublishedPrecision::Day | PublishedPrecision::Missing) => {
                self.first_seen_at
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Source {
    pub id: String,
    pub kind: SourceKind,
    /// Publications under one owner: counted as one voice.
    pub publisher_family: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    News,
    Social,
    Report,
    Feedback,
}

impl SourceKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::News => "news",
            Self::Social => "social",
            Self::Report => "report",
            Self::Feedback => "feedback",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PublishedPrecision {
    Exact,
    Day,
    Missing,
}

impl PublishedPrecision {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Day => "day",
            Self::Missing => "missing",
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Engagement {
    pub likes: Option<u64>,
    pub reposts: Option<u64>,
    pub replies: Option<u64>,
    pub views: Option<u64>,
}
