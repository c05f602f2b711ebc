//! How far each file was read, in Postgres: written down together with the items of its rows.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::Offset;
use crate::IngestError;
use crate::error::database;
use crate::items::{Shown, write_poll};
use crate::state::{SourceState, State};

/// Row of `ingest.file`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) read: Offset,
    /// [`super::digest`] of what was read.
    pub(crate) digest: i64,
    /// The size and the time of the last change that it had then.
    pub(crate) size: u64,
    pub(crate) changed: DateTime<Utc>,
}

/// Path, bytes and lines read, digest, size, time of the last change.
type Row = (String, i64, i64, i64, i64, DateTime<Utc>);

impl State {
    /// What is remembered of the files of a source, by their paths.
    pub(crate) async fn files(&self, source_id: &str) -> Result<HashMap<String, Mark>, IngestError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT path, read_bytes, read_lines, digest, size_bytes, changed_at FROM ingest.file
             WHERE source_id = $1",
        )
        .bind(source_id)
        .fetch_all(&self.pool)
        .await
        .map_err(database("read how far files were read"))?;
        let mark = |(path, bytes, lines, digest, size, changed): Row| {
            let read = Offset { bytes: bytes.cast_unsigned(), lines: lines.cast_unsigned() };
            (path, Mark { read, digest, size: size.cast_unsigned(), changed })
        };
        Ok(rows.into_iter().map(mark).collect())
    }

    /// As [`State::take_in`], for rows of a file, with how far it was read.
    pub(crate) async fn take_in_rows(
        &self,
        (source_id, url): (&str, &str),
        shown: Shown,
        (path, mark): (&str, &Mark),
        state: &mut SourceState,
        now: DateTime<Utc>,
    ) -> Result<usize, IngestError> {
        let mut transaction = self.begin_items(source_id).await?;
        let new = write_poll(&mut transaction, (source_id, url), shown, state, now).await?;
        sqlx::query(
            "INSERT INTO ingest.file (source_id, path, read_bytes, read_lines, digest, size_bytes, changed_at, read_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (source_id, path) DO UPDATE SET read_bytes = excluded.read_bytes,
                 read_lines = excluded.read_lines, digest = excluded.digest, size_bytes = excluded.size_bytes,
                 changed_at = excluded.changed_at, read_at = excluded.read_at",
        )
        .bind(source_id)
        .bind(path)
        .bind(mark.read.bytes.cast_signed())
        .bind(mark.read.lines.cast_signed())
        .bind(mark.digest)
        .bind(mark.size.cast_signed())
        .bind(mark.changed)
        .bind(now)
        .execute(&mut *transaction)
        .await
        .map_err(database("write down how far a file was read"))?;
        transaction.commit().await.map_err(database("commit the rows of a file"))?;
        Ok(new)
    }

    /// Forgets the files that are no longer there.
    pub(crate) async fn forget_files(&self, source_id: &str, there: &[String]) -> Result<(), IngestError> {
        sqlx::query("DELETE FROM ingest.file WHERE source_id = $1 AND path <> ALL($2)")
            .bind(source_id)
            .bind(there)
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(database("forget files that are gone"))
    }
}
