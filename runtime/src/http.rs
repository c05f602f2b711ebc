//! The one port of a process: `/metrics`, `/healthz`, `/readyz`, and what a
//! service adds to it.
//!
//! Health means that the process runs; readiness that it does its work. It never
//! serves a page that changes anything by itself.

mod connections;
mod readiness;
mod recorder;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::{Refusal, Shutdown};
pub use readiness::{Check, Readiness};
pub use recorder::record_metrics;

/// How often the recorder moves the samples of histograms into buckets, so that they do not pile up between
/// scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

/// Section `[http]` of the configuration.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Address and port of metrics and health; port 0 takes a free one.
    pub listen: SocketAddr,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self { listen: (Ipv4Addr::LOCALHOST, 9464).into() }
    }
}

/// Serves until shutdown is requested, together with the routes of `extra`; gives
/// the address in use. Requests that arrived before are answered.
pub async fn serve(
    config: &HttpConfig,
    readiness: &Readiness,
    extra: Router,
    shutdown: &Shutdown,
) -> Result<SocketAddr, Refusal> {
    let cannot = |error: std::io::Error| {
        Refusal(format!("cannot listen on {} (configuration: `http.listen`): {error}", config.listen))
    };
    let metrics = record_metrics()?;
    let listener = TcpListener::bind(config.listen).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    let page = metrics.clone();
    let router = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/metrics", get(async move || exposition(page.render())))
        .merge(readiness.route(shutdown.clone()))
        .merge(extra);
    shutdown.spawn("http", connections::answer(listener, router, shutdown.clone()));
    let stop = shutdown.clone();
    shutdown.spawn("metrics upkeep", async move {
        while tokio::time::timeout(UPKEEP, stop.requested()).await.is_err() {
            metrics.run_upkeep();
        }
        Ok::<(), std::convert::Infallible>(())
    });
    tracing::info!(http.address = %address, "metrics and health on http://{address}");
    Ok(address)
}

/// The text as Prometheus wants it labelled.
fn exposition(text: String) -> impl IntoResponse {
    (StatusCode::OK, [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}

#[cfg(test)]
mod tests;
