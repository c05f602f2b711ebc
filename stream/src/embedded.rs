//! The bus for one machine: topics, groups and offsets in Postgres (schema `stream`).
//!
//! Promises the same as Kafka does here: gapless offsets that become visible in
//! order, at-least-once delivery to groups of several processes, commits fenced by
//! generation. Never polls Postgres more than once a second when nothing happens.

mod append;
mod assignment;
mod consumer;
mod cursor;
mod fault;
mod headers;
mod keeper;
mod membership;
mod state;
mod wake;

use std::sync::Arc;
use std::time::Duration;

use sqlx::{PgPool, Row};

use crate::names::{Names, number};
use crate::record::Draft;
use crate::{ConsumerOptions, Placed, StreamError, TopicSpec};
pub(crate) use consumer::Consumer;
use fault::failed;
use keeper::Tasks;
use wake::Wakes;

/// A connection to the embedded bus.
#[derive(Debug)]
pub(crate) struct EmbeddedBus {
    pool: PgPool,
    names: Names,
    wakes: Arc<Wakes>,
    tasks: Tasks,
}

impl EmbeddedBus {
    pub(crate) async fn connect(
        pool: PgPool,
        names: Names,
        retention: Duration,
    ) -> Result<Arc<Self>, StreamError> {
        keeper::prepare_days(&pool).await?;
        let wakes = Arc::new(Wakes::default());
        let tasks = Tasks::default();
        tasks.spawn(wake::listen(pool.clone(), Arc::clone(&wakes)));
        tasks.spawn(keeper::keep(pool.clone(), retention));
        Ok(Arc::new(Self { pool, names, wakes, tasks }))
    }

    pub(crate) async fn ensure_topics(&self, topics: &[TopicSpec]) -> Result<(), StreamError> {
        for spec in topics {
            let topic = self.names.on_bus(&spec.name);
            let fault = |e| failed(format!("create topic {topic}"), e);
            let mut tx = self.pool.begin().await.map_err(fault)?;
            let created = sqlx::query(
                "INSERT INTO stream.topic (name, partitions) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            )
            .bind(&topic)
            .bind(number(spec.partitions))
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
            if created.rows_affected() == 1 {
                sqlx::query(
                    "INSERT INTO stream.partition (topic, partition) SELECT $1, generate_series(0, $2 - 1)",
                )
                .bind(&topic)
                .bind(number(spec.partitions))
                .execute(&mut *tx)
                .await
                .map_err(fault)?;
            }
            tx.commit().await.map_err(fault)?;
        }
        Ok(())
    }

    /// None: there is no such topic.
    pub(crate) async fn partitions(&self, topic: &str) -> Result<Option<u32>, StreamError> {
        let count: Option<i32> = sqlx::query_scalar("SELECT partitions FROM stream.topic WHERE name = $1")
            .bind(self.names.on_bus(topic))
            .fetch_optional(&self.pool)
            .await
            .map_err(|e| failed(format!("look up topic {topic}"), e))?;
        Ok(count.map(i32::unsigned_abs))
    }

    /// Fails where the database does not answer or there is no such topic.
    pub(crate) async fn check(&self, topic: &str) -> Result<(), StreamError> {
        match self.partitions(topic).await? {
            Some(_) => Ok(()),
            None => Err(StreamError::no_topic(topic)),
        }
    }

    pub(crate) async fn append(&self, drafts: &[Draft]) -> Result<Vec<Placed>, StreamError> {
        append::append(&self.pool, &self.names, drafts).await
    }

    pub(crate) async fn consumer(
        self: &Arc<Self>,
        group: &str,
        topics: &[&str],
        options: ConsumerOptions,
    ) -> Result<Consumer, StreamError> {
        Consumer::join(Arc::clone(self), group, topics, options).await
    }

    pub(crate) async fn lag(&self, group: &str, topic: &str) -> Result<u64, StreamError> {
        let row = sqlx::query(
            "SELECT coalesce(sum(p.next_offset - greatest(coalesce(c.next_offset, 0), p.first_offset)), 0)::bigint
             FROM stream.partition p
             LEFT JOIN stream.cursor c ON c.grp = $1 AND c.topic = p.topic AND c.partition = p.partition
             WHERE p.topic = $2",
        )
        .bind(self.names.on_bus(group))
        .bind(self.names.on_bus(topic))
        .fetch_one(&self.pool)
        .await
        .map_err(|e| failed(format!("measure the lag of group {group} on topic {topic}"), e))?;
        Ok(row.get::<i64, _>(0).max(0).unsigned_abs())
    }
}
