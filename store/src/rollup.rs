//! Counts per subject and bucket: what a set of inserted documents adds to the
//! rollups. Every sum is an integer, so that the order of adding never shows and
//! [`crate::audit`] may ask for zero difference.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use tocsin_contract::{Sentiment, SentimentLabel, SubjectKind};

use crate::StoreError;
use crate::batch::Row;

/// The width of a bucket, aligned in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bucket {
    Hour,
    Day,
}

impl Bucket {
    fn start(self, at: DateTime<Utc>) -> DateTime<Utc> {
        let seconds = match self {
            Self::Hour => 3600,
            Self::Day => 86_400,
        };
        DateTime::from_timestamp(at.timestamp().div_euclid(seconds) * seconds, 0).unwrap_or(at)
    }
}

/// The key of a rollup row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key<'a> {
    subject_kind: &'static str,
    subject_id: &'a str,
    bucket: DateTime<Utc>,
    source_kind: &'static str,
    lang: &'a str,
    shard: i32,
}

/// What is added to a rollup row. Scores in millionths, weights in hundredths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Delta {
    n_docs: i64,
    negative: i64,
    neutral: i64,
    positive: i64,
    abstained: i64,
    score_micros: i64,
    weight: i64,
    weighted_score_micros: i64,
}

impl Delta {
    /// A document counts under its label, or under `abstained` where the model would
    /// not say; its score counts either way.
    fn add(&mut self, sentiment: &Sentiment, weight: i64) {
        let score = (f64::from(sentiment.score) * 1e6).round_ties_even() as i64;
        self.n_docs += 1;
        match (sentiment.abstain, sentiment.label) {
            (true, _) => self.abstained += 1,
            (false, SentimentLabel::Negative) => self.negative += 1,
            (false, SentimentLabel::Neutral) => self.neutral += 1,
            (false, SentimentLabel::Positive) => self.positive += 1,
        }
        self.score_micros += score;
        self.weight += weight;
        self.weighted_score_micros += score * weight;
    }
}

/// The sum over the rows, in key order.
pub(crate) fn deltas<'a>(rows: &[Row<'a>], width: Bucket) -> BTreeMap<Key<'a>, Delta> {
    let mut sums: BTreeMap<Key<'a>, Delta> = BTreeMap::new();
    for row in rows {
        let document = &row.enriched.document;
        let bucket = width.start(document.event_time());
        let mut add = |kind: SubjectKind, subject_id: &'a str, sentiment: &Sentiment, weight: i64| {
            let key = Key {
                subject_kind: kind.as_str(),
                subject_id,
                bucket,
                source_kind: document.source.kind.as_str(),
                lang: &document.lang,
                shard: row.shard,
            };
            sums.entry(key).or_default().add(sentiment, weight);
        };
        for entity in &row.enriched.entities {
            add(SubjectKind::Entity, &entity.id, &entity.sentiment, i64::from(entity.relevance));
        }
        for topic in &row.enriched.topics {
            let weight = (f64::from(topic.p) * 100.0).round_ties_even() as i64;
            add(SubjectKind::Topic, &topic.topic, &row.enriched.sentiment, weight);
        }
    }
    sums
}

macro_rules! upsert {
    ($table:literal) => {
        concat!(
            "INSERT INTO ", $table, " AS t (subject_kind, subject_id, bucket, source_kind, lang, shard,
                n_docs, negative, neutral, positive, abstained, score_micros, weight, weighted_score_micros)
             SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::int[],
                $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[],
                $13::bigint[], $14::bigint[])
             ON CONFLICT (subject_kind, subject_id, bucket, source_kind, lang, shard) DO UPDATE SET
                n_docs = t.n_docs + excluded.n_docs,
                negative = t.negative + excluded.negative,
                neutral = t.neutral + excluded.neutral,
                positive = t.positive + excluded.positive,
                abstained = t.abstained + excluded.abstained,
                score_micros = t.score_micros + excluded.score_micros,
                weight = t.weight + excluded.weight,
                weighted_score_micros = t.weighted_score_micros + excluded.weighted_score_micros"
        )
    };
}

/// Adds what the inserted rows count to both rollups.
pub(crate) async fn add(connection: &mut PgConnection, inserted: &[Row<'_>]) -> Result<(), StoreError> {
    upsert(connection, upsert!("store.trend_hourly"), &deltas(inserted, Bucket::Hour)).await?;
    upsert(connection, upsert!("store.trend_daily"), &deltas(inserted, Bucket::Day)).await
}

async fn upsert(
    connection: &mut PgConnection,
    statement: &'static str,
    sums: &BTreeMap<Key<'_>, Delta>,
) -> Result<(), StoreError> {
    fn keys<'a, T>(sums: &'a BTreeMap<Key<'_>, Delta>, value: impl Fn(&'a Key<'_>) -> T) -> Vec<T> {
        sums.keys().map(value).collect()
    }
    let values = |value: fn(&Delta) -> i64| sums.values().map(value).collect::<Vec<i64>>();
    sqlx::query(statement)
        .bind(keys(sums, |key| key.subject_kind))
        .bind(keys(sums, |key| key.subject_id))
        .bind(keys(sums, |key| key.bucket))
        .bind(keys(sums, |key| key.source_kind))
        .bind(keys(sums, |key| key.lang))
        .bind(keys(sums, |key| key.shard))
        .bind(values(|delta| delta.n_docs))
        .bind(values(|delta| delta.negative))
        .bind(values(|delta| delta.neutral))
        .bind(values(|delta| delta.positive))
        .bind(values(|delta| delta.abstained))
        .bind(values(|delta| delta.score_micros))
        .bind(values(|delta| delta.weight))
        .bind(values(|delta| delta.weighted_score_micros))
        .execute(connection)
        .await
        .map_err(StoreError::database("add to the rollups"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn an_hour_starts_at_its_full_hour_and_a_day_at_midnight_utc() {
        let at = samples::start();
        assert_eq!(Bucket::Hour.start(at).to_rfc3339(), "2023-03-10T12:00:00+00:00");
        assert_eq!(Bucket::Day.start(at).to_rfc3339(), "2023-03-10T00:00:00+00:00");
        let before_epoch = "1969-12-31T23:59:59.5Z".parse().unwrap();
        assert_eq!(Bucket::Hour.start(before_epoch).to_rfc3339(), "1969-12-31T23:00:00+00:00");
    }

    #[test]
    fn a_document_the_model_would_not_judge_is_in_no_label() {
        let mut enriched = samples::enriched(1);
        enriched.entities[0].sentiment.abstain = true;
        let sums = deltas(&[Row { enriched: &enriched, shard: 0 }], Bucket::Hour);
        let entity = sums.iter().find(|(key, _)| key.subject_id == "svb").map(|(_, delta)| *delta);
        let expected = Delta {
            n_docs: 1,
            abstained: 1,
            score_micros: -650_000,
            weight: 90,
            weighted_score_micros: -58_500_000,
            ..Delta::default()
        };
        assert_eq!(entity, Some(expected));
    }
}
