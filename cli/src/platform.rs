//! What services stand on: Postgres (configured or private), the bus, a clock.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use secrecy::SecretString;
use sqlx::PgPool;
use tempfile::TempDir;
use tocsin_contract::topics;
use tocsin_runtime::database::{self, DatabaseConfig, PrivateServer};
use tocsin_runtime::http::{self, Check, Readiness};
use tocsin_runtime::{Clock, Refusal, Shutdown, SystemClock};
use tocsin_stream::{Bus, TopicSpec};

use crate::args::ConfigArgs;
use crate::settings::Settings;

/// The database of a private Postgres.
pub(crate) const DATABASE: &str = "tocsin";
/// How often database and bus are asked whether they are there.
const PULSE: Duration = Duration::from_secs(5);

/// Open connections. Close it last: a private Postgres ends with it.
#[derive(Debug)]
pub(crate) struct Platform {
    pub(crate) pool: PgPool,
    pub(crate) bus: Bus,
    pub(crate) clock: Arc<dyn Clock>,
    server: Option<PrivateServer>,
    scratch: Option<TempDir>,
}

impl Platform {
    /// For one service beside others: everything is configured and migrated already.
    pub(crate) async fn open_configured(settings: &Settings) -> anyhow::Result<Self> {
        let url = settings.database.url.clone().ok_or_else(|| {
            Refusal("database.url is not set: a service alone needs the database of the others (`tocsin up` starts a private one)".to_owned())
        })?;
        Self::connect(settings, url, None, Arc::new(SystemClock)).await
    }

    /// For one machine: a private Postgres under `data` where none is configured;
    /// migrations are run.
    pub(crate) async fn open_alone(
        settings: &Settings,
        data: &Path,
        database: &str,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let (url, server) = database_url(settings, data, database).await?;
        migrate(&settings.database, url.clone()).await?;
        Self::connect(settings, url, server, clock).await
    }

    /// For a replay: as configured, or on a throw-away database.
    pub(crate) async fn open_for_replay(settings: &Settings, args: &ConfigArgs) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        if Settings::is_given(args) {
            return Self::open_alone(settings, &settings.data, DATABASE, clock).await;
        }
        let scratch = tempfile::Builder::new()
            .prefix("tocsin-replay-")
            .tempdir()
            .context("make a folder for the throw-away database")?;
        let mut platform = Self::open_alone(settings, scratch.path(), "replay", clock).await?;
        platform.scratch = Some(scratch);
        Ok(platform)
    }

    async fn connect(
        settings: &Settings,
        url: SecretString,
        server: Option<PrivateServer>,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let config = DatabaseConfig { url: Some(url.clone()), ..settings.database.clone() };
        let pool = database::connect(&config).await?;
        database::check_migrated(&pool).await?;
        let bus = Bus::connect(&settings.stream, Some(pool.clone())).await?;
        bus.ensure_topics(&topic_specs(settings.stream.partitions)).await?;
        Ok(Self { pool, bus, clock, server, scratch: None })
    }

    /// Serves metrics, health and `routes`; ready while database and bus answer.
    pub(crate) async fn serve(
        &self,
        settings: &Settings,
        routes: axum::Router,
        shutdown: &Shutdown,
    ) -> anyhow::Result<SocketAddr> {
        let readiness = Readiness::new();
        let watch = watch_database(self.pool.clone(), readiness.check("database"), shutdown.clone());
        shutdown.spawn("database check", watch);
        let watch = watch_bus(self.bus.clone(), readiness.check("bus"), shutdown.clone());
        shutdown.spawn("bus check", watch);
        Ok(http::serve(&settings.http, &readiness, routes, shutdown).await?)
    }

    /// Resolves when the private Postgres ends by itself, if there is one: nothing works without it, and a
    /// new start brings it back.
    pub(crate) async fn loss(&mut self) -> anyhow::Error {
        let Some(server) = &mut self.server else { return std::future::pending().await };
        loop {
            if let Some(words) = server.ended() {
                return anyhow::anyhow!("the private Postgres ended by itself: {words}");
            }
            tokio::time::sleep(PULSE).await;
        }
    }

    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.pool.close().await;
        if let Some(server) = self.server {
            server.stop().await?;
        }
        Ok(())
    }
}

