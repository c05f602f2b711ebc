//! What is gone where it stood: its own page says that it was taken back.

use chrono::{DateTime, Utc};

use super::Pending;
use crate::IngestError;
use crate::error::database;
use crate::state::State;

/// Why an item is settled whose page is gone. Its list may go on to show it: it comes back only
/// when the list says something else of it.
pub(super) const PAGE_GONE: &str = "page gone";

impl State {
    /// Settles an item as taken back; whoever polls the source tells the bus.
    pub(crate) async fn withdraw(
        &self,
        source_id: &str,
        item: &Pending,
        now: DateTime<Utc>,
    ) -> Result<(), IngestError> {
        sqlx::query(
            "WITH item AS (
                 UPDATE ingest.item SET fate = 'refused', reason = $5, settled_at = $6, deleted_at = $6,
                     told_at = NULL, doc_id = $4, draft = NULL, author_hash = NULL, not_before = NULL
                 WHERE source_id = $1 AND item_key = $2 AND fate = 'pending' AND entry_hash = $3
                 RETURNING seen_at)
             INSERT INTO ingest.ledger (source_id, hour, fate, reason, items)
             SELECT $1, date_trunc('hour', seen_at), 'refused', $5, 1 FROM item
             ON CONFLICT (source_id, hour, fate, reason) DO UPDATE SET items = ledger.items + 1",
        )
        .bind(source_id)
        .bind(item.key.as_slice())
        .bind(item.draft.entry_hash)
        .bind(item.draft.id.as_bytes().as_slice())
        .bind(PAGE_GONE)
        .bind(now)
        .execute(&self.pool)
        .await
        .map(drop)
        .map_err(database("settle an item whose page is gone"))
    }
}
