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
