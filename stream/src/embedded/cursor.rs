//! The cursors of a group in Postgres: committing, giving up, taking. Each statement
//! touches only what this member holds, or is about to.

use sqlx::{PgConnection, Row};

use super::membership::Membership;
use super::state::Taken;
use crate::TopicPartition;
use crate::names::number;

fn columns(me: &Membership, places: &[TopicPartition]) -> (Vec<String>, Vec<i32>) {
    places.iter().map(|at| (me.names.on_bus(&at.topic), number(at.partition))).unzip()
}

/// Commits those of `due` that are in `among`, fenced by generation. Gives the
/// partitions whose commit counted.
pub(super) async fn commit(
    tx: &mut PgConnection,
    me: &Membership,
    due: &[Taken],
    among: &[TopicPartition],
) -> Result<Vec<TopicPartition>, sqlx::Error> {
    let due: Vec<&Taken> = due.iter().filter(|one| among.contains(&one.at)).collect();
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let places: Vec<TopicPartition> = due.iter().map(|one| one.at.clone()).collect();
    let (topics, partitions) = columns(me, &places);
    let (offsets, generations): (Vec<i64>, Vec<i64>) =
        due.iter().map(|one| (one.start, one.generation)).unzip();
    let rows = sqlx::query(
        "UPDATE stream.cursor c SET next_offset = d.next_offset
         FROM unnest($3::text[], $4::int[], $5::bigint[], $6::bigint[])
              AS d (topic, partition, next_offset, generation)
         WHERE c.grp = $1 AND c.topic = d.topic AND c.partition = d.partition
               AND c.member = $2 AND c.generation = d.generation
         RETURNING c.topic, c.partition",
    )
    .bind(&me.group)
    .bind(&me.member)
    .bind(topics)
    .bind(partitions)
    .bind(offsets)
    .bind(generations)
    .fetch_all(tx)
    .await?;
    Ok(rows.iter().map(|row| me.names.place(row.get(0), row.get(1))).collect())
}

pub(super) async fn give_up(
    tx: &mut PgConnection,
    me: &Membership,
    places: &[TopicPartition],
) -> Result<(), sqlx::Error> {
    if places.is_empty() {
        return Ok(());
    }
    let (topics, partitions) = columns(me, places);
    sqlx::query(
        "UPDATE stream.cursor c SET member = NULL FROM unnest($3::text[], $4::int[]) AS g (topic, partition)
         WHERE c.grp = $1 AND c.member = $2 AND c.topic = g.topic AND c.partition = g.partition",
    )
    .bind(&me.group)
    .bind(&me.member)
    .bind(topics)
    .bind(partitions)
    .execute(tx)
    .await
    .map(drop)
}

pub(super) async fn take(
    tx: &mut PgConnection,
    me: &Membership,
    places: &[TopicPartition],
) -> Result<Vec<Taken>, sqlx::Error> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let (topics, partitions) = columns(me, places);
    let rows = sqlx::query(
        "UPDATE stream.cursor c SET member = $2, generation = c.generation + 1
         FROM unnest($3::text[], $4::int[]) AS g (topic, partition), stream.partition p
         WHERE c.grp = $1 AND c.topic = g.topic AND c.partition = g.partition
               AND p.topic = g.topic AND p.partition = g.partition
         RETURNING c.topic, c.partition, greatest(c.next_offset, p.first_offset), c.generation",
    )
    .bind(&me.group)
    .bind(&me.member)
    .bind(topics)
    .bind(partitions)
    .fetch_all(tx)
    .await?;
    let taken = |row: &sqlx::postgres::PgRow| Taken {
        at: me.names.place(row.get(0), row.get(1)),
        start: row.get(2),
        generation: row.get(3),
    };
    Ok(rows.iter().map(taken).collect())
}
