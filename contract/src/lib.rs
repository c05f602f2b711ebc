//! The messages that cross a room's wall: their fields, versions and identity.
//!
//! Every topic has one versioned enum. Only the newest version is written, old
//! versions are read for ever; `contract/examples` holds recorded ones.
//! No I/O and no async in this crate.

mod alert;
mod enriched;
mod identity;
mod raw;
mod signal;
mod time;
pub mod topics;
mod trace;
mod version;

pub use alert::{Alert, AlertKind, AlertState, AlertStory, Alerts, Severity, Window};
pub use enriched::{
    DocumentsEnriched, Enriched, EnrichedRecord, Entity, EntityKind, Mention, ModelInfo, RiskEvent, Role,
    Sentiment, SentimentLabel, Story, TopicScore,
};
pub use identity::{DocumentId, IdentityError, revision_of};
pub use raw::{
    Document, DocumentsRaw, Engagement, PublishedPrecision, Raw, RawProgress, Source, SourceKind, Tombstone,
};
pub use signal::{Signal, SignalProgress, SignalRecord, Signals, Subject, SubjectKind};
pub use time::{YEAR_LIMIT, check_time, runs_ahead};
pub use trace::Trace;
pub use version::{ContractError, headers};
