//! Which trace a message belongs to. Nothing here is random: the same document has the
//! same trace on every topic, on every machine, and when the log is replayed.

use std::fmt;

use crate::DocumentId;
use crate::identity::digest;

/// Displays as W3C Trace Context's `traceparent`: version 00, the trace (32 hex digits),
/// the span that wrote the message (16), sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    trace: [u8; 16],
    span: [u8; 8],
}

impl Trace {
    /// Of a message about a document: the document's id is the trace, and `step` (the
    /// topic, say) is told apart by its span.
    pub fn document(id: DocumentId, step: &str) -> Self {
        Self::new(*id.as_bytes(), step)
    }

    /// Of a message about no document, from what names it.
    pub fn of(parts: &[&str], step: &str) -> Self {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        Self::new(first(&digest(&parts)), step)
    }

    fn new(trace: [u8; 16], step: &str) -> Self {
        Self { trace, span: first(&digest(&[&trace, step.as_bytes()])) }
    }
}

/// The first `N` bytes of a longer digest.
fn first<const N: usize>(digest: &[u8]) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&digest[..N]);
    bytes
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-01", hex::encode(self.trace), hex::encode(self.span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_has_one_trace_and_a_span_for_each_step() {
        let id = DocumentId::from_native("desk", "1");
        let [raw, enriched] = ["documents.raw", "documents.enriched"].map(|step| Trace::document(id, step));
        assert_eq!(raw, Trace::document(id, "documents.raw"));
        let parts = |trace: Trace| trace.to_string().split('-').map(str::to_owned).collect::<Vec<_>>();
        let [raw, enriched] = [parts(raw), parts(enriched)];
        assert_eq!((raw[0].as_str(), raw[1].clone(), raw[3].as_str()), ("00", id.to_string(), "01"));
        assert_eq!(raw[1], enriched[1]);
        assert_ne!(raw[2], enriched[2]);
        assert_eq!(raw[2].len(), 16);
    }

    #[test]
    fn other_messages_are_told_apart_by_what_names_them() {
        assert_ne!(Trace::of(&["a", "bc"], "t"), Trace::of(&["ab", "c"], "t"));
    }
}
