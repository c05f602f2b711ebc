//! Monthly partitions, made before the first document of a month is stored.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Utc};
use sqlx::PgConnection;

use crate::StoreError;
use crate::batch::Batch;

/// Months whose partitions are known to exist.
#[derive(Debug, Default)]
pub(crate) struct Months(BTreeSet<(i32, u32)>);

impl Months {
    /// An instant in each month of the batch that is not known to exist.
    pub(crate) fn missing(&self, batch: &Batch<'_>) -> Vec<DateTime<Utc>> {
        let mut asked = BTreeSet::new();
        let seen = batch.firsts.iter().map(|row| row.enriched.document.first_seen_at);
        seen.filter(|at| !self.0.contains(&month(*at)) && asked.insert(month(*at))).collect()
    }

    /// Notes that the month of `at` exists.
    pub(crate) fn add(&mut self, at: DateTime<Utc>) {
        self.0.insert(month(at));
    }

    /// Knows nothing any more: somebody has dropped a month.
    pub(crate) fn forget(&mut self) {
        self.0.clear();
    }
}

/// Makes the partitions for the month of `at` where they are missing.
pub(crate) async fn make(connection: &mut PgConnection, at: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query("SELECT store.ensure_month($1)")
        .bind(at)
        .execute(connection)
        .await
        .map(drop)
        .map_err(StoreError::database("make a monthly partition"))
}

/// Whether a row found no partition of its month. Postgres reports that as a violated
/// constraint (23514), but one without a name.
pub(crate) fn is_missing(error: &StoreError) -> bool {
    let StoreError::Database { cause, .. } = error else { return false };
    cause
        .as_database_error()
        .is_some_and(|error| error.code().as_deref() == Some("23514") && error.constraint().is_none())
}

fn month(at: DateTime<Utc>) -> (i32, u32) {
    (at.year(), at.month())
}
