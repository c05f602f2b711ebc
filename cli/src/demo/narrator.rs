//! Tells on the terminal what arrives on `documents.enriched`.

use std::io::{self, Write};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tocsin_contract::{DocumentsEnriched, Enriched, EnrichedRecord, SentimentLabel, topics};
use tocsin_runtime::Shutdown;
use tocsin_stream::{Bus, ConsumerOptions, Delivery, StreamError};

/// Reads the topic as any other consumer would and prints a line a document.
pub(super) async fn narrate(bus: Bus, shutdown: Shutdown) -> Result<(), StreamError> {
    let mut consumer =
        bus.consumer("demo-narrator", &[topics::DOCUMENTS_ENRICHED], ConsumerOptions::default()).await?;
    while !shutdown.is_requested() {
        let Delivery::Records(records) = consumer.poll(Duration::from_millis(200)).await? else {
            continue;
        };
        for record in records {
            let told = DocumentsEnriched::decode(&record.value).map(DocumentsEnriched::into_record);
            if let Ok(EnrichedRecord::Document(document)) = told {
                say(&line(&document));
            }
            consumer.finished(&record.at, record.offset);
        }
        consumer.commit().await?;
    }
    consumer.close().await
}

fn line(enriched: &Enriched) -> String {
    let document = &enriched.document;
    let text = if document.title.is_empty() { &document.body } else { &document.title };
    let about: Vec<&str> = enriched.entities.iter().map(|e| e.name.as_str()).collect();
    let topics: Vec<&str> = enriched.topics.iter().take(2).map(|t| t.topic.as_str()).collect();
    format!(
        "{}  {}  {:>16}  {}{}{}",
        stamp(document.event_time()),
        mark(enriched.sentiment.label, enriched.sentiment.score),
        clip(&document.source.id, 16),
        clip(text, 64),
        labelled("topics", &topics),
        labelled("about", &about),
    )
}

fn labelled(label: &str, words: &[&str]) -> String {
    if words.is_empty() { String::new() } else { format!("  [{label}: {}]", words.join(", ")) }
}

fn mark(label: SentimentLabel, score: f32) -> String {
    let sign = match label {
        SentimentLabel::Negative => '−',
        SentimentLabel::Neutral => '·',
        SentimentLabel::Positive => '+',
    };
    format!("{sign} {score:+.2}")
}

pub(super) fn stamp(at: DateTime<Utc>) -> String {
    at.format("%d %b %H:%M").to_string()
}

/// At most `most` characters.
pub(super) fn clip(text: &str, most: usize) -> String {
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if one_line.chars().count() <= most {
        return one_line;
    }
    one_line.chars().take(most - 1).chain(['…']).collect()
}

/// A line for the person who watches. A closed terminal is no reason to fail.
pub(super) fn say(text: &str) {
    drop(writeln!(io::stdout().lock(), "{text}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clipping_counts_characters_not_bytes() {
        assert_eq!(clip("哈罗盖特银行遭挤兑", 5), "哈罗盖特…");
        assert_eq!(clip("a  b\nc", 10), "a b c");
    }
}
