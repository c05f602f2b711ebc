//! Writing documents and progress to `documents.raw`, in the order that keeps
//! decisions exact: no document is first seen before a progress already written.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tocsin_contract::{Document, DocumentsRaw, Raw, RawProgress, Trace, headers, revision_of, topics};
use tocsin_runtime::Clock;
use tocsin_stream::{Outgoing, Producer, StreamError};
use tokio::sync::RwLock;

use crate::IngestError;
use crate::draft::{Draft, Finisher};
use crate::metric;
use crate::state::{Known, State};

/// Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Publisher {
    producer: Producer,
    partitions: u32,
    instance: String,
    state: State,
    finisher: Finisher,
    clock: Arc<dyn Clock>,
    /// Held for reading from the dating of a document until it is acknowledged, and
    /// for writing while progress is made.
    in_flight: Arc<RwLock<()>>,
}

/// What became of a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    New,
    Revised,
    Unchanged,
}

impl Publisher {
    pub(crate) fn new(
        producer: Producer,
        partitions: u32,
        instance: String,
        state: State,
        finisher: Finisher,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { producer, partitions, instance, state, finisher, clock, in_flight: Arc::default() }
    }

    /// Publishes a draft unless its text is known. It is remembered only after the
    /// bus acknowledged it: a crash in between publishes it twice, under one id.
    pub(crate) async fn publish(&self, mut draft: Draft) -> Result<Fate, IngestError> {
        let _in_flight = self.in_flight.read().await;
        let redactions = Finisher::clean(&mut draft);
        let known = self.state.known(draft.id).await?;
        let now = self.clock.now();
        let revision = revision_of(&draft.title, &draft.body);
        let fate = match &known {
            None => Fate::New,
            Some(known) if known.source_id != draft.source.id => return Ok(Fate::Unchanged),
            Some(known) if known.revision == revision => Fate::Unchanged,
            Some(_) => Fate::Revised,
        };
        let first_seen_at = known.map_or(now, |known| known.first_seen_at);
        let id = draft.id;
        let source_id = draft.source.id.clone();
        let memory = Known { source_id, revision, entry_hash: draft.entry_hash, first_seen_at };
        if fate != Fate::Unchanged {
            let document = self.finisher.finish(draft, redactions, first_seen_at, now);
            self.send(document).await?;
            metric::published(redactions);
        }
        self.state.remember(id, &memory).await?;
        Ok(fate)
    }

    async fn send(&self, document: Document) -> Result<(), StreamError> {
        let key = document.id.to_string();
        let record = record(None, key, &DocumentsRaw::V1(Raw::Document(document)))?;
        self.producer.send(vec![record]).await.map(drop)
    }

    /// Tells every partition how far this instance's clock is.
    pub(crate) async fn progress(&self) -> Result<DateTime<Utc>, StreamError> {
        let _nothing_in_flight = self.in_flight.write().await;
        let as_of = self.clock.now();
        let message = DocumentsRaw::V1(Raw::Progress(RawProgress { producer: self.instance.clone(), as_of }));
        let records = (0..self.partitions)
            .map(|partition| record(Some(partition), self.instance.clone(), &message))
            .collect::<Result<_, _>>()?;
        self.producer.send(records).await?;
        Ok(as_of)
    }

    pub(crate) async fn flush(&self) -> Result<(), StreamError> {
        self.producer.flush().await
    }
}

/// A record for `documents.raw`; `partition: None` places it by its key.
pub fn record(partition: Option<u32>, key: String, message: &DocumentsRaw) -> Result<Outgoing, StreamError> {
    let value = message.encode().map_err(|cause| StreamError::Unfit {
        attempted: format!("encode a {} message for key {key}", DocumentsRaw::TOPIC),
        cause: cause.to_string(),
    })?;
    let DocumentsRaw::V1(content) = message;
    let trace = match content {
        Raw::Document(document) => Trace::document(document.id, DocumentsRaw::TOPIC),
        Raw::Progress(progress) => {
            Trace::of(&[&progress.producer, &progress.as_of.to_rfc3339()], DocumentsRaw::TOPIC)
        }
    };
    Ok(Outgoing {
        topic: topics::DOCUMENTS_RAW.to_owned(),
        partition,
        key: key.into(),
        headers: headers(trace).map(|(name, text)| (name.to_owned(), text.into())).to_vec(),
        value: value.into(),
    })
}
