//! Section `[store]` of the configuration.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tocsin_contract::SourceKind;

/// How documents are batched into transactions, and when the store gives up.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// Most documents in one transaction.
    pub max_batch: usize,
    /// Most bytes of messages in one transaction (one document may be larger).
    pub max_batch_bytes: usize,
    /// How long a document waits for others to share its transaction.
    #[serde(with = "humantime_serde")]
    pub max_wait: Duration,
    /// How long a statement may run, and a lock be waited for; then it is tried again.
    #[serde(with = "humantime_serde")]
    pub statement_timeout: Duration,
    /// The pause before a transaction that may work later is tried again.
    #[serde(with = "humantime_serde")]
    pub retry_after: Duration,
    /// Not reading for so long, the process leaves its group and ends.
    #[serde(with = "humantime_serde")]
    pub stall_after: Duration,
    /// Kinds of sources whose texts are erased when they take them back. Others are only noted.
    pub erase_deleted: Vec<SourceKind>,
    /// This many unusable records in a row stop the store: the fault is then not in the records.
    pub halt_after_parked: u32,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            max_batch: 2000,
            max_batch_bytes: 16 << 20,
            max_wait: Duration::from_millis(200),
            statement_timeout: Duration::from_secs(30),
            retry_after: Duration::from_secs(1),
            stall_after: Duration::from_secs(300),
            erase_deleted: vec![
                SourceKind::News,
                SourceKind::Social,
                SourceKind::Report,
                SourceKind::Feedback,
            ],
            halt_after_parked: 500,
        }
    }
}

impl StoreConfig {
    /// Rules that hold between keys, or for a value.
    pub fn check(&self) -> Result<(), String> {
        if self.max_batch == 0 || self.max_batch_bytes == 0 {
            return Err("[store] max_batch and max_batch_bytes must be at least 1".into());
        }
        if self.halt_after_parked == 0 {
            return Err("[store] halt_after_parked must be at least 1".into());
        }
        if self.statement_timeout < Duration::from_secs(1)
            || self.statement_timeout > Duration::from_secs(120)
        {
            return Err(
                "[store] statement_timeout must lie between 1s and 2m, so that the group is kept".into()
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_hold_their_own_rules() {
        assert_eq!(StoreConfig::default().check(), Ok(()));
    }

    #[test]
    fn a_statement_may_not_run_longer_than_the_group_waits() {
        let config = StoreConfig { statement_timeout: Duration::from_secs(600), ..Default::default() };
        assert!(config.check().unwrap_err().contains("statement_timeout"));
    }
}
