//! A Postgres of our own on loopback, for one machine and for tests.
//!
//! Real PostgreSQL without root, packages or a container. Never used when the
//! configuration names a server.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::account::Account;
use super::cluster::{CLUSTER, Cluster};
use super::supervisor::Supervisor;
use super::{binaries, folder};
use crate::Refusal;

/// Starts that may fail: another program took the port, or left-over backends end late.
const ATTEMPTS: u32 = 5;
/// Recovery after a crash replays at most some minutes of log.
const START_PATIENCE: Duration = Duration::from_secs(300);
const SMART_STOP: Duration = Duration::from_secs(5);

/// A Postgres of our own on loopback; it ends when this value is dropped or the
/// process dies, however it dies.
#[derive(Debug)]
pub struct PrivateServer {
    // Declared first: the server stops before the lock on its folder is released.
    supervisor: Supervisor,
    cluster: Cluster,
    data: PathBuf,
    port: u16,
}

impl PrivateServer {
    /// Unpacks (first time: downloads) Postgres, makes the cluster in `data` when
    /// it is missing, and starts it. As root it runs as an unprivileged user.
    pub async fn start(data: &Path) -> Result<Self, Refusal> {
        let account = Account::choose(&data.join(CLUSTER))?;
        let data = folder::data(account, data)?;
        Self::launch(data, account, true).await
    }

    /// A server for as long as this value lives: its data is in a temporary folder
    /// that goes with it, and nothing is forced to disk.
    pub async fn throw_away() -> Result<Self, Refusal> {
        let account = Account::choose(Path::new("/nonexistent"))?;
        let folder = tempfile::Builder::new()
            .prefix("tocsin-")
            .tempdir()
            .map_err(|error| Refusal(format!("cannot create a temporary folder: {error}")))?
            .keep();
        let data = folder.canonicalize().map_err(|error| folder::cannot("open", &folder, &error))?;
        account.own(&data).map_err(|error| folder::cannot("hand over", &data, &error))?;
        if !account.reaches(&data) {
            return Err(Refusal(format!(
                "the account that runs Postgres cannot enter {}; set TMPDIR to a folder open to it",
                data.display()
            )));
        }
        let launched = Self::launch(data.clone(), account, false).await;
        if launched.is_err() && data.exists() {
            std::fs::remove_dir_all(&data).map_err(|error| folder::cannot("remove", &data, &error))?;
        }
        launched
    }

    async fn launch(data: PathBuf, account: Account, keep: bool) -> Result<Self, Refusal> {
        let binaries = binaries::install(account).await?;
        let (folder, programs) = (data.clone(), binaries.clone());
        let cluster = tokio::task::spawn_blocking(move || Cluster::open(&folder, &programs, account, keep))
            .await
            .map_err(|error| Refusal(format!("cannot open {}: {error}", data.display())))??;
        let throw_away = (!keep).then_some(&*data);
        for attempt in 1..=ATTEMPTS {
            let port = free_port()?;
            let mut supervisor = Supervisor::start(&cluster, &binaries, port, throw_away)
                .map_err(|error| folder::cannot("start Postgres in", &data, &error))?;
            if answers(&mut supervisor, &cluster, port).await {
                tracing::info!("private Postgres in {} listens on 127.0.0.1:{port}", data.display());
                return Ok(Self { supervisor, cluster, data, port });
            }
            tracing::debug!(attempt, "private Postgres did not start: {}", cluster.last_words());
            drop(supervisor);
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        Err(Refusal(format!("Postgres does not start in {}: {}", data.display(), cluster.last_words())))
    }

    /// `postgres://...` of database `name`, which is created when it is missing.
    pub async fn database(&self, name: &str) -> Result<SecretString, Refusal> {
        self.create(name, "").await?;
        Ok(self.cluster.url(self.port, name))
    }

    /// As [`Self::database`], copied from database `template` when it is missing.
    pub(super) async fn copy(&self, template: &str, name: &str) -> Result<SecretString, Refusal> {
        self.create(name, &format!(" TEMPLATE {}", checked(template)?)).await?;
        Ok(self.cluster.url(self.port, name))
    }

    async fn create(&self, name: &str, how: &str) -> Result<(), Refusal> {
        let name = checked(name)?;
        let failed = |error: sqlx::Error| Refusal(format!("cannot create database {name}: {error}"));
        let url = self.cluster.url(self.port, "postgres");
        let mut connection = PgConnection::connect(url.expose_secret()).await.map_err(failed)?;
        let known: Option<i32> = sqlx::query_scalar("SELECT 1 FROM pg_database WHERE datname = $1")
            .bind(name)
            .fetch_optional(&mut connection)
            .await
            .map_err(failed)?;
        if known.is_none() {
            let statement = AssertSqlSafe(format!("CREATE DATABASE {name}{how}"));
            sqlx::query(statement).execute(&mut connection).await.map_err(failed)?;
        }
        connection.close().await.map_err(failed)
    }

    /// The last words of the server, if it ended by itself.
    pub fn ended(&mut self) -> Option<String> {
        self.supervisor.ended().map(|_| self.cluster.last_words())
    }

    /// The folder that holds the data; not the wanted one when that is closed to
    /// the account Postgres runs as.
    pub fn data(&self) -> &Path {
        &self.data
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// A smart stop; `drop` does a fast one.
    pub async fn stop(mut self) -> Result<(), Refusal> {
        let data = self.data.clone();
        let ended = tokio::task::spawn_blocking(move || self.supervisor.stop(SMART_STOP)).await;
        match ended {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(Refusal(format!("Postgres in {} does not stop", data.display()))),
        }
    }
}

/// Waits until the server takes a query; false when it ended, or takes too long.
async fn answers(supervisor: &mut Supervisor, cluster: &Cluster, port: u16) -> bool {
    let start = Instant::now();
    let url = cluster.url(port, "postgres");
    while supervisor.ended().is_none() && start.elapsed() < START_PATIENCE {
        if let Ok(connection) = PgConnection::connect(url.expose_secret()).await {
            return connection.close().await.is_ok();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}

fn free_port() -> Result<u16, Refusal> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| Refusal(format!("no free port on 127.0.0.1: {error}")))
}

/// `name`, if it can stand in a statement as it is.
fn checked(name: &str) -> Result<&str, Refusal> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.is_empty()
        && name.len() < 64
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(plain)
    {
        return Ok(name);
    }
    Err(Refusal(format!("a database cannot be called {name:?}: use a-z, 0-9 and _")))
}
