//! `signals`: one small record per (document, subject), all that alerting needs.

use std::fmt;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{DocumentId, SentimentLabel, SourceKind, version::versioned};

versioned!(
    /// A record of `signals`, keyed by subject, so that one instance owns a subject.
    Signals, "signals", newest 1, { V1(SignalRecord) = 1 }
);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "nearly every record is a signal")]
pub enum SignalRecord {
    Signal(Signal),
    Progress(SignalProgress),
}

/// How far one partition of `documents.raw` was read, in event time. Written to
/// every partition of `signals` once the signals of all earlier documents are
/// there. The least `as_of` over the `partitions` raw partitions is the watermark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalProgress {
    /// Partition of `documents.raw`.
    pub partition: u32,
    /// How many partitions `documents.raw` has.
    pub partitions: u32,
    pub as_of: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signal {
    pub subject: Subject,
    /// Name of the subject for people.
    pub name: String,
    /// When it happened ([`crate::Document::event_time`]).
    pub event_time: DateTime<Utc>,
    /// The stream's clock where the document stands in `documents.raw`: the last
    /// progress before it in its partition (none yet: the document's `first_seen_at`).
    /// Not before the watermark passes it may the signal be counted.
    pub known_at: DateTime<Utc>,
    pub negative: bool,
    pub label: SentimentLabel,
    /// Sentiment towards the subject, −1 to 1.
    pub score: f32,
    /// How much the document is about the subject, 0 to 1.
    pub weight: f32,
    pub story_id: String,
    pub document_id: DocumentId,
    pub source_id: String,
    pub source_kind: SourceKind,
    pub publisher_family: String,
    pub lang: String,
    pub title: String,
    pub url: Option<String>,
}

/// What is watched: a topic of the taxonomy or an entity of the dictionary.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    pub kind: SubjectKind,
    pub id: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    Entity,
    Topic,
}

impl SubjectKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Entity => "entity",
            Self::Topic => "topic",
        }
    }
}

/// `entity:svb`, `topic:financials`: the key of the topic and the id in SQL.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.as_str(), self.id)
    }
}
