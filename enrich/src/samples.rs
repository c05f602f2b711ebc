//! Documents and a model of a few words for the tests of this crate.

use chrono::{DateTime, Duration, Utc};
use tocsin_contract::{
    Document, DocumentId, DocumentsRaw, Entity, EntityKind, ModelInfo, PublishedPrecision, Raw, RawProgress,
    Role, Sentiment, SentimentLabel, Source, SourceKind, TopicScore,
};

use crate::classify::{Classify, Reading, Readings};

/// Minute `n` of the day.
pub(crate) fn seen(n: i64) -> DateTime<Utc> {
    "2023-03-10T00:00:00Z".parse::<DateTime<Utc>>().unwrap() + Duration::minutes(n)
}

pub(crate) fn document(n: usize) -> Document {
    let at = seen(i64::try_from(n).unwrap());
    Document {
        id: DocumentId::from_native("samples", &n.to_string()),
        revision: "a".into(),
        source: Source { id: "wire".into(), kind: SourceKind::News, publisher_family: "wire".into() },
        url: Some(format!("https://wire.test/{n}")),
        canonical_url: None,
        author_hash: None,
        lang: "en".into(),
        title: format!("bad news {n} about svb"),
        body: String::new(),
        published_at: Some(at),
        published_precision: PublishedPrecision::Exact,
        first_seen_at: at,
        fetched_at: at,
        engagement: None,
        redactions: 0,
        is_backfill: false,
    }
}

pub(crate) fn raw(document: Document) -> Vec<u8> {
    DocumentsRaw::V1(Raw::Document(document)).encode().unwrap()
}

pub(crate) fn progress(producer: &str, as_of: DateTime<Utc>) -> Vec<u8> {
    DocumentsRaw::V1(Raw::Progress(RawProgress { producer: producer.into(), as_of })).encode().unwrap()
}

/// Knows four words: `bad`, `svb`, `apple`; and `fail` and `panic`, at which it does.
#[derive(Debug, Default)]
pub(crate) struct WordList {
    /// How long a batch takes.
    pub(crate) delay: std::time::Duration,
    /// Its version; 1 where none is given.
    pub(crate) version: Option<&'static str>,
}

impl Classify for WordList {
    fn classify(&self, documents: &[Document]) -> Result<Readings, String> {
        std::thread::sleep(self.delay);
        let each = documents.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Readings { each, steps: vec![("model", self.delay)] })
    }

    fn tokens(&self, document: &Document) -> usize {
        document.title.split_whitespace().count()
    }

    fn topic_name(&self, topic: &str) -> String {
        format!("Topic {topic}")
    }

    fn model(&self) -> ModelInfo {
        ModelInfo {
            name: "words".into(),
            version: self.version.unwrap_or("1").into(),
            quantization: "none".into(),
        }
    }
}

fn read(document: &Document) -> Result<Reading, String> {
    let words: Vec<&str> = document.title.split_whitespace().collect();
    assert!(!words.contains(&"panic"), "as asked");
    if words.contains(&"fail") {
        return Err("the word is fail".into());
    }
    let sentiment = sentiment(words.contains(&"bad"));
    let entities = words.iter().filter(|word| ["svb", "apple"].contains(word));
    Ok(Reading {
        topics: vec![TopicScore { topic: "markets".into(), p: 0.5 }],
        sentiment,
        risk_events: Vec::new(),
        entities: entities.map(|word| entity(word, sentiment)).collect(),
        tokens: words.len(),
    })
}

fn sentiment(bad: bool) -> Sentiment {
    let (label, negative, score) =
        if bad { (SentimentLabel::Negative, 0.75, -0.625) } else { (SentimentLabel::Neutral, 0.125, 0.0) };
    let (neutral, positive) = if bad { (0.125, 0.125) } else { (0.75, 0.125) };
    Sentiment { label, negative, neutral, positive, score, confidence: 0.75, abstain: false }
}

fn entity(word: &str, sentiment: Sentiment) -> Entity {
    Entity {
        id: word.to_owned(),
        symbol: "private".into(),
        symbols: vec!["private".into()],
        name: word.to_uppercase(),
        kind: EntityKind::Company,
        role: Role::Subject,
        relevance: 80,
        sentiment,
        mentions: Vec::new(),
    }
}
