//! Changed texts of documents that are known.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::StoreError;
use crate::batch::{Row, column, ids};

/// A row with the document's first revision that was not fetched later than the document is a copy of it.
/// Every other row is compared with what the document said before that row was fetched: as an earlier row of
/// this batch has it, else the corrections that are kept, else the first revision. Only what differs is kept.
const KEEP: &str = "
    WITH told AS (
        SELECT u.*, s.revision AS first_revision,
            lag(u.revision) OVER (PARTITION BY u.doc_id ORDER BY u.fetched_at, u.position) AS told_before
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[],
            $8::text[], $9::real[], $10::real[], $11::boolean[], $12::text[], $13::text[], $14::text[])
            WITH ORDINALITY
            AS u(doc_id, revision, title, body, fetched_at, enriched_at,
                 label, sentiment, confidence, abstain, model_name, model_version, quantization, position)
        JOIN store.seen s ON s.doc_id = u.doc_id COLLATE \"C\"
        JOIN store.document d ON d.doc_id = s.doc_id AND d.first_seen_at = s.first_seen_at
        WHERE u.revision <> s.revision OR u.fetched_at > d.fetched_at)
    INSERT INTO store.correction (doc_id, revision, replaces, title, body, fetched_at, enriched_at,
        stored_at, label, sentiment, confidence, abstain, model_name, model_version, quantization)
    SELECT t.doc_id, t.revision, before.revision, t.title, t.body, t.fetched_at, t.enriched_at,
        $7, t.label, t.sentiment, t.confidence, t.abstain, t.model_name, t.model_version, t.quantization
    FROM told t
    CROSS JOIN LATERAL (SELECT coalesce(t.told_before,
        (SELECT c.revision FROM store.correction c
         WHERE c.doc_id = t.doc_id COLLATE \"C\" AND c.fetched_at <= t.fetched_at
         ORDER BY c.fetched_at DESC, c.stored_at DESC LIMIT 1),
        t.first_revision) AS revision) before
    WHERE t.revision <> before.revision
    ORDER BY t.doc_id COLLATE \"C\", t.revision, t.fetched_at
    ON CONFLICT (doc_id, revision, fetched_at) DO NOTHING";

/// Keeps each text that differs from the one before it, once; returns how many.
pub(crate) async fn corrections(
    connection: &mut PgConnection,
    rows: &[Row<'_>],
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    if rows.is_empty() {
        return Ok(0);
    }
    let done = sqlx::query(KEEP)
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
