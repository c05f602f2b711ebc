//! Writing down what an answer showed: items, ledger and tombstones.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;
use tocsin_contract::DocumentId;

use super::withdraw::PAGE_GONE;
use super::{Key, Shown, Sighting, Unfit};
use crate::IngestError;
use crate::error::database;
use crate::state::{SourceState, write_source};
use crate::tombstones::bury;

/// What of an answer was new or changed.
pub(super) struct New {
    pub(super) fresh: usize,
    /// With what could not be read.
    seen: usize,
    taken_back: usize,
}

impl New {
    /// What is to be settled or told.
    pub(super) fn total(&self) -> usize {
        self.seen + self.taken_back
    }
}

/// What an answer showed, and the state that it leaves the source in. Returns how much of
/// it was new, changed or taken back.
pub(crate) async fn write_poll(
    to: &mut PgConnection,
    (source_id, url): (&str, &str),
    shown: Shown,
    state: &mut SourceState,
    now: DateTime<Utc>,
) -> Result<usize, IngestError> {
    let new = write_down(to, source_id, shown, now).await?;
    state.last_new_at = if new.fresh > 0 { Some(now) } else { state.last_new_at };
    write_source(&mut *to, source_id, url, state).await?;
    Ok(new.total())
}

/// Items, ledger and tombstones of an answer.
pub(super) async fn write_down(
    to: &mut PgConnection,
    source_id: &str,
    shown: Shown,
    now: DateTime<Utc>,
) -> Result<New, IngestError> {
    let total = shown.sightings.len() + shown.unfit.len();
    let known = before(to, source_id, &shown.sightings).await?;
    let key_of = |id: &String| *DocumentId::from_native(source_id, id).as_bytes();
    let deleted: HashSet<Key> = shown.deleted.iter().map(key_of).collect();
    let may_return = |sighting: &Sighting| shown.is_list && !deleted.contains(&sighting.native_key);
    let Fresh { sightings: fresh, superseded, returned } = fresh(shown.sightings, &known, may_return, now);
    if !returned.is_empty() {
        let failed = database("forget the texts that were taken back");
        forget(source_id, returned).execute(&mut *to).await.map_err(failed)?;
    }
    if !fresh.is_empty() {
        let failed = database("write down the items of a source");
        insert(source_id, &fresh, now).execute(&mut *to).await.map_err(failed)?;
    }
    let unfit: Vec<Settled<'_>> = shown.unfit.iter().map(Settled::unfit).collect();
    let seen = fresh.len() + write_settled(to, source_id, "failed", &unfit, now).await?;
    let deleted = if shown.shows_deleted { shown.deleted.as_slice() } else { &[] };
    let gone: Vec<Settled<'_>> = deleted.iter().map(|id| Settled::gone(source_id, id)).collect();
    let gone = write_settled(to, source_id, "refused", &gone, now).await?;
    if total + gone > 0 {
        let mut counts = vec![("seen", seen + gone, now), ("repeat", total - seen, now)];
        counts.extend(superseded.into_iter().map(|seen_at| ("superseded", 1, seen_at)));
        let failed = database("write the ledger");
        count(source_id, &counts).execute(&mut *to).await.map_err(failed)?;
    }
    let taken_back = bury(to, source_id, (&shown.deleted, &shown.left), now).await?;
    Ok(New { fresh: fresh.len(), seen, taken_back })
}

/// An item as it is known.
#[derive(sqlx::FromRow)]
struct Before {
    item_key: Vec<u8>,
    entry_hash: i64,
    /// Since when it waits, if it does.
    since: Option<DateTime<Utc>>,
    /// Its document, if it was taken back.
    buried: Option<Vec<u8>>,
    /// It was taken back in the list, and not only on its page.
    is_unlisted: bool,
    /// When it was seen as it is, if its document stands and nothing waits.
    stands_since: Option<DateTime<Utc>>,
}

impl Before {
    /// Whether it was changed since it was seen, as far as a date tells that is not of the future.
    fn is_older_than(&self, updated: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
        let times = self.stands_since.zip(updated);
        times.is_some_and(|(since, updated)| since < updated && updated <= now)
    }
}

