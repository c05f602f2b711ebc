//! Names of the topics and of the topics that take their unreadable records.

pub const DOCUMENTS_RAW: &str = "documents.raw";
pub const DOCUMENTS_ENRICHED: &str = "documents.enriched";
pub const SIGNALS: &str = "signals";
pub const ALERTS: &str = "alerts";

/// Every topic, in the order of the pipeline.
pub const ALL: [&str; 4] = [DOCUMENTS_RAW, DOCUMENTS_ENRICHED, SIGNALS, ALERTS];

/// Where a record of `topic` goes that can never be processed.
pub fn parked(topic: &str) -> String {
    format!("{topic}.parked")
}
