//! The metrics of this room, in one place.

use metrics::{counter, describe_counter, describe_gauge, gauge};

const PUBLISHED: &str = "tocsin_ingest_documents_published_total";
const REDACTIONS: &str = "tocsin_ingest_redactions_total";
const TOMBSTONES: &str = "tocsin_ingest_tombstones_total";
const POLLS: &str = "tocsin_ingest_polls_total";
const ENTRIES: &str = "tocsin_ingest_entries_total";
const PUSH_REQUESTS: &str = "tocsin_ingest_push_requests_total";
const WEBSUB: &str = "tocsin_ingest_websub_total";
const CONNECTIONS: &str = "tocsin_ingest_connections_total";
const HEARD: &str = "tocsin_ingest_heard_total";
const SILENCES: &str = "tocsin_ingest_silences_total";
const SOURCES: &str = "tocsin_ingest_sources";

/// Says what each is. What counts failures begins at 0: a counter that begins with its first event shows no growth.
pub(crate) fn describe() {
    describe_counter!(PUBLISHED, "Documents written to documents.raw");
    describe_counter!(REDACTIONS, "Personal details blacked out of them");
    describe_counter!(TOMBSTONES, "Documents that their source took back");
    describe_counter!(POLLS, "Polls by outcome");
    describe_counter!(ENTRIES, "Items by what became of them");
    describe_counter!(PUSH_REQUESTS, "Requests that push documents in, by outcome");
    describe_counter!(WEBSUB, "What hubs did, by outcome");
    describe_counter!(CONNECTIONS, "Connections to sources that are listened to, by outcome");
    describe_counter!(HEARD, "What was said over them");
    describe_counter!(SILENCES, "Times a source fell silent or died");
    describe_gauge!(SOURCES, "Sources of this instance by how they do");
    counter!(POLLS, "outcome" => "failed").increment(0);
    counter!(ENTRIES, "fate" => "failed").increment(0);
    counter!(PUSH_REQUESTS, "outcome" => "refused").increment(0);
    counter!(CONNECTIONS, "outcome" => "lost").increment(0);
    for kind in ["silent", "dead"] {
        counter!(SILENCES, "kind" => kind).increment(0);
    }
}

/// A document written, and so many details blacked out of it.
pub(crate) fn published(redactions: u32) {
    counter!(PUBLISHED).increment(1);
    counter!(REDACTIONS).increment(redactions.into());
}

/// Tombstones written.
pub(crate) fn buried() {
    counter!(TOMBSTONES).increment(1);
}

/// Polls: `read`, `not_modified`, `failed`.
pub(crate) fn polled(outcome: &'static str) {
    counter!(POLLS, "outcome" => outcome).increment(1);
}

/// Items by what became of them ([`crate::items::Fate`]); `postponed`: the page is tried again.
pub(crate) fn entry(fate: &'static str) {
    counter!(ENTRIES, "fate" => fate).increment(1);
}

pub(crate) fn pushed(outcome: &'static str) {
    counter!(PUSH_REQUESTS, "outcome" => outcome).increment(1);
}

/// What hubs did: `confirmed`, `refused`, `denied`, `delivered`, `bad_signature`, `unreadable`, `unknown`.
pub(crate) fn websub(outcome: &'static str) {
    counter!(WEBSUB, "outcome" => outcome).increment(1);
}

/// Connections to sources that are listened to: `opened`, `lost`.
pub(crate) fn connected(outcome: &'static str) {
    counter!(CONNECTIONS, "outcome" => outcome).increment(1);
}

/// What was heard over them: `post`, `deletion`, `departure` (an account is gone), `passed`, `unreadable`.
pub(crate) fn heard(what: &'static str) {
    counter!(HEARD, "what" => what).increment(1);
}

/// Sources that became `silent` or `dead`.
pub(crate) fn silence(kind: &'static str) {
    counter!(SILENCES, "kind" => kind).increment(1);
}

/// How many sources this instance watches, by how they do.
pub(crate) fn sources(standing: &'static str, count: usize) {
    gauge!(SOURCES, "standing" => standing).set(count as f64);
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_counts_failures_is_on_the_page_from_the_start() {
        let recorder = tocsin_runtime::http::record_metrics().unwrap();
        super::describe();
        let page = recorder.render();
        for count in ["polls_total{outcome=\"failed\"}", "silences_total{kind=\"dead\"}"] {
            assert!(page.contains(&format!("\ntocsin_ingest_{count}")), "{count} is missing:\n{page}");
        }
        assert!(page.contains("# HELP tocsin_ingest_polls_total Polls by outcome"), "{page}");
    }
}
