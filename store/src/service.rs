//! The store as a running service: one member of group `store` on `documents.enriched`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tocsin_contract::topics::DOCUMENTS_ENRICHED;
use tocsin_runtime::{Clock, Shutdown};
use tocsin_stream::{
    Bus, Claims, Consumer, ConsumerOptions, Delivery, HANDOVER, Record, TopicPartition, Verdict,
};
use tokio::time::Instant;
use tracing::{debug, info, warn};

use crate::flush::Flusher;
use crate::incoming::Incoming;
use crate::writer::{Outcome, Writer};
use crate::{StoreConfig, StoreError, metric};

/// The consumer group.
pub const GROUP: &str = "store";

/// Longest wait for records when there is nothing to do.
const IDLE: Duration = Duration::from_secs(1);

/// Writes `documents.enriched` to Postgres until asked to stop.
#[derive(Debug)]
pub struct Store {
    config: StoreConfig,
    bus: Bus,
    pool: PgPool,
    clock: Arc<dyn Clock>,
}

impl Store {
    pub fn new(config: StoreConfig, bus: Bus, pool: PgPool, clock: Arc<dyn Clock>) -> Self {
        Self { config, bus, pool, clock }
    }

    /// Returns after shutdown was requested and the last batch stored, or with the
    /// reason why nothing more can be stored.
    pub async fn run(self, shutdown: Shutdown) -> Result<(), StoreError> {
        metric::describe();
        let (work, consumer) = self.open().await?;
        work.run(consumer, shutdown).await
    }

    async fn open(self) -> Result<(Work, Consumer), StoreError> {
        let options = ConsumerOptions {
            max_records: self.config.max_batch,
            max_unfinished_bytes: 2 * self.config.max_batch_bytes,
            stall_after: self.config.stall_after,
        };
        let producer = self.bus.producer().await?;
        let consumer = self.bus.consumer(GROUP, &[DOCUMENTS_ENRICHED], options).await?;
        let writer = Writer::new(self.pool, GROUP, &self.config, self.clock);
        let flusher = Flusher::new(writer, producer, GROUP, &self.config);
        let (claims, queue) = (Claims::new(), VecDeque::new());
        let work = Work {
            config: self.config,
            flusher,
            claims,
            queue,
            waiting_since: None,
            not_before: None,
            in_doubt: false,
        };
        Ok((work, consumer))
    }
}

/// What waits to be stored, and when it is due.
struct Work {
    config: StoreConfig,
    flusher: Flusher,
    claims: Claims,
    queue: VecDeque<Incoming>,
    waiting_since: Option<Instant>,
    /// After a failure: no attempt before.
    not_before: Option<Instant>,
    /// The last attempt may have been committed without our hearing of it.
    in_doubt: bool,
}

impl Work {
    async fn run(mut self, mut consumer: Consumer, shutdown: Shutdown) -> Result<(), StoreError> {
        while !shutdown.is_requested() {
            let delivery = tokio::select! {
                delivery = consumer.poll(self.patience()) => delivery,
                () = shutdown.requested() => break,
            };
            match delivery {
                Ok(delivery) => self.accept(&mut consumer, delivery, &shutdown).await?,
                Err(error) => self.pause("read", error.into(), &shutdown).await?,
            }
            metrics::gauge!(metric::WAITING).set(self.queue.len() as f64);
            if self.is_due() {
                self.flush_or_hand_over(&mut consumer, &shutdown).await?;
            }
        }
        while !self.queue.is_empty() && self.not_before.is_none() {
            self.flush_or_hand_over(&mut consumer, &shutdown).await?;
        }
        Ok(consumer.close().await?)
    }

    async fn accept(
        &mut self,
        consumer: &mut Consumer,
        delivery: Delivery,
        shutdown: &Shutdown,
    ) -> Result<(), StoreError> {
        match delivery {
            Delivery::Assigned(taken) => self.take(consumer, taken, shutdown).await?,
            Delivery::Revoked(lost) => self.drop_all(&lost),
            Delivery::Records(records) => self.receive(records),
            Delivery::Quiet => {}
        }
        Ok(())
    }

    /// Flushes. In a rebalance the next owner may claim a partition before the bus tells us
    /// that it is no longer ours. The fence has then kept us from writing, and we poll until
    /// the bus says so. An instance that is not told within [`HANDOVER`] is a zombie, and ends.
    async fn flush_or_hand_over(
        &mut self,
        consumer: &mut Consumer,
        shutdown: &Shutdown,
    ) -> Result<(), StoreError> {
        let (at, error) = match self.flush(consumer).await {
            Err(StoreError::Fenced { at, epoch, from, found }) => {
                (at.clone(), StoreError::Fenced { at, epoch, from, found })
            }
            other => return other,
        };
        let (mine, deadline) = (self.claims.get(&at).copied(), Instant::now() + HANDOVER);
        while mine.is_some() && self.claims.get(&at).copied() == mine {
            if Instant::now() >= deadline {
                return Err(error);
            }
            let delivery = consumer.poll(IDLE).await?;
            self.accept(consumer, delivery, shutdown).await?;
        }
        info!(topic = %at, "handed over {at}");
        Ok(())
    }

    /// How long the next poll may wait.
    fn patience(&self) -> Duration {
        let due = self.waiting_since.map(|since| since + self.config.max_wait).max(self.not_before);
        due.map_or(IDLE, |due| due.saturating_duration_since(Instant::now()))
    }

