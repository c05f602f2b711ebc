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

/// How often the database is asked whether it is there.
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
        let (url, server) = match &settings.database.url {
            Some(url) => (url.clone(), None),
            None => {
                let server = PrivateServer::start(&data.join("postgres")).await?;
                (server.database(database).await?, Some(server))
            }
        };
        migrate(&settings.database, url.clone()).await?;
        Self::connect(settings, url, server, clock).await
    }

    /// For a replay: as configured, or on a throw-away database.
    pub(crate) async fn open_for_replay(settings: &Settings, args: &ConfigArgs) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        if Settings::is_given(args) {
            return Self::open_alone(settings, &settings.data, "tocsin", clock).await;
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
        let bus = Bus::connect(&settings.stream, Some(pool.clone())).await?;
        bus.ensure_topics(&topic_specs(settings.stream.partitions)).await?;
        Ok(Self { pool, bus, clock, server, scratch: None })
    }

    /// Serves metrics, health and `routes`; ready while the database answers.
    pub(crate) async fn serve(
        &self,
        settings: &Settings,
        routes: axum::Router,
        shutdown: &Shutdown,
    ) -> anyhow::Result<SocketAddr> {
        let readiness = Readiness::new();
        let watch = watch_database(self.pool.clone(), readiness.check("database"), shutdown.clone());
        shutdown.spawn("database check", watch);
        Ok(http::serve(&settings.http, &readiness, routes, shutdown).await?)
    }

    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.pool.close().await;
        if let Some(server) = self.server {
            server.stop().await?;
        }
        Ok(())
    }
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
        match sqlx::query("SELECT 1").execute(&pool).await {
            Ok(_) => check.ready(),
            Err(_) => check.not_ready("the database does not answer"),
        }
        tokio::select! {
            () = shutdown.requested() => {}
            () = tokio::time::sleep(PULSE) => {}
        }
    }
    Ok(())
}
