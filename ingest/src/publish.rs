//! Writing documents and progress to `documents.raw`, in the order that keeps
//! decisions exact: no document is first seen before a progress already written.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tocsin_contract::{
    Document, DocumentsRaw, Raw, RawProgress, Tombstone, Trace, headers, revision_of, topics,
};
use tocsin_runtime::Clock;
use tocsin_stream::{Outgoing, Producer, StreamError, Verdict};
use tokio::sync::{Mutex, RwLock};

use crate::IngestError;
use crate::batch::{Batcher, InFlight};
use crate::draft::{Draft, Finisher};
use crate::items::{Fate, Key, Settled};
use crate::metric;
use crate::state::{Known, State};

/// Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Publisher {
    producer: Producer,
    documents: Batcher,
    partitions: u32,
    instance: String,
    state: State,
    finisher: Finisher,
    clock: Arc<dyn Clock>,
    /// Held for reading from the dating of a document until it is acknowledged, and
    /// for writing while progress is made.
    in_flight: Arc<RwLock<()>>,
    /// One for each first byte of an id: two sources with one document publish in turns.
    turns: Arc<[Mutex<()>; 256]>,
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
        let documents = Batcher::new(producer.clone());
        let (in_flight, turns) = (Arc::default(), Arc::new([const { Mutex::const_new(()) }; 256]));
        Self { producer, documents, partitions, instance, state, finisher, clock, in_flight, turns }
    }

    pub(crate) fn finisher(&self) -> &Finisher {
        &self.finisher
    }

    /// Publishes a draft unless its text is known, and settles the item that showed it.
    /// It is remembered only after the bus acknowledged it: a crash in between publishes
    /// it twice, under one id. `reason` says where its text is from.
    pub(crate) async fn publish(
        &self,
        draft: Draft,
        item: Option<&Key>,
        reason: &'static str,
    ) -> Result<Fate, IngestError> {
        let [turn, ..] = *draft.id.as_bytes();
        let _alone = self.turns[usize::from(turn)].lock().await;
        let in_flight = Arc::new(self.in_flight.clone().read_owned().await);
        let known = self.state.known(draft.id).await?;
        let now = self.clock.now();
        let revision = revision_of(&draft.title, &draft.body);
        let (id, source_id) = (draft.id, draft.source.id.clone());
        let (mut fate, mut reason) = match &known {
            None => (Fate::Published, reason),
            Some(known) if known.source_id != source_id => (Fate::Duplicate, "another source"),
            Some(known) if known.revision == revision => (Fate::Duplicate, "same text"),
            Some(_) => (Fate::Revised, reason),
        };
        let is_own = known.as_ref().is_none_or(|known| known.source_id == source_id);
        let first_seen_at = known.map_or(now, |known| known.first_seen_at);
        let entry_hash = draft.entry_hash;
        let memory = Known { source_id: source_id.clone(), revision, entry_hash, first_seen_at };
        if matches!(fate, Fate::Published | Fate::Revised) {
            match self.send(self.finisher.finish(draft, first_seen_at, now), &in_flight).await {
                Ok(()) => {}
                Err(error) if error.verdict() == Verdict::Park => {
                    tracing::warn!(source.id = source_id, "document {id} cannot be published: {error}");
                    (fate, reason) = (Fate::Failed, "unfit for the bus");
                }
                Err(error) => return Err(error.into()),
            }
        }
        let memory = (is_own && fate != Fate::Failed).then_some((id, &memory));
        self.state.settle(&source_id, item, &Settled { fate, of: entry_hash, reason, memory }, now).await?;
        Ok(fate)
    }

    async fn send(&self, document: Document, in_flight: &InFlight) -> Result<(), StreamError> {
        let key = document.id.to_string();
        let redactions = document.redactions;
        let record = record(None, key, &DocumentsRaw::V1(Raw::Document(document)))?;
        self.documents.send(record, in_flight.clone()).await?;
        metric::published(redactions);
        Ok(())
    }

    /// Tells that a document was taken back; after the document itself, whose key it has.
    pub(crate) async fn bury(&self, tombstone: Tombstone) -> Result<(), IngestError> {
        let [turn, ..] = *tombstone.id.as_bytes();
        let _alone = self.turns[usize::from(turn)].lock().await;
        let in_flight = Arc::new(self.in_flight.clone().read_owned().await);
        let key = tombstone.id.to_string();
        let record = record(None, key, &DocumentsRaw::V1(Raw::Tombstone(tombstone)))?;
        self.documents.send(record, in_flight).await?;
        metric::buried();
        Ok(())
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
        Raw::Document(Document { id, .. }) | Raw::Tombstone(Tombstone { id, .. }) => {
            Trace::document(*id, DocumentsRaw::TOPIC)
        }
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
