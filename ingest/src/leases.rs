//! Which domains this instance polls. Shares are kept even, a lease ends by the clock
//! of the database, and the holder lets go before that by its own: a domain is never
//! polled by two, and one whose holder died is taken within two lease times.
//!
//! Where sources need a secret, or files of one machine, their domain is for the instances that
//! can poll the most of them (`ingest.claim`); the register says which they leave out.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use sqlx::PgPool;
use tokio::time::Instant;

use crate::IngestError;
use crate::error::database;

/// How much sooner than the database the holder counts a lease as ended.
const MARGIN: f64 = 0.8;
/// Why a source is not polled by whoever holds its domain ...
const ELSEWHERE: &str = "its domain is polled by an instance without its secret or files";
/// ... and why it is not polled by anybody.
const NOWHERE: &str = "no instance that runs has its secret or files";

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
    /// The sources of which we have the secrets or files.
    pub(crate) own: Vec<String>,
}

/// What a renewal changed, and what others should have.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) gained: Vec<String>,
    pub(crate) lost: Vec<String>,
    /// Domains of which another instance can poll more.
    pub(crate) others: Vec<String>,
    /// Domains of which every other instance can poll as much ...
    pub(crate) spare: Vec<String>,
    /// ... while so many are above our share.
    pub(crate) surplus: usize,
}

/// A domain that stays ours; whether we can poll less of it than another instance, and more.
type Kept = (String, bool, bool);

fn names(kept: &[Kept], is_one: impl Fn(bool, bool) -> bool) -> Vec<String> {
    kept.iter().filter(|kept| is_one(kept.1, kept.2)).map(|kept| kept.0.clone()).collect()
}

impl Leases {
    /// `holder` is one process: two that share a name would share their leases. `own`:
    /// the sources of which it has the secrets or files.
    pub(crate) fn new(pool: PgPool, holder: String, length: Duration, own: Vec<String>) -> Self {
        Self { pool, holder, length, held: Held::default(), own }
    }

    pub(crate) fn held(&self) -> Held {
        self.held.clone()
    }

    /// Renews what is held, and takes what nobody holds: what others can poll less of, and the
    /// rest up to an even share. A domain without a source for us stays while it is `in_work`.
    pub(crate) async fn renew(&mut self, in_work: &[String]) -> Result<Change, IngestError> {
        let until = Instant::now() + self.length.mul_f64(MARGIN);
        let kept = self.keep(in_work).await?;
        let share = self.share().await?;
        let mut gained = self.take(true, usize::MAX).await?;
        let room = share.saturating_sub(kept.len() + gained.len());
        gained.extend(self.take(false, room).await?);
        let surplus = (kept.len() + gained.len()).saturating_sub(share);
        let others = names(&kept, |less, _| less);
        let spare = names(&kept, |less, more| !less && !more);
        let now: HashSet<String> =
            kept.into_iter().map(|(domain, ..)| domain).chain(gained.iter().cloned()).collect();
        let lost = self.held.domains().into_iter().filter(|domain| !now.contains(domain)).collect();
        self.held.change(|held| *held = now.into_iter().map(|domain| (domain, until)).collect());
        Ok(Change { gained, lost, others, spare, surplus })
    }

    async fn keep(&self, in_work: &[String]) -> Result<Vec<Kept>, IngestError> {
        sqlx::query_as(
            "WITH here AS (
                 INSERT INTO ingest.instance (holder, until, own)
                 VALUES ($1, now() + $2 * interval '1 second', $3)
                 ON CONFLICT (holder) DO UPDATE SET until = excluded.until),
             kept AS (
                 UPDATE ingest.lease l SET until = now() + $2 * interval '1 second'
                 WHERE l.holder = $1 AND l.until > now() AND (l.domain = ANY($4) OR EXISTS (
                     SELECT FROM ingest.source s
                     WHERE s.domain = l.domain AND s.state = 'active' AND s.settings IS NOT NULL
                       AND (NOT s.needs_secret OR s.source_id = ANY($3))))
                 RETURNING l.domain)
             SELECT k.domain, coalesce(c.secrets < c.most, false), coalesce(c.secrets > c.least, false)
             FROM kept k LEFT JOIN ingest.claim c ON c.domain = k.domain AND c.holder = $1",
        )
        .bind(&self.holder)
        .bind(self.length.as_secs_f64())
        .bind(&self.own)
        .bind(in_work)
        .fetch_all(&self.pool)
        .await
        .map_err(database("renew the leases"))
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

    /// Of what nobody can poll more of than we: what some can poll less of, or the rest.
    async fn take(&self, is_more: bool, most: usize) -> Result<Vec<String>, IngestError> {
        if most == 0 {
            return Ok(Vec::new());
        }
        sqlx::query_scalar(
            "UPDATE ingest.lease SET holder = $1, until = now() + $2 * interval '1 second'
             WHERE domain IN (
                 SELECT l.domain FROM ingest.lease l
                 LEFT JOIN ingest.claim c ON c.domain = l.domain AND c.holder = $1
                 WHERE l.until <= now() AND coalesce(c.secrets = c.most, true)
                   AND coalesce(c.secrets > c.least, false) = $5
                   AND EXISTS (
                     SELECT FROM ingest.source s
                     WHERE s.domain = l.domain AND s.state = 'active' AND s.settings IS NOT NULL
                       AND (NOT s.needs_secret OR s.source_id = ANY($4)))
                 ORDER BY l.domain LIMIT $3 FOR UPDATE OF l SKIP LOCKED)
             RETURNING domain",
        )
        .bind(&self.holder)
        .bind(self.length.as_secs_f64())
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .bind(&self.own)
        .bind(is_more)
        .fetch_all(&self.pool)
        .await
        .map_err(database("take leases"))
    }

    /// Says in the register, and once in the log, which sources are not polled for want of their
    /// secrets or files.
    pub(crate) async fn explain(&self) -> Result<(), IngestError> {
        let told: Vec<(String, String)> = sqlx::query_as(
            "UPDATE ingest.source s SET refusal = told.why FROM (
                 SELECT s.source_id,
                        CASE WHEN bool_or(l.holder = i.holder) THEN ''
                             WHEN count(i.holder) = 0 THEN $2
                             WHEN count(l.holder) > 0 THEN $1 END AS why
                 FROM ingest.source s
                 LEFT JOIN ingest.instance i ON i.until > now() AND s.source_id = ANY (i.own)
                 LEFT JOIN ingest.lease l ON l.domain = s.domain AND l.until > now()
                 WHERE s.needs_secret AND s.state = 'active' AND s.settings IS NOT NULL
                 GROUP BY s.source_id) told
             WHERE s.source_id = told.source_id AND s.refusal <> told.why
               AND (told.why <> '' OR s.refusal IN ($1, $2))
             RETURNING s.source_id, s.refusal",
        )
        .bind(ELSEWHERE)
        .bind(NOWHERE)
        .fetch_all(&self.pool)
        .await
        .map_err(database("say which sources are not polled"))?;
        for (id, why) in told.iter().filter(|(_, why)| !why.is_empty()) {
            tracing::warn!(source.id = id, "{id} is not polled: {why}");
        }
        Ok(())
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
