//! Changed texts of documents that are known.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::StoreError;
use crate::batch::{Row, column, ids};

/// Keeps each revision that differs from the one that counts, once; returns how many.
pub(crate) async fn corrections(
    connection: &mut PgConnection,
    rows: &[Row<'_>],
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    if rows.is_empty() {
        return Ok(0);
    }
    let done = sqlx::query(
        "INSERT INTO store.correction (doc_id, revision, replaces, title, body, fetched_at, enriched_at,
            stored_at, label, sentiment, confidence, abstain, model_name, model_version, quantization)
         SELECT u.doc_id, u.revision, s.revision, u.title, u.body, u.fetched_at, u.enriched_at,
            $7, u.label, u.sentiment, u.confidence, u.abstain, u.model_name, u.model_version, u.quantization
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[],
            $8::text[], $9::real[], $10::real[], $11::boolean[], $12::text[], $13::text[], $14::text[])
            AS u(doc_id, revision, title, body, fetched_at, enriched_at,
                 label, sentiment, confidence, abstain, model_name, model_version, quantization)
         JOIN store.seen s ON s.doc_id = u.doc_id COLLATE \"C\"
         WHERE s.revision <> u.revision
         ORDER BY u.doc_id COLLATE \"C\", u.revision
         ON CONFLICT (doc_id, revision) DO NOTHING",
    )
    .bind(ids(rows))
    .bind(column(rows, |e| e.document.revision.as_str()))
    .bind(column(rows, |e| e.document.title.as_str()))
    .bind(column(rows, |e| e.document.body.as_str()))
    .bind(column(rows, |e| e.document.fetched_at))
    .bind(column(rows, |e| e.enriched_at))
    .bind(now)
    .bind(column(rows, |e| e.sentiment.label.as_str()))
    .bind(column(rows, |e| e.sentiment.score))
    .bind(column(rows, |e| e.sentiment.confidence))
    .bind(column(rows, |e| e.sentiment.abstain))
    .bind(column(rows, |e| e.model.name.as_str()))
    .bind(column(rows, |e| e.model.version.as_str()))
    .bind(column(rows, |e| e.model.quantization.as_str()))
    .execute(connection)
    .await
    .map_err(StoreError::database("keep corrections"))?;
    Ok(done.rows_affected())
}
