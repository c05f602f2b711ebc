//! Being a member of a group: heartbeats, taking and giving up partitions, leaving.
//!
//! One task for each consumer, so that a member whose sink is slow stays in. A
//! partition changes hands only when its owner gave it up, or was silent for a
//! session's length; whoever takes it raises its generation.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use sqlx::{PgConnection, PgPool, Row};
use tokio::sync::{Notify, oneshot};

use super::assignment::{Cursor, assign};
use super::cursor::{commit, give_up, take};
use super::fault::failed;
use super::state::{Shared, Taken};
use super::wake;
use crate::names::Names;
use crate::{StreamError, TopicPartition, Verdict, metric};

/// A member silent for so long is dead to the others.
const SESSION: Duration = Duration::from_secs(10);
const HEARTBEAT: Duration = Duration::from_secs(2);

/// How a consumer says that it leaves: `close` sends the way back for the result, a consumer that is dropped
/// drops its sender.
pub(super) type Leave = oneshot::Receiver<oneshot::Sender<Result<(), StreamError>>>;

/// One member of one group.
#[derive(Debug, Clone)]
pub(super) struct Membership {
    pub(super) pool: PgPool,
    pub(super) names: Names,
    /// As named on the bus, as are the topics.
    pub(super) group: String,
    pub(super) topics: Vec<String>,
    pub(super) member: String,
    pub(super) state: Shared,
    pub(super) stall_after: Duration,
}

impl Membership {
    /// Runs until the consumer is closed, dropped or stalled.
    pub(super) async fn run(self, changes: Arc<Notify>, reader: Arc<Notify>, mut leave: Leave) {
        loop {
            match self.step().await {
                Ok(()) => {}
                Err(error) if error.verdict() == Verdict::Retry => tracing::warn!("{error}; trying again"),
                Err(error) => return self.fail(error, &reader),
            }
            reader.notify_one();
            if self.state.lock().polled.elapsed() > self.stall_after {
                self.log_end(self.leave(true).await);
                let group = self.names.plain(&self.group);
                return self.fail(StreamError::stalled(&group, self.stall_after), &reader);
            }
            tokio::select! {
                asked = &mut leave => return self.end(asked.ok()).await,
                () = changes.notified() => {}
                () = tokio::time::sleep(HEARTBEAT.min(self.stall_after)) => {}
            }
        }
    }

    fn fail(&self, error: StreamError, reader: &Notify) {
        self.state.lock().failure = Some(error);
        reader.notify_one();
    }

    async fn end(&self, reply: Option<oneshot::Sender<Result<(), StreamError>>>) {
        let result = self.leave(reply.is_some()).await;
        match reply {
            Some(reply) => drop(reply.send(result)),
            None => self.log_end(result),
        }
    }

    fn log_end(&self, result: Result<(), StreamError>) {
        if let Err(error) = result {
            tracing::warn!("{error}; the others take over in {SESSION:?}");
        }
    }

    fn fault(&self, error: sqlx::Error) -> StreamError {
        failed(format!("stay in group {}", self.names.plain(&self.group)), error)
    }

    /// One heartbeat, and whatever moves with it.
    async fn step(&self) -> Result<(), StreamError> {
        let (held, due) = {
            let state = self.state.lock();
            (state.generations.clone(), state.due())
        };
        let change = self.transact(&held, &due).await.map_err(|e| self.fault(e))?;
        metrics::counter!(metric::ASSIGNED).increment(change.taken.len() as u64);
        metrics::counter!(metric::REVOKED).increment(change.lost.len() as u64);
        let mut state = self.state.lock();
        state.revoke(change.lost);
        state.assign(change.taken);
        Ok(())
    }

    async fn transact(
        &self,
        held: &BTreeMap<TopicPartition, i64>,
        due: &[Taken],
    ) -> Result<Change, sqlx::Error> {
        let mut tx = self.pool.begin().await?;
        self.lock(&mut tx).await?;
        let joined = self.heartbeat(&mut tx).await?;
        let expired = self.expire(&mut tx).await?;
        let members = self.members(&mut tx).await?;
        let cursors = self.cursors(&mut tx).await?;
        let wanted = assign(&members, &cursors);
        let plan = Plan::make(self, held, &cursors, &wanted);
        commit(&mut tx, self, due, &plan.given_up).await?;
        give_up(&mut tx, self, &plan.given_up).await?;
        let taken = take(&mut tx, self, &plan.take).await?;
        if joined || expired || !plan.given_up.is_empty() {
            wake::notify(&mut tx, std::iter::once(wake::group(&self.group))).await?;
        }
        tx.commit().await?;
        Ok(Change { lost: plan.lost, taken })
    }

    /// One member at a time; a member stopped in the middle lets go after ten seconds.
    async fn lock(&self, tx: &mut PgConnection) -> Result<(), sqlx::Error> {
        sqlx::query(
            "SELECT set_config('idle_in_transaction_session_timeout', '10s', true),
                    pg_advisory_xact_lock(hashtextextended('stream.group ' || $1, 0))",
        )
        .bind(&self.group)
        .execute(tx)
        .await
        .map(drop)
    }