/// What of these is known, by key.
async fn before(
    to: &mut PgConnection,
    source_id: &str,
    sightings: &[Sighting],
) -> Result<HashMap<Vec<u8>, Before>, IngestError> {
    let known: Vec<Before> = sqlx::query_as(
        "SELECT item_key, entry_hash, CASE fate WHEN 'pending' THEN seen_at END AS since,
             CASE WHEN deleted_at IS NOT NULL THEN doc_id END AS buried,
             deleted_at IS NOT NULL AND reason <> $3 AS is_unlisted,
             CASE WHEN fate IN ('published', 'revised', 'duplicate') AND deleted_at IS NULL THEN seen_at END
                 AS stands_since
         FROM ingest.item WHERE source_id = $1 AND item_key = ANY($2)",
    )
    .bind(source_id)
    .bind(sightings.iter().map(|sighting| sighting.key.as_slice()).collect::<Vec<_>>())
    .bind(PAGE_GONE)
    .fetch_all(to)
    .await
    .map_err(database("look up the items of a source"))?;
    Ok(known.into_iter().map(|before| (before.item_key.clone(), before)).collect())
}

/// What of an answer is to be settled.
#[derive(Default)]
struct Fresh {
    sightings: Vec<Sighting>,
    /// When those were seen that still wait and whose place they take.
    superseded: Vec<DateTime<Utc>>,
    /// Documents that were taken back and are shown again.
    returned: Vec<Vec<u8>>,
}

/// Those that are not known as they are, or were changed nobody says how; of several with one key
/// the last.
fn fresh(
    sightings: Vec<Sighting>,
    known: &HashMap<Vec<u8>, Before>,
    may_return: impl Fn(&Sighting) -> bool,
    now: DateTime<Utc>,
) -> Fresh {
    let last: HashMap<Key, usize> =
        sightings.iter().enumerate().map(|(at, sighting)| (sighting.key, at)).collect();
    let mut fresh = Fresh::default();
    for (at, mut sighting) in sightings.into_iter().enumerate() {
        let before = known.get(sighting.key.as_slice());
        let same = before.filter(|before| before.entry_hash == sighting.draft.entry_hash);
        sighting.draft.is_touched = same.is_some_and(|same| same.is_older_than(sighting.updated, now));
        let is_new =
            same.is_none_or(|same| sighting.draft.is_touched || (same.is_unlisted && may_return(&sighting)));
        if !is_new || last.get(&sighting.key) != Some(&at) {
            continue;
        }
        fresh.superseded.extend(before.and_then(|before| before.since));
        fresh.returned.extend(before.and_then(|before| before.buried.clone()));
        fresh.sightings.push(sighting);
    }
    fresh
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

fn insert<'q>(source_id: &'q str, fresh: &'q [Sighting], now: DateTime<Utc>) -> Query<'q> {
    let all = |part: fn(&Sighting) -> Vec<u8>| fresh.iter().map(part).collect::<Vec<_>>();
    sqlx::query(
        "INSERT INTO ingest.item
             (source_id, item_key, native_key, doc_id, entry_hash, draft, author_hash, fate, seen_at)
         SELECT $1, k, n, d, h, j, a, 'pending', $8
         FROM UNNEST($2::bytea[], $3::bytea[], $4::bytea[], $5::bigint[], $6::jsonb[], $7::text[])
              AS t (k, n, d, h, j, a)
         ON CONFLICT (source_id, item_key) DO UPDATE SET
             entry_hash = excluded.entry_hash, draft = excluded.draft, author_hash = excluded.author_hash,
             fate = 'pending', seen_at = excluded.seen_at, settled_at = NULL, attempts = 0, not_before = NULL,
             deleted_at = NULL, told_at = NULL",
    )
    .bind(source_id)
    .bind(all(|sighting| sighting.key.to_vec()))
    .bind(all(|sighting| sighting.native_key.to_vec()))
    .bind(all(|sighting| sighting.draft.id.as_bytes().to_vec()))
    .bind(fresh.iter().map(|sighting| sighting.draft.entry_hash).collect::<Vec<_>>())
    .bind(fresh.iter().map(|sighting| Json(&sighting.draft)).collect::<Vec<_>>())
    .bind(fresh.iter().map(|sighting| sighting.draft.author_hash.as_deref()).collect::<Vec<_>>())
    .bind(now)
}

/// What their texts were is forgotten, so that they are published again; when they were first seen is not.
fn forget(source_id: &str, documents: Vec<Vec<u8>>) -> Query<'_> {
    sqlx::query(
        "UPDATE ingest.seen SET revision = '', entry_hash = ~entry_hash
         WHERE source_id = $1 AND doc_id = ANY($2)",
    )
    .bind(source_id)
    .bind(documents)
}

