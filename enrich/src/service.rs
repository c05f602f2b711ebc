//! Enrich as a running service: one member of group `enrich` on `documents.raw`. The
//! bus is polled while the model works, so that a slow model never costs the group.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tocsin_contract::topics::{DOCUMENTS_RAW, SIGNALS};
use tocsin_runtime::{Clock, Shutdown};
use tocsin_stream::{Bus, Consumer, ConsumerOptions, Delivery, Record, StreamError, Verdict};
use tokio::time::Instant;
use tracing::{info, warn};

use crate::intake::{Intake, Step};
use crate::queue::Queue;
use crate::renewal::{self, Current, Renew};
use crate::stage::{Done, Stage};
use crate::{Classify, EnrichConfig, EnrichError, metric};

/// The consumer group.
pub const GROUP: &str = "enrich";

/// Longest wait for records when there is nothing to do.
const IDLE: Duration = Duration::from_secs(1);

/// Turns `documents.raw` into `documents.enriched` and `signals` until asked to stop.
#[derive(Debug)]
pub struct Enrich {
    config: EnrichConfig,
    model: Current,
    newer: Option<Box<dyn Renew>>,
    bus: Bus,
    clock: Arc<dyn Clock>,
}

impl Enrich {
    pub fn new<C: Classify>(
        config: EnrichConfig,
        classifier: Arc<C>,
        bus: Bus,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { config, model: Current::new(classifier), newer: None, bus, clock }
    }

    /// Takes newer models from `source` while it runs, asking every `reload_every`.
    #[must_use]
    pub fn renewed_by(self, source: impl Renew) -> Self {
        Self { newer: Some(Box::new(source)), ..self }
    }

    /// Returns after shutdown was requested and the batch at hand written, or with the
    /// reason why nothing more can be enriched.
    pub async fn run(self, shutdown: Shutdown) -> Result<(), EnrichError> {
        metric::describe();
        if let Some(source) = self.newer.filter(|_| !self.config.reload_every.is_zero()) {
            let watch =
                renewal::watch(self.model.clone(), source, self.config.reload_every, shutdown.clone());
            shutdown.spawn("model watch", watch);
        }
        let stage = Stage {
            model: self.model,
            producer: self.bus.producer().await?,
            clock: self.clock,
            shutdown: shutdown.clone(),
            retry_after: self.config.retry_after,
            halt_after_parked: self.config.halt_after_parked,
            raw_partitions: self.bus.partitions(DOCUMENTS_RAW).await?,
            signal_partitions: self.bus.partitions(SIGNALS).await?,
        };
        let options = ConsumerOptions {
            max_records: 2 * self.config.max_batch,
            stall_after: self.config.stall_after,
            ..ConsumerOptions::default()
        };
        let consumer = self.bus.consumer(GROUP, &[DOCUMENTS_RAW], options).await?;
        let work = Work {
            intake: Intake::new(self.config.lookback),
            queue: Queue::new(&self.config),
            config: self.config,
            stage: Arc::new(stage),
            unfit_in_a_row: 0,
        };
        work.run(consumer, shutdown).await
    }
}

/// A batch on its way through the stage.
type InFlight = Pin<Box<dyn Future<Output = Result<Done, EnrichError>> + Send>>;

/// What waits for the model.
struct Work {
    config: EnrichConfig,
    stage: Arc<Stage>,
    intake: Intake,
    queue: Queue,
    unfit_in_a_row: u32,
}

impl Work {
    async fn run(mut self, mut consumer: Consumer, shutdown: Shutdown) -> Result<(), EnrichError> {
        let mut in_flight: Option<InFlight> = None;
        loop {
            if in_flight.is_none() && shutdown.is_requested() {
                return Ok(consumer.close().await?);
            }
            if in_flight.is_none() && self.queue.is_due() {
                in_flight = Some(self.next_batch());
            }
            let patience = if in_flight.is_some() { IDLE } else { self.patience() };
            tokio::select! {
                done = ready(&mut in_flight) => {
                    in_flight = None;
                    self.finish(&mut consumer, done?).await?;
                }
                delivery = consumer.poll(patience), if !shutdown.is_requested() => {
                    match delivery {
                        Ok(delivery) => self.receive(&mut consumer, delivery).await?,
                        Err(error) => self.pause(error, &shutdown).await?,
                    }
                }
                () = shutdown.requested(), if in_flight.is_none() => {}
            }
            metrics::gauge!(metric::WAITING).set(self.queue.len() as f64);
        }
    }

    /// How long the next poll may wait when the model is idle.
    fn patience(&self) -> Duration {
        self.queue.due().map_or(IDLE, |due| due.saturating_duration_since(Instant::now()))
    }

    fn next_batch(&mut self) -> InFlight {
        let batch = self.queue.next_batch();
        Box::pin(self.stage.clone().process(batch, self.unfit_in_a_row))
    }

    async fn receive(&mut self, consumer: &mut Consumer, delivery: Delivery) -> Result<(), EnrichError> {
        match delivery {
            Delivery::Assigned(taken) => {
                info!("took {} partitions of {DOCUMENTS_RAW}", taken.len());
                self.queue.forget(&taken);
                self.intake.assigned(taken);
            }
            Delivery::Revoked(lost) => {
                self.queue.forget(&lost);
                self.intake.revoked(&lost);
            }
            Delivery::Records(records) => self.take(consumer, records).await?,
            Delivery::Quiet => {}
        }
        Ok(())
    }

    async fn take(&mut self, consumer: &mut Consumer, records: Vec<Record>) -> Result<(), EnrichError> {
        let model = self.stage.model.get();
        let mut sought = BTreeSet::new();
        for record in records {
            let (at, offset) = (record.at.clone(), record.offset);
            match self.intake.next(record, &mut sought) {
                Step::Take(waiting) => self.queue.push(waiting, &*model),
                Step::Skip => consumer.finished(&at, offset),
                Step::Seek(from) => {
                    while let Err(error) = consumer.seek(&at, from).await {
                        self.pause(error, &self.stage.shutdown).await?;
                    }
                }
                Step::Ignore => {}
            }
        }
        Ok(())
    }

    /// Waits before the next attempt; an error when there is to be none.
    async fn pause(&self, error: StreamError, shutdown: &Shutdown) -> Result<(), EnrichError> {
        if error.verdict() != Verdict::Retry || shutdown.is_requested() {
            return Err(error.into());
        }
        warn!("cannot read yet: {error}");
        tokio::select! {
            () = tokio::time::sleep(self.config.retry_after) => {}
            () = shutdown.requested() => {}
        }
        Ok(())
    }

    async fn finish(&mut self, consumer: &mut Consumer, done: Done) -> Result<(), EnrichError> {
        self.unfit_in_a_row = done.unfit_in_a_row;
        for (at, offset) in &done.finished {
            if self.intake.owns(at) {
                consumer.finished(at, *offset);
            }
        }
        match consumer.commit().await {
            Err(error) if error.verdict() == Verdict::Retry => {
                // The next batch commits this one too.
                warn!("cannot commit yet: {error}");
                Ok(())
            }
            other => Ok(other?),
        }
    }
}

/// The end of the batch in flight; never, when there is none.
async fn ready(in_flight: &mut Option<InFlight>) -> Result<Done, EnrichError> {
    match in_flight {
        Some(batch) => batch.await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
