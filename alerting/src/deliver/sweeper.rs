//! Ends deliveries that no worker will take any more: those to receivers that are gone, and
//! those to webhooks that the configuration no longer has.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use sqlx::PgPool;
use tocsin_runtime::{Clock, Shutdown};
use tocsin_stream::Verdict;
use tracing::warn;

use super::queue;
use crate::AlertingError;

/// How often such deliveries are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// A delivery that has been due for so long, while nobody called its webhook, is forsaken: no instance has
/// that webhook any more. Longer than any pause between two attempts.
const FORSAKEN_AFTER: TimeDelta = TimeDelta::days(4);

#[derive(Debug)]
pub(crate) struct Sweeper {
    pub(crate) pool: PgPool,
    /// The webhooks of the configuration.
    pub(crate) names: Vec<String>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Sweeper {
    pub(crate) async fn run(self, shutdown: Shutdown) -> Result<(), AlertingError> {
        while !shutdown.is_requested() {
            match self.sweep().await {
                Ok(_) => {}
                Err(error) if error.verdict() == Verdict::Retry => {
                    warn!("deliveries are not swept yet: {error}");
                }
                Err(error) => return Err(error),
            }
            tokio::select! {
                () = shutdown.requested() => {}
                () = tokio::time::sleep(SWEEP_EVERY) => {}
            }
        }
        Ok(())
    }

    /// Returns how many deliveries were dropped.
    pub(crate) async fn sweep(&self) -> Result<u64, AlertingError> {
        let now = self.clock.now();
        let mut connection =
            self.pool.acquire().await.map_err(AlertingError::database("take a connection"))?;
        let gone = queue::drop_waiting(&mut connection, now).await?;
        let forsaken = queue::drop_forsaken(&mut connection, &self.names, now - FORSAKEN_AFTER, now).await?;
        if forsaken > 0 {
            warn!("dropped {forsaken} deliveries to webhooks that are not in the configuration");
        }
        Ok(gone + forsaken)
    }
}
