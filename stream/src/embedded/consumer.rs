//! Reading the log as a member of a group.
//!
//! Reads straight from Postgres into the caller's hands: nothing is fetched ahead,
//! so unfinished bytes never exceed the limit by more than one record.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sqlx::Row;
use sqlx::postgres::PgRow;
use tokio::sync::{Notify, oneshot};

use super::EmbeddedBus;
use super::cursor;
use super::fault::failed;
use super::membership::Membership;
use super::state::Shared;
use super::{headers, wake};
use crate::names::number;
use crate::{ConsumerOptions, Delivery, Record, StreamError, TopicPartition, metric};

/// How often records are looked for even without a wake-up, which may get lost.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Consumer {
    bus: Arc<EmbeddedBus>,
    me: Membership,
    options: ConsumerOptions,
    state: Shared,
    news: Arc<Notify>,
    leave: Option<oneshot::Sender<oneshot::Sender<Result<(), StreamError>>>>,
    paused: bool,
}

impl Consumer {
    pub(super) async fn join(
        bus: Arc<EmbeddedBus>,
        group: &str,
        topics: &[&str],
        options: ConsumerOptions,
    ) -> Result<Self, StreamError> {
        let member = sqlx::query_scalar("SELECT gen_random_uuid()::text")
            .fetch_one(&bus.pool)
            .await
            .map_err(|e| failed(format!("join group {group}"), e))?;
        let state = Shared::new();
        let me = Membership {
            pool: bus.pool.clone(),
            names: bus.names.clone(),
            group: bus.names.on_bus(group),
            topics: topics.iter().map(|topic| bus.names.on_bus(topic)).collect(),
            member,
            state: state.clone(),
            stall_after: options.stall_after,
        };
        let news = bus.wakes.register(me.topics.iter().map(|topic| wake::topic(topic)).collect());
        let changes = bus.wakes.register(vec![wake::group(&me.group)]);
        let (leave, asked) = oneshot::channel();
        bus.tasks.spawn(me.clone().run(changes, Arc::clone(&news), asked));
        Ok(Self { bus, me, options, state, news, leave: Some(leave), paused: false })
    }

    pub(crate) async fn poll(&mut self, max_wait: Duration) -> Result<Delivery, StreamError> {
        let deadline = Instant::now() + max_wait;
        loop {
            if let Some(event) = self.event()? {
                return Ok(event);
            }
            // An event waits, and goes before what was read.
            let Some(records) = self.read().await? else { continue };
            if !records.is_empty() {
                return Ok(Delivery::Records(records));
            }
            let now = Instant::now();
            if now >= deadline {
                return Ok(Delivery::Quiet);
            }
            let news = self.news.notified();
            drop(tokio::time::timeout_at(deadline.min(now + LOOK).into(), news).await);
        }
    }

    fn event(&mut self) -> Result<Option<Delivery>, StreamError> {
        let mut state = self.state.lock();
        state.polled = Instant::now();
        match (state.events.pop_front(), &state.failure) {
            (None, Some(failure)) => Err(failure.clone()),
            (event, _) => Ok(event),
        }
    }

    /// Records that follow what was delivered, within the limits. `None` when partitions were taken or lost
    /// meanwhile: the caller has to hear of that first, and the positions have changed.
    async fn read(&mut self) -> Result<Option<Vec<Record>>, StreamError> {
        let (positions, room) = {
            let state = self.state.lock();
            if !state.events.is_empty() {
                return Ok(None);
            }
            let positions: Vec<(TopicPartition, i64)> =
                state.ledger.positions().map(|(at, next)| (at.clone(), next)).collect();
            (positions, self.options.max_unfinished_bytes.saturating_sub(state.ledger.open_bytes()))
        };
        self.note_pause(room == 0);
        if room == 0 || positions.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let rows = self.fetch(&positions, room).await?;
        let mut state = self.state.lock();
        if !state.events.is_empty() {
            return Ok(None);
        }
        let mut used = 0;
        let mut records = Vec::with_capacity(rows.len());
        for record in rows.iter().map(|row| self.record(row)) {
            let ours = positions.iter().any(|(at, _)| *at == record.at);
            // The first record of all fits always, or a large one would wait for ever.
            if used < room && ours && state.ledger.delivered(&record.at, record.offset, record.size()) {
                used += record.size();
                records.push(record);
            }
        }
        metrics::counter!(metric::READ).increment(records.len() as u64);
        Ok(Some(records))
    }

