//! Writes a file's documents to `documents.raw`, in event time.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use tocsin_contract::{Document, DocumentsRaw, Raw, RawProgress, topics};
use tocsin_ingest::record;
use tocsin_stream::{Bus, Outgoing, Producer, StreamError};

/// How often event time is made known to the stream: the bins of surge detection.
const STEP: TimeDelta = TimeDelta::minutes(5);
/// Documents in flight before their acknowledgement is awaited.
const BATCH: usize = 500;

/// Keeps the order that makes a replay exact: every document of a step is
/// acknowledged before the progress that ends the step is written.
#[derive(Debug)]
pub(crate) struct Feeder {
    producer: Producer,
    partitions: u32,
    name: String,
    step: Option<DateTime<Utc>>,
    batch: Vec<Outgoing>,
}

impl Feeder {
    /// `step`: where an earlier replay of the same file was cut off.
    pub(crate) async fn open(
        bus: &Bus,
        name: String,
        step: Option<DateTime<Utc>>,
    ) -> Result<Self, StreamError> {
        Ok(Self {
            producer: bus.producer().await?,
            partitions: bus.partitions(topics::DOCUMENTS_RAW).await?,
            name,
            step,
            batch: Vec::with_capacity(BATCH),
        })
    }

    pub(crate) fn producer(&self) -> &Producer {
        &self.producer
    }

    pub(crate) fn step(&self) -> Option<DateTime<Utc>> {
        self.step
    }

    /// Whether a document of this instant ends the step: everything before it is
    /// then acknowledged, and the stream's clock moved.
    pub(crate) async fn reach(&mut self, at: DateTime<Utc>) -> Result<bool, StreamError> {
        let step = floor(at);
        if self.step.is_some_and(|current| step <= current) {
            return Ok(false);
        }
        self.flush().await?;
        self.progress(step).await?;
        self.step = Some(step);
        Ok(true)
    }

    pub(crate) async fn document(&mut self, document: Document) -> Result<(), StreamError> {
        let key = document.id.to_string();
        self.batch.push(record(None, key, &DocumentsRaw::V1(Raw::Document(document)))?);
        if self.batch.len() >= BATCH { self.flush().await } else { Ok(()) }
    }

    /// Acknowledges the rest and ends the last step.
    pub(crate) async fn finish(&mut self) -> Result<(), StreamError> {
        self.flush().await?;
        if let Some(step) = self.step {
            self.progress(step + STEP).await?;
        }
        self.producer.flush().await
    }

    async fn flush(&mut self) -> Result<(), StreamError> {
        if !self.batch.is_empty() {
            self.producer.send(std::mem::take(&mut self.batch)).await?;
        }
        Ok(())
    }

    async fn progress(&self, as_of: DateTime<Utc>) -> Result<(), StreamError> {
        let message = DocumentsRaw::V1(Raw::Progress(RawProgress { producer: self.name.clone(), as_of }));
        let records = (0..self.partitions)
            .map(|partition| record(Some(partition), self.name.clone(), &message))
            .collect::<Result<_, _>>()?;
        self.producer.send(records).await.map(drop)
    }
}

fn floor(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_trunc(STEP).unwrap_or(at)
}
