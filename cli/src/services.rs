//! Starting the services in this process, and ending them in order.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use tocsin_alerting::Alerting;
use tocsin_contract::topics;
use tocsin_enrich::{Enrich, ModelFolder};
use tocsin_ingest::Ingest;
use tocsin_runtime::Shutdown;
use tocsin_runtime::shutdown::Drained;
use tocsin_store::Store;
use tocsin_stream::{Bus, StreamError};

use crate::platform::Platform;
use crate::settings::Settings;

/// How long services may take to finish what they hold.
const DEADLINE: Duration = Duration::from_secs(30);

/// Starts the crawler; returns the routes of its push API.
pub(crate) async fn start_ingest(
    platform: &Platform,
    settings: &Settings,
    shutdown: &Shutdown,
) -> anyhow::Result<axum::Router> {
    let (bus, pool) = (platform.bus.clone(), platform.pool.clone());
    let ingest = Ingest::new(settings.ingest.clone(), bus, pool, platform.clock.clone()).await?;
    let router = ingest.router();
    let watch = shutdown.clone();
    shutdown.spawn("ingest", async move { ingest.run(watch).await });
    Ok(router)
}

pub(crate) async fn start_enrich(
    platform: &Platform,
    settings: &Settings,
    shutdown: &Shutdown,
) -> anyhow::Result<()> {
    let config = settings.classifier.clone();
    let (classifier, folder) = tokio::task::spawn_blocking(move || ModelFolder::open(config))
        .await
        .context("load the classifier")??;
    let (bus, clock) = (platform.bus.clone(), platform.clock.clone());
    let enrich = Enrich::new(settings.enrich.clone(), Arc::new(classifier), bus, clock).renewed_by(folder);
    let watch = shutdown.clone();
    shutdown.spawn("enrich", async move { enrich.run(watch).await });
    Ok(())
}

pub(crate) fn start_store(platform: &Platform, settings: &Settings, shutdown: &Shutdown) {
    let (bus, pool) = (platform.bus.clone(), platform.pool.clone());
    let store = Store::new(settings.store.clone(), bus, pool, platform.clock.clone());
    let watch = shutdown.clone();
    shutdown.spawn("store", async move { store.run(watch).await });
}

pub(crate) fn start_alerting(
    platform: &Platform,
    settings: &Settings,
    shutdown: &Shutdown,
) -> anyhow::Result<()> {
    let (bus, pool) = (platform.bus.clone(), platform.pool.clone());
    let alerting = Alerting::new(settings.alerting.clone(), bus, pool, platform.clock.clone())?;
    let watch = shutdown.clone();
    shutdown.spawn("alerting", async move { alerting.run(watch).await });
    Ok(())
}

/// Everything behind `documents.raw`.
pub(crate) async fn start_processing(
    platform: &Platform,
    settings: &Settings,
    shutdown: &Shutdown,
) -> anyhow::Result<()> {
    start_alerting(platform, settings, shutdown)?;
    start_store(platform, settings, shutdown);
    start_enrich(platform, settings, shutdown).await
}

/// A service ended by itself.
#[derive(Debug, thiserror::Error)]
#[error("{name} ended with: {cause}")]
pub(crate) struct Ended {
    name: &'static str,
    cause: String,
    /// What it returned, if anything.
    pub(crate) error: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

#[cfg(test)]
impl Ended {
    pub(crate) fn new(name: &'static str, error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { name, cause: error.to_string(), error: Some(Arc::new(error)) }
    }
}

/// Waits for the services; an error when one failed or the deadline passed.
pub(crate) async fn drain(shutdown: &Shutdown) -> anyhow::Result<()> {
    match shutdown.drained(DEADLINE).await {
        Drained::Clean => Ok(()),
        Drained::Failed(name, cause) => Err(Ended { name, cause, error: shutdown.error() }.into()),
        Drained::Forced(names) => {
            let names = names.join(", ");
            if shutdown.is_forced() {
                bail!("cut off by a second signal while still running: {names}");
            }
            bail!("still running after {}s and cut off: {names}", DEADLINE.as_secs())
        }
    }
}

/// Records that wait in front of each service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lag {
    pub(crate) raw: u64,
    pub(crate) enriched: u64,
    pub(crate) signals: u64,
}

impl Lag {
    pub(crate) fn is_zero(self) -> bool {
        self.raw == 0 && self.enriched == 0 && self.signals == 0
    }
}

pub(crate) async fn lag(bus: &Bus) -> Result<Lag, StreamError> {
    // From the front of the pipeline to its end, so that a moving batch is seen.
    let raw = bus.lag(tocsin_enrich::GROUP, topics::DOCUMENTS_RAW).await?;
    let enriched = bus.lag(tocsin_store::GROUP, topics::DOCUMENTS_ENRICHED).await?;
    let signals = bus.lag(tocsin_alerting::GROUP, topics::SIGNALS).await?;
    Ok(Lag { raw, enriched, signals })
}
