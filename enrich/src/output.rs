//! Messages as records of the bus: keys, headers, partitions.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use tocsin_contract::{
    DocumentId, DocumentsEnriched, Enriched, EnrichedRecord, Signal, SignalProgress, SignalRecord, Signals,
    Tombstone, Trace, headers,
};
use tocsin_stream::{Headers, Outgoing};

use crate::EnrichError;

/// Keyed by document id, so that revisions of a document stay in order.
pub(crate) fn enriched(enriched: Enriched) -> Result<Outgoing, EnrichError> {
    record(enriched.document.id, EnrichedRecord::Document(enriched))
}

/// Keyed as its document, after which it comes.
pub(crate) fn tombstone(tombstone: Tombstone) -> Result<Outgoing, EnrichError> {
    record(tombstone.id, EnrichedRecord::Tombstone(tombstone))
}

fn record(id: DocumentId, content: EnrichedRecord) -> Result<Outgoing, EnrichError> {
    let (trace, document) = (Trace::document(id, DocumentsEnriched::TOPIC), id.to_string());
    let value = DocumentsEnriched::V2(content)
        .encode()
        .map_err(|cause| EnrichError::Encode { about: format!("document {document}"), cause })?;
    Ok(outgoing(DocumentsEnriched::TOPIC, None, trace, document.into_bytes(), value))
}

/// Keyed by subject, so that one reader owns a subject.
pub(crate) fn signal(signal: Signal) -> Result<Outgoing, EnrichError> {
    let trace = Trace::document(signal.document_id, Signals::TOPIC);
    let (key, about) = (signal.subject.to_string(), format!("document {}", signal.document_id));
    let message = Signals::V1(SignalRecord::Signal(signal));
    let value = message.encode().map_err(|cause| EnrichError::Encode { about, cause })?;
    Ok(outgoing(Signals::TOPIC, None, trace, key.into_bytes(), value))
}

/// The clock of a raw partition, for every partition of `signals`.
pub(crate) fn progress(
    partition: u32,
    partitions: u32,
    as_of: DateTime<Utc>,
    signal_partitions: u32,
) -> Result<Vec<Outgoing>, EnrichError> {
    let message = Signals::V1(SignalRecord::Progress(SignalProgress { partition, partitions, as_of }));
    let about = format!("the clock of partition {partition}");
    let value = message.encode().map_err(|cause| EnrichError::Encode { about, cause })?;
    let key = format!("progress:{partition}");
    let trace = Trace::of(&[&key, &as_of.to_rfc3339()], Signals::TOPIC);
    Ok((0..signal_partitions)
        .map(|to| outgoing(Signals::TOPIC, Some(to), trace, key.clone().into_bytes(), value.clone()))
        .collect())
}

fn outgoing(topic: &str, partition: Option<u32>, trace: Trace, key: Vec<u8>, value: Vec<u8>) -> Outgoing {
    let headers: Headers = headers(trace).map(|(name, value)| (name.to_owned(), Bytes::from(value))).to_vec();
    Outgoing { topic: topic.to_owned(), partition, key: key.into(), headers, value: value.into() }
}
