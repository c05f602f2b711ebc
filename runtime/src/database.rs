//! The way to Postgres: a pool, migrations, and a private server for one machine.
//!
//! Owns how a process gets connections; knows no table. Errors are one sentence
//! for the operator and never show a password.

mod account;
mod binaries;
mod cluster;
mod folder;
mod migrations;
mod server;
mod supervisor;
pub mod testing;

use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection, PgPool};

pub use migrations::{check_migrated, migrate};
pub use server::PrivateServer;

use crate::Refusal;

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// Section `[database]` of the configuration.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatabaseConfig {
    /// `postgres://user:password@host/database`; without it a private server is started.
    #[serde(serialize_with = "crate::config::secret::serialize")]
    pub url: Option<SecretString>,
    pub max_connections: u32,
    /// How long a query waits for a free connection, and a connection for the server.
    #[serde(with = "humantime_serde")]
    pub acquire_timeout: Duration,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self { url: None, max_connections: 16, acquire_timeout: Duration::from_secs(10) }
    }
}

impl DatabaseConfig {
    /// Rules that hold between keys, or for a value.
    pub fn check(&self) -> Result<(), String> {
        if self.max_connections < 4 {
            return Err("[database] max_connections must be at least 4".into());
        }
        self.url.as_ref().map_or(Ok(()), |url| options(url).map(drop).map_err(|refusal| refusal.0))
    }
}

/// A pool whose connections answer, or the reason in one sentence. A server that
/// is only just starting gets `acquire_timeout` to answer.
pub async fn connect(config: &DatabaseConfig) -> Result<PgPool, Refusal> {
    let Some(url) = &config.url else {
        return Err(Refusal("[database] url is not set and no private server was started".into()));
    };
    let options = options(url)?;
    let pool = PgPoolOptions::new()
        .max_connections(config.max_connections)
        .acquire_timeout(config.acquire_timeout)
        .connect_with(options.clone())
        .await;
    match pool {
        Ok(pool) => {
            check_encoding(&pool).await?;
            Ok(pool)
        }
        Err(error) => {
            let cause = cause(error, &options, config.acquire_timeout).await;
            Err(Refusal(format!("cannot connect to {}: {}", place(&options), without_secret(&cause, url))))
        }
    }
}

/// Refuses a database whose encoding cannot hold every character: it would refuse each text that has one of
/// the others.
async fn check_encoding(pool: &PgPool) -> Result<(), Refusal> {
    let place = place(&pool.connect_options());
    let encoding: String = sqlx::query_scalar("SHOW server_encoding")
        .fetch_one(pool)
        .await
        .map_err(|error| Refusal(format!("cannot ask {place} for its encoding: {error}")))?;
    // SQL_ASCII keeps bytes as they come.
    if matches!(encoding.as_str(), "UTF8" | "SQL_ASCII") {
        return Ok(());
    }
    Err(Refusal(format!(
        "{place} has the encoding {encoding}: make a database with ENCODING 'UTF8' TEMPLATE template0"
    )))
}

/// The cause of `error`. A pool that timed out does not say why it got no connection: one more attempt, which
/// may take `patience`, finds out.
async fn cause(error: sqlx::Error, options: &PgConnectOptions, patience: Duration) -> sqlx::Error {
    if !matches!(error, sqlx::Error::PoolTimedOut) {
        return error;
    }
    match tokio::time::timeout(patience, PgConnection::connect_with(options)).await {
        Ok(Err(cause)) => cause,
        Ok(Ok(_)) | Err(_) => error,
    }
}

/// Session settings every connection of Tocsin has: UTC and a name in `pg_stat_activity`.
fn options(url: &SecretString) -> Result<PgConnectOptions, Refusal> {
    let text = url.expose_secret();
    if !(text.starts_with("postgres://") || text.starts_with("postgresql://")) {
        return Err(Refusal("[database] url is not a postgres:// address".into()));
    }
    PgConnectOptions::from_str(text)
        .map(|options| options.application_name("tocsin").options([("TimeZone", "UTC")]))
        .map_err(|error| {
            Refusal(format!("[database] url is not a postgres:// address: {}", without_secret(&error, url)))
        })
}

/// The server and database of `options`, fit to be shown.
fn place(options: &PgConnectOptions) -> String {
    let (user, host, port) = (options.get_username(), options.get_host(), options.get_port());
    format!("postgres://{user}@{host}:{port}/{}", options.get_database().unwrap_or(user))
}

/// The text of `error` with `***` in place of `url` and of its password. A password of at most three
/// characters, or one that also stands elsewhere in the URL (often it is the user's name), is left: it would
/// blot out other words.
fn without_secret(error: &dyn std::fmt::Display, url: &SecretString) -> String {
    let url = url.expose_secret();
    let text = error.to_string().replace(url, "***");
    let parts = url.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@'));
    let Some((account, place)) = parts else { return text };
    match account.split_once(':') {
        Some((user, password))
            if password.len() > 3 && !user.contains(password) && !place.contains(password) =>
        {
            text.replace(password, "***")
        }
        Some(_) | None => text,
    }
}

#[cfg(test)]
mod tests;
