//! The right to store a partition: an epoch that every new owner raises, and the
//! next offset, both checked and moved inside the transaction that stores the data.
//! Once another instance has claimed a partition, an older one writes nothing more.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool, Row as _};
use tocsin_stream::TopicPartition;

use crate::StoreError;
use crate::incoming::Incoming;

/// What this instance holds of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) epoch: i64,
    pub(crate) next_offset: i64,
}

pub(crate) type Claims = BTreeMap<TopicPartition, Claim>;

/// Takes the partition from whoever held it. A partition never stored starts at 0.
pub(crate) async fn claim(
    pool: &PgPool,
    group: &str,
    at: &TopicPartition,
    now: DateTime<Utc>,
) -> Result<Claim, StoreError> {
    let row = sqlx::query(
        "INSERT INTO store.consumer_offset AS o (grp, topic, partition, next_offset, epoch, updated_at)
         VALUES ($1, $2, $3, 0, 1, $4)
         ON CONFLICT (grp, topic, partition)
         DO UPDATE SET epoch = o.epoch + 1, updated_at = excluded.updated_at
         RETURNING next_offset, epoch",
    )
    .bind(group)
    .bind(&at.topic)
    .bind(number(at))
    .bind(now)
    .fetch_one(pool)
    .await
    .map_err(StoreError::database("claim a partition"))?;
    Ok(Claim { next_offset: row.get(0), epoch: row.get(1) })
}

/// One partition's step in a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Move {
    at: TopicPartition,
    epoch: i64,
    from: i64,
    to: i64,
}

/// The steps that a batch makes, by partition. A record before `next_offset` (the
/// log was made anew, say) is stored like any other and moves nothing back.
pub(crate) fn moves(claims: &Claims, items: &[Incoming]) -> Vec<Move> {
    let mut ends: BTreeMap<&TopicPartition, i64> = BTreeMap::new();
    for item in items {
        let end = ends.entry(&item.record.at).or_default();
        *end = (*end).max(item.record.offset + 1);
    }
    ends.into_iter()
        .filter_map(|(at, end)| {
            let claim = claims.get(at)?;
            let (from, to) = (claim.next_offset, end.max(claim.next_offset));
            Some(Move { at: at.clone(), epoch: claim.epoch, from, to })
        })
        .collect()
}

pub(crate) fn moved(claims: &mut Claims, moves: &[Move]) {
    for step in moves {
        if let Some(claim) = claims.get_mut(&step.at) {
            claim.next_offset = step.to;
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Advance {
    Moved,
    /// A commit whose answer was lost had done it: the data is there.
    DoneBefore,
}

/// Moves every partition, or fails with [`StoreError::Fenced`]; first thing in a transaction.
pub(crate) async fn advance(
    connection: &mut PgConnection,
    group: &str,
    moves: &[Move],
    now: DateTime<Utc>,
) -> Result<Advance, StoreError> {
    let mut found = Vec::with_capacity(moves.len());
    for step in moves {
        let rows = sqlx::query(
            "UPDATE store.consumer_offset SET next_offset = $5, updated_at = $7
             WHERE grp = $1 AND topic = $2 AND partition = $3 AND epoch = $4 AND next_offset = $6",
        )
        .bind(group)
        .bind(&step.at.topic)
        .bind(number(&step.at))
        .bind(step.epoch)
        .bind(step.to)
        .bind(step.from)
        .bind(now)
        .execute(&mut *connection)
        .await
        .map_err(StoreError::database("move an offset"))?;
        if rows.rows_affected() == 0 {
            found.push((step, current(connection, group, &step.at).await?));
        }
    }
    match found.iter().find(|(step, claim)| *claim != Some(Claim { epoch: step.epoch, next_offset: step.to }))
    {
        None if found.is_empty() => Ok(Advance::Moved),
        None if found.len() == moves.len() => Ok(Advance::DoneBefore),
        None => Err(fenced(&found[0].0.clone(), found[0].1)),
        Some((step, claim)) => Err(fenced(step, *claim)),
    }
}

fn fenced(step: &Move, found: Option<Claim>) -> StoreError {
    let found = found.map_or("nothing".into(), |c| format!("epoch {} at offset {}", c.epoch, c.next_offset));
    StoreError::Fenced { at: step.at.clone(), epoch: step.epoch, from: step.from, found }
}

async fn current(
    connection: &mut PgConnection,
    group: &str,
    at: &TopicPartition,
) -> Result<Option<Claim>, StoreError> {
    let row = sqlx::query(
        "SELECT epoch, next_offset FROM store.consumer_offset
         WHERE grp = $1 AND topic = $2 AND partition = $3",
    )
    .bind(group)
    .bind(&at.topic)
    .bind(number(at))
    .fetch_optional(connection)
    .await
    .map_err(StoreError::database("read an offset"))?;
    Ok(row.map(|row| Claim { epoch: row.get(0), next_offset: row.get(1) }))
}

fn number(at: &TopicPartition) -> i32 {
    i32::try_from(at.partition).unwrap_or(i32::MAX)
}
