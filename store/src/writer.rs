//! One batch, one transaction: offsets move, new documents and their mentions are
//! inserted, rollups grow by exactly those, corrections are kept, what was taken back is
//! erased. All or nothing.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use tocsin_contract::SourceKind;
use tocsin_runtime::Clock;
use tocsin_stream::{Advance, Claim, Claims, Fence, Step, TopicPartition};

use crate::batch::Batch;
use crate::incoming::Incoming;
use crate::months::{self, Months};
use crate::{StoreConfig, StoreError, insert, rollup};

/// What became of the documents of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) stored: u64,
    pub(crate) corrections: u64,
    pub(crate) duplicates: u64,
    pub(crate) deletions: u64,
}

impl std::ops::AddAssign for Outcome {
    fn add_assign(&mut self, more: Self) {
        self.stored += more.stored;
        self.corrections += more.corrections;
        self.duplicates += more.duplicates;
        self.deletions += more.deletions;
    }
}

/// Writes batches for one group; knows which months exist.
#[derive(Debug)]
pub(crate) struct Writer {
    pool: PgPool,
    fence: Fence,
    statement_timeout: Duration,
    erase_deleted: Vec<SourceKind>,
    clock: Arc<dyn Clock>,
    months: Months,
}

impl Writer {
    pub(crate) fn new(pool: PgPool, group: &str, config: &StoreConfig, clock: Arc<dyn Clock>) -> Self {
        let (fence, months) = (Fence::new("store", group), Months::default());
        let (statement_timeout, erase_deleted) = (config.statement_timeout, config.erase_deleted.clone());
        Self { pool, fence, statement_timeout, erase_deleted, clock, months }
    }

    /// Takes a partition and says where to read on.
    pub(crate) async fn claim(&self, at: &TopicPartition) -> Result<Claim, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(StoreError::database("claim a partition"))?;
        Ok(self.fence.claim(&mut connection, at, self.clock.now()).await?)
    }

    /// The next offset of `at` by the database: ahead of the claim where the answer to a commit was lost.
    /// `None`: another instance has taken the partition.
    pub(crate) async fn next_offset(
        &self,
        at: &TopicPartition,
        claim: Claim,
    ) -> Result<Option<i64>, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(StoreError::database("read an offset"))?;
        let current = self.fence.current(&mut connection, at).await?;
        Ok(current.filter(|current| current.epoch == claim.epoch).map(|current| current.next_offset))
    }

    /// Stores what is fit in `items` and moves the offsets past all of them. On an
    /// error nothing was stored and nothing moved (save when the answer to a commit
    /// was lost: the next call finds out).
    pub(crate) async fn write(
        &mut self,
        claims: &mut Claims,
        items: &[Incoming],
    ) -> Result<Outcome, StoreError> {
        let batch = Batch::of(items);
        let steps = steps(claims, items);
        self.ensure_months(&batch).await?;
        let attempt = self.transact(&batch, &steps).await;
        let outcome = match attempt {
            // An operator has dropped a month that was there before.
            Err(error) if months::is_missing(&error) => {
                self.months.forget();
                self.ensure_months(&batch).await?;
                self.transact(&batch, &steps).await?
            }
            done => done?,
        };
        steps.iter().for_each(|step| step.done(claims));
        Ok(outcome)
    }

    /// Makes the monthly partitions that the batch needs, each in a transaction of its own.
    async fn ensure_months(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        for at in self.months.missing(batch) {
            let mut transaction =
                self.pool.begin().await.map_err(StoreError::database("begin a transaction"))?;
            self.limit(&mut transaction).await?;
            months::make(&mut transaction, at).await?;
            transaction.commit().await.map_err(StoreError::database("make a monthly partition"))?;
            self.months.add(at);
        }
        Ok(())
    }

    async fn transact(&self, batch: &Batch<'_>, steps: &[Step]) -> Result<Outcome, StoreError> {
        let now = self.clock.now();
        let mut transaction = self.pool.begin().await.map_err(StoreError::database("begin a transaction"))?;
        self.limit(&mut transaction).await?;
        if self.fence.advance(&mut transaction, steps, now).await? == Advance::DoneBefore {
            return Ok(Outcome::default());
        }
        let outcome = store(&mut transaction, batch, &self.erase_deleted, now).await?;
        transaction.commit().await.map_err(StoreError::database("commit a batch"))?;
        Ok(outcome)
    }

    /// A lock that is held or a statement that hangs must not cost us the group.
    async fn limit(&self, connection: &mut PgConnection) -> Result<(), StoreError> {
        let limit = self.statement_timeout.as_millis().to_string();
        sqlx::query("SELECT set_config('statement_timeout', $1, true), set_config('lock_timeout', $1, true)")
            .bind(limit)
            .execute(connection)
            .await
            .map_err(StoreError::database("limit a transaction"))?;
        Ok(())
    }
}

/// The steps that a batch makes, by partition.
fn steps(claims: &Claims, items: &[Incoming]) -> Vec<Step> {
    let mut ends: BTreeMap<&TopicPartition, i64> = BTreeMap::new();
    for item in items {
        let end = ends.entry(&item.record.at).or_default();
        *end = (*end).max(item.record.offset + 1);
    }
    ends.into_iter().filter_map(|(at, end)| Some(claims.get(at)?.step(at, end))).collect()
}

async fn store(
    connection: &mut PgConnection,
    batch: &Batch<'_>,
    erase: &[SourceKind],
    now: DateTime<Utc>,
) -> Result<Outcome, StoreError> {
    let new: HashSet<String> = insert::seen(connection, &batch.firsts).await?;
    let (inserted, known): (Vec<_>, Vec<_>) =
        batch.firsts.iter().copied().partition(|row| new.contains(&row.id().to_string()));
    if !inserted.is_empty() {
        insert::documents(connection, &inserted, now).await?;
        insert::mentions(connection, &inserted).await?;
        rollup::add(connection, &inserted).await?;
    }
    let changed: Vec<_> = known.into_iter().chain(batch.later.iter().copied()).collect();
    let corrections = insert::corrections(connection, &changed, now).await?;
    let deletions = insert::deletions(connection, &batch.tombstones, erase, now).await?;
    let stored = inserted.len() as u64;
    let duplicates = batch.delivered as u64 - stored - corrections;
    Ok(Outcome { stored, corrections, duplicates, deletions })
}

#[cfg(test)]
mod tests;
