//! How far a file was replayed, kept in Postgres so that a cut-off replay goes on.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

/// Row of `ingest.replay`. Everything up to `lines` is acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Position {
    pub(crate) file: String,
    pub(crate) lines: i64,
    pub(crate) published: i64,
    pub(crate) parked: i64,
    pub(crate) step: Option<DateTime<Utc>>,
    pub(crate) stored_before: i64,
    pub(crate) alerts_before: i64,
    pub(crate) finished: bool,
}

impl Position {
    /// Where to begin: at the cut of an unfinished replay of `file`, else at the start.
    pub(crate) async fn open(pool: &PgPool, file: &str, from_start: bool) -> sqlx::Result<Self> {
        let known: Option<Self> = sqlx::query_as("SELECT * FROM ingest.replay WHERE file = $1")
            .bind(file)
            .fetch_optional(pool)
            .await?;
        if let Some(cut) = known.filter(|known| !known.finished && !from_start) {
            return Ok(cut);
        }
        let start = Self {
            file: file.to_owned(),
            lines: 0,
            published: 0,
            parked: 0,
            step: None,
            stored_before: stored(pool).await?,
            alerts_before: alerts(pool).await?,
            finished: false,
        };
        start.save(pool).await?;
        Ok(start)
    }

    /// Saves that `lines` are acknowledged, and the step that the stream's clock has reached with them.
    pub(crate) async fn reached(
        &mut self,
        lines: i64,
        step: Option<DateTime<Utc>>,
        pool: &PgPool,
    ) -> sqlx::Result<()> {
        self.lines = lines;
        self.step = step;
        self.save(pool).await
    }

    pub(crate) async fn save(&self, pool: &PgPool) -> sqlx::Result<()> {
        sqlx::query(
            "INSERT INTO ingest.replay
                 (file, lines, published, parked, step, stored_before, alerts_before, finished)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (file) DO UPDATE SET
                 lines = excluded.lines, published = excluded.published,
                 parked = excluded.parked, step = excluded.step,
                 stored_before = excluded.stored_before,
                 alerts_before = excluded.alerts_before, finished = excluded.finished",
        )
        .bind(&self.file)
        .bind(self.lines)
        .bind(self.published)
        .bind(self.parked)
        .bind(self.step)
        .bind(self.stored_before)
        .bind(self.alerts_before)
        .bind(self.finished)
        .execute(pool)
        .await
        .map(drop)
    }
}

/// Documents in the store.
pub(crate) async fn stored(pool: &PgPool) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM report.documents").fetch_one(pool).await
}

/// Alerts ever opened.
pub(crate) async fn alerts(pool: &PgPool) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM report.alerts").fetch_one(pool).await
}
