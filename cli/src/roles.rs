//! `tocsin up` and each service alone.

use std::io::Write;
use std::sync::Arc;

use tocsin_runtime::{Refusal, Shutdown, SystemClock, config, http, telemetry};

use crate::args::ServiceArgs;
use crate::platform::{self, Platform};
use crate::services;
use crate::settings::Settings;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Ingest,
    Enrich,
    Store,
    Alerting,
}

/// Every service in one process, on a private Postgres where none is configured.
pub(crate) async fn up(args: &ServiceArgs) -> anyhow::Result<()> {
    let Some(settings) = start(args)? else { return Ok(()) };
    let shutdown = Shutdown::on_signals()?;
    let clock = Arc::new(SystemClock);
    let platform = Platform::open_alone(&settings, &settings.data, platform::DATABASE, clock).await?;
    services::start_processing(&platform, &settings, &shutdown).await?;
    let routes = services::start_ingest(&platform, &settings, &shutdown).await?;
    serve_until_drained(platform, &settings, shutdown, routes).await
}

/// One service, as deployed beside Kafka and a migrated database.
pub(crate) async fn alone(args: &ServiceArgs, role: Role) -> anyhow::Result<()> {
    let Some(settings) = start(args)? else { return Ok(()) };
    let shutdown = Shutdown::on_signals()?;
    let platform = Platform::open_configured(&settings).await?;
    let mut routes = axum::Router::new();
    match role {
        Role::Ingest => routes = services::start_ingest(&platform, &settings, &shutdown).await?,
        Role::Enrich => services::start_enrich(&platform, &settings, &shutdown).await?,
        Role::Store => services::start_store(&platform, &settings, &shutdown),
        Role::Alerting => services::start_alerting(&platform, &settings, &shutdown)?,
    }
    serve_until_drained(platform, &settings, shutdown, routes).await
}

pub(crate) async fn migrate(args: &ServiceArgs) -> anyhow::Result<()> {
    let Some(settings) = start(args)? else { return Ok(()) };
    let url = settings
        .database
        .url
        .clone()
        .ok_or_else(|| Refusal("database.url is not set: there is nothing to migrate".to_owned()))?;
    platform::migrate(&settings.database, url).await
}

/// The configuration, or nothing when it was only to be shown.
fn start(args: &ServiceArgs) -> anyhow::Result<Option<Settings>> {
    let mut settings = Settings::load(&args.config)?;
    if args.check_config {
        write!(std::io::stdout(), "{}", config::print_merged(&settings)?)?;
        return Ok(None);
    }
    telemetry::init(&settings.log)?;
    // Before any service counts or describes anything.
    http::record_metrics()?;
    let untold = format!("untold-{}.json", settings.ingest.instance);
    settings.ingest.untold.get_or_insert_with(|| settings.data.join(untold));
    Ok(Some(settings))
}

async fn serve_until_drained(
    mut platform: Platform,
    settings: &Settings,
    shutdown: Shutdown,
    routes: axum::Router,
) -> anyhow::Result<()> {
    platform.serve(settings, routes, &shutdown).await?;
    let lost = tokio::select! {
        () = shutdown.requested() => None,
        lost = platform.loss() => Some(lost),
    };
    shutdown.request();
    let outcome = services::drain(&shutdown).await;
    if let Some(lost) = lost {
        return Err(lost);
    }
    platform.close().await?;
    outcome
}
