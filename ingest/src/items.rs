//! Items between being seen and being settled. What a source showed is written down
//! together with the validators and cursor of the answer it stood in, so that a crash
//! loses neither; each item is then settled once: published, or told why not.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;
use tocsin_contract::DocumentId;

use crate::IngestError;
use crate::draft::Draft;
use crate::error::database;
use crate::state::{Known, SourceState, State, write_source};
use crate::tombstones::bury;

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
}

/// An item that waits to be settled.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    pub(crate) key: Key,
    pub(crate) draft: Draft,
    pub(crate) attempts: i32,
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
    /// What could not be read, and why.
    pub(crate) unfit: Vec<(Key, String)>,
    /// Ids of the publisher of items that it took back.
    pub(crate) deleted: Vec<String>,
}

impl Shown {
    /// When its items were published.
    pub(crate) fn times(&self) -> impl Iterator<Item = DateTime<Utc>> {
        self.sightings.iter().filter_map(|sighting| Some(sighting.draft.published?.0))
    }
}

/// Key of what cannot be read, by the text of it.
pub(crate) fn unfit_key(source_id: &str, text: &str) -> Key {
    *DocumentId::from_native(source_id, &format!("unfit\n{text}")).as_bytes()
}

impl Sighting {
    pub(crate) fn new(native_id: &str, draft: Draft) -> Self {
        let source = draft.source.id.as_str();
        let address = draft.canonical_url.as_deref().unwrap_or_default();
        let key = *DocumentId::from_native(source, &format!("{native_id}\n{address}")).as_bytes();
        let native_key = *DocumentId::from_native(source, native_id).as_bytes();
        Self { key, native_key, draft }
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
        let new = write_down(&mut transaction, source_id, shown, now).await?;
        state.last_new_at = if new.fresh > 0 { Some(now) } else { state.last_new_at };
        write_source(&mut *transaction, source_id, url, state).await?;
        transaction.commit().await.map_err(database("commit the items of a source"))?;
        Ok(new.total())
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
        let rows: Vec<(Vec<u8>, Json<Draft>, i32)> = sqlx::query_as(
            "SELECT item_key, draft, attempts FROM ingest.item
             WHERE source_id = $1 AND fate = 'pending' AND (not_before IS NULL OR not_before <= $2)
             ORDER BY seen_at, draft -> 'published' ->> 0 NULLS FIRST, item_key LIMIT $3",
        )
        .bind(source_id)
        .bind(now)
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .map_err(database("read the items that wait"))?;
        let item = |(key, draft, attempts): (Vec<u8>, Json<Draft>, i32)| {
            Some(Pending { key: key.try_into().ok()?, draft: draft.0, attempts })
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

    /// Leaves an item for later.
    pub(crate) async fn postpone(
        &self,
        source_id: &str,
        key: &Key,
        until: DateTime<Utc>,
    ) -> Result<(), IngestError> {
        sqlx::query(
            "UPDATE ingest.item SET attempts = attempts + 1, not_before = $3
             WHERE source_id = $1 AND item_key = $2 AND fate = 'pending'",
        )
        .bind(source_id)
        .bind(key.as_slice())
        .bind(until)
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
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(database("settle an item"))
    }
}

/// What of an answer was new or changed.
struct New {
    fresh: usize,
    /// With what could not be read.
    seen: usize,
    taken_back: usize,
}

impl New {
    /// What is to be settled or told.
    fn total(&self) -> usize {
        self.seen + self.taken_back
    }
}

/// Items, ledger and tombstones of an answer.
async fn write_down(
    to: &mut PgConnection,
    source_id: &str,
    shown: Shown,
    now: DateTime<Utc>,
) -> Result<New, IngestError> {
    let total = shown.sightings.len() + shown.unfit.len();
    let keys: Vec<&[u8]> = shown.sightings.iter().map(|sighting| sighting.key.as_slice()).collect();
    let known: Vec<(Vec<u8>, i64, bool)> = sqlx::query_as(
        "SELECT item_key, entry_hash, fate = 'pending' FROM ingest.item
         WHERE source_id = $1 AND item_key = ANY($2)",
    )
    .bind(source_id)
    .bind(keys)
    .fetch_all(&mut *to)
    .await
    .map_err(database("look up the items of a source"))?;
    let known = known.into_iter().map(|(key, hash, waits)| (key, (hash, waits))).collect();
    let (fresh, superseded) = fresh(shown.sightings, &known);
    if !fresh.is_empty() {
        let failed = database("write down the items of a source");
        insert(source_id, &fresh, now).execute(&mut *to).await.map_err(failed)?;
    }
    let mut seen = fresh.len();
    if !shown.unfit.is_empty() {
        let failed = database("write down what could not be read");
        let unfit = insert_unfit(source_id, &shown.unfit, now).fetch_one(&mut *to).await;
        seen += usize::try_from(unfit.map_err(failed)?).unwrap_or_default();
    }
    if total > 0 {
        let counts = [("seen", seen), ("repeat", total - seen), ("superseded", superseded)];
        let failed = database("write the ledger");
        count(source_id, counts, now).execute(&mut *to).await.map_err(failed)?;
    }
    let taken_back = bury(to, source_id, &shown.deleted, now).await?;
    Ok(New { fresh: fresh.len(), seen, taken_back })
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

/// Those that are not known as they are, of two with one key the first; and how many of
/// them take the place of one that still waits.
fn fresh(sightings: Vec<Sighting>, known: &HashMap<Vec<u8>, (i64, bool)>) -> (Vec<Sighting>, usize) {
    let (mut keys, mut superseded) = (HashSet::new(), 0);
    let is_fresh = |sighting: &Sighting| {
        let before = known.get(sighting.key.as_slice());
        let fresh =
            keys.insert(sighting.key) && before.is_none_or(|(hash, _)| *hash != sighting.draft.entry_hash);
        superseded += usize::from(fresh && before.is_some_and(|(_, waits)| *waits));
        fresh
    };
    (sightings.into_iter().filter(is_fresh).collect(), superseded)
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

fn insert<'q>(source_id: &'q str, fresh: &'q [Sighting], now: DateTime<Utc>) -> Query<'q> {
    let all = |part: fn(&Sighting) -> Vec<u8>| fresh.iter().map(part).collect::<Vec<_>>();
    sqlx::query(
        "INSERT INTO ingest.item
             (source_id, item_key, native_key, doc_id, entry_hash, draft, fate, seen_at)
         SELECT $1, k, n, d, h, j, 'pending', $7
         FROM UNNEST($2::bytea[], $3::bytea[], $4::bytea[], $5::bigint[], $6::jsonb[]) AS t (k, n, d, h, j)
         ON CONFLICT (source_id, item_key) DO UPDATE SET doc_id = excluded.doc_id,
             entry_hash = excluded.entry_hash, draft = excluded.draft, fate = 'pending', reason = '',
             seen_at = excluded.seen_at, settled_at = NULL, attempts = 0, not_before = NULL,
             deleted_at = NULL, told_at = NULL",
    )
    .bind(source_id)
    .bind(all(|sighting| sighting.key.to_vec()))
    .bind(all(|sighting| sighting.native_key.to_vec()))
    .bind(all(|sighting| sighting.draft.id.as_bytes().to_vec()))
    .bind(fresh.iter().map(|sighting| sighting.draft.entry_hash).collect::<Vec<_>>())
    .bind(fresh.iter().map(|sighting| Json(&sighting.draft)).collect::<Vec<_>>())
    .bind(now)
}

/// Each of them once, however often it is shown; returns how many were new.
fn insert_unfit<'q>(
    source_id: &'q str,
    unfit: &[(Key, String)],
    now: DateTime<Utc>,
) -> sqlx::query::QueryScalar<'q, sqlx::Postgres, i64, sqlx::postgres::PgArguments> {
    sqlx::query_scalar(
        "WITH made AS (
             INSERT INTO ingest.item
                 (source_id, item_key, native_key, doc_id, entry_hash, fate, reason, seen_at, settled_at)
             SELECT DISTINCT ON (k) $1, k, k, k, 0, 'failed', r, $4, $4
             FROM UNNEST($2::bytea[], $3::text[]) AS t (k, r)
             ON CONFLICT (source_id, item_key) DO NOTHING RETURNING reason),
         counted AS (
             INSERT INTO ingest.ledger (source_id, hour, fate, reason, items)
             SELECT $1, date_trunc('hour', $4), 'failed', reason, count(*) FROM made GROUP BY reason
             ON CONFLICT (source_id, hour, fate, reason) DO UPDATE SET items = ledger.items + excluded.items)
         SELECT count(*) FROM made",
    )
    .bind(source_id)
    .bind(unfit.iter().map(|(key, _)| key.to_vec()).collect::<Vec<_>>())
    .bind(unfit.iter().map(|(_, reason)| reason.clone()).collect::<Vec<_>>())
    .bind(now)
}

/// Adds to the ledger what is not zero.
fn count<'q>(source_id: &'q str, counts: [(&'static str, usize); 3], now: DateTime<Utc>) -> Query<'q> {
    sqlx::query(
        "INSERT INTO ingest.ledger (source_id, hour, fate, items)
         SELECT $1, date_trunc('hour', $2), f, n FROM UNNEST($3::text[], $4::bigint[]) AS t (f, n) WHERE n > 0
         ON CONFLICT (source_id, hour, fate, reason) DO UPDATE SET items = ledger.items + excluded.items",
    )
    .bind(source_id)
    .bind(now)
    .bind(counts.map(|(fate, _)| fate).to_vec())
    .bind(counts.map(|(_, items)| i64::try_from(items).unwrap_or(i64::MAX)).to_vec())
}
