//! Setting the demo up: database, newsroom, receiver and services, and clearing it away.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tocsin_alerting::WebhookConfig;
use tocsin_contract::Alert;
use tocsin_ingest::IngestConfig;
use tocsin_runtime::database::PrivateServer;
use tocsin_runtime::telemetry::LogConfig;
use tocsin_runtime::{Refusal, Shutdown};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::clock::DemoClock;
use super::narrator::narrate;
use crate::args::{ConfigArgs, DemoArgs};
use crate::newsroom::{Newsroom, receiver};
use crate::platform::Platform;
use crate::services;
use crate::settings::Settings;

/// The signing secret of a webhook that never leaves the machine.
const WEBHOOK_SECRET: &str = "whsec_dG9jc2luLWRlbW8tc2VjcmV0LW9uLWxvb3BiYWNr";
const DATABASE: &str = "demo";

/// Everything of the demo that runs.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) alerts: mpsc::Receiver<Alert>,
    pub(super) database_url: SecretString,
    pub(super) listen: SocketAddr,
    /// What the services talk to: the newsroom and the receiver.
    pub(super) outside: Shutdown,
    platform: Platform,
    server: PrivateServer,
}

impl Stage {
    pub(super) async fn set(args: &DemoArgs, shutdown: &Shutdown) -> anyhow::Result<Self> {
        refuse_busy(args.listen).await?;
        let server = PrivateServer::start(&args.data.join("postgres")).await?;
        let database_url = empty_database(&server).await?;
        let (received, alerts) = mpsc::channel(64);
        let outside = Shutdown::new();
        let receiver = serve(&outside, "receiver", receiver::router(WEBHOOK_SECRET, received)?).await?;

        let mut settings = Settings::load(&ConfigArgs::default())?;
        settings.database.url = Some(database_url.clone());
        settings.http.listen = args.listen;
        settings.alerting.allow = vec![receiver.to_string()];
        settings.alerting.webhooks = vec![webhook(receiver)];

        // The clock starts last, so that no simulated hour passes before somebody listens.
        let listener = loopback().await?;
        let newsroom_at = listener.local_addr()?;
        let clock = Arc::new(DemoClock::stopped());
        let newsroom = Newsroom::new(clock.start(), clock.clone());
        settings.ingest = ingest_config(&newsroom, newsroom_at)?;
        spawn_server(&outside, "newsroom", listener, newsroom.router());
        let platform = Platform::open_alone(&settings, &args.data, DATABASE, clock.clone()).await?;
        services::start_processing(&platform, &settings, shutdown).await?;
        shutdown.spawn("narrator", narrate(platform.bus.clone(), shutdown.clone()));
        clock.begin();
        let routes = services::start_ingest(&platform, &settings, shutdown).await?;
        let listen = platform.serve(&settings, routes, shutdown).await?;
        Ok(Self { alerts, database_url, listen, outside, platform, server })
    }

    /// Where things stand, for the one who waited in vain.
    pub(super) async fn progress(&self) -> String {
        let count = |sql: &'static str| async move {
            sqlx::query_scalar::<_, i64>(sql).fetch_one(&self.platform.pool).await.unwrap_or(-1)
        };
        format!(
            "{} documents stored, {} of them about the bank and negative, {} alerts opened",
            count("SELECT count(*) FROM report.documents").await,
            count(
                "SELECT count(*) FROM report.mentions WHERE entity_id = 'harrowgate_bank' AND sentiment < 0"
            )
            .await,
            count("SELECT count(*) FROM report.alerts").await,
        )
    }

    pub(super) async fn clear(self) -> anyhow::Result<()> {
        self.platform.close().await?;
        self.server.stop().await?;
        Ok(())
    }
}

/// Ends the services, and only then what they talk to: they finish what they began.
pub(super) async fn end(inside: &Shutdown, outside: &Shutdown) -> anyhow::Result<()> {
    inside.request();
    let drained = services::drain(inside).await;
    outside.request();
    drained.and(services::drain(outside).await)
}

/// Before anything is started: another process may have the port.
async fn refuse_busy(listen: SocketAddr) -> Result<(), Refusal> {
    TcpListener::bind(listen).await.map(drop).map_err(|error| {
        Refusal(format!(
            "cannot listen on {listen}: {error}; `tocsin demo --listen 127.0.0.1:0` takes a free port"
        ))
    })
}

/// Warnings only: the terminal belongs to the story.
pub(super) fn quiet_log() -> LogConfig {
    LogConfig {
        filter: std::env::var("TOCSIN_LOG").unwrap_or_else(|_| "warn".to_owned()),
        ..LogConfig::default()
    }
}

/// A demo begins with an empty database: what it knew already would not be news.
async fn empty_database(server: &PrivateServer) -> anyhow::Result<SecretString> {
    let admin = server.database("postgres").await?;
    let mut connection =
        PgConnection::connect(admin.expose_secret()).await.context("connect to the private Postgres")?;
    sqlx::query(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")))
        .execute(&mut connection)
        .await
        .context("drop the database of the last demo")?;
    connection.close().await?;
    Ok(server.database(DATABASE).await?)
}

fn webhook(receiver: SocketAddr) -> WebhookConfig {
    WebhookConfig {
        name: "demo-receiver".to_owned(),
        url: format!("http://{receiver}/webhook"),
        secret: WEBHOOK_SECRET.to_owned().into(),
        ..WebhookConfig::default()
    }
}

/// The newsroom's sources, polled as often as its quick time asks for, on loopback only.
fn ingest_config(newsroom: &Newsroom, at: SocketAddr) -> anyhow::Result<IngestConfig> {
    let mut config: IngestConfig = toml::from_str(&newsroom.sources(&format!("http://{at}")))
        .context("read the newsroom's list of sources")?;
    config.allow = vec![at.to_string()];
    Ok(config)
}

async fn loopback() -> anyhow::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("listen on loopback")
}

async fn serve(shutdown: &Shutdown, name: &'static str, router: axum::Router) -> anyhow::Result<SocketAddr> {
    let listener = loopback().await?;
    let address = listener.local_addr()?;
    spawn_server(shutdown, name, listener, router);
    Ok(address)
}

fn spawn_server(shutdown: &Shutdown, name: &'static str, listener: TcpListener, router: axum::Router) {
    let watch = shutdown.clone();
    shutdown.spawn(name, async move {
        axum::serve(listener, router).with_graceful_shutdown(async move { watch.requested().await }).await
    });
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn the_newsroom_answers_until_the_services_have_ended() {
        let (inside, outside) = (Shutdown::new(), Shutdown::new());
        let newsroom = serve(&outside, "newsroom", axum::Router::new()).await.unwrap();
        let watch = inside.clone();
        inside.spawn("crawler", async move {
            watch.requested().await;
            tokio::time::sleep(Duration::from_millis(100)).await;
            TcpStream::connect(newsroom).await.map(drop)
        });
        end(&inside, &outside).await.unwrap();
        // A child process that another test is just starting has the port too, until its own program runs.
        let ended = async {
            while TcpStream::connect(newsroom).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), ended).await.expect("then it ends too");
    }
}
