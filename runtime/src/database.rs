//! The way to Postgres: a pool, migrations, and a private server for one machine.

use std::path::Path;

use secrecy::SecretString;
use serde::Deserialize;
use sqlx::PgPool;

use crate::Refusal;

/// Section `[database]` of the configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatabaseConfig {
    /// `postgres://user:password@host/database`; without it a private server is started.
    pub url: Option<SecretString>,
    pub max_connections: u32,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self { url: None, max_connections: 16 }
    }
}

/// A pool whose connections answer, or the reason in one sentence.
pub async fn connect(config: &DatabaseConfig) -> Result<PgPool, Refusal> {
    let _ = config;
    todo!()
}

/// Runs the numbered migrations of `migrations/` that are missing.
pub async fn migrate(pool: &PgPool) -> Result<(), Refusal> {
    let _ = pool;
    todo!()
}

/// A Postgres of our own on loopback; it ends when this value is dropped or the
/// process dies, however it dies.
#[derive(Debug)]
pub struct PrivateServer;

impl PrivateServer {
    /// Unpacks (first time: downloads) Postgres, makes the cluster in `data` when
    /// it is missing, and starts it. As root it runs as an unprivileged user.
    pub async fn start(data: &Path) -> Result<Self, Refusal> {
        let _ = data;
        todo!()
    }
    /// `postgres://...` of database `name`, which is created when it is missing.
    pub async fn database(&self, name: &str) -> Result<SecretString, Refusal> {
        let _ = name;
        todo!()
    }
    /// A smart stop; `drop` does a fast one.
    pub async fn stop(self) -> Result<(), Refusal> {
        todo!()
    }
}
