//! The numbered migrations of `migrations/`: running those that are missing, and refusing a
//! database that lacks some.

use sqlx::PgPool;

use super::{MIGRATIONS, place};
use crate::Refusal;

/// Runs the migrations that are missing.
pub async fn migrate(pool: &PgPool) -> Result<(), Refusal> {
    let place = place(&pool.connect_options());
    let failed = |error: &dyn std::fmt::Display| Refusal(format!("cannot migrate {place}: {error}"));
    let mut connection = pool.acquire().await.map_err(|error| failed(&error))?.detach();
    // A migrate job that waits for a lock it will not get must end and say so.
    sqlx::query("SET lock_timeout = '60s'").execute(&mut connection).await.map_err(|error| failed(&error))?;
    MIGRATIONS.run(&mut connection).await.map_err(|error| failed(&error))?;
    tracing::info!("{place} has every migration of this version");
    Ok(())
}

/// Refuses a database that lacks migrations of this version. An account that may not look at
/// the list of them finds out by itself what is missing.
pub async fn check_migrated(pool: &PgPool) -> Result<(), Refusal> {
    let place = place(&pool.connect_options());
    let done = done(pool).await.map_err(|error| Refusal(format!("cannot look at {place}: {error}")))?;
    let Some(done) = done else { return Ok(()) };
    match MIGRATIONS.iter().filter(|migration| !done.contains(&migration.version)).count() {
        0 => Ok(()),
        missing => Err(Refusal(format!(
            "{place} lacks {missing} of the migrations of this version: run `tocsin migrate` first"
        ))),
    }
}

/// The versions that were run; `None` where there is a list that this account may not see.
async fn done(pool: &PgPool) -> sqlx::Result<Option<Vec<i64>>> {
    let listed =
        sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success").fetch_all(pool).await;
    match listed {
        Err(error) if is_out_of_sight(&error) => {
            // The catalogue is open to any account: without a list, nothing was ever run.
            let is_there: bool =
                sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_class WHERE relname = '_sqlx_migrations')")
                    .fetch_one(pool)
                    .await?;
            Ok((!is_there).then(Vec::new))
        }
        other => other.map(Some),
    }
}

/// A table that is not there, or not for this account.
fn is_out_of_sight(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| matches!(&*code, "42P01" | "42501"))
}
