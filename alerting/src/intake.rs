//! Reads `signals`: feeds each partition's detector and writes what changed, about
//! once a second, in one transaction with the offset.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::PgPool;
use tocsin_contract::{SignalRecord, runs_ahead};
use tocsin_runtime::{Clock, Shutdown};
use tocsin_stream::{Consumer, Delivery, HANDOVER, Producer, Record, TopicPartition, Verdict};
use tokio::sync::Notify;
use tracing::{info, warn};

use crate::outbox::Outbox;
use crate::shard::Shard;
use crate::{AlertingConfig, AlertingError, GROUP, metric, reading};

/// How often it is said that a clock runs ahead, as long as it does.
const WARN_EVERY: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Intake {
    pub(crate) config: AlertingConfig,
    pub(crate) pool: PgPool,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) consumer: Consumer,
    pub(crate) producer: Producer,
    pub(crate) outbox: Outbox,
    /// Partitions of `signals`, among which the budget is divided.
    pub(crate) partitions: u32,
    pub(crate) filled: Arc<Notify>,
    /// Ours; nothing where the state is still to be loaded.
    pub(crate) shards: BTreeMap<TopicPartition, Option<Shard>>,
    /// Partitions that the bus still gives us though, by the database, another instance has claimed them:
    /// since when, and the error that said so.
    pub(crate) fenced: BTreeMap<TopicPartition, (Instant, AlertingError)>,
    pub(crate) parked_in_a_row: u32,
    /// When it was last said that a clock runs ahead.
    pub(crate) warned: Option<Instant>,
}

impl Intake {
    pub(crate) async fn run(mut self, shutdown: Shutdown) -> Result<(), AlertingError> {
        let mut flushed = Instant::now();
        while !shutdown.is_requested() {
            let wait = self.config.flush_every.saturating_sub(flushed.elapsed());
            let delivery = tokio::select! {
                () = shutdown.requested() => break,
                delivery = self.consumer.poll(wait.max(Duration::from_millis(10))) => delivery,
            };
            match delivery {
                // Hears of all that was assigned and revoked before it claims anything: claiming a partition
                // that is another's by now would fence its new owner.
                Ok(delivery @ (Delivery::Assigned(_) | Delivery::Revoked(_))) => {
                    self.take(delivery).await?;
                    continue;
                }
                Ok(delivery) => self.take(delivery).await?,
                Err(error) => self.pause(error.into()).await?,
            }
            self.load_missing().await?;
            self.give_up_zombies()?;
            if self.pending() >= self.config.flush_records || flushed.elapsed() >= self.config.flush_every {
                self.flush().await?;
                flushed = Instant::now();
            }
        }
        self.flush().await?;
        Ok(self.consumer.close().await?)
    }

    async fn take(&mut self, delivery: Delivery) -> Result<(), AlertingError> {
        match delivery {
            Delivery::Assigned(partitions) => {
                self.fenced.retain(|at, _| !partitions.contains(at));
                self.shards.extend(partitions.into_iter().map(|at| (at, None)));
                Ok(())
            }
            Delivery::Revoked(partitions) => {
                self.fenced.retain(|at, _| !partitions.contains(at));
                self.shards.retain(|at, _| !partitions.contains(at));
                Ok(())
            }
            Delivery::Records(records) => {
                metrics::counter!(metric::RECORDS).increment(records.len() as u64);
                for record in records {
                    self.take_record(record).await?;
                }
                Ok(())
            }
            Delivery::Quiet => Ok(()),
        }
    }

    async fn take_record(&mut self, record: Record) -> Result<(), AlertingError> {
        // Not loaded yet: the record is read again from where the state stands.
        if !matches!(self.shards.get(&record.at), Some(Some(_))) {
            return Ok(());
        }
        let content = match reading::read(&record.value) {
            Ok(content) => {
                self.parked_in_a_row = 0;
                let is_passed_over = self.excludes(&content) || self.runs_ahead(&record, &content);
                (!is_passed_over).then_some(content)
            }
            Err(cause) => {
                self.park(&record, &cause).await?;
                None
            }
        };
        self.feed(&record, content);
        Ok(())
    }

    fn excludes(&self, content: &SignalRecord) -> bool {
        match content {
            SignalRecord::Signal(signal) => self.config.excludes(&signal.subject),
            SignalRecord::Progress(_) => false,
        }
    }

    /// Whether the record was dated by a clock that must be wrong. Following its progress would stop all
    /// alerts until that time has come, and its signal would wait as long.
    fn runs_ahead(&mut self, record: &Record, content: &SignalRecord) -> bool {
        let told = match content {
            SignalRecord::Signal(signal) => signal.event_time.max(signal.known_at),
            SignalRecord::Progress(progress) => progress.as_of,
        };
        let is_ahead = runs_ahead(told, record.timestamp);
        if is_ahead && self.warned.is_none_or(|at| at.elapsed() >= WARN_EVERY) {
            self.warned = Some(Instant::now());
            warn!(topic = %record.at, offset = record.offset,
                "the clock of a producer runs ahead: what it dated {told} was written at {} and is passed over",
                record.timestamp);
        }
        is_ahead
    }

    fn feed(&mut self, record: &Record, content: Option<SignalRecord>) {
        if let Some(Some(shard)) = self.shards.get_mut(&record.at) {
            shard.take(record.offset, content);
        }
    }

