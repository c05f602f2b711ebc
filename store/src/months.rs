//! Monthly partitions, made before the first document of a month is stored.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Utc};
use sqlx::PgPool;

use crate::StoreError;
use crate::batch::Batch;

/// Months whose partitions are known to exist.
#[derive(Debug, Default)]
pub(crate) struct Months(BTreeSet<(i32, u32)>);

impl Months {
    pub(crate) async fn ensure(&mut self, pool: &PgPool, batch: &Batch<'_>) -> Result<(), StoreError> {
        let missing: Vec<DateTime<Utc>> = {
            let mut asked = BTreeSet::new();
            let seen = batch.firsts.iter().map(|row| row.enriched.document.first_seen_at);
            seen.filter(|at| !self.0.contains(&month(*at)) && asked.insert(month(*at))).collect()
        };
        for at in missing {
            sqlx::query("SELECT store.ensure_month($1)")
                .bind(at)
                .execute(pool)
                .await
                .map_err(StoreError::database("make a monthly partition"))?;
            self.0.insert(month(at));
        }
        Ok(())
    }
}

fn month(at: DateTime<Utc>) -> (i32, u32) {
    (at.year(), at.month())
}