/// An item of which nothing is to be told: it is settled when it is first seen.
struct Settled<'a> {
    key: Key,
    /// Where an item has this one, it was seen before.
    native_key: Key,
    reason: &'a str,
    place: Option<&'a str>,
}

impl<'a> Settled<'a> {
    fn unfit(unfit: &'a Unfit) -> Self {
        let (key, place) = (unfit.key, Some(unfit.place.as_str()));
        Self { key, native_key: key, reason: &unfit.cause, place }
    }

    /// One that was gone already: refused, and not deleted, for nobody was told of it.
    fn gone(source_id: &str, id: &str) -> Self {
        let key_of = |text: &str| *DocumentId::from_native(source_id, text).as_bytes();
        let (key, native_key) = (key_of(&format!("gone\n{id}")), key_of(id));
        Self { key, native_key, reason: "deleted by its source", place: None }
    }
}

/// Each of them once, however often it is shown; returns how many were new.
async fn write_settled(
    to: &mut PgConnection,
    source_id: &str,
    fate: &'static str,
    items: &[Settled<'_>],
    now: DateTime<Utc>,
) -> Result<usize, IngestError> {
    if items.is_empty() {
        return Ok(0);
    }
    let made: Result<i64, _> = sqlx::query_scalar(
        "WITH made AS (
             INSERT INTO ingest.item
                 (source_id, item_key, native_key, doc_id, entry_hash, fate, reason, place, seen_at, settled_at)
             SELECT DISTINCT ON (k) $1, k, k, k, 0, $2, r, p, $7, $7
             FROM UNNEST($3::bytea[], $4::bytea[], $5::text[], $6::text[]) AS t (k, n, r, p)
             WHERE NOT EXISTS (SELECT FROM ingest.item i WHERE i.source_id = $1 AND i.native_key = n)
             ON CONFLICT (source_id, item_key) DO NOTHING RETURNING reason),
         counted AS (
             INSERT INTO ingest.ledger (source_id, hour, fate, reason, items)
             SELECT $1, date_trunc('hour', $7), $2, reason, count(*) FROM made GROUP BY reason
             ON CONFLICT (source_id, hour, fate, reason) DO UPDATE SET items = ledger.items + excluded.items)
         SELECT count(*) FROM made",
    )
    .bind(source_id)
    .bind(fate)
    .bind(items.iter().map(|item| item.key.to_vec()).collect::<Vec<_>>())
    .bind(items.iter().map(|item| item.native_key.to_vec()).collect::<Vec<_>>())
    .bind(items.iter().map(|item| item.reason).collect::<Vec<_>>())
    .bind(items.iter().map(|item| item.place).collect::<Vec<_>>())
    .bind(now)
    .fetch_one(to)
    .await;
    let made = made.map_err(database("write down what is settled when it is seen"))?;
    Ok(usize::try_from(made).unwrap_or_default())
}

/// Adds to the ledger what is not zero: a fate, how many items, and when they were seen.
fn count<'q>(source_id: &'q str, counts: &[(&'static str, usize, DateTime<Utc>)]) -> Query<'q> {
    sqlx::query(
        "INSERT INTO ingest.ledger (source_id, hour, fate, items)
         SELECT $1, date_trunc('hour', s), f, sum(n)::bigint
         FROM UNNEST($2::text[], $3::bigint[], $4::timestamptz[]) AS t (f, n, s) WHERE n > 0 GROUP BY 2, 3
         ON CONFLICT (source_id, hour, fate, reason) DO UPDATE SET items = ledger.items + excluded.items",
    )
    .bind(source_id)
    .bind(counts.iter().map(|(fate, ..)| *fate).collect::<Vec<_>>())
    .bind(counts.iter().map(|(_, items, _)| i64::try_from(*items).unwrap_or(i64::MAX)).collect::<Vec<_>>())
    .bind(counts.iter().map(|(.., seen_at)| *seen_at).collect::<Vec<_>>())
}
