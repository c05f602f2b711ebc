//! The right of a sink in Postgres to write a partition: an epoch that every new
//! owner raises, and the next offset, both checked and moved inside the transaction
//! that writes the data. Once another instance has claimed a partition, an older one
//! writes nothing more.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection, Row as _};

use crate::{TopicPartition, Verdict};

/// How long the bus may still give us a partition that another instance has claimed. In a rebalance the new
/// owner may claim it before we are told that it is no longer ours; an instance that is not told within this
/// time is a zombie, and ends.
pub const HANDOVER: Duration = Duration::from_secs(15);

/// What an instance holds of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    pub epoch: i64,
    pub next_offset: i64,
}

pub type Claims = BTreeMap<TopicPartition, Claim>;

impl Claim {
    /// The step to `end`. It never leads back: a record before `next_offset` (the log
    /// was made anew, say) is written like any other and moves nothing.
    pub fn step(&self, at: &TopicPartition, end: i64) -> Step {
        let to = end.max(self.next_offset);
        Step { at: at.clone(), epoch: self.epoch, from: self.next_offset, to }
    }
}

/// One partition's step in a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    at: TopicPartition,
    epoch: i64,
    from: i64,
    to: i64,
}

impl Step {
    /// Notes in `claims` that the step was committed.
    pub fn done(&self, claims: &mut Claims) {
        if let Some(claim) = claims.get_mut(&self.at) {
            claim.next_offset = self.to;
        }
    }

    fn lost(&self, found: Option<Claim>) -> FenceError {
        let found =
            found.map_or("nothing".into(), |c| format!("epoch {} at offset {}", c.epoch, c.next_offset));
        FenceError::Lost { at: self.at.clone(), epoch: self.epoch, from: self.from, found }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advance {
    Moved,
    /// A commit whose answer was lost had done it: the data is there.
    DoneBefore,
}

#[derive(Debug, thiserror::Error)]
pub enum FenceError {
    #[error("{attempted}: {cause}")]
    Database { attempted: &'static str, cause: sqlx::Error },
    /// Another instance has taken the partition since: what we hold is not ours to write.
    #[error(
        "the right to write {at} was lost: this instance holds epoch {epoch} from offset {from}, the database says {found}"
    )]
    Lost { at: TopicPartition, epoch: i64, from: i64, found: String },
}

impl FenceError {
    fn database(attempted: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |cause| Self::Database { attempted, cause }
    }
}

/// The fence of one group in `<schema>.consumer_offset (grp, topic, partition,
/// next_offset, epoch, updated_at)`.
#[derive(Debug, Clone)]
pub struct Fence {
    schema: &'static str,
    group: String,
}

impl Fence {
    pub fn new(schema: &'static str, group: &str) -> Self {
        Self { schema, group: group.to_owned() }
    }

    /// Takes the partition from whoever held it. A partition never written starts at 0.
    pub async fn claim(
        &self,
        connection: &mut PgConnection,
        at: &TopicPartition,
        now: DateTime<Utc>,
    ) -> Result<Claim, FenceError> {
        let statement = self.sql(
            "INSERT INTO SCHEMA.consumer_offset AS o (grp, topic, partition, next_offset, epoch, updated_at)
             VALUES ($1, $2, $3, 0, 1, $4)
             ON CONFLICT (grp, topic, partition)
             DO UPDATE SET epoch = o.epoch + 1, updated_at = excluded.updated_at
             RETURNING next_offset, epoch",
        );
        let row = sqlx::query(statement)
            .bind(&self.group)
            .bind(&at.topic)
            .bind(at.number())
            .bind(now)
            .fetch_one(connection)
            .await
            .map_err(FenceError::database("claim a partition"))?;
        Ok(Claim { next_offset: row.get(0), epoch: row.get(1) })
    }

    /// Makes every step, or fails with [`FenceError::Lost`]; first thing in a transaction,
    /// which must be rolled back unless the answer is [`Advance::Moved`].
    pub async fn advance(
        &self,
        connection: &mut PgConnection,
        steps: &[Step],
        now: DateTime<Utc>,
    ) -> Result<Advance, FenceError> {
        let mut refused = Vec::new();
        for step in steps {
            if !self.moved(connection, step, now).await? {
                refused.push((step, self.current(connection, &step.at).await?));
            }
        }
        let done = |(step, claim): &(&Step, Option<Claim>)| {
            *claim == Some(Claim { epoch: step.epoch, next_offset: step.to })
        };
        let lost = refused.iter().find(|found| !done(found));
        match (lost, refused.first()) {
            (None, None) => Ok(Advance::Moved),
            (None, Some(_)) if refused.len() == steps.len() => Ok(Advance::DoneBefore),
            // Some steps were made before and others were not: no commit of ours does that.
            (Some((step, claim)), _) | (None, Some((step, claim))) => Err(step.lost(*claim)),
        }
    }

    async fn moved(
        &self,
        connection: &mut PgConnection,
        step: &Step,
        now: DateTime<Utc>,
    ) -> Result<bool, FenceError> {
        let statement = self.sql(
            "UPDATE SCHEMA.consumer_offset SET next_offset = $5, updated_at = $7
             WHERE grp = $1 AND topic = $2 AND partition = $3 AND epoch = $4 AND next_offset = $6",
        );
        let done = sqlx::query(statement)
            .bind(&self.group)
            .bind(&step.at.topic)
            .bind(step.at.number())
            .bind(step.epoch)
            .bind(step.to)
            .bind(step.from)
            .bind(now)
            .execute(connection)
            .await
            .map_err(FenceError::database("move an offset"))?;
        Ok(done.rows_affected() > 0)
    }

    /// What the database says of a partition now.
    pub async fn current(
        &self,
        connection: &mut PgConnection,
        at: &TopicPartition,
    ) -> Result<Option<Claim>, FenceError> {
        let statement = self.sql(
            "SELECT epoch, next_offset FROM SCHEMA.consumer_offset
             WHERE grp = $1 AND topic = $2 AND partition = $3",
        );
        let row = sqlx::query(statement)
            .bind(&self.group)
            .bind(&at.topic)
            .bind(at.number())
            .fetch_optional(connection)
            .await
            .map_err(FenceError::database("read an offset"))?;
        Ok(row.map(|row| Claim { epoch: row.get(0), next_offset: row.get(1) }))
    }

    /// The schema is a constant of a service, never input.
    fn sql(&self, statement: &str) -> AssertSqlSafe<String> {
        AssertSqlSafe(statement.replace("SCHEMA", self.schema))
    }
}

/// What to do about an error of Postgres. By class of SQLSTATE: connection, resources,
/// intervention and conflicts pass; data, constraints and program limits (a row too
/// large) stay with the record; the rest is for a person.
#[expect(clippy::wildcard_enum_match_arm, reason = "sqlx may add variants; what is unknown halts")]
pub fn database_verdict(error: &sqlx::Error) -> Verdict {
    match error {
        sqlx::Error::Database(error) => error.code().map_or(Verdict::Halt, |code| sqlstate_verdict(&code)),
        sqlx::Error::Encode(_) => Verdict::Park,
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::WorkerCrashed => Verdict::Retry,
        _ => Verdict::Halt,
    }
}

fn sqlstate_verdict(code: &str) -> Verdict {
    let class = code.get(..2).unwrap_or_default();
    match (code, class) {
        ("40001" | "40P01" | "55P03" | "25006", _) | (_, "08" | "53" | "57") => Verdict::Retry,
        (_, "22" | "23" | "54") => Verdict::Park,
        _ => Verdict::Halt,
    }
}

#[cfg(test)]
mod tests;
