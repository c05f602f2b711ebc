//! Real Postgres for tests: one private server a test process, and a fresh,
//! migrated database for each call. Server and data end with the process.

use std::sync::atomic::{AtomicU32, Ordering};

use secrecy::SecretString;
use sqlx::PgPool;
use tokio::sync::OnceCell;

use super::{DatabaseConfig, PrivateServer, connect, migrate};
use crate::Refusal;

const TEMPLATE: &str = "migrated";

static SERVER: OnceCell<PrivateServer> = OnceCell::const_new();
static COUNT: AtomicU32 = AtomicU32::new(0);

/// A database that no other test sees.
#[derive(Debug, Clone)]
pub struct TestDatabase {
    pub pool: PgPool,
    pub url: SecretString,
}

/// A fresh database with all migrations.
///
/// # Panics
/// When Postgres cannot be fetched or started, with the reason.
pub async fn database() -> TestDatabase {
    fresh().await.unwrap_or_else(|refusal| panic!("no database for this test: {refusal}"))
}

async fn fresh() -> Result<TestDatabase, Refusal> {
    let server = SERVER.get_or_try_init(migrated).await?;
    let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let url = server.copy(TEMPLATE, &name).await?;
    let pool = connect(&DatabaseConfig { url: Some(url.clone()), ..DatabaseConfig::default() }).await?;
    Ok(TestDatabase { pool, url })
}

/// A server whose template database has all migrations.
async fn migrated() -> Result<PrivateServer, Refusal> {
    let server = PrivateServer::throw_away().await?;
    let url = server.database(TEMPLATE).await?;
    let pool = connect(&DatabaseConfig { url: Some(url), ..DatabaseConfig::default() }).await?;
    migrate(&pool).await?;
    pool.close().await;
    Ok(server)
}
