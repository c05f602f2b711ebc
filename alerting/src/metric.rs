//! Names of this room's metrics.

/// Records of `signals` taken.
pub(crate) const RECORDS: &str = "tocsin_alerting_records_total";
/// Records parked because they cannot be read.
pub(crate) const PARKED: &str = "tocsin_alerting_parked_total";
/// Signals by what became of them: label `result` is `counted`, `duplicate` or `late`.
pub(crate) const SIGNALS: &str = "tocsin_alerting_signals_total";
/// Alert messages by `state`.
pub(crate) const ALERTS: &str = "tocsin_alerting_alerts_total";
/// Seconds since 1970 up to which event time was evaluated, by `partition`.
pub(crate) const EVALUATED: &str = "tocsin_alerting_evaluated_seconds";
/// Signals held back until event time passes them, by `partition`.
pub(crate) const WAITING: &str = "tocsin_alerting_waiting_signals";
/// How long a transaction took.
pub(crate) const FLUSH: &str = "tocsin_alerting_flush_seconds";
/// Alert messages written to topic `alerts`.
pub(crate) const PUBLISHED: &str = "tocsin_alerting_published_total";
/// Attempts to call a webhook by `result`.
pub(crate) const ATTEMPTS: &str = "tocsin_alerting_delivery_attempts_total";

/// Says what each is. What counts failures begins at 0: a counter that begins with its first event shows no growth.
pub(crate) fn describe() {
    metrics::describe_counter!(RECORDS, "Records of signals taken");
    metrics::describe_counter!(PARKED, "Records put on the parking topic");
    metrics::describe_counter!(SIGNALS, "Signals by what became of them");
    metrics::describe_counter!(ALERTS, "Steps of episodes by state");
    metrics::describe_gauge!(EVALUATED, metrics::Unit::Seconds, "How far event time was judged, since 1970");
    metrics::describe_gauge!(WAITING, "Signals held back until event time passes them");
    metrics::describe_histogram!(FLUSH, metrics::Unit::Seconds, "Writing what was taken");
    metrics::describe_counter!(PUBLISHED, "Steps written to the topic alerts");
    metrics::describe_counter!(ATTEMPTS, "Calls of webhooks by result");
    metrics::counter!(PARKED).increment(0);
    for result in ["delivered", "failed", "given_up", "gone"] {
        metrics::counter!(ATTEMPTS, "result" => result).increment(0);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_kind_of_failure_is_shown_before_the_first() {
        let recorder = tocsin_runtime::http::record_metrics().unwrap();
        super::describe();
        let page = recorder.render();
        for line in ["# HELP tocsin_alerting_parked_total ", "_attempts_total{result=\"given_up\"} "] {
            assert!(page.contains(line), "{page}");
        }
    }
}
