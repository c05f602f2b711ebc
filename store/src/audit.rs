//! Recomputes the rollups from documents and mentions, in SQL and so apart from the
//! code that fed them. Reads one snapshot; changes nothing.

use chrono::{DateTime, Utc};
use sqlx::{PgPool, Row as _};

use crate::StoreError;

/// A rollup row that is not what its documents add up to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub table: &'static str,
    /// `entity:svb`, `topic:financials`.
    pub subject: String,
    pub bucket: DateTime<Utc>,
    pub shard: i32,
    /// The counts that documents give, and those the rollup has; none: no such row.
    pub expected: Option<String>,
    pub found: Option<String>,
}

macro_rules! compare {
    ($table:literal, $unit:literal) => {
        concat!(
            "WITH reading AS (
                SELECT 'entity' AS subject_kind, m.entity_id AS subject_id, d.event_time, d.source_kind, d.lang,
                       d.shard, m.label, m.abstain, round(m.sentiment::float8 * 1e6)::bigint AS score,
                       m.relevance::bigint AS weight
                FROM store.mention m JOIN store.document d USING (doc_id, first_seen_at)
                UNION ALL
                SELECT 'topic', t.topic, d.event_time, d.source_kind, d.lang, d.shard, d.label, d.abstain,
                       round(d.sentiment::float8 * 1e6)::bigint, round(t.p::float8 * 100)::bigint
                FROM store.document d, unnest(d.topics, d.topic_p) AS t(topic, p)
             ), expected AS (
                SELECT subject_kind, subject_id COLLATE \"C\" AS subject_id,
                       date_trunc('", $unit, "', event_time, 'UTC') AS bucket, source_kind, lang, shard,
                       (count(*), count(*) FILTER (WHERE NOT abstain AND label = 'negative'),
                        count(*) FILTER (WHERE NOT abstain AND label = 'neutral'),
                        count(*) FILTER (WHERE NOT abstain AND label = 'positive'),
                        count(*) FILTER (WHERE abstain), sum(score)::bigint, sum(weight)::bigint,
                        sum(score * weight)::bigint)::text AS counts
                FROM reading GROUP BY 1, 2, 3, 4, 5, 6
             ), found AS (
                SELECT subject_kind, subject_id, bucket, source_kind, lang, shard,
                       (n_docs, negative, neutral, positive, abstained, score_micros, weight,
                        weighted_score_micros)::text AS counts
                FROM ", $table, "
             )
             SELECT subject_kind || ':' || subject_id, bucket, shard, e.counts, f.counts
             FROM expected e FULL JOIN found f
                  USING (subject_kind, subject_id, bucket, source_kind, lang, shard)
             WHERE e.counts IS DISTINCT FROM f.counts
               AND ($1::timestamptz IS NULL OR bucket >= date_trunc('day', $1, 'UTC'))
             ORDER BY bucket, 1 LIMIT 1000"
        )
    };
}

/// The rollup rows (at most 1,000 a table) that differ from the documents, in buckets
/// from the day of `since` on. An empty answer is the promise kept.
pub async fn recompute(pool: &PgPool, since: Option<DateTime<Utc>>) -> Result<Vec<Difference>, StoreError> {
    let mut differences =
        compare(pool, "trend_hourly", compare!("store.trend_hourly", "hour"), since).await?;
    differences.extend(compare(pool, "trend_daily", compare!("store.trend_daily", "day"), since).await?);
    Ok(differences)
}

async fn compare(
    pool: &PgPool,
    table: &'static str,
    statement: &'static str,
    since: Option<DateTime<Utc>>,
) -> Result<Vec<Difference>, StoreError> {
    let rows = sqlx::query(statement)
        .bind(since)
        .fetch_all(pool)
        .await
        .map_err(StoreError::database("recompute the rollups"))?;
    let difference = |row: &sqlx::postgres::PgRow| Difference {
        table,
        subject: row.get(0),
        bucket: row.get(1),
        shard: row.get(2),
        expected: row.get(3),
        found: row.get(4),
    };
    Ok(rows.iter().map(difference).collect())
}
