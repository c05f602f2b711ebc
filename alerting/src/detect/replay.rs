//! A whole log at once, for tests.

use tocsin_contract::{Alert, SignalRecord};

use super::detector::Detector;
use super::rules::Rules;

/// The alerts of one partition that holds these records, in the order they arise.
pub(crate) fn replay(rules: Rules, records: impl IntoIterator<Item = SignalRecord>) -> Vec<Alert> {
    let mut detector = Detector::new(rules, 1);
    records.into_iter().flat_map(|record| detector.feed(record)).collect()
}
