//! Any document survives being written and read.

use chrono::{DateTime, Utc};
use proptest::option;
use proptest::prelude::*;
use tocsin_contract::{
    Document, DocumentId, DocumentsEnriched, DocumentsRaw, Engagement, Enriched, EnrichedRecord, ModelInfo,
    PublishedPrecision, Raw, Sentiment, SentimentLabel, Source, SourceKind, Story, TopicScore, revision_of,
};

fn instant() -> impl Strategy<Value = DateTime<Utc>> {
    (0..4_102_444_800_i64, 0..1_000_000_000_u32)
        .prop_map(|(seconds, nanos)| DateTime::from_timestamp(seconds, nanos).expect("within range"))
}

fn source() -> impl Strategy<Value = Source> {
    use SourceKind::{Feedback, News, Report, Social};
    let kind = prop_oneof![Just(News), Just(Social), Just(Report), Just(Feedback)];
    (any::<String>(), kind, any::<String>()).prop_map(|(id, kind, publisher_family)| Source {
        id,
        kind,
        publisher_family,
    })
}

fn engagement() -> impl Strategy<Value = Engagement> {
    let count = || option::of(any::<u64>());
    (count(), count(), count(), count()).prop_map(|(likes, reposts, replies, views)| Engagement {
        likes,
        reposts,
        replies,
        views,
    })
}

/// Text as it comes: any characters, controls and both languages.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[\\x00-\\x1f\"\\\\]{0,20}", "[一-龥，。]{0,40}", "[A-Za-z ,.]{0,80}"]
}

prop_compose! {
    fn document()(
        id in any::<[u8; 16]>(), source in source(), url in option::of(text()),
        author_hash in option::of("[0-9a-f]{32}"), title in text(), body in text(),
        published in option::of((instant(), any::<bool>())), first_seen_at in instant(), fetched_at in instant(),
        engagement in option::of(engagement()), redactions in any::<u32>(), is_backfill in any::<bool>(),
    ) -> Document {
        Document {
            id: DocumentId::from_bytes(id), revision: revision_of(&title, &body), source, canonical_url: url.clone(),
            url, author_hash, lang: "und".to_owned(), title, body,
            published_at: published.map(|(at, _)| at),
            published_precision: match published {
                Some((_, true)) => PublishedPrecision::Exact,
                Some((_, false)) => PublishedPrecision::Day,
                None => PublishedPrecision::Missing,
            },
            first_seen_at, fetched_at, engagement, redactions, is_backfill,
        }
    }
}

fn enriched(document: Document, parts: [f32; 3]) -> Enriched {
    let [negative, neutral, positive] = parts;
    Enriched {
        topics: vec![TopicScore { topic: "macro".to_owned(), p: neutral }],
        sentiment: Sentiment {
            label: SentimentLabel::Neutral,
            negative,
            neutral,
            positive,
            score: positive - negative,
            confidence: neutral,
            abstain: false,
        },
        risk_events: Vec::new(),
        entities: Vec::new(),
        story: Story { id: document.revision.clone(), novelty: None, position: None },
        model: ModelInfo { name: "m".to_owned(), version: "1".to_owned(), quantization: "none".to_owned() },
        enriched_at: document.fetched_at,
        document,
    }
}

proptest! {
    #[test]
    fn any_raw_document_survives_being_written_and_read(document in document()) {
        let message = DocumentsRaw::V1(Raw::Document(document));
        prop_assert_eq!(DocumentsRaw::decode(&message.encode().unwrap()).unwrap(), message);
    }

    #[test]
    fn any_enriched_document_survives_being_written_and_read(
        document in document(), parts in prop::array::uniform3(0.0f32..=1.0),
    ) {
        let message = DocumentsEnriched::V2(EnrichedRecord::Document(enriched(document, parts)));
        prop_assert_eq!(DocumentsEnriched::decode(&message.encode().unwrap()).unwrap(), message);
    }

    #[test]
    fn the_event_time_is_never_after_the_first_sight(document in document()) {
        prop_assert!(document.event_time() <= document.first_seen_at);
    }

    #[test]
    fn bytes_of_any_kind_are_read_or_refused_but_never_panic(bytes in any::<Vec<u8>>()) {
        prop_assert!(DocumentsRaw::decode(&bytes).is_err());
    }
}
