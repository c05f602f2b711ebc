//! Appending to the log: gapless offsets, visible in order, many rows a statement.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool, Row};

use super::fault::{failed, is_day_missing};
use super::{headers, keeper, wake};
use crate::names::{Names, number};
use crate::record::Draft;
use crate::{Placed, StreamError};

/// One transaction holds its locks for at most so much.
const MOST_RECORDS: usize = 4000;
const MOST_BYTES: usize = 8 << 20;

/// Returns when all are durable, in the order given.
pub(super) async fn append(
    pool: &PgPool,
    names: &Names,
    drafts: &[Draft],
) -> Result<Vec<Placed>, StreamError> {
    let mut placed = Vec::with_capacity(drafts.len());
    let mut rest = drafts;
    while !rest.is_empty() {
        let (chunk, later) = rest.split_at(fitting(rest));
        let written = match write(pool, names, chunk).await {
            Err(error) if is_day_missing(&error) => {
                keeper::prepare_days(pool).await?;
                write(pool, names, chunk).await
            }
            result => result,
        };
        placed.extend(written.map_err(|e| failed(attempt(names, chunk), e))?);
        rest = later;
    }
    Ok(placed)
}

/// How many records go into the next transaction; at least one.
fn fitting(drafts: &[Draft]) -> usize {
    let mut bytes = 0;
    let fits = drafts.iter().take(MOST_RECORDS).take_while(|draft| {
        bytes += draft.size();
        bytes <= MOST_BYTES
    });
    fits.count().max(1)
}

fn attempt(names: &Names, drafts: &[Draft]) -> String {
    let topic = drafts.first().map_or_else(String::new, |draft| names.plain(&draft.topic));
    format!("write {} records to topic {topic}", drafts.len())
}

async fn write(pool: &PgPool, names: &Names, drafts: &[Draft]) -> Result<Vec<Placed>, sqlx::Error> {
    let mut targets: BTreeMap<(String, i32), i64> = BTreeMap::new();
    for draft in drafts {
        *targets.entry((names.on_bus(&draft.topic), number(draft.partition))).or_default() += 1;
    }
    let mut tx = pool.begin().await?;
    lock(&mut tx, &targets).await?;
    let (mut next, now) = claim(&mut tx, targets).await?;
    let rows = Rows::place(names, drafts, &mut next).ok_or(sqlx::Error::RowNotFound)?;
    let placed = rows.insert(&mut tx, now, names).await?;
    wake::notify(&mut tx, next.keys().map(|(topic, _)| wake::topic(topic))).await?;
    tx.commit().await?;
    Ok(placed)
}

/// In the order of the keys, so that two writers never wait for each other. A writer
/// that was stopped in the middle gives the locks up after ten seconds.
async fn lock(tx: &mut PgConnection, targets: &BTreeMap<(String, i32), i64>) -> Result<(), sqlx::Error> {
    let (topics, partitions): (Vec<&str>, Vec<i32>) = targets.keys().map(|(t, p)| (t.as_str(), *p)).unzip();
    sqlx::query(
        "SELECT set_config('idle_in_transaction_session_timeout', '10s', true),
                pg_advisory_xact_lock(hashtextextended('stream.log ' || t.topic || '/' || t.partition, 0))
         FROM unnest($1::text[], $2::int[]) AS t (topic, partition)",
    )
    .bind(topics)
    .bind(partitions)
    .execute(tx)
    .await
    .map(drop)
}

/// The first offset for each target, and the time of writing.
async fn claim(
    tx: &mut PgConnection,
    targets: BTreeMap<(String, i32), i64>,
) -> Result<(BTreeMap<(String, i32), i64>, DateTime<Utc>), sqlx::Error> {
    let (keys, counts): (Vec<(String, i32)>, Vec<i64>) = targets.into_iter().unzip();
    let (topics, partitions): (Vec<String>, Vec<i32>) = keys.into_iter().unzip();
    let rows = sqlx::query(
        "UPDATE stream.partition p SET next_offset = p.next_offset + t.count
         FROM unnest($1::text[], $2::int[], $3::bigint[]) AS t (topic, partition, count)
         WHERE p.topic = t.topic AND p.partition = t.partition
         RETURNING p.topic, p.partition, p.next_offset - t.count, clock_timestamp()",
    )
    .bind(topics)
    .bind(partitions)
    .bind(counts)
    .fetch_all(tx)
    .await?;
    let now = rows.iter().map(|row| row.get(3)).max().ok_or(sqlx::Error::RowNotFound)?;
    let first = rows.iter().map(|row| ((row.get(0), row.get(1)), row.get(2))).collect();
    Ok((first, now))
}

/// The columns of one insert.
#[derive(Default)]
struct Rows<'a> {
    topics: Vec<String>,
    partitions: Vec<i32>,
    offsets: Vec<i64>,
    keys: Vec<Option<&'a [u8]>>,
    headers: Vec<String>,
    values: Vec<&'a [u8]>,
}

impl<'a> Rows<'a> {
    /// None: a topic has vanished.
    fn place(names: &Names, drafts: &'a [Draft], next: &mut BTreeMap<(String, i32), i64>) -> Option<Self> {
        let mut rows = Self::default();
        for draft in drafts {
            let target = (names.on_bus(&draft.topic), number(draft.partition));
            let offset = next.get_mut(&target)?;
            rows.offsets.push(*offset);
            *offset += 1;
            rows.topics.push(target.0);
            rows.partitions.push(target.1);
            rows.keys.push(draft.key.as_deref());
            rows.headers.push(headers::encode(&draft.headers));
            rows.values.push(&draft.value);
        }
        Some(rows)
    }

    async fn insert(
        self,
        tx: &mut PgConnection,
        now: DateTime<Utc>,
        names: &Names,
    ) -> Result<Vec<Placed>, sqlx::Error> {
        sqlx::query(
            r#"INSERT INTO stream.log (topic, partition, "offset", written_at, key, headers, value)
               SELECT r.topic, r.partition, r.n, $7, r.key, r.headers::jsonb, r.value
               FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bytea[], $5::text[], $6::bytea[])
                    AS r (topic, partition, n, key, headers, value)"#,
        )
        .bind(&self.topics)
        .bind(&self.partitions)
        .bind(&self.offsets)
        .bind(self.keys)
        .bind(self.headers)
        .bind(self.values)
        .bind(now)
        .execute(tx)
        .await?;
        let places = self.topics.iter().zip(self.partitions).zip(self.offsets);
        Ok(places.map(|((t, p), offset)| Placed { at: names.place(t, p), offset }).collect())
    }
}
