//! Housekeeping of the embedded bus: tables for the days to come, none for the days
//! gone, and the tasks that this needs.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::PgPool;
use tokio::task::JoinSet;

use super::fault::failed;
use crate::{StreamError, metric};

const EVERY: Duration = Duration::from_secs(600);

/// Background tasks of one bus; they end when it is dropped.
#[derive(Debug, Default)]
pub(super) struct Tasks(Mutex<JoinSet<()>>);

impl Tasks {
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(ended) = tasks.try_join_next() {
            if let Err(error) = ended {
                tracing::error!("a task of the embedded bus failed: {error}");
            }
        }
        tasks.spawn(task);
    }
}

pub(super) async fn prepare_days(pool: &PgPool) -> Result<(), StreamError> {
    sqlx::query("SELECT stream.prepare_days()")
        .execute(pool)
        .await
        .map(drop)
        .map_err(|e| failed("make the log tables of the next days", e))
}

/// The number of days that were dropped.
async fn drop_days(pool: &PgPool, retention: Duration) -> Result<i32, StreamError> {
    sqlx::query_scalar("SELECT stream.drop_days(make_interval(secs => $1))")
        .bind(retention.as_secs_f64())
        .fetch_one(pool)
        .await
        .map_err(|e| failed("drop the log tables of days gone", e))
}

/// Runs until the pool is closed.
pub(super) async fn keep(pool: PgPool, retention: Duration) {
    let mut tick = tokio::time::interval(EVERY);
    while !pool.is_closed() {
        tick.tick().await;
        if let Err(error) = prepare_days(&pool).await {
            tracing::warn!("{error}; next attempt in {EVERY:?}");
        }
        match drop_days(&pool, retention).await {
            Ok(0) => {}
            Ok(days) => {
                metrics::counter!(metric::DAYS_DROPPED).increment(u64::from(days.unsigned_abs()));
                tracing::info!(days, "dropped {days} days of the embedded log");
            }
            Err(error) => tracing::debug!("{error}; next attempt in {EVERY:?}"),
        }
    }
}