    fn note_pause(&mut self, full: bool) {
        if full && !self.paused {
            metrics::counter!(metric::PAUSES).increment(1);
        }
        self.paused = full;
    }

    /// Each partition gets the same share of the room, so none starves another.
    async fn fetch(
        &self,
        positions: &[(TopicPartition, i64)],
        room: usize,
    ) -> Result<Vec<PgRow>, StreamError> {
        let count = self.options.max_records.max(1).div_ceil(positions.len());
        let bytes = room.div_ceil(positions.len());
        let topics: Vec<String> = positions.iter().map(|(at, _)| self.bus.names.on_bus(&at.topic)).collect();
        let partitions: Vec<i32> = positions.iter().map(|(at, _)| number(at.partition)).collect();
        let offsets: Vec<i64> = positions.iter().map(|(_, next)| *next).collect();
        sqlx::query(READ)
            .bind(topics)
            .bind(partitions)
            .bind(offsets)
            .bind(i64::try_from(count).unwrap_or(i64::MAX))
            .bind(i64::try_from(bytes).unwrap_or(i64::MAX))
            .fetch_all(&self.bus.pool)
            .await
            .map_err(|e| failed(format!("read for group {}", self.bus.names.plain(&self.me.group)), e))
    }

    fn record(&self, row: &PgRow) -> Record {
        Record {
            at: self.bus.names.place(row.get(0), row.get(1)),
            offset: row.get(2),
            timestamp: row.get(3),
            key: row.get::<Option<Vec<u8>>, _>(4).map(Bytes::from),
            headers: headers::decode(&row.get(5)),
            value: Bytes::from(row.get::<Vec<u8>, _>(6)),
        }
    }

    pub(crate) fn seek(&mut self, at: &TopicPartition, offset: i64) {
        self.state.lock().ledger.seek(at, offset);
    }

    pub(crate) fn finished(&mut self, at: &TopicPartition, offset: i64) {
        self.state.lock().ledger.finished(at, offset);
    }

    pub(crate) async fn commit(&mut self) -> Result<(), StreamError> {
        let due = self.state.lock().due();
        if due.is_empty() {
            return Ok(());
        }
        let attempted = || format!("commit for group {}", self.bus.names.plain(&self.me.group));
        let mut connection = self.bus.pool.acquire().await.map_err(|e| failed(attempted(), e))?;
        let places: Vec<TopicPartition> = due.iter().map(|one| one.at.clone()).collect();
        let counted = cursor::commit(&mut connection, &self.me, &due, &places)
            .await
            .map_err(|e| failed(attempted(), e))?;
        let mut state = self.state.lock();
        for one in due {
            if counted.contains(&one.at) {
                state.ledger.committed(&one.at, one.start);
            } else {
                metrics::counter!(metric::COMMITS_FAILED).increment(1);
                tracing::warn!("{}: {} has another reader by now", attempted(), one.at);
            }
        }
        Ok(())
    }

    pub(crate) async fn close(mut self) -> Result<(), StreamError> {
        let (reply, answer) = oneshot::channel();
        let asked = self.leave.take().is_some_and(|leave| leave.send(reply).is_ok());
        if !asked {
            return Ok(()); // It has left already; poll has said why.
        }
        answer.await.unwrap_or_else(|_| Err(StreamError::Left("the embedded bus was stopped".into())))
    }
}

/// The range of offsets is closed on both sides, so that no plan reads a whole log.
const READ: &str = r#"
SELECT r.topic, r.partition, r."offset", r.written_at, r.key, r.headers, r.value
FROM unnest($1::text[], $2::int[], $3::bigint[]) AS w (topic, partition, next)
JOIN stream.partition p ON p.topic = w.topic AND p.partition = w.partition
CROSS JOIN LATERAL (
    SELECT l.*, sum(octet_length(l.value)) OVER (ORDER BY l."offset") - octet_length(l.value) AS before
    FROM stream.log l
    WHERE l.topic = w.topic AND l.partition = w.partition
          AND l."offset" >= greatest(w.next, p.first_offset)
          AND l."offset" < greatest(w.next, p.first_offset) + $4
) r
WHERE r.before < $5
ORDER BY r.topic, r.partition, r."offset""#;
