//! From a document and its reading to the messages about it.

use chrono::{DateTime, Utc};
use tocsin_contract::{
    Document, Enriched, ModelInfo, Role, Sentiment, SentimentLabel, Signal, Story, Subject, SubjectKind,
};

use crate::classify::{Classify, Reading};
use crate::story::story_id;

/// A name in a list of names says little about its bearer.
const LIST_SHARE: f32 = 0.25;
/// Characters of a document that an alert shows.
const HEADLINE: usize = 200;

pub(crate) fn enriched(
    document: Document,
    reading: Reading,
    model: ModelInfo,
    enriched_at: DateTime<Utc>,
) -> Enriched {
    let story = Story { id: story_id(&document), novelty: None, position: None };
    let Reading { topics, sentiment, risk_events, entities, tokens: _ } = reading;
    Enriched { document, topics, sentiment, risk_events, entities, story, model, enriched_at }
}

/// One signal for each subject of the document, entities first; none for an archive's
/// document, which is never a reason to ring.
pub(crate) fn signals(enriched: &Enriched, known_at: DateTime<Utc>, model: &dyn Classify) -> Vec<Signal> {
    if enriched.document.is_backfill {
        return Vec::new();
    }
    let mut signals: Vec<Signal> = Vec::new();
    let mut add = |subject: Subject, name: String, sentiment: &Sentiment, weight: f32| {
        if signals.iter().all(|signal| signal.subject != subject) {
            signals.push(signal(enriched, known_at, subject, name, sentiment, weight));
        }
    };
    for entity in &enriched.entities {
        let share = match entity.role {
            Role::Subject | Role::Mention => 1.0,
            Role::List => LIST_SHARE,
        };
        let subject = Subject { kind: SubjectKind::Entity, id: entity.id.clone() };
        add(subject, entity.name.clone(), &entity.sentiment, share * f32::from(entity.relevance) / 100.0);
    }
    for topic in &enriched.topics {
        let subject = Subject { kind: SubjectKind::Topic, id: topic.topic.clone() };
        add(subject, model.topic_name(&topic.topic), &enriched.sentiment, topic.p);
    }
    signals
}

fn signal(
    enriched: &Enriched,
    known_at: DateTime<Utc>,
    subject: Subject,
    name: String,
    sentiment: &Sentiment,
    weight: f32,
) -> Signal {
    let document = &enriched.document;
    Signal {
        subject,
        name,
        event_time: document.event_time(),
        known_at,
        negative: sentiment.label == SentimentLabel::Negative && !sentiment.abstain,
        label: sentiment.label,
        score: sentiment.score,
        weight,
        story_id: enriched.story.id.clone(),
        document_id: document.id,
        source_id: document.source.id.clone(),
        source_kind: document.source.kind,
        publisher_family: document.source.publisher_family.clone(),
        lang: document.lang.clone(),
        title: headline(document),
        url: document.url.clone().or_else(|| document.canonical_url.clone()),
    }
}

/// What an alert shows of a document: a post without a title shows how it begins.
fn headline(document: &Document) -> String {
    let text = if document.title.trim().is_empty() { &document.body } else { &document.title };
    text.chars().take(HEADLINE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{WordList, document, seen};

    fn read(title: &str) -> Enriched {
        let mut document = document(1);
        document.title = title.into();
        let model = WordList::default();
        let reading = model.classify(std::slice::from_ref(&document)).unwrap().each.remove(0);
        enriched(document, reading, model.model(), seen(2))
    }

    #[test]
    fn every_subject_gets_one_signal() {
        let enriched = read("bad svb svb and apple");
        let signals = signals(&enriched, seen(0), &WordList::default());
        let subjects: Vec<_> = signals.iter().map(|signal| signal.subject.to_string()).collect();
        assert_eq!(subjects, ["entity:svb", "entity:apple", "topic:markets"]);
        assert_eq!(signals[2].name, "Topic markets");
        assert!(signals.iter().all(|signal| signal.negative && signal.known_at == seen(0)));
    }

    #[test]
    fn an_entity_in_a_list_weighs_a_quarter() {
        let mut enriched = read("svb");
        let full = signals(&enriched, seen(0), &WordList::default())[0].weight;
        enriched.entities[0].role = Role::List;
        assert_eq!(signals(&enriched, seen(0), &WordList::default())[0].weight, full / 4.0);
    }

    #[test]
    fn a_reading_that_abstains_is_not_negative() {
        let mut enriched = read("bad svb");
        enriched.entities[0].sentiment.abstain = true;
        let signals = signals(&enriched, seen(0), &WordList::default());
        assert_eq!((signals[0].negative, signals[0].label), (false, SentimentLabel::Negative));
        assert!(signals[1].negative);
    }

    #[test]
    fn an_archive_rings_no_bell() {
        let mut enriched = read("bad svb");
        enriched.document.is_backfill = true;
        assert_eq!(signals(&enriched, seen(0), &WordList::default()), []);
    }
}
