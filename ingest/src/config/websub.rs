//! `[ingest.websub]`: being told by hubs instead of asking.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

/// Subscriptions to feeds that name a WebSub hub.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebSubConfig {
    /// Address at which hubs reach this process's HTTP server. Without it, nothing is
    /// subscribed to.
    pub callback: Option<String>,
    /// For how long a subscription is asked for; the hub decides.
    #[serde(with = "humantime_serde")]
    pub lease: Duration,
    /// How often a feed is asked all the same while its subscription is alive.
    #[serde(with = "humantime_serde")]
    pub backup: Duration,
    /// Deliveries in work at the same time; one more is answered 429.
    pub queue: usize,
}

impl Default for WebSubConfig {
    fn default() -> Self {
        let day = Duration::from_secs(24 * 3600);
        Self { callback: None, lease: 10 * day, backup: day, queue: 16 }
    }
}

impl WebSubConfig {
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.lease < Duration::from_secs(60) || self.backup < Duration::from_secs(60) {
            return Err("ingest.websub.lease and ingest.websub.backup must be at least 1m".to_owned());
        }
        if self.queue == 0 {
            return Err("ingest.websub.queue must be at least 1".to_owned());
        }
        let Some(callback) = &self.callback else { return Ok(()) };
        let url =
            Url::parse(callback).map_err(|cause| format!("ingest.websub.callback {callback}: {cause}"))?;
        if !matches!(url.scheme(), "http" | "https") || url.query().is_some() || url.fragment().is_some() {
            return Err(format!(
                "ingest.websub.callback {callback} is no http or https address without a query"
            ));
        }
        Ok(())
    }
}
