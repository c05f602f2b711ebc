//! From a record to a document that can be stored, or the reason why it never can.
//! Owns the last cleaning of text (Postgres knows no NUL) and the checks that the
//! contract's types cannot express.

use std::collections::HashSet;

use chrono::Datelike;
use tocsin_contract::{DocumentsEnriched, Enriched, EnrichedRecord, Sentiment, Tombstone, YEAR_LIMIT};
use tocsin_stream::Record;

/// A record with what is in it.
#[derive(Debug, Clone)]
pub(crate) struct Incoming {
    pub(crate) record: Record,
    pub(crate) content: Content,
}

#[derive(Debug, Clone)]
pub(crate) enum Content {
    Fine(Box<EnrichedRecord>),
    /// It can never be stored, and why; it is to be parked.
    Unfit(String),
    /// It lies on the parking topic; only its offset is left to be moved.
    Parked(String),
}

impl Incoming {
    pub(crate) fn read(record: Record) -> Self {
        let content = match read(&record.value) {
            Ok(record) => Content::Fine(Box::new(record)),
            Err(cause) => Content::Unfit(cause),
        };
        Self { record, content }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.record.value.len()
    }
}

fn read(value: &[u8]) -> Result<EnrichedRecord, String> {
    let message = DocumentsEnriched::decode(value).map_err(|error| error.to_string())?;
    let mut record = message.into_record();
    match &mut record {
        EnrichedRecord::Document(enriched) => {
            clean(enriched);
            check(enriched)?;
        }
        EnrichedRecord::Tombstone(Tombstone { source, .. }) => strip(&mut source.id),
    }
    Ok(record)
}

/// Strips NUL from every text and keeps the first of each topic, event and entity.
fn clean(enriched: &mut Enriched) {
    let document = &mut enriched.document;
    for text in [
        &mut document.revision,
        &mut document.source.id,
        &mut document.source.publisher_family,
        &mut document.lang,
        &mut document.title,
        &mut document.body,
        &mut enriched.story.id,
        &mut enriched.model.name,
        &mut enriched.model.version,
        &mut enriched.model.quantization,
    ] {
        strip(text);
    }
    let optional = [&mut document.url, &mut document.canonical_url, &mut document.author_hash];
    optional.into_iter().flatten().for_each(strip);
    enriched.topics.iter_mut().for_each(|topic| strip(&mut topic.topic));
    enriched.risk_events.iter_mut().for_each(|event| strip(&mut event.event));
    for entity in &mut enriched.entities {
        [&mut entity.id, &mut entity.symbol, &mut entity.name].into_iter().for_each(strip);
        entity.symbols.iter_mut().for_each(strip);
    }
    keep_first(&mut enriched.topics, |topic| topic.topic.clone());
    keep_first(&mut enriched.risk_events, |event| event.event.clone());
    keep_first(&mut enriched.entities, |entity| entity.id.clone());
}

fn strip(text: &mut String) {
    if text.contains('\0') {
        text.retain(|c| c != '\0');
    }
}

fn keep_first<T>(items: &mut Vec<T>, name: impl Fn(&T) -> String) {
    let mut known = HashSet::new();
    items.retain(|item| known.insert(name(item)));
}

fn check(enriched: &Enriched) -> Result<(), String> {
    let document = &enriched.document;
    let year = document.first_seen_at.year();
    if !(1990..YEAR_LIMIT).contains(&year) {
        return Err(format!("document {}: first_seen_at lies in the year {year}", document.id));
    }
    let sentiments = enriched.entities.iter().map(|entity| &entity.sentiment).chain([&enriched.sentiment]);
    if !sentiments.into_iter().all(is_sound) {
        return Err(format!("document {}: a sentiment is not within its bounds", document.id));
    }
    let shares = enriched.topics.iter().map(|t| t.p).chain(enriched.risk_events.iter().map(|e| e.p));
    if !shares.into_iter().all(is_share) {
        return Err(format!("document {}: a probability is not within 0 and 1", document.id));
    }
    Ok(())
}

fn is_sound(sentiment: &Sentiment) -> bool {
    (-1.001..=1.001).contains(&sentiment.score)
        && [sentiment.negative, sentiment.neutral, sentiment.positive, sentiment.confidence]
            .into_iter()
            .all(is_share)
}

/// Softmax may end a rounding error above 1.
fn is_share(p: f32) -> bool {
    (0.0..=1.001).contains(&p)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{self, message};

    fn document(value: &[u8]) -> Enriched {
        match read(value).unwrap() {
            EnrichedRecord::Document(enriched) => enriched,
            EnrichedRecord::Tombstone(tombstone) => panic!("{tombstone:?}"),
        }
    }

    #[test]
    fn nul_is_stripped_from_text_and_names() {
        let mut enriched = samples::enriched(1);
        enriched.document.title = "a\0b".into();
        enriched.entities[0].name = "\0".into();
        let value = message(enriched);
        let read = document(&value);
        assert_eq!(read.document.title, "ab");
        assert_eq!(read.entities[0].name, "");
    }

    #[test]
    fn a_topic_named_twice_counts_once() {
        let mut enriched = samples::enriched(1);
        enriched.topics = vec![samples::topic("a", 0.9), samples::topic("b", 0.8), samples::topic("a", 0.1)];
        let value = message(enriched);
        assert_eq!(document(&value).topics, vec![samples::topic("a", 0.9), samples::topic("b", 0.8)]);
    }

    #[test]
    fn bytes_that_are_no_message_give_their_reason() {
        assert!(read(b"{").unwrap_err().contains("not JSON"));
        assert!(read(br#"{"v":99}"#).unwrap_err().contains("version 99"));
    }

    #[test]
    fn a_probability_that_overflows_is_refused() {
        let enriched = samples::enriched(1);
        let value = String::from_utf8(message(enriched)).unwrap();
        let broken = value.replace("\"confidence\":0.7", "\"confidence\":1e300");
        assert_ne!(value, broken);
        assert!(read(broken.as_bytes()).unwrap_err().contains("sentiment"));
    }

    #[test]
    fn a_first_sight_in_the_far_future_is_refused() {
        let mut enriched = samples::enriched(1);
        enriched.document.first_seen_at = "9999-01-01T00:00:00Z".parse().unwrap();
        let value = message(enriched);
        assert!(read(&value).unwrap_err().contains("9999"));
    }
}
