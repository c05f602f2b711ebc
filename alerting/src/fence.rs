//! The right to write a partition: an epoch that every new owner raises, and the
//! next offset, both checked and moved in the transaction that writes the state.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Row as _};
use tocsin_stream::TopicPartition;

use crate::AlertingError;

/// What this instance holds of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) epoch: i64,
    pub(crate) next_offset: i64,
}

/// Takes the partition from whoever held it. A partition never read starts at 0.
pub(crate) async fn claim(
    connection: &mut PgConnection,
    group: &str,
    at: &TopicPartition,
    now: DateTime<Utc>,
) -> Result<Claim, AlertingError> {
    let row = sqlx::query(
        "INSERT INTO alerting.consumer_offset AS o (grp, topic, partition, next_offset, epoch, updated_at)
         VALUES ($1, $2, $3, 0, 1, $4)
         ON CONFLICT (grp, topic, partition)
         DO UPDATE SET epoch = o.epoch + 1, updated_at = excluded.updated_at
         RETURNING next_offset, epoch",
    )
    .bind(group)
    .bind(&at.topic)
    .bind(number(at))
    .bind(now)
    .fetch_one(connection)
    .await
    .map_err(AlertingError::database("claim a partition of signals"))?;
    Ok(Claim { next_offset: row.get(0), epoch: row.get(1) })
}

/// Moves the partition on, or fails with [`AlertingError::Fenced`]; first thing in a transaction.
pub(crate) async fn advance(
    connection: &mut PgConnection,
    group: &str,
    at: &TopicPartition,
    claim: Claim,
    to: i64,
    now: DateTime<Utc>,
) -> Result<(), AlertingError> {
    let moved = sqlx::query(
        "UPDATE alerting.consumer_offset SET next_offset = $5, updated_at = $7
         WHERE grp = $1 AND topic = $2 AND partition = $3 AND epoch = $4 AND next_offset = $6",
    )
    .bind(group)
    .bind(&at.topic)
    .bind(number(at))
    .bind(claim.epoch)
    .bind(to)
    .bind(claim.next_offset)
    .bind(now)
    .execute(connection)
    .await
    .map_err(AlertingError::database("move an offset of signals"))?;
    match moved.rows_affected() {
        0 => Err(AlertingError::Fenced { at: at.clone(), epoch: claim.epoch, from: claim.next_offset }),
        _ => Ok(()),
    }
}

pub(crate) fn number(at: &TopicPartition) -> i32 {
    i32::try_from(at.partition).unwrap_or(i32::MAX)
}
