//! Every metric of enrich.

/// Documents read by the model and written on.
pub(crate) const ENRICHED: &str = "tocsin_enrich_documents_total";
/// Tokens of the texts that the model read.
pub(crate) const TOKENS: &str = "tocsin_enrich_tokens_total";
/// Signals written.
pub(crate) const SIGNALS: &str = "tocsin_enrich_signals_total";
/// Tombstones passed on.
pub(crate) const TOMBSTONES: &str = "tocsin_enrich_tombstones_total";
/// Records put on the parking topic.
pub(crate) const PARKED: &str = "tocsin_enrich_parked_total";
/// Writes that failed and were tried again.
pub(crate) const RETRIES: &str = "tocsin_enrich_retries_total";
/// Seconds that a batch spent in each step.
pub(crate) const STEP_SECONDS: &str = "tocsin_enrich_step_seconds";
/// Seconds that a record waited for its batch.
pub(crate) const QUEUE_SECONDS: &str = "tocsin_enrich_queue_seconds";
/// Tokens of a batch that has documents, as a share of what it may hold.
pub(crate) const BATCH_FILL: &str = "tocsin_enrich_batch_fill_ratio";
/// Records delivered and not yet in a batch.
pub(crate) const WAITING: &str = "tocsin_enrich_waiting_records";
/// Documents by sentiment and language.
pub(crate) const LABELS: &str = "tocsin_enrich_labels_total";
/// Documents by topic; one has several.
pub(crate) const TOPICS: &str = "tocsin_enrich_topics_total";
/// Documents by risk event; one has several.
pub(crate) const EVENTS: &str = "tocsin_enrich_risk_events_total";
/// Documents of whose sentiment the model was too unsure.
pub(crate) const ABSTAINED: &str = "tocsin_enrich_abstained_total";
/// How sure the model was of a document's sentiment.
pub(crate) const CONFIDENCE: &str = "tocsin_enrich_confidence_ratio";
/// Changed models that were taken or refused.
pub(crate) const RELOADS: &str = "tocsin_enrich_model_reloads_total";

/// Says what each is. What counts failures begins at 0: a counter that begins with its first event shows no growth.
pub(crate) fn describe() {
    use metrics::Unit::Seconds;
    metrics::describe_counter!(ENRICHED, "Documents read by the model and written on");
    metrics::describe_counter!(TOKENS, "Tokens of the texts that the model read");
    metrics::describe_counter!(SIGNALS, "Signals written");
    metrics::describe_counter!(TOMBSTONES, "Tombstones passed on");
    metrics::describe_counter!(PARKED, "Records put on the parking topic");
    metrics::describe_counter!(RETRIES, "Writes that failed and were tried again");
    metrics::describe_histogram!(STEP_SECONDS, Seconds, "A batch's time in each step");
    metrics::describe_histogram!(QUEUE_SECONDS, Seconds, "A record's wait for its batch");
    metrics::describe_histogram!(
        BATCH_FILL,
        "Tokens of a batch that has documents, as a share of what it may hold"
    );
    metrics::describe_gauge!(WAITING, "Records delivered and not yet in a batch");
    metrics::describe_counter!(LABELS, "Documents by sentiment and language");
    metrics::describe_counter!(TOPICS, "Documents by topic");
    metrics::describe_counter!(EVENTS, "Documents by risk event");
    metrics::describe_counter!(ABSTAINED, "Documents of whose sentiment the model was too unsure");
    metrics::describe_histogram!(CONFIDENCE, "How sure the model was of a document's sentiment");
    metrics::describe_counter!(RELOADS, "Changed models that were taken or refused");
    metrics::counter!(PARKED).increment(0);
    metrics::counter!(RETRIES).increment(0);
    for outcome in ["taken", "refused"] {
        metrics::counter!(RELOADS, "outcome" => outcome).increment(0);
    }
}
