//! Items between being seen and being settled. What a source showed is written down
//! together with the validators and cursor of the answer it stood in, so that a crash
//! loses neither; each item is then settled once: published, or told why not.

use std::collections::HashMap;
use std::fmt;

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use sqlx::types::Json;
use tocsin_contract::DocumentId;

use crate::IngestError;
use crate::draft::Draft;
use crate::error::database;
use crate::state::{Known, SourceState, State};

mod withdraw;
mod write;

use write::write_down;
pub(crate) use write::write_poll;

/// Identity of an item within its source.
pub(crate) type Key = [u8; 16];

/// An item as a source shows it.
#[derive(Debug, Clone)]
pub(crate) struct Sighting {
    /// Hash of the publisher's id and the address.
    pub(crate) key: Key,
    /// Hash of the publisher's id.
    pub(crate) native_key: Key,
    pub(crate) draft: Draft,
    /// When its list says that it was changed, whether or not it shows how.
    pub(crate) updated: Option<DateTime<Utc>>,
}

/// An item that waits to be settled.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    pub(crate) key: Key,
    pub(crate) draft: Draft,
    /// Times that its page was asked for in vain.
    pub(crate) attempts: i32,
    pub(crate) seen_at: DateTime<Utc>,
    /// The reason for which it was settled as it was shown before; empty if it was not.
    pub(crate) before: String,
}

impl Pending {
    /// Settled without anything new about a document.
    pub(crate) fn settled(&self, fate: Fate, reason: &'static str) -> Settled<'static> {
        Settled { fate, of: self.draft.entry_hash, reason, memory: None }
    }
}

/// What became of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Published,
    Revised,
    Duplicate,
    Refused,
    Failed,
}

impl Fate {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Revised => "revised",
            Self::Duplicate => "duplicate",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// How an item was settled.
#[derive(Debug)]
pub(crate) struct Settled<'a> {
    pub(crate) fate: Fate,
    /// Hash of what its source's list said of it.
    pub(crate) of: i64,
    /// In a word or two; empty where there is nothing to say.
    pub(crate) reason: &'static str,
    /// What is now known of the document, where that changed.
    pub(crate) memory: Option<(DocumentId, &'a Known)>,
}

/// What an answer of a source showed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shown {
    pub(crate) sightings: Vec<Sighting>,
    pub(crate) unfit: Vec<Unfit>,
    /// Ids of the publisher of items that it took back.
    pub(crate) deleted: Vec<String>,
    /// Hashes of authors whose accounts are gone.
    pub(crate) left: Vec<String>,
    /// It is all that the source shows now: what was taken back and stands in it is back.
    pub(crate) is_list: bool,
    /// What was taken back stands in it as an item, which is seen even where it was not seen before.
    pub(crate) shows_deleted: bool,
}

impl Shown {
    /// How many items it says something of.
    pub(crate) fn len(&self) -> usize {
        self.sightings.len() + self.unfit.len() + self.deleted.len() + self.left.len()
    }

    /// When its items were published.
    pub(crate) fn times(&self) -> impl Iterator<Item = DateTime<Utc>> {
        self.sightings.iter().filter_map(|sighting| Some(sighting.draft.published?.0))
    }
}

/// What could not be read.
#[derive(Debug, Clone)]
pub(crate) struct Unfit {
    key: Key,
    /// In a few words, for the ledger.
    cause: String,
    /// Where it stands: an address, or a file and a line.
    place: String,
}

impl Unfit {
    /// The same text of one source is the same item, wherever it stands.
    pub(crate) fn new(source_id: &str, text: &str, cause: String, place: String) -> Self {
        let key = *DocumentId::from_native(source_id, &format!("unfit\n{text}")).as_bytes();
        Self { key, cause, place }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.cause)
    }
}

impl Sighting {
    pub(crate) fn new(native_id: &str, draft: Draft) -> Self {
        let source = draft.source.id.as_str();
        let address = draft.canonical_url.as_deref().unwrap_or_default();
        let key = *DocumentId::from_native(source, &format!("{native_id}\n{address}")).as_bytes();
        let native_key = *DocumentId::from_native(source, native_id).as_bytes();
        Self { key, native_key, draft, updated: None }
    }
}

