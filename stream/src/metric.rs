//! The metrics of this crate.

use std::sync::Once;

pub(crate) const WRITTEN: &str = "tocsin_stream_written_records_total";
pub(crate) const READ: &str = "tocsin_stream_read_records_total";
pub(crate) const PARKED: &str = "tocsin_stream_parked_records_total";
pub(crate) const ASSIGNED: &str = "tocsin_stream_assigned_partitions_total";
pub(crate) const REVOKED: &str = "tocsin_stream_revoked_partitions_total";
pub(crate) const PAUSES: &str = "tocsin_stream_pauses_total";
pub(crate) const COMMITS_FAILED: &str = "tocsin_stream_failed_commits_total";
pub(crate) const DAYS_DROPPED: &str = "tocsin_stream_dropped_days_total";

static DESCRIBED: Once = Once::new();

pub(crate) fn describe() {
    DESCRIBED.call_once(|| {
        metrics::describe_counter!(WRITTEN, "Records written and acknowledged by the bus");
        metrics::describe_counter!(READ, "Records given to consumers");
        metrics::describe_counter!(PARKED, "Records put on a parking topic");
        metrics::describe_counter!(ASSIGNED, "Partitions given to consumers of this process");
        metrics::describe_counter!(REVOKED, "Partitions taken from consumers of this process");
        metrics::describe_counter!(PAUSES, "Times a consumer stopped reading because of unfinished bytes");
        metrics::describe_counter!(COMMITS_FAILED, "Commits that the bus refused");
        metrics::describe_counter!(DAYS_DROPPED, "Days of the embedded log dropped by age");
        // A counter that begins with its first event shows no growth.
        metrics::counter!(PARKED).increment(0);
        metrics::counter!(COMMITS_FAILED).increment(0);
    });
}
