//! The metrics of this room, in one place.

use metrics::counter;

pub(crate) fn published(redactions: u32) {
    counter!("tocsin_ingest_documents_published_total").increment(1);
    counter!("tocsin_ingest_redactions_total").increment(redactions.into());
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