impl State {
    /// Writes down, all or nothing, what an answer showed, its count in the ledger, and
    /// the state it leaves the source in. Returns how much of it was new, changed or taken back.
    pub(crate) async fn take_in(
        &self,
        (source_id, url): (&str, &str),
        shown: Shown,
        state: &mut SourceState,
        now: DateTime<Utc>,
    ) -> Result<usize, IngestError> {
        let mut transaction = self.begin_items(source_id).await?;
        let new = write_poll(&mut transaction, (source_id, url), shown, state, now).await?;
        transaction.commit().await.map_err(database("commit the items of a source"))?;
        Ok(new)
    }

    /// The same for what a hub delivered, which says nothing of the next poll.
    pub(crate) async fn take_in_delivery(
        &self,
        source_id: &str,
        shown: Shown,
        now: DateTime<Utc>,
    ) -> Result<usize, IngestError> {
        let mut transaction = self.begin_items(source_id).await?;
        let new = write_down(&mut transaction, source_id, shown, now).await?;
        sqlx::query(
            "WITH pushed AS (UPDATE ingest.websub SET pushed_at = $2 WHERE source_id = $1)
             UPDATE ingest.source SET last_new_at = $2 WHERE source_id = $1 AND $3",
        )
        .bind(source_id)
        .bind(now)
        .bind(new.fresh > 0)
        .execute(&mut *transaction)
        .await
        .map_err(database("write down a delivery"))?;
        transaction.commit().await.map_err(database("commit the items of a delivery"))?;
        Ok(new.total())
    }

    /// Whether any of these is not known as it is.
    pub(crate) async fn is_news(&self, source_id: &str, sightings: &[Sighting]) -> Result<bool, IngestError> {
        let keys: Vec<&[u8]> = sightings.iter().map(|sighting| sighting.key.as_slice()).collect();
        let hashes: Vec<i64> = sightings.iter().map(|sighting| sighting.draft.entry_hash).collect();
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM UNNEST($2::bytea[], $3::bigint[]) AS t (k, h) WHERE NOT EXISTS (
                 SELECT FROM ingest.item WHERE source_id = $1 AND item_key = k AND entry_hash = h))",
        )
        .bind(source_id)
        .bind(keys)
        .bind(hashes)
        .fetch_one(&self.pool)
        .await
        .map_err(database("look up whether items are known"))
    }

    /// Items that may be settled now, in the order in which they were published.
    pub(crate) async fn pending(
        &self,
        source_id: &str,
        limit: i64,
        now: DateTime<Utc>,
    ) -> Result<Vec<Pending>, IngestError> {
        type Row = (Vec<u8>, Json<Draft>, i32, DateTime<Utc>, String);
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT item_key, draft, attempts, seen_at, reason FROM ingest.item
             WHERE source_id = $1 AND fate = 'pending' AND (not_before IS NULL OR not_before <= $2)
             ORDER BY seen_at, draft -> 'published' ->> 0 NULLS FIRST, item_key LIMIT $3",
        )
        .bind(source_id)
        .bind(now)
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .map_err(database("read the items that wait"))?;
        let item = |(key, draft, attempts, seen_at, before): Row| {
            Some(Pending { key: key.try_into().ok()?, draft: draft.0, attempts, seen_at, before })
        };
        Ok(rows.into_iter().filter_map(item).collect())
    }

    /// When the first of the waiting items may be settled, or told to be taken back, for each
    /// of these sources that has any.
    pub(crate) async fn waiting(
        &self,
        ids: &[String],
    ) -> Result<HashMap<String, DateTime<Utc>>, IngestError> {
        let rows: Vec<(String, DateTime<Utc>)> = sqlx::query_as(
            "SELECT source_id, min(coalesce(not_before, deleted_at, seen_at)) FROM ingest.item
             WHERE (fate = 'pending' OR (deleted_at IS NOT NULL AND told_at IS NULL)) AND source_id = ANY($1)
             GROUP BY source_id",
        )
        .bind(ids)
        .fetch_all(&self.pool)
        .await
        .map_err(database("read which sources have items that wait"))?;
        Ok(rows.into_iter().collect())
    }

    /// The same for one source.
    pub(crate) async fn waiting_of(&self, source_id: &str) -> Result<Option<DateTime<Utc>>, IngestError> {
        sqlx::query_scalar(
            "SELECT min(coalesce(not_before, deleted_at, seen_at)) FROM ingest.item
             WHERE (fate = 'pending' OR (deleted_at IS NOT NULL AND told_at IS NULL)) AND source_id = $1",
        )
        .bind(source_id)
        .fetch_one(&self.pool)
        .await
        .map_err(database("read whether items of a source wait"))
    }

    /// Leaves an item for later, after a try of its page or without one.
    pub(crate) async fn postpone(
        &self,
        source_id: &str,
        key: &Key,
        until: DateTime<Utc>,
        was_tried: bool,
    ) -> Result<(), IngestError> {
        sqlx::query(
            "UPDATE ingest.item SET attempts = attempts + CASE WHEN $4 THEN 1 ELSE 0 END, not_before = $3
             WHERE source_id = $1 AND item_key = $2 AND fate = 'pending'",
        )
        .bind(source_id)
        .bind(key.as_slice())
        .bind(until)
        .bind(was_tried)
        .execute(&self.pool)
        .await
        .map(drop)
        .map_err(database("postpone an item"))
    }

    /// Settles an item (`None`: a document that no list showed), once: of one that is
    /// settled already nothing changes. The first sight of a document is never overwritten.
    pub(crate) async fn settle(
        &self,
        source_id: &str,
        key: Option<&Key>,
        settled: &Settled<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), IngestError> {
        write_settled(&self.pool, source_id, key, settled, now).await
    }
}

