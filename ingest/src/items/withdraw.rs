//! What is gone where it stood: its own page says that it was taken back.

use chrono::{DateTime, Utc};

use super::{Fate, Pending, write_settled};
use crate::IngestError;
use crate::error::database;
use crate::state::State;

/// Why an item is settled whose page is gone. Its list may go on to show it: it comes back only
/// when the list says something else of it.
pub(super) const PAGE_GONE: &str = "page gone";

impl State {
    /// Settles an item as taken back; whoever polls the source tells the bus. One that its source
    /// changed or took back meanwhile stays as it is.
    pub(crate) async fn withdraw(
        &self,
        source_id: &str,
        item: &Pending,
        now: DateTime<Utc>,
    ) -> Result<(), IngestError> {
        let failed = || database("settle an item whose page is gone");
        let mut transaction = self.begin().await?;
        let settled = item.settled(Fate::Refused, PAGE_GONE);
        write_settled(&mut *transaction, source_id, Some(&item.key), &settled, now).await?;
        sqlx::query(
            "UPDATE ingest.item SET deleted_at = $5, told_at = NULL, doc_id = $4, author_hash = NULL
             WHERE source_id = $1 AND item_key = $2 AND entry_hash = $3 AND fate = 'refused' AND deleted_at IS NULL",
        )
        .bind(source_id)
        .bind(item.key.as_slice())
        .bind(item.draft.entry_hash)
        .bind(item.draft.id.as_bytes().as_slice())
        .bind(now)
        .execute(&mut *transaction)
        .await
        .map_err(failed())?;
        transaction.commit().await.map_err(failed())
    }
}
