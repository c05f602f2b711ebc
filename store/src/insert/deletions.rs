//! Documents that their source took back: noted, and their text erased.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use tocsin_contract::{SourceKind, Tombstone};

use crate::StoreError;

/// Text and what leads to it go; readings, mentions and rollups stay. A text fetched after
/// the tombstone was shown again by its source, and stays.
const ERASE: &str = "
    WITH gone AS (
        SELECT * FROM unnest($1::text[], $2::timestamptz[]) AS u(doc_id, deleted_at)),
    corrected AS (
        UPDATE store.correction c SET title = '', body = '' FROM gone g
        WHERE c.doc_id = g.doc_id COLLATE \"C\" AND c.fetched_at <= g.deleted_at)
    UPDATE store.document d
    SET title = '', body = '', url = NULL, canonical_url = NULL, author_hash = NULL
    FROM gone g JOIN store.seen s ON s.doc_id = g.doc_id COLLATE \"C\"
    WHERE d.doc_id = s.doc_id AND d.first_seen_at = s.first_seen_at AND d.fetched_at <= g.deleted_at";

/// Notes each tombstone once (sorted by id) and erases the texts of those of the kinds
/// `erase`; returns how many were new.
pub(crate) async fn deletions(
    connection: &mut PgConnection,
    tombstones: &[&Tombstone],
    erase: &[SourceKind],
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    if tombstones.is_empty() {
        return Ok(0);
    }
    let is_erased = |tombstone: &Tombstone| erase.contains(&tombstone.source.kind);
    let erased: Vec<&Tombstone> =
        tombstones.iter().copied().filter(|tombstone| is_erased(tombstone)).collect();
    sqlx::query(ERASE)
        .bind(column(&erased, |t| t.id.to_string()))
        .bind(column(&erased, |t| t.deleted_at))
        .execute(&mut *connection)
        .await
        .map_err(StoreError::database("erase what was taken back"))?;
    let done = sqlx::query(
        "INSERT INTO store.deletion (doc_id, source_id, source_kind, deleted_at, stored_at, is_erased)
         SELECT u.doc_id, u.source_id, u.source_kind, u.deleted_at, $5, u.is_erased
         FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $6::boolean[])
            AS u(doc_id, source_id, source_kind, deleted_at, is_erased)
         ON CONFLICT (doc_id) DO UPDATE SET deleted_at = excluded.deleted_at, stored_at = excluded.stored_at,
            is_erased = excluded.is_erased
         WHERE deletion.deleted_at < excluded.deleted_at",
    )
    .bind(column(tombstones, |t| t.id.to_string()))
    .bind(column(tombstones, |t| t.source.id.clone()))
    .bind(column(tombstones, |t| t.source.kind.as_str()))
    .bind(column(tombstones, |t| t.deleted_at))
    .bind(now)
    .bind(column(tombstones, is_erased))
    .execute(connection)
    .await
    .map_err(StoreError::database("note what was taken back"))?;
    Ok(done.rows_affected())
}

fn column<'a, T>(tombstones: &[&'a Tombstone], value: impl Fn(&'a Tombstone) -> T) -> Vec<T> {
    tombstones.iter().map(|tombstone| value(tombstone)).collect()
}