    async fn park(&mut self, record: &Record, cause: &str) -> Result<(), AlertingError> {
        self.parked_in_a_row += 1;
        if self.parked_in_a_row >= self.config.halt_after_parked {
            let (at, offset, cause) = (record.at.clone(), record.offset, cause.to_owned());
            return Err(AlertingError::NothingFits { count: self.parked_in_a_row, at, offset, cause });
        }
        while let Err(error) = self.producer.park(record, GROUP, cause).await {
            self.pause(error.into()).await?;
        }
        metrics::counter!(metric::PARKED).increment(1);
        warn!(topic = %record.at, offset = record.offset, "parked a record: {cause}");
        Ok(())
    }

    /// Loads partitions that are ours and seeks to where their state stands.
    async fn load_missing(&mut self) -> Result<(), AlertingError> {
        let missing: Vec<_> =
            self.shards.iter().filter(|(_, s)| s.is_none()).map(|(at, _)| at.clone()).collect();
        for at in missing {
            match self.load(&at).await {
                Ok(shard) => {
                    info!(topic = %at, offset = shard.next(), subjects = shard.detector.subjects(),
                        "reading {at} from offset {}", shard.next());
                    self.shards.insert(at, Some(shard));
                }
                Err(error) => self.pause(error).await?,
            }
        }
        Ok(())
    }

    async fn load(&mut self, at: &TopicPartition) -> Result<Shard, AlertingError> {
        let rules = self.config.rules();
        let shard = Shard::load(&self.pool, GROUP, at, &rules, self.partitions, self.clock.now()).await?;
        self.consumer.seek(at, shard.next()).await?;
        Ok(shard)
    }

    fn pending(&self) -> usize {
        self.shards.values().flatten().map(Shard::pending).sum()
    }

    /// Writes every partition that took records. One that could not be written is
    /// loaded again: the database says what became of it.
    async fn flush(&mut self) -> Result<(), AlertingError> {
        let started = Instant::now();
        let waiting: Vec<_> = self
            .shards
            .iter()
            .filter(|(_, shard)| shard.as_ref().is_some_and(|shard| shard.pending() > 0))
            .map(|(at, _)| at.clone())
            .collect();
        if waiting.is_empty() {
            return Ok(());
        }
        for at in waiting {
            match self.flush_shard(&at).await {
                Ok(()) => {}
                // In a rebalance the new owner may claim a partition before the bus tells us that it is no
                // longer ours. The fence has kept us from writing; we wait to be told.
                Err(error @ AlertingError::Fenced { .. }) => {
                    info!(topic = %at, "{at} is set aside: {error}");
                    self.shards.remove(&at);
                    self.fenced.insert(at, (Instant::now(), error));
                }
                Err(error) => {
                    self.shards.insert(at, None);
                    self.pause(error).await?;
                }
            }
        }
        metrics::histogram!(metric::FLUSH).record(started.elapsed().as_secs_f64());
        match self.consumer.commit().await {
            Ok(()) => Ok(()),
            Err(error) => self.pause(error.into()).await,
        }
    }

    async fn flush_shard(&mut self, at: &TopicPartition) -> Result<(), AlertingError> {
        let Some(Some(shard)) = self.shards.get_mut(at) else { return Ok(()) };
        let (offsets, alerts) = shard.save(&self.pool, &self.outbox, self.clock.now()).await?;
        for offset in offsets {
            self.consumer.finished(at, offset);
        }
        report(at, shard);
        for alert in &alerts {
            metrics::counter!(metric::ALERTS, "state" => alert.state.as_str()).increment(1);
            info!(alert.id = %alert.alert_id, subject = %alert.subject, severity = alert.severity.as_str(),
                "alert {}: {}", alert.state.as_str(), alert.summary);
        }
        if !alerts.is_empty() {
            self.filled.notify_waiters();
        }
        Ok(())
    }

    /// Fails when the bus did not tell in time that a partition is another's: this instance is a zombie.
    fn give_up_zombies(&mut self) -> Result<(), AlertingError> {
        let mut late = self.fenced.extract_if(.., |_, (since, _)| since.elapsed() >= HANDOVER);
        late.next().map_or(Ok(()), |(_, (_, error))| Err(error))
    }

    /// Waits before something that may work later; gives back an error that will not pass.
    async fn pause(&self, error: AlertingError) -> Result<(), AlertingError> {
        if error.verdict() != Verdict::Retry {
            return Err(error);
        }
        warn!("alerting goes on in {}s: {error}", self.config.retry_after.as_secs_f64());
        tokio::time::sleep(self.config.retry_after).await;
        Ok(())
    }
}

fn report(at: &TopicPartition, shard: &mut Shard) {
    let applied = shard.detector.take_applied();
    for (result, count) in
        [("counted", applied.counted), ("duplicate", applied.duplicates), ("late", applied.late)]
    {
        metrics::counter!(metric::SIGNALS, "result" => result).increment(count);
    }
    let partition = at.partition.to_string();
    metrics::gauge!(metric::WAITING, "partition" => partition.clone()).set(shard.detector.waiting() as f64);
    if let Some(evaluated) = shard.detector.evaluated() {
        metrics::gauge!(metric::EVALUATED, "partition" => partition).set(evaluated.timestamp() as f64);
    }
}
