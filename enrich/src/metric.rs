//! Every metric of enrich.

/// Documents read by the model and written on.
pub(crate) const ENRICHED: &str = "tocsin_enrich_documents_total";
/// Signals written.
pub(crate) const SIGNALS: &str = "tocsin_enrich_signals_total";
/// Records put on the parking topic.
pub(crate) const PARKED: &str = "tocsin_enrich_parked_total";
/// Writes that failed and were tried again.
pub(crate) const RETRIES: &str = "tocsin_enrich_retries_total";
/// Seconds that the model took for a batch.
pub(crate) const MODEL_SECONDS: &str = "tocsin_enrich_model_seconds";
/// Records delivered and not yet in a batch.
pub(crate) const WAITING: &str = "tocsin_enrich_waiting_records";

pub(crate) fn describe() {
    metrics::describe_counter!(ENRICHED, "Documents read by the model and written on");
    metrics::describe_counter!(SIGNALS, "Signals written");
    metrics::describe_counter!(PARKED, "Records put on the parking topic");
    metrics::describe_counter!(RETRIES, "Writes that failed and were tried again");
    metrics::describe_histogram!(MODEL_SECONDS, metrics::Unit::Seconds, "The model's time for a batch");
    metrics::describe_gauge!(WAITING, "Records delivered and not yet in a batch");
}
