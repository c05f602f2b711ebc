//! What happens to one batch: read by the model, written to both topics, and only
//! then the clocks that it moved. Marks nothing as done itself.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tocsin_contract::{Document, Enriched, Sentiment};
use tocsin_runtime::{Clock, Shutdown};
use tocsin_stream::{Outgoing, Producer, Record, StreamError, TopicPartition, Verdict};
use tokio::time::Instant;
use tracing::{debug, warn};

use crate::classify::{Classify, Reading, read_each};
use crate::intake::{Content, Waiting};
use crate::renewal::Current;
use crate::service::GROUP;
use crate::{EnrichError, metric, output, reading};

/// Everything that batches share.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) model: Current,
    pub(crate) producer: Producer,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) shutdown: Shutdown,
    pub(crate) retry_after: Duration,
    pub(crate) halt_after_parked: u32,
    /// Partitions of `documents.raw` and of `signals`.
    pub(crate) raw_partitions: u32,
    pub(crate) signal_partitions: u32,
}

/// A batch whose every record was written on or parked.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) finished: Vec<(TopicPartition, i64)>,
    pub(crate) unfit_in_a_row: u32,
}

/// A record's fate.
enum Fate {
    /// What to write about it.
    Written(Vec<Outgoing>),
    Progress(DateTime<Utc>),
    Nothing,
    Unfit(String),
}

impl Stage {
    /// `unfit_in_a_row` counts on from the batch before.
    pub(crate) async fn process(
        self: Arc<Self>,
        batch: Vec<Waiting>,
        mut unfit_in_a_row: u32,
    ) -> Result<Done, EnrichError> {
        let started = Instant::now();
        let mut fates = self.fates(batch).await?;
        timed("write", self.write(&mut fates)).await?;
        for (record, fate) in &fates {
            unfit_in_a_row = self.judge(record, fate, unfit_in_a_row)?;
        }
        for (record, fate) in &fates {
            if let Fate::Unfit(cause) = fate {
                self.park(record, cause).await?;
            }
        }
        timed("clocks", self.write_progress(&fates)).await?;
        let finished: Vec<_> = fates.into_iter().map(|(record, _)| (record.at, record.offset)).collect();
        let (records, duration_ms) = (finished.len(), started.elapsed().as_millis() as u64);
        debug!(records, duration_ms, "enriched a batch of {records} records");
        Ok(Done { finished, unfit_in_a_row })
    }

    /// Reads the documents on a thread that may block.
    async fn fates(&self, batch: Vec<Waiting>) -> Result<Vec<(Record, Fate)>, EnrichError> {
        let (model, enriched_at) = (self.model.get(), self.clock.now());
        let task = tokio::task::spawn_blocking(move || fates(&*model, batch, enriched_at));
        task.await.map_err(EnrichError::Thread)?
    }

    /// Writes both topics and waits for the acknowledgement. When the bus refuses a
    /// record, documents are written one by one to find whose it is.
    async fn write(&self, fates: &mut [(Record, Fate)]) -> Result<(), EnrichError> {
        let all: Vec<Outgoing> = fates.iter().flat_map(|(_, fate)| fate.outgoing()).cloned().collect();
        match self.send(all).await {
            Err(EnrichError::Stream(error)) if error.verdict() == Verdict::Park => {}
            other => return other,
        }
        for (_, fate) in fates {
            match self.send(fate.outgoing().to_vec()).await {
                Err(EnrichError::Stream(error)) if error.verdict() == Verdict::Park => {
                    *fate = Fate::Unfit(error.to_string());
                }
                other => other?,
            }
        }
        Ok(())
    }

    /// Clocks move in the order of the log, one at a time: a reader passes each step.
    async fn write_progress(&self, fates: &[(Record, Fate)]) -> Result<(), EnrichError> {
        let mut messages = Vec::new();
        for (record, fate) in fates {
            if let Fate::Progress(as_of) = fate {
                let (partition, of) = (record.at.partition, self.raw_partitions);
                messages.extend(output::progress(partition, of, *as_of, self.signal_partitions)?);
            }
        }
        self.send(messages).await
    }

    /// Tries until the bus takes the records, it says that it never will, or shutdown.
    async fn send(&self, batch: Vec<Outgoing>) -> Result<(), EnrichError> {
        if batch.is_empty() {
            return Ok(());
        }
        loop {
            match self.producer.send(batch.clone()).await {
                Ok(_) => return Ok(()),
                Err(error) => self.pause(error).await?,
            }
        }
    }

    async fn park(&self, record: &Record, cause: &str) -> Result<(), EnrichError> {
        loop {
            match self.producer.park(record, GROUP, cause).await {
                Ok(_) => break,
                Err(error) => self.pause(error).await?,
            }
        }
        metrics::counter!(metric::PARKED).increment(1);
        warn!(topic = %record.at, offset = record.offset, "parked a record: {cause}");
        Ok(())
    }