    /// Says that this member lives. Whether the group did not know it.
    async fn heartbeat(&self, tx: &mut PgConnection) -> Result<bool, sqlx::Error> {
        let joined = sqlx::query_scalar(
            "INSERT INTO stream.member (grp, member, topics, heartbeat_at)
             VALUES ($1, $2, $3, clock_timestamp())
             ON CONFLICT (grp, member) DO UPDATE SET heartbeat_at = excluded.heartbeat_at
             RETURNING xmax = 0",
        )
        .bind(&self.group)
        .bind(&self.member)
        .bind(&self.topics)
        .fetch_one(&mut *tx)
        .await?;
        sqlx::query(
            "INSERT INTO stream.cursor (grp, topic, partition, next_offset)
             SELECT $1, topic, partition, first_offset FROM stream.partition WHERE topic = ANY ($2)
             ON CONFLICT DO NOTHING",
        )
        .bind(&self.group)
        .bind(&self.topics)
        .execute(tx)
        .await?;
        Ok(joined)
    }

    /// Removes members that were silent for a session and frees what they held. Whether anything was freed.
    async fn expire(&self, tx: &mut PgConnection) -> Result<bool, sqlx::Error> {
        sqlx::query(
            "DELETE FROM stream.member
             WHERE grp = $1 AND heartbeat_at < clock_timestamp() - make_interval(secs => $2)",
        )
        .bind(&self.group)
        .bind(SESSION.as_secs_f64())
        .execute(&mut *tx)
        .await?;
        let freed = sqlx::query(
            "UPDATE stream.cursor c SET member = NULL WHERE c.grp = $1 AND c.member IS NOT NULL
             AND NOT EXISTS (SELECT FROM stream.member m WHERE m.grp = c.grp AND m.member = c.member)",
        )
        .bind(&self.group)
        .execute(tx)
        .await?;
        Ok(freed.rows_affected() > 0)
    }

    async fn members(&self, tx: &mut PgConnection) -> Result<BTreeMap<String, Vec<String>>, sqlx::Error> {
        let rows = sqlx::query("SELECT member, topics FROM stream.member WHERE grp = $1")
            .bind(&self.group)
            .fetch_all(tx)
            .await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    async fn cursors(&self, tx: &mut PgConnection) -> Result<Vec<Cursor>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT c.topic, c.partition, c.member, c.generation, greatest(c.next_offset, p.first_offset)
             FROM stream.cursor c JOIN stream.partition p USING (topic, partition)
             WHERE c.grp = $1 ORDER BY c.topic, c.partition",
        )
        .bind(&self.group)
        .fetch_all(tx)
        .await?;
        let cursor = |row: &sqlx::postgres::PgRow| Cursor {
            topic: row.get(0),
            partition: row.get(1),
            member: row.get(2),
            generation: row.get(3),
            start: row.get(4),
        };
        Ok(rows.iter().map(cursor).collect())
    }

    /// Commits what is due if `commit`, gives everything up and goes.
    async fn leave(&self, commit: bool) -> Result<(), StreamError> {
        let (held, due) = {
            let state = self.state.lock();
            let held: Vec<TopicPartition> = state.generations.keys().cloned().collect();
            (held, if commit { state.due() } else { Vec::new() })
        };
        let result = self.transact_leave(&held, &due).await;
        self.state.lock().revoke(held);
        result.map_err(|e| failed(format!("leave group {}", self.names.plain(&self.group)), e))
    }

    async fn transact_leave(&self, held: &[TopicPartition], due: &[Taken]) -> Result<(), sqlx::Error> {
        let mut tx = self.pool.begin().await?;
        self.lock(&mut tx).await?;
        commit(&mut tx, self, due, held).await?;
        give_up(&mut tx, self, held).await?;
        sqlx::query("DELETE FROM stream.member WHERE grp = $1 AND member = $2")
            .bind(&self.group)
            .bind(&self.member)
            .execute(&mut *tx)
            .await?;
        wake::notify(&mut tx, std::iter::once(wake::group(&self.group))).await?;
        tx.commit().await
    }
}

/// What one step has changed.
struct Change {
    lost: Vec<TopicPartition>,
    taken: Vec<Taken>,
}

/// What one step will change.
struct Plan {
    /// Held by this consumer and no longer: given up, or taken by others while it was silent.
    lost: Vec<TopicPartition>,
    /// Ours in the tables, and somebody else's turn.
    given_up: Vec<TopicPartition>,
    take: Vec<TopicPartition>,
}

impl Plan {
    fn make(
        me: &Membership,
        held: &BTreeMap<TopicPartition, i64>,
        cursors: &[Cursor],
        wanted: &[Option<&str>],
    ) -> Self {
        let mut plan = Self { lost: Vec::new(), given_up: Vec::new(), take: Vec::new() };
        let mut kept = BTreeSet::new();
        for (cursor, wanted) in cursors.iter().zip(wanted) {
            let at = me.names.place(&cursor.topic, cursor.partition);
            let mine = cursor.member.as_deref() == Some(me.member.as_str());
            let current = mine && held.get(&at) == Some(&cursor.generation);
            if *wanted != Some(me.member.as_str()) {
                if mine {
                    plan.given_up.push(at);
                }
            } else if current {
                kept.insert(at);
            } else if mine || cursor.member.is_none() {
                plan.take.push(at);
            }
        }
        plan.lost = held.keys().filter(|at| !kept.contains(at)).cloned().collect();
        plan
    }
}
