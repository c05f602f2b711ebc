//! Section `[enrich]` of the configuration.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How documents are batched for the model, and when enrich gives up.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct EnrichConfig {
    /// Most records that go through the model together.
    pub max_batch: usize,
    /// Most tokens of their texts, by estimate; a longer text goes alone.
    pub max_batch_tokens: usize,
    /// How long a document waits for others to share its batch.
    #[serde(with = "humantime_serde")]
    pub max_wait: Duration,
    /// How many records before the first unfinished one are read again after a start
    /// to learn what the partition's clock said there.
    pub lookback: u32,
    /// The pause before a write that may work later is tried again.
    #[serde(with = "humantime_serde")]
    pub retry_after: Duration,
    /// Not reading for so long, the process leaves its group and ends.
    #[serde(with = "humantime_serde")]
    pub stall_after: Duration,
    /// This many unusable records in a row stop enrich: the fault is then not in the records.
    pub halt_after_parked: u32,
    /// How often the model's folder is looked at; one that changed, and stood still for as
    /// long, takes the place of the model in use. 0 never looks.
    #[serde(with = "humantime_serde")]
    pub reload_every: Duration,
}

impl Default for EnrichConfig {
    fn default() -> Self {
        Self {
            max_batch: 256,
            max_batch_tokens: 8192,
            max_wait: Duration::from_millis(200),
            lookback: 1000,
            retry_after: Duration::from_secs(1),
            stall_after: Duration::from_secs(300),
            halt_after_parked: 500,
            reload_every: Duration::from_secs(30),
        }
    }
}

impl EnrichConfig {
    /// Rules that hold between keys, or for a value.
    pub fn check(&self) -> Result<(), String> {
        let least = [
            ("max_batch", self.max_batch),
            ("max_batch_tokens", self.max_batch_tokens),
            ("lookback", self.lookback as usize),
            ("halt_after_parked", self.halt_after_parked as usize),
        ];
        match least.iter().find(|(_, value)| *value == 0) {
            Some((key, _)) => Err(format!("[enrich] {key} must be at least 1")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_hold_their_own_rules() {
        assert_eq!(EnrichConfig::default().check(), Ok(()));
    }

    #[test]
    fn a_zero_is_refused_by_the_name_of_its_key() {
        let config = EnrichConfig { lookback: 0, ..EnrichConfig::default() };
        assert!(config.check().unwrap_err().contains("lookback"));
    }
}