    /// Waits before the next attempt, if there is to be one.
    async fn pause(&self, error: StreamError) -> Result<(), EnrichError> {
        if error.verdict() != Verdict::Retry {
            return Err(error.into());
        }
        metrics::counter!(metric::RETRIES).increment(1);
        warn!("a write waits {:?}: {error}", self.retry_after);
        tokio::select! {
            () = tokio::time::sleep(self.retry_after) => Ok(()),
            () = self.shutdown.requested() => Err(EnrichError::Stopped(error)),
        }
    }

    /// How many records in a row are unusable after this one; an error when there are too many.
    fn judge(&self, record: &Record, fate: &Fate, run: u32) -> Result<u32, EnrichError> {
        match fate {
            Fate::Unfit(cause) if run + 1 >= self.halt_after_parked => Err(EnrichError::NothingFits {
                count: run + 1,
                at: record.at.clone(),
                offset: record.offset,
                cause: cause.clone(),
            }),
            Fate::Unfit(_) => Ok(run + 1),
            // A clock runs on whether documents are of use or not.
            Fate::Progress(_) | Fate::Nothing => Ok(run),
            Fate::Written(_) => Ok(0),
        }
    }
}

impl Fate {
    fn outgoing(&self) -> &[Outgoing] {
        match self {
            Self::Written(messages) => messages,
            Self::Progress(_) | Self::Nothing | Self::Unfit(_) => &[],
        }
    }
}

/// Counts what the model said, so that a drift of it shows.
fn count(enriched: &Enriched) {
    let Sentiment { label, confidence, abstain, .. } = enriched.sentiment;
    let lang = match enriched.document.lang.as_str() {
        "en" => "en",
        "zh" => "zh",
        _ => "other",
    };
    metrics::counter!(metric::LABELS, "label" => label.as_str(), "lang" => lang).increment(1);
    for topic in &enriched.topics {
        metrics::counter!(metric::TOPICS, "topic" => topic.topic.clone()).increment(1);
    }
    for event in &enriched.risk_events {
        metrics::counter!(metric::EVENTS, "event" => event.event.clone()).increment(1);
    }
    metrics::counter!(metric::ABSTAINED).increment(u64::from(abstain));
    metrics::histogram!(metric::CONFIDENCE).record(f64::from(confidence));
}

/// Does `work` and records how long this step took.
async fn timed<T>(step: &'static str, work: impl Future<Output = T>) -> T {
    let started = Instant::now();
    let result = work.await;
    metrics::histogram!(metric::STEP_SECONDS, "step" => step).record(started.elapsed().as_secs_f64());
    result
}

/// A record's fate before the model has read the batch.
enum Pending {
    Settled(Fate),
    /// The reading of the next document decides; holds the `known_at` of its signals.
    Reading(DateTime<Utc>),
}

fn fates(
    model: &dyn Classify,
    batch: Vec<Waiting>,
    enriched_at: DateTime<Utc>,
) -> Result<Vec<(Record, Fate)>, EnrichError> {
    let mut documents = Vec::new();
    let mut open = Vec::with_capacity(batch.len());
    for Waiting { record, content } in batch {
        open.push((record, pending(content, &mut documents)?));
    }
    let readings = read_each(model, &documents);
    let mut read = documents.into_iter().zip(readings);
    let settle = |(record, pending): (Record, Pending)| {
        let fate = match pending {
            Pending::Settled(fate) => fate,
            Pending::Reading(known_at) => match read.next() {
                Some((document, Ok(reading))) => written(model, document, reading, known_at, enriched_at)?,
                Some((_, Err(cause))) => Fate::Unfit(cause),
                None => Fate::Unfit("the classifier gave no reading".into()),
            },
        };
        Ok((record, fate))
    };
    open.into_iter().map(settle).collect()
}

/// Settles what needs no model; a document is put behind the others that it has to read.
fn pending(content: Content, documents: &mut Vec<Document>) -> Result<Pending, EnrichError> {
    Ok(Pending::Settled(match content {
        Content::Document { document, known_at } => {
            documents.push(*document);
            return Ok(Pending::Reading(known_at));
        }
        Content::Tombstone(tombstone) => {
            metrics::counter!(metric::TOMBSTONES).increment(1);
            Fate::Written(vec![output::tombstone(*tombstone)?])
        }
        Content::Progress(as_of) => Fate::Progress(as_of),
        Content::Nothing => Fate::Nothing,
        Content::Unfit(cause) => Fate::Unfit(cause),
    }))
}

fn written(
    model: &dyn Classify,
    document: Document,
    reading: Reading,
    known_at: DateTime<Utc>,
    enriched_at: DateTime<Utc>,
) -> Result<Fate, EnrichError> {
    metrics::counter!(metric::TOKENS).increment(reading.tokens as u64);
    let enriched = reading::enriched(document, reading, model.model(), enriched_at);
    let signals = reading::signals(&enriched, known_at, model);
    metrics::counter!(metric::ENRICHED).increment(1);
    metrics::counter!(metric::SIGNALS).increment(signals.len() as u64);
    count(&enriched);
    let mut messages = vec![output::enriched(enriched)?];
    for signal in signals {
        messages.push(output::signal(signal)?);
    }
    Ok(Fate::Written(messages))
}
