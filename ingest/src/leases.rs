//! Which domains this instance polls. Shares are kept even, a lease ends by the clock
//! of the database, and the holder lets go before that by its own: a domain is never
//! polled by two, and one whose holder died is taken within two lease times.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use sqlx::PgPool;
use tokio::time::Instant;

use crate::IngestError;
use crate::error::database;

/// How much sooner than the database the holder counts a lease as ended.
const MARGIN: f64 = 0.8;

/// Until when each domain is ours; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held(Arc<RwLock<HashMap<String, Instant>>>);

impl Held {
    /// Resolves when the domain is no longer ours.
    pub(crate) async fn lost(&self, domain: &str) {
        while let Some(until) = self.until(domain).filter(|until| Instant::now() < *until) {
            tokio::time::sleep_until(until).await;
        }
    }

    pub(crate) fn domains(&self) -> Vec<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    fn until(&self, domain: &str) -> Option<Instant> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(domain).copied()
    }

    fn change(&self, how: impl FnOnce(&mut HashMap<String, Instant>)) {
        how(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The leases of one process.
#[derive(Debug)]
pub(crate) struct Leases {
    pool: PgPool,
    holder: String,
    length: Duration,
    held: Held,
    /// The sources whose secrets we have.
    pub(crate) own: Vec<String>,
}

/// What a renewal changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) gained: Vec<String>,
    pub(crate) lost: Vec<String>,
    /// So many domains are above our share.
    pub(crate) surplus: usize,
}

impl Leases {
    /// `holder` is one process: two that share a name would share their leases. `own`:
    /// the sources that it has the secrets of.
    pub(crate) fn new(pool: PgPool, holder: String, length: Duration, own: Vec<String>) -> Self {
        Self { pool, holder, length, held: Held::default(), own }
    }

    pub(crate) fn held(&self) -> Held {
        self.held.clone()
    }

    /// Renews what is held, and takes what nobody holds, up to an even share.
    pub(crate) async fn renew(&mut self) -> Result<Change, IngestError> {
        let until = Instant::now() + self.length.mul_f64(MARGIN);
        let kept: Vec<String> = sqlx::query_scalar(
            "WITH here AS (
                 INSERT INTO ingest.instance (holder, until) VALUES ($1, now() + $2 * interval '1 second')
                 ON CONFLICT (holder) DO UPDATE SET until = excluded.until)
             UPDATE ingest.lease SET until = now() + $2 * interval '1 second'
             WHERE holder = $1 AND until > now() RETURNING domain",
        )
        .bind(&self.holder)
        .bind(self.length.as_secs_f64())
        .fetch_all(&self.pool)
        .await
        .map_err(database("renew the leases"))?;
        let share = self.share().await?;
        let gained = self.take(share.saturating_sub(kept.len())).await?;
        let surplus = kept.len().saturating_sub(share);
        let now: HashSet<String> = kept.into_iter().chain(gained.iter().cloned()).collect();
        let lost = self.held.domains().into_iter().filter(|domain| !now.contains(domain)).collect();
        self.held.change(|held| *held = now.into_iter().map(|domain| (domain, until)).collect());
        Ok(Change { gained, lost, surplus })
    }

    /// Domains of active sources, shared out among the instances that are there.
    async fn share(&self) -> Result<usize, IngestError> {
        let share: i64 = sqlx::query_scalar(
            "WITH gone AS (DELETE FROM ingest.instance WHERE until < now() - interval '1 hour'),
                  active AS (SELECT DISTINCT domain FROM ingest.source
                             WHERE state = 'active' AND settings IS NOT NULL),
                  made AS (INSERT INTO ingest.lease (domain) SELECT domain FROM active
                           ON CONFLICT (domain) DO NOTHING)
             SELECT ceil((SELECT count(*) FROM active)::numeric
                         / greatest((SELECT count(*) FROM ingest.instance WHERE until > now()), 1))::bigint",
        )
        .fetch_one(&self.pool)
        .await
        .map_err(database("count the sources to share"))?;
        Ok(usize::try_from(share).unwrap_or_default())
    }

    async fn take(&self, most: usize) -> Result<Vec<String>, IngestError> {
        if most == 0 {
            return Ok(Vec::new());
        }
        sqlx::query_scalar(
            "UPDATE ingest.lease SET holder = $1, until = now() + $2 * interval '1 second'
             WHERE domain IN (
                 SELECT l.domain FROM ingest.lease l
                 WHERE l.until <= now() AND EXISTS (
                     SELECT FROM ingest.source s
                     WHERE s.domain = l.domain AND s.state = 'active' AND s.settings IS NOT NULL)
                 AND NOT EXISTS (
                     SELECT FROM ingest.source s
                     WHERE s.domain = l.domain AND s.state = 'active' AND s.needs_secret
                       AND s.source_id <> ALL($4))
                 ORDER BY l.domain LIMIT $3 FOR UPDATE SKIP LOCKED)
             RETURNING domain",
        )
        .bind(&self.holder)
        .bind(self.length.as_secs_f64())
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .bind(&self.own)
        .fetch_all(&self.pool)
        .await
        .map_err(database("take leases"))
    }

    /// Lets go of domains of which nothing is in work.
    pub(crate) async fn release(&mut self, domains: &[String]) -> Result<(), IngestError> {
        self.held.change(|held| {
            for domain in domains {
                held.remove(domain);
            }
        });
        sqlx::query("UPDATE ingest.lease SET holder = NULL, until = '-infinity' WHERE holder = $1 AND domain = ANY($2)")
            .bind(&self.holder)
            .bind(domains)
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(database("release leases"))
    }

    /// The end: everything is free at once.
    pub(crate) async fn release_all(&mut self) -> Result<(), IngestError> {
        self.release(&self.held.domains()).await?;
        sqlx::query("DELETE FROM ingest.instance WHERE holder = $1")
            .bind(&self.holder)
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(database("leave the instances"))
    }
}
