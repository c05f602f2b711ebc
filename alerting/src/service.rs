//! The service: detector, relay and delivery workers, all owned, ended together.

use std::collections::BTreeMap;
use std::sync::Arc;

use sqlx::PgPool;
use tocsin_contract::topics;
use tocsin_runtime::guard::Guard;
use tocsin_runtime::{Clock, Shutdown};
use tocsin_stream::{Bus, ConsumerOptions};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::deliver::{self, Endpoint, Sweeper, Worker};
use crate::intake::Intake;
use crate::outbox::Outbox;
use crate::publish::Relay;
use crate::{AlertingConfig, AlertingError, metric};

/// The consumer group, also in `alerting.consumer_offset`.
pub const GROUP: &str = "alerting";

/// Ready to run: the configuration holds.
#[derive(Debug)]
pub struct Alerting {
    config: AlertingConfig,
    endpoints: BTreeMap<String, Endpoint>,
    guard: Guard,
    bus: Bus,
    pool: PgPool,
    clock: Arc<dyn Clock>,
}

impl Alerting {
    /// Checks the configuration; connects nowhere yet. `clock` is asked for delivery
    /// and for the log's own times only, never for a decision.
    pub fn new(
        config: AlertingConfig,
        bus: Bus,
        pool: PgPool,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AlertingError> {
        config.check().map_err(AlertingError::Configuration)?;
        let guard = Guard::new(&config.allow).map_err(AlertingError::Configuration)?;
        let endpoints = config
            .webhooks
            .iter()
            .map(|webhook| Ok((webhook.name.clone(), Endpoint::of(webhook)?)))
            .collect::<Result<_, AlertingError>>()?;
        Ok(Self { config, endpoints, guard, bus, pool, clock })
    }

    /// Runs until shutdown is requested; what was taken is written, calls under way
    /// are finished. Topics `signals` and `alerts` must exist.
    pub async fn run(self, shutdown: Shutdown) -> Result<(), AlertingError> {
        metric::describe();
        // Fails where another part of the process has installed it already: as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let known: Vec<Endpoint> = self.endpoints.values().cloned().collect();
        deliver::register(&self.pool, &known).await?;
        let filled = Arc::new(Notify::new());
        let mut parts = JoinSet::new();
        parts.spawn(self.intake(&filled).await?.run(shutdown.clone()));
        parts.spawn(self.relay(&filled).await?.run(shutdown.clone()));
        parts.spawn(self.sweeper().run(shutdown.clone()));
        parts.spawn(deliver::warn_of_doubtful(known, self.guard.clone(), shutdown.clone()));
        if !self.endpoints.is_empty() {
            let worker = self.worker(&filled);
            for _ in 0..self.config.delivery_workers {
                parts.spawn(worker.clone().run(shutdown.clone()));
            }
        }
        // The first error ends the others with the set.
        while let Some(ended) = parts.join_next().await {
            ended.map_err(|error| AlertingError::Task(error.to_string()))??;
        }
        Ok(())
    }

    async fn intake(&self, filled: &Arc<Notify>) -> Result<Intake, AlertingError> {
        let partitions = self.bus.partitions(topics::SIGNALS).await?;
        let options =
            ConsumerOptions { max_records: self.config.flush_records, ..ConsumerOptions::default() };
        Ok(Intake {
            config: self.config.clone(),
            pool: self.pool.clone(),
            clock: self.clock.clone(),
            consumer: self.bus.consumer(GROUP, &[topics::SIGNALS], options).await?,
            producer: self.bus.producer().await?,
            outbox: Outbox::new(&self.config.webhooks),
            partitions,
            filled: filled.clone(),
            shards: BTreeMap::new(),
            fenced: BTreeMap::new(),
            parked_in_a_row: 0,
            warned: None,
        })
    }

    async fn relay(&self, filled: &Arc<Notify>) -> Result<Relay, AlertingError> {
        let (pool, clock, filled) = (self.pool.clone(), self.clock.clone(), filled.clone());
        Ok(Relay { pool, producer: self.bus.producer().await?, clock, filled })
    }

    fn sweeper(&self) -> Sweeper {
        let names = self.endpoints.keys().cloned().collect();
        Sweeper { pool: self.pool.clone(), names, clock: self.clock.clone() }
    }

    fn worker(&self, filled: &Arc<Notify>) -> Worker {
        Worker {
            pool: self.pool.clone(),
            endpoints: Arc::new(self.endpoints.clone()),
            guard: Arc::new(self.guard.clone()),
            timeout: self.config.delivery_timeout,
            clock: self.clock.clone(),
            filled: filled.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