    fn is_due(&self) -> bool {
        let now = Instant::now();
        let full = self.queue.len() >= self.config.max_batch;
        let waited = self.waiting_since.is_some_and(|since| now >= since + self.config.max_wait);
        (full || waited) && self.not_before.is_none_or(|at| now >= at)
    }

    /// Claims partitions and reads on where the data ends, not where the group stands.
    async fn take(
        &mut self,
        consumer: &mut Consumer,
        taken: Vec<TopicPartition>,
        shutdown: &Shutdown,
    ) -> Result<(), StoreError> {
        self.drop_all(&taken);
        for at in taken {
            while let Err(error) = self.claim(consumer, &at).await {
                self.pause("claim a partition", error, shutdown).await?;
            }
        }
        Ok(())
    }

    async fn claim(&mut self, consumer: &mut Consumer, at: &TopicPartition) -> Result<(), StoreError> {
        let claim = self.flusher.writer.claim(at).await?;
        consumer.seek(at, claim.next_offset).await?;
        info!(topic = %at, epoch = claim.epoch, "took {at} from offset {}", claim.next_offset);
        self.claims.insert(at.clone(), claim);
        Ok(())
    }

    /// Waits before the next attempt; an error when there is to be none.
    async fn pause(&self, what: &str, error: StoreError, shutdown: &Shutdown) -> Result<(), StoreError> {
        if error.verdict() != Verdict::Retry || shutdown.is_requested() {
            return Err(error);
        }
        warn!("cannot {what} yet: {error}");
        tokio::select! {
            () = tokio::time::sleep(self.config.retry_after) => {}
            () = shutdown.requested() => {}
        }
        Ok(())
    }

    fn drop_all(&mut self, lost: &[TopicPartition]) {
        self.queue.retain(|item| !lost.contains(&item.record.at));
        self.claims.retain(|at, _| !lost.contains(at));
        if self.queue.is_empty() {
            self.waiting_since = None;
        }
    }

    fn receive(&mut self, records: Vec<Record>) {
        for record in records {
            if self.claims.contains_key(&record.at) {
                self.queue.push_back(Incoming::read(record));
            } else {
                warn!(topic = %record.at, offset = record.offset, "a record of a partition that is not ours");
            }
        }
        if !self.queue.is_empty() {
            self.waiting_since.get_or_insert_with(Instant::now);
        }
    }

    /// Takes out of the queue what was stored by a commit whose answer was lost. The next batch may be cut
    /// elsewhere, and would otherwise begin in the middle of what is stored.
    async fn settle_doubt(&mut self, consumer: &mut Consumer) -> Result<(), StoreError> {
        if !self.in_doubt {
            return Ok(());
        }
        for (at, claim) in &mut self.claims {
            let Some(next) = self.flusher.writer.next_offset(at, *claim).await? else { continue };
            let stored = claim.next_offset..next;
            claim.next_offset = next;
            self.queue.retain(|item| {
                let is_stored = item.record.at == *at && stored.contains(&item.record.offset);
                if is_stored {
                    consumer.finished(at, item.record.offset);
                }
                !is_stored
            });
        }
        self.in_doubt = false;
        Ok(())
    }

    async fn flush_queue(&mut self, consumer: &mut Consumer) -> Result<(usize, Outcome), StoreError> {
        self.settle_doubt(consumer).await?;
        let count = self.batch();
        let finished = |at: &TopicPartition, offset| consumer.finished(at, offset);
        let outcome = self.flusher.flush(&mut self.claims, &mut self.queue, count, finished).await?;
        Ok((count, outcome))
    }

    /// One batch. What may work later stays in the queue, and the bus holds back more.
    async fn flush(&mut self, consumer: &mut Consumer) -> Result<(), StoreError> {
        let started = Instant::now();
        match self.flush_queue(consumer).await {
            Ok((count, outcome)) => {
                self.not_before = None;
                self.waiting_since = (!self.queue.is_empty()).then_some(started);
                report(count, outcome, started.elapsed());
            }
            Err(error) if error.verdict() == Verdict::Retry => {
                metrics::counter!(metric::RETRIES).increment(1);
                warn!("{} records wait {:?}: {error}", self.queue.len(), self.config.retry_after);
                self.in_doubt = true;
                self.not_before = Some(Instant::now() + self.config.retry_after);
            }
            Err(error) => return Err(error),
        }
        match consumer.commit().await {
            Err(error) if error.verdict() == Verdict::Retry => {
                // Only lag is read from there: our own offsets are in Postgres.
                warn!("cannot commit yet: {error}");
                Ok(())
            }
            other => Ok(other?),
        }
    }

    /// How many records from the front make one transaction.
    fn batch(&self) -> usize {
        let mut bytes = 0;
        let fits = self.queue.iter().take(self.config.max_batch).take_while(|item| {
            bytes += item.bytes();
            bytes <= self.config.max_batch_bytes
        });
        fits.count().max(1).min(self.queue.len())
    }
}

/// Counts and logs what became of a batch of `count` records.
fn report(count: usize, outcome: Outcome, took: Duration) {
    let Outcome { stored: rows, corrections, duplicates, deletions } = outcome;
    let duration_ms = took.as_millis() as u64;
    metrics::histogram!(metric::TRANSACTION_SECONDS).record(took.as_secs_f64());
    metrics::counter!(metric::STORED).increment(rows);
    metrics::counter!(metric::DUPLICATES).increment(duplicates);
    metrics::counter!(metric::CORRECTIONS).increment(corrections);
    metrics::counter!(metric::TOMBSTONES).increment(deletions);
    debug!(rows, duplicates, corrections, duration_ms, "stored {rows} of {count} documents");
}

#[cfg(test)]
mod tests;
