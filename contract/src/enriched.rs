//! `documents.enriched`: a raw document with what the model read in it.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Document, Tombstone, version::versioned};

versioned!(
    /// A record of `documents.enriched`, keyed by document id.
    DocumentsEnriched, "documents.enriched", newest 2, { V1(Enriched) = 1, V2(EnrichedRecord) = 2 }
);

impl DocumentsEnriched {
    /// What the message says, whatever its version.
    pub fn into_record(self) -> EnrichedRecord {
        match self {
            Self::V1(document) => EnrichedRecord::Document(document),
            Self::V2(record) => record,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "nearly every record is a document")]
pub enum EnrichedRecord {
    Document(Enriched),
    Tombstone(Tombstone),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Enriched {
    #[serde(flatten)]
    pub document: Document,
    /// Selected topics, the most probable first; ids of `config/taxonomy.toml`.
    pub topics: Vec<TopicScore>,
    pub sentiment: Sentiment,
    pub risk_events: Vec<RiskEvent>,
    pub entities: Vec<Entity>,
    pub story: Story,
    pub model: ModelInfo,
    pub enriched_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TopicScore {
    pub topic: String,
    /// Probability, 0 to 1.
    pub p: f32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RiskEvent {
    pub event: String,
    /// Probability, 0 to 1.
    pub p: f32,
}

/// Three probabilities that sum to 1, and what follows from them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sentiment {
    pub label: SentimentLabel,
    pub negative: f32,
    pub neutral: f32,
    pub positive: f32,
    /// p(positive) − p(negative), −1 to 1.
    pub score: f32,
    /// The largest of the three probabilities.
    pub confidence: f32,
    /// Do not act on the label: the confidence is under the calibrated threshold, or the name stands behind what the model read.
    pub abstain: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SentimentLabel {
    Negative,
    Neutral,
    Positive,
}

impl SentimentLabel {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Negative => "negative",
            Self::Neutral => "neutral",
            Self::Positive => "positive",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Entity {
    /// Stable id of the dictionary, such as `apple` or `svb`.
    pub id: String,
    /// Main listing, `NASDAQ:AAPL`; or `index:SPX`, `central_bank:FED`, `private`.
    pub symbol: String,
    /// All listings, the main one first.
    pub symbols: Vec<String>,
    pub name: String,
    pub kind: EntityKind,
    pub role: Role,
    /// 0 (named once in passing) to 100 (the subject).
    pub relevance: u8,
    pub sentiment: Sentiment,
    pub mentions: Vec<Mention>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntityKind {
    Company,
    Fund,
    Exchange,
    CentralBank,
    Regulator,
    Index,
    Crypto,
}

impl EntityKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Company => "company",
            Self::Fund => "fund",
            Self::Exchange => "exchange",
            Self::CentralBank => "central_bank",
            Self::Regulator => "regulator",
            Self::Index => "index",
            Self::Crypto => "crypto",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Subject,
    Mention,
    List,
}

impl Role {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Mention => "mention",
            Self::List => "list",
        }
    }
}

/// Where a name stands in the text that was classified; offsets count characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mention {
    pub start: u32,
    pub end: u32,
    pub text: String,
}

/// Which story a document tells. `novelty` and `position` are absent until a
/// service that sees every copy has assessed them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Story {
    pub id: String,
    pub novelty: Option<u8>,
    pub position: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelInfo {
    pub name: String,
    pub version: String,
    pub quantization: String,
}
