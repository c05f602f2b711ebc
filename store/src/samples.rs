//! Documents for the tests of this crate.

use bytes::Bytes;
use chrono::{DateTime, Duration, Utc};
use tocsin_contract::{
    Document, DocumentId, DocumentsEnriched, Enriched, EnrichedRecord, Entity, EntityKind, Mention,
    ModelInfo, PublishedPrecision, RiskEvent, Role, Sentiment, SentimentLabel, Source, SourceKind, Story,
    Tombstone, TopicScore,
};
use tocsin_stream::{Record, TopicPartition};

use crate::incoming::Incoming;

pub(crate) fn start() -> DateTime<Utc> {
    "2023-03-10T12:34:56.789Z".parse().unwrap()
}

pub(crate) fn at(partition: u32) -> TopicPartition {
    TopicPartition { topic: DocumentsEnriched::TOPIC.into(), partition }
}

pub(crate) fn topic(topic: &str, p: f32) -> TopicScore {
    TopicScore { topic: topic.into(), p }
}

pub(crate) fn sentiment(score: f32) -> Sentiment {
    let (negative, positive) = if score < 0.0 { (0.7, 0.7 + score) } else { (0.7 - score, 0.7) };
    let label = if score < 0.0 { SentimentLabel::Negative } else { SentimentLabel::Positive };
    Sentiment { label, negative, neutral: 0.1, positive, score, confidence: 0.7, abstain: false }
}

pub(crate) fn entity(id: &str, score: f32, relevance: u8) -> Entity {
    Entity {
        id: id.into(),
        symbol: format!("NASDAQ:{id}"),
        symbols: vec![format!("NASDAQ:{id}"), format!("LSE:{id}")],
        name: id.to_uppercase(),
        kind: EntityKind::Company,
        role: Role::Subject,
        relevance,
        sentiment: sentiment(score),
        mentions: vec![Mention { start: 3, end: 6, text: id.into() }],
    }
}

/// Document number `n`: one minute after the one before.
pub(crate) fn enriched(n: u64) -> Enriched {
    let seen = start() + Duration::minutes(i64::try_from(n).unwrap());
    Enriched {
        document: Document {
            id: DocumentId::from_native("samples", &n.to_string()),
            revision: "a".into(),
            source: Source { id: "wire".into(), kind: SourceKind::News, publisher_family: "wire".into() },
            url: Some(format!("https://wire.test/{n}")),
            canonical_url: None,
            author_hash: None,
            lang: "en".into(),
            title: format!("Title {n}"),
            body: "Body".into(),
            published_at: Some(seen - Duration::seconds(30)),
            published_precision: PublishedPrecision::Exact,
            first_seen_at: seen,
            fetched_at: seen,
            engagement: None,
            redactions: 0,
            is_backfill: false,
        },
        topics: vec![topic("financials", 0.9), topic("markets", 0.625)],
        sentiment: sentiment(-0.6),
        risk_events: vec![RiskEvent { event: "liquidity".into(), p: 0.8 }],
        entities: vec![entity("svb", -0.65, 90)],
        story: Story { id: format!("en:{n}"), novelty: None, position: None },
        model: ModelInfo { name: "test".into(), version: "1".into(), quantization: "f32".into() },
        enriched_at: seen,
    }
}

pub(crate) fn revised(n: u64, revision: &str) -> Enriched {
    let mut enriched = enriched(n);
    enriched.document.revision = revision.into();
    enriched.document.title = format!("Title {n}, corrected");
    enriched
}

pub(crate) fn record(partition: u32, offset: i64, value: Vec<u8>) -> Record {
    Record {
        at: at(partition),
        offset,
        key: None,
        headers: Vec::new(),
        value: Bytes::from(value),
        timestamp: start(),
    }
}

pub(crate) fn message(enriched: Enriched) -> Vec<u8> {
    DocumentsEnriched::V2(EnrichedRecord::Document(enriched)).encode().unwrap()
}

/// Document number `n` taken back a day after the first.
pub(crate) fn taken_back(n: u64, kind: SourceKind) -> Tombstone {
    let Document { id, source, .. } = enriched(n).document;
    Tombstone { id, source: Source { kind, ..source }, deleted_at: start() + Duration::days(1) }
}

/// A tombstone as read from partition 0.
pub(crate) fn buried(tombstone: &Tombstone, offset: i64) -> Incoming {
    let message = DocumentsEnriched::V2(EnrichedRecord::Tombstone(tombstone.clone()));
    Incoming::read(record(0, offset, message.encode().unwrap()))
}

/// The documents as read from partition 0, the first at offset `from`.
pub(crate) fn delivered(documents: &[Enriched], from: i64) -> Vec<Incoming> {
    documents
        .iter()
        .zip(from..)
        .map(|(enriched, offset)| Incoming::read(record(0, offset, message(enriched.clone()))))
        .collect()
}