/// The configured database; where none is, database `name` of a private Postgres under `data`, which no other
/// process may have in use.
pub(crate) async fn database_url(
    settings: &Settings,
    data: &Path,
    name: &str,
) -> Result<(SecretString, Option<PrivateServer>), Refusal> {
    if let Some(url) = &settings.database.url {
        return Ok((url.clone(), None));
    }
    let server = PrivateServer::start(&data.join("postgres")).await?;
    Ok((server.database(name).await?, Some(server)))
}

pub(crate) async fn migrate(config: &DatabaseConfig, url: SecretString) -> anyhow::Result<()> {
    let config = DatabaseConfig { url: Some(url), ..config.clone() };
    let pool = database::connect(&config).await?;
    database::migrate(&pool).await?;
    pool.close().await;
    Ok(())
}

fn topic_specs(partitions: u32) -> Vec<TopicSpec> {
    topics::ALL.iter().map(|name| TopicSpec { name: (*name).to_owned(), partitions }).collect()
}

async fn watch_database(pool: PgPool, check: Check, shutdown: Shutdown) -> Result<(), Infallible> {
    while !shutdown.is_requested() {
        // Not as long as a connection may be waited for: whoever asks should hear it soon.
        match tokio::time::timeout(PULSE, sqlx::query("SELECT 1").execute(&pool)).await {
            Ok(Ok(_)) => check.ready(),
            Ok(Err(_)) | Err(_) => check.not_ready("the database does not answer"),
        }
        pause(&shutdown).await;
    }
    Ok(())
}

/// Says once in the log that the bus is away, and once that it is back: consumers wait for it in silence.
async fn watch_bus(bus: Bus, check: Check, shutdown: Shutdown) -> Result<(), Infallible> {
    let mut is_away = false;
    while !shutdown.is_requested() {
        let answer = tokio::select! {
            () = shutdown.requested() => break,
            answer = bus.check() => answer,
        };
        let was_away = std::mem::replace(&mut is_away, answer.is_err());
        match answer {
            Ok(()) => {
                if was_away {
                    tracing::info!("the bus is back");
                }
                check.ready();
            }
            Err(error) => {
                if !was_away {
                    tracing::warn!("nothing is read or written until the bus is back: {error}");
                }
                check.not_ready(&error.to_string());
            }
        }
        pause(&shutdown).await;
    }
    Ok(())
}

async fn pause(shutdown: &Shutdown) {
    tokio::select! {
        () = shutdown.requested() => {}
        () = tokio::time::sleep(PULSE) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tocsin_runtime::shutdown::Drained;
    use tocsin_stream::StreamConfig;

    use super::*;

    async fn until_ready(readiness: &Readiness, ready: bool) {
        let deadline = Instant::now() + 10 * PULSE;
        while readiness.is_ready() != ready {
            assert!(Instant::now() < deadline, "ready is {} for too long", !ready);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    #[tokio::test]
    async fn a_service_on_a_database_of_an_older_version_says_what_to_run() {
        let older = database::testing::database().await;
        sqlx::query("DELETE FROM _sqlx_migrations WHERE version = 1").execute(&older.pool).await.unwrap();
        let database = DatabaseConfig { url: Some(older.url.clone()), ..DatabaseConfig::default() };
        let settings = Settings { database, ..Settings::default() };
        let refused = Platform::open_configured(&settings).await.unwrap_err();
        assert!(refused.to_string().contains("run `tocsin migrate` first"), "{refused}");
        assert!(refused.is::<Refusal>());
    }

    #[tokio::test]
    async fn a_process_is_ready_while_its_bus_answers_and_has_its_topics() {
        let pool = database::testing::database().await.pool;
        let bus = Bus::connect(&StreamConfig::default(), Some(pool.clone())).await.unwrap();
        let specs = topic_specs(1);
        bus.ensure_topics(&specs).await.unwrap();
        bus.partitions(topics::DOCUMENTS_RAW).await.unwrap();
        let (readiness, shutdown) = (Readiness::new(), Shutdown::new());
        shutdown.spawn("bus check", watch_bus(bus.clone(), readiness.check("bus"), shutdown.clone()));
        until_ready(&readiness, true).await;
        sqlx::query("DELETE FROM stream.topic").execute(&pool).await.unwrap();
        until_ready(&readiness, false).await;
        bus.ensure_topics(&specs).await.unwrap();
        until_ready(&readiness, true).await;
        shutdown.request();
        assert_eq!(shutdown.drained(PULSE).await, Drained::Clean);
    }
}
