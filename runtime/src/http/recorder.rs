//! The recorder behind the `metrics` macros; one for each process.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::Refusal;

/// Bounds of the buckets in seconds: from a database round trip to a slow crawl.
const SECONDS: [f64; 12] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Bounds of the buckets of shares. Unlike quantiles, buckets can be summed over hours and instances, so that
/// drift shows.
const RATIOS: [f64; 10] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];

static RECORDER: OnceLock<Result<PrometheusHandle, String>> = OnceLock::new();

/// Records the metrics of this process from now on; a second call gives the same
/// recorder. Histograms named `..._seconds` and `..._ratio` have buckets, others quantiles.
pub fn record_metrics() -> Result<PrometheusHandle, Refusal> {
    RECORDER.get_or_init(install).clone().map_err(|error| Refusal(format!("cannot record metrics: {error}")))
}

fn install() -> Result<PrometheusHandle, String> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_ratio".into()), &RATIOS))
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| error.to_string())
}
