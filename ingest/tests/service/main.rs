//! Ingest as a whole, against real sites on loopback, a real database and the embedded bus. One program, as each would
//! compile the service anew.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod apis;
mod discovery;
mod feeds;
mod files;
mod identity;
mod instances;
mod kroll;
mod ledger;
mod mastodon;
mod pages;
mod posts;
mod progress;
mod push;
mod safety;
mod streams;
#[path = "../support/mod.rs"]
mod support;
mod websub;

/// Run by other tests, as a process that they can kill.
#[tokio::test]
async fn ingest_in_a_process_of_its_own() {
    support::run_where_asked().await;
}
