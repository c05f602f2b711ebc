//! Documents with what was read in them.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::postgres::PgArguments;
use sqlx::{PgConnection, Postgres, query::Query};
use tocsin_contract::{Engagement, Enriched};

use crate::StoreError;
use crate::batch::{Row, column, ids};

const INSERT: &str = "INSERT INTO store.document (
    doc_id, revision, source_id, source_kind, publisher_family, url, canonical_url, author_hash, lang,
    title, body, published_at, published_precision, event_time, first_seen_at, fetched_at, enriched_at,
    stored_at, is_backfill, redactions, likes, reposts, replies, views,
    topics, topic_p, risk_events, risk_event_p,
    label, sentiment, p_neg, p_neu, p_pos, confidence, abstain, story_id, novelty, story_position,
    model_name, model_version, quantization, shard)
SELECT doc_id, revision, source_id, source_kind, publisher_family, url, canonical_url, author_hash, lang,
    title, body, published_at, published_precision, event_time, first_seen_at, fetched_at, enriched_at,
    $1, is_backfill, redactions, likes, reposts, replies, views,
    ARRAY(SELECT v->>0 FROM jsonb_array_elements(topics) WITH ORDINALITY AS t(v, n) ORDER BY n),
    ARRAY(SELECT (v->>1)::real FROM jsonb_array_elements(topics) WITH ORDINALITY AS t(v, n) ORDER BY n),
    ARRAY(SELECT v->>0 FROM jsonb_array_elements(events) WITH ORDINALITY AS t(v, n) ORDER BY n),
    ARRAY(SELECT (v->>1)::real FROM jsonb_array_elements(events) WITH ORDINALITY AS t(v, n) ORDER BY n),
    label, sentiment, p_neg, p_neu, p_pos, confidence, abstain, story_id, novelty, story_position,
    model_name, model_version, quantization, shard
FROM unnest(
    $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::text[], $11::text[], $12::text[], $13::timestamptz[], $14::text[], $15::timestamptz[],
    $16::timestamptz[], $17::timestamptz[], $18::timestamptz[], $19::boolean[], $20::bigint[],
    $21::bigint[], $22::bigint[], $23::bigint[], $24::bigint[], $25::jsonb[], $26::jsonb[],
    $27::text[], $28::real[], $29::real[], $30::real[], $31::real[], $32::real[], $33::boolean[],
    $34::text[], $35::smallint[], $36::bigint[], $37::text[], $38::text[], $39::text[], $40::int[])
AS u(doc_id, revision, source_id, source_kind, publisher_family, url, canonical_url, author_hash,
    lang, title, body, published_at, published_precision, event_time,
    first_seen_at, fetched_at, enriched_at, is_backfill, redactions,
    likes, reposts, replies, views, topics, events,
    label, sentiment, p_neg, p_neu, p_pos, confidence, abstain,
    story_id, novelty, story_position, model_name, model_version, quantization, shard)";

/// Inserts rows that [`super::seen`] found new.
pub(crate) async fn documents(
    connection: &mut PgConnection,
    rows: &[Row<'_>],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let query = bind_document(sqlx::query(INSERT).bind(now), rows);
    let query = bind_reading(query, rows).bind(rows.iter().map(|row| row.shard).collect::<Vec<i32>>());
    query.execute(connection).await.map_err(StoreError::database("insert documents"))?;
    Ok(())
}

type Insert<'q> = Query<'q, Postgres, PgArguments>;

/// $2 to $24: what ingest found.
fn bind_document<'q>(query: Insert<'q>, rows: &[Row<'q>]) -> Insert<'q> {
    query
        .bind(ids(rows))
        .bind(column(rows, |e| e.document.revision.as_str()))
        .bind(column(rows, |e| e.document.source.id.as_str()))
        .bind(column(rows, |e| e.document.source.kind.as_str()))
        .bind(column(rows, |e| e.document.source.publisher_family.as_str()))
        .bind(column(rows, |e| e.document.url.as_deref()))
        .bind(column(rows, |e| e.document.canonical_url.as_deref()))
        .bind(column(rows, |e| e.document.author_hash.as_deref()))
        .bind(column(rows, |e| e.document.lang.as_str()))
        .bind(column(rows, |e| e.document.title.as_str()))
        .bind(column(rows, |e| e.document.body.as_str()))
        .bind(column(rows, |e| e.document.published_at))
        .bind(column(rows, |e| e.document.published_precision.as_str()))
        .bind(column(rows, |e| e.document.event_time()))
        .bind(column(rows, |e| e.document.first_seen_at))
        .bind(column(rows, |e| e.document.fetched_at))
        .bind(column(rows, |e| e.enriched_at))
        .bind(column(rows, |e| e.document.is_backfill))
        .bind(column(rows, |e| i64::from(e.document.redactions)))
        .bind(column(rows, |e| engagement(e, |n| n.likes)))
        .bind(column(rows, |e| engagement(e, |n| n.reposts)))
        .bind(column(rows, |e| engagement(e, |n| n.replies)))
        .bind(column(rows, |e| engagement(e, |n| n.views)))
}

/// $25 to $39: what the model read.
fn bind_reading<'q>(query: Insert<'q>, rows: &[Row<'q>]) -> Insert<'q> {
    query
        .bind(column(rows, |e| pairs(e.topics.iter().map(|t| (t.topic.as_str(), t.p)))))
        .bind(column(rows, |e| pairs(e.risk_events.iter().map(|r| (r.event.as_str(), r.p)))))
        .bind(column(rows, |e| e.sentiment.label.as_str()))
        .bind(column(rows, |e| e.sentiment.score))
        .bind(column(rows, |e| e.sentiment.negative))
        .bind(column(rows, |e| e.sentiment.neutral))
        .bind(column(rows, |e| e.sentiment.positive))
        .bind(column(rows, |e| e.sentiment.confidence))
        .bind(column(rows, |e| e.sentiment.abstain))
        .bind(column(rows, |e| e.story.id.as_str()))
        .bind(column(rows, |e| e.story.novelty.map(i16::from)))
        .bind(column(rows, |e| e.story.position.map(i64::from)))
        .bind(column(rows, |e| e.model.name.as_str()))
        .bind(column(rows, |e| e.model.version.as_str()))
        .bind(column(rows, |e| e.model.quantization.as_str()))
}

/// `[["topic", 0.9], ...]`: arrays of arrays cannot go through `unnest`.
fn pairs<'a>(items: impl Iterator<Item = (&'a str, f32)>) -> Value {
    items.map(|(name, p)| json!([name, p])).collect()
}

fn engagement(enriched: &Enriched, count: impl Fn(Engagement) -> Option<u64>) -> Option<i64> {
    enriched.document.engagement.and_then(count).map(|n| i64::try_from(n).unwrap_or(i64::MAX))
}
