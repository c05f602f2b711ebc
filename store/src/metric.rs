//! Every metric of the store.

/// Documents inserted.
pub(crate) const STORED: &str = "tocsin_store_documents_total";
/// Documents that were known already.
pub(crate) const DUPLICATES: &str = "tocsin_store_duplicates_total";
/// Changed texts of known documents.
pub(crate) const CORRECTIONS: &str = "tocsin_store_corrections_total";
/// Documents that their source took back.
pub(crate) const TOMBSTONES: &str = "tocsin_store_tombstones_total";
/// Records put on the parking topic.
pub(crate) const PARKED: &str = "tocsin_store_parked_total";
/// Transactions that failed and will be tried again.
pub(crate) const RETRIES: &str = "tocsin_store_retries_total";
/// Seconds of one transaction.
pub(crate) const TRANSACTION_SECONDS: &str = "tocsin_store_transaction_seconds";
/// Records delivered and not stored yet.
pub(crate) const WAITING: &str = "tocsin_store_waiting_records";

/// Says what each is. What counts failures begins at 0: a counter that begins with its first event shows no growth.
pub(crate) fn describe() {
    metrics::describe_counter!(STORED, "Documents inserted");
    metrics::describe_counter!(DUPLICATES, "Documents that were known already");
    metrics::describe_counter!(CORRECTIONS, "Changed texts of known documents");
    metrics::describe_counter!(TOMBSTONES, "Documents that their source took back");
    metrics::describe_counter!(PARKED, "Records put on the parking topic");
    metrics::describe_counter!(RETRIES, "Transactions that failed and will be tried again");
    metrics::describe_histogram!(TRANSACTION_SECONDS, metrics::Unit::Seconds, "One transaction of the store");
    metrics::describe_gauge!(WAITING, "Records delivered and not stored yet");
    metrics::counter!(PARKED).increment(0);
    metrics::counter!(RETRIES).increment(0);
}
