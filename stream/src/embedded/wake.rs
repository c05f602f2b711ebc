//! Waking readers: LISTEN/NOTIFY, one listening connection for each bus. A wake-up
//! that gets lost costs its reader a second, never a record.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use sqlx::postgres::PgListener;
use sqlx::{PgConnection, PgPool};
use tokio::sync::Notify;

const CHANNEL: &str = "tocsin_stream";
const RETRY: Duration = Duration::from_secs(1);

/// What somebody waits for: new records of a topic.
pub(super) fn topic(on_bus: &str) -> String {
    format!("topic {on_bus}")
}

/// What somebody waits for: members or partitions of a group that change.
pub(super) fn group(on_bus: &str) -> String {
    format!("group {on_bus}")
}

/// Takes effect when the transaction commits.
pub(super) async fn notify(
    tx: &mut PgConnection,
    news: impl Iterator<Item = String>,
) -> Result<(), sqlx::Error> {
    let mut news: Vec<String> = news.collect();
    news.dedup();
    sqlx::query("SELECT pg_notify($1, news) FROM unnest($2::text[]) AS n (news)")
        .bind(CHANNEL)
        .bind(news)
        .execute(tx)
        .await
        .map(drop)
}

/// Who waits for what, within this process.
#[derive(Debug, Default)]
pub(super) struct Wakes(Mutex<Vec<(Vec<String>, Weak<Notify>)>>);

impl Wakes {
    pub(super) fn register(&self, news: Vec<String>) -> Arc<Notify> {
        let waiter = Arc::new(Notify::new());
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|(_, waiter)| waiter.strong_count() > 0);
        waiting.push((news, Arc::downgrade(&waiter)));
        waiter
    }

    /// `None` wakes everybody.
    fn wake(&self, news: Option<&str>) {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (wanted, waiter) in waiting.iter() {
            if news.is_none_or(|news| wanted.iter().any(|w| w == news))
                && let Some(waiter) = waiter.upgrade()
            {
                waiter.notify_one();
            }
        }
    }
}

/// Runs until the pool is closed.
pub(super) async fn listen(pool: PgPool, wakes: Arc<Wakes>) {
    while !pool.is_closed() {
        if let Err(error) = hear(&pool, &wakes).await {
            tracing::debug!("listening for new records was interrupted: {error}");
        }
        tokio::time::sleep(RETRY).await;
    }
}

async fn hear(pool: &PgPool, wakes: &Wakes) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    loop {
        // Nothing is heard while the connection is away: then everybody looks.
        let heard = listener.try_recv().await?;
        wakes.wake(heard.as_ref().map(sqlx::postgres::PgNotification::payload));
    }
}