/// As one statement, wherever a transaction needs it.
async fn write_settled(
    to: impl PgExecutor<'_>,
    source_id: &str,
    key: Option<&Key>,
    settled: &Settled<'_>,
    now: DateTime<Utc>,
) -> Result<(), IngestError> {
    let memory = settled.memory.as_ref();
    sqlx::query(SETTLE)
        .bind(source_id)
        .bind(key.map(|key| key.as_slice()))
        .bind(settled.fate.as_str())
        .bind(settled.reason)
        .bind(now)
        .bind(memory.map(|(id, _)| id.as_bytes().as_slice()))
        .bind(memory.map(|(_, known)| &known.source_id))
        .bind(memory.map(|(_, known)| &known.revision))
        .bind(memory.map(|(_, known)| known.entry_hash))
        .bind(memory.map(|(_, known)| known.first_seen_at))
        .bind(settled.of)
        .execute(to)
        .await
        .map(drop)
        .map_err(database("settle an item"))
}

/// A document that no list showed is seen as it is settled. An item that its source
/// changed meanwhile stays open.
const SETTLE: &str = "
    WITH item AS (
        UPDATE ingest.item SET fate = $3, reason = $4, settled_at = $5, draft = NULL, not_before = NULL,
            doc_id = coalesce($6, doc_id)
        WHERE source_id = $1 AND item_key = $2 AND fate = 'pending' AND entry_hash = $11 RETURNING seen_at),
    counted AS (
        SELECT $3 AS fate, $4 AS reason, seen_at FROM item
        UNION ALL SELECT $3, $4, $5 WHERE $2 IS NULL
        UNION ALL SELECT 'seen', '', $5 WHERE $2 IS NULL),
    ledger AS (
        INSERT INTO ingest.ledger (source_id, hour, fate, reason, items)
        SELECT $1, date_trunc('hour', seen_at), fate, reason, 1 FROM counted
        ON CONFLICT (source_id, hour, fate, reason) DO UPDATE SET items = ledger.items + 1)
    INSERT INTO ingest.seen (doc_id, source_id, revision, entry_hash, first_seen_at)
    SELECT $6, $7, $8, $9, $10 WHERE $6 IS NOT NULL
    ON CONFLICT (doc_id) DO UPDATE SET revision = excluded.revision, entry_hash = excluded.entry_hash
    WHERE seen.source_id = excluded.source_id";
