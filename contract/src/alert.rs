//! `alerts`: an episode opened, was updated, resolved or acknowledged.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{DocumentId, SentimentLabel, Subject, version::versioned};

versioned!(
    /// A record of `alerts`, keyed by subject.
    Alerts, "alerts", newest 1, { V1(Alert) = 1 }
);

/// One step of an episode. Holds event time only, so that a replay of the same
/// log writes the same bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Alert {
    /// Id of the episode: the same for its opening, updates and end.
    pub alert_id: String,
    /// Counts the messages of one episode from 1, so that receivers can drop old ones.
    pub sequence: u32,
    pub state: AlertState,
    pub severity: Severity,
    pub kind: AlertKind,
    pub subject: Subject,
    pub name: String,
    /// One sentence for people.
    pub summary: String,
    pub opened_at: DateTime<Utc>,
    /// End of the bin that caused this message.
    pub at: DateTime<Utc>,
    pub resolved_at: Option<DateTime<Utc>>,
    pub window: Window,
    /// p value of the window under the baseline, and the threshold it was held to.
    pub p_value: f64,
    pub threshold: f64,
    /// The stories that carry the window, the heaviest first; at most 5.
    pub stories: Vec<AlertStory>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    Open,
    Updated,
    Acknowledged,
    Resolved,
}

impl AlertState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Updated => "updated",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Warning,
    High,
    Critical,
}

impl Severity {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// Which test of the window passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    Volume,
    Tone,
    Both,
}

impl AlertKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Volume => "volume",
            Self::Tone => "tone",
            Self::Both => "both",
        }
    }
}

/// What was counted and what was to be expected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Window {
    /// Start of the hour that was judged.
    pub from: DateTime<Utc>,
    /// Its end: the start of the bin after it.
    pub to: DateTime<Utc>,
    /// De-duplicated negative documents, copies weighted down.
    pub observed: f64,
    /// Negative documents that the baseline gives for this hour.
    pub expected: f64,
    /// De-duplicated documents of any sentiment, copies weighted down.
    pub documents: f64,
    /// Publisher families of the negative documents.
    pub publishers: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AlertStory {
    pub story_id: String,
    pub document_id: DocumentId,
    pub title: String,
    pub url: Option<String>,
    pub source_id: String,
    pub publisher_family: String,
    pub event_time: DateTime<Utc>,
    pub label: SentimentLabel,
    pub score: f32,
    /// How many documents of the window tell this story.
    pub documents: u32,
}
