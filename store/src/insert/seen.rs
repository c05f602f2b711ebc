//! Which documents are new: the one table that is unique over all months.

use std::collections::HashSet;

use sqlx::PgConnection;

use crate::StoreError;
use crate::batch::{Row, column, ids};

/// Notes the documents and returns the ids that were not known. `rows` are sorted.
pub(crate) async fn seen(
    connection: &mut PgConnection,
    rows: &[Row<'_>],
) -> Result<HashSet<String>, StoreError> {
    if rows.is_empty() {
        return Ok(HashSet::new());
    }
    let new: Vec<String> = sqlx::query_scalar(
        "INSERT INTO store.seen (doc_id, revision, first_seen_at)
         SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[])
         ON CONFLICT (doc_id) DO NOTHING RETURNING doc_id",
    )
    .bind(ids(rows))
    .bind(column(rows, |e| e.document.revision.as_str()))
    .bind(column(rows, |e| e.document.first_seen_at))
    .fetch_all(connection)
    .await
    .map_err(StoreError::database("note new documents"))?;
    Ok(new.into_iter().collect())
}
