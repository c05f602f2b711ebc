//! The metrics of this room, in one place.

use metrics::{counter, gauge};

pub(crate) fn published(redactions: u32) {
    counter!("tocsin_ingest_documents_published_total").increment(1);
    counter!("tocsin_ingest_redactions_total").increment(redactions.into());
}

/// Tombstones written.
pub(crate) fn buried() {
    counter!("tocsin_ingest_tombstones_total").increment(1);
}

pub(crate) fn polled(outcome: &'static str) {
    counter!("tocsin_ingest_polls_total", "outcome" => outcome).increment(1);
}

pub(crate) fn entry(fate: &'static str) {
    counter!("tocsin_ingest_entries_total", "fate" => fate).increment(1);
}

pub(crate) fn pushed(outcome: &'static str) {
    counter!("tocsin_ingest_push_requests_total", "outcome" => outcome).increment(1);
}

/// What hubs did: `confirmed`, `refused`, `denied`, `delivered`, `bad_signature`, `unreadable`, `unknown`.
pub(crate) fn websub(outcome: &'static str) {
    counter!("tocsin_ingest_websub_total", "outcome" => outcome).increment(1);
}

/// Connections to sources that are listened to: `opened`, `lost`.
pub(crate) fn connected(outcome: &'static str) {
    counter!("tocsin_ingest_connections_total", "outcome" => outcome).increment(1);
}

/// What was heard over them: `post`, `deletion`, `departure` (an account is gone), `passed`, `unreadable`.
pub(crate) fn heard(what: &'static str) {
    counter!("tocsin_ingest_heard_total", "what" => what).increment(1);
}

pub(crate) fn silence(kind: &'static str) {
    counter!("tocsin_ingest_silences_total", "kind" => kind).increment(1);
}

/// How many sources this instance watches, by how they do.
pub(crate) fn sources(standing: &'static str, count: usize) {
    gauge!("tocsin_ingest_sources", "standing" => standing).set(count as f64);
}
