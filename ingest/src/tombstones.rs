//! What sources take back: marked in the transaction that wrote down the answer which said
//! so, told to the bus when the source's items are settled, and only then remembered as told.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use tocsin_contract::{DocumentId, Tombstone};

use crate::IngestError;
use crate::config::SourceConfig;
use crate::entry::source_of;
use crate::error::database;
use crate::items::Key;
use crate::poll::Poller;
use crate::state::State;

/// Tombstones that are read from the database at a time.
const BATCH: i64 = 256;

/// An item that its source took back, and the bus was not told.
#[derive(Debug)]
pub(crate) struct Buried {
    key: Key,
    id: DocumentId,
    deleted_at: DateTime<Utc>,
    /// No other source published the document.
    is_own: bool,
}

/// Key, id, time, and whether the document is its own.
type Row = (Vec<u8>, Vec<u8>, DateTime<Utc>, bool);

impl Poller {
    /// Tells the bus of what a source took back, each at least once. An item that waited is
    /// told too: a crash may have come between its publication and its settling.
    pub(crate) async fn tell(&self, source: &SourceConfig) -> Result<(), IngestError> {
        loop {
            let batch = self.state.untold(&source.id).await?;
            for Buried { id, deleted_at, .. } in batch.iter().filter(|buried| buried.is_own) {
                let tombstone = Tombstone { id: *id, source: source_of(source), deleted_at: *deleted_at };
                self.publisher.bury(tombstone).await?;
            }
            self.state.told(&source.id, &batch, self.clock.now()).await?;
            if (batch.len() as i64) < BATCH {
                return Ok(());
            }
        }
    }
}

impl State {
    /// Marks posts as taken back, of which a stream told while the database was away. Whoever polls the source
    /// tells the bus.
    pub(crate) async fn take_back(
        &self,
        source_id: &str,
        native_ids: &[String],
        now: DateTime<Utc>,
    ) -> Result<(), IngestError> {
        let mut transaction = self.begin_items(source_id).await?;
        bury(&mut transaction, source_id, (native_ids, &[]), now).await?;
        transaction.commit().await.map_err(database("commit what was taken back"))
    }

    async fn untold(&self, source_id: &str) -> Result<Vec<Buried>, IngestError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT i.item_key, i.doc_id, i.deleted_at, coalesce(s.source_id = $1, true)
             FROM ingest.item i LEFT JOIN ingest.seen s USING (doc_id)
             WHERE i.source_id = $1 AND i.deleted_at IS NOT NULL AND i.told_at IS NULL
             ORDER BY i.deleted_at, i.item_key LIMIT $2",
        )
        .bind(source_id)
        .bind(BATCH)
        .fetch_all(&self.pool)
        .await
        .map_err(database("read what was taken back"))?;
        let buried = |(key, id, deleted_at, is_own): Row| {
            let id = DocumentId::from_bytes(id.try_into().ok()?);
            Some(Buried { key: key.try_into().ok()?, id, deleted_at, is_own })
        };
        Ok(rows.into_iter().filter_map(buried).collect())
    }

    async fn told(&self, source_id: &str, batch: &[Buried], now: DateTime<Utc>) -> Result<(), IngestError> {
        if batch.is_empty() {
            return Ok(());
        }
        sqlx::query("UPDATE ingest.item SET told_at = $3 WHERE source_id = $1 AND item_key = ANY($2)")
            .bind(source_id)
            .bind(batch.iter().map(|buried| buried.key.as_slice()).collect::<Vec<_>>())
            .bind(now)
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(database("note that the bus was told"))
    }
}

/// Marks what is known of these ids, and what these authors wrote, as deleted; what still
/// waits will not be published. Returns how many items were marked.
pub(crate) async fn bury(
    to: &mut PgConnection,
    source_id: &str,
    (native_ids, authors): (&[String], &[String]),
    now: DateTime<Utc>,
) -> Result<usize, IngestError> {
    if native_ids.is_empty() && authors.is_empty() {
        return Ok(0);
    }
    let keys = native_ids.iter().map(|id| DocumentId::from_native(source_id, id).as_bytes().to_vec());
    let done = sqlx::query(
        "WITH waiting AS (
             SELECT item_key, seen_at FROM ingest.item
             WHERE source_id = $1 AND (native_key = ANY($2) OR author_hash = ANY($4)) AND fate = 'pending'),
         counted AS (
             INSERT INTO ingest.ledger (source_id, hour, fate, reason, items)
             SELECT $1, date_trunc('hour', seen_at), 'refused', 'deleted by its source', count(*)
             FROM waiting GROUP BY 2
             ON CONFLICT (source_id, hour, fate, reason) DO UPDATE SET items = ledger.items + excluded.items)
         UPDATE ingest.item SET deleted_at = $3, draft = NULL, author_hash = NULL, not_before = NULL,
             settled_at = coalesce(settled_at, $3),
             reason = CASE fate WHEN 'pending' THEN 'deleted by its source' ELSE reason END,
             fate = CASE fate WHEN 'pending' THEN 'refused' ELSE fate END
         WHERE source_id = $1 AND (native_key = ANY($2) OR author_hash = ANY($4)) AND deleted_at IS NULL",
    )
    .bind(source_id)
    .bind(keys.collect::<Vec<_>>())
    .bind(now)
    .bind(authors)
    .execute(to)
    .await
    .map_err(database("bury what was deleted"))?;
    Ok(usize::try_from(done.rows_affected()).unwrap_or(usize::MAX))
}
