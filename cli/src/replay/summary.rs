//! What a replay says at its end.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use serde::Serialize;
use sqlx::PgPool;

use super::position::{self, Position};

/// Counts over the whole file, also when the replay was cut off and gone on with;
/// time, rate and memory of this process.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    read: i64,
    published: i64,
    stored: i64,
    duplicates: i64,
    parked: i64,
    alerts_opened: i64,
    seconds: f64,
    documents_per_second: f64,
    peak_rss_mb: Option<u64>,
}

impl Summary {
    pub(super) async fn take(pool: &PgPool, position: &Position, took: Duration) -> anyhow::Result<Self> {
        let stored = position::stored(pool).await? - position.stored_before;
        let seconds = took.as_secs_f64();
        Ok(Self {
            read: position.published + position.parked,
            published: position.published,
            stored,
            duplicates: (position.published - stored).max(0),
            parked: position.parked,
            alerts_opened: position::alerts(pool).await? - position.alerts_before,
            seconds: (seconds * 1e3).round() / 1e3,
            documents_per_second: (position.published as f64 / seconds * 10.0).round() / 10.0,
            peak_rss_mb: tocsin_runtime::process::peak_rss_mb(),
        })
    }

    pub(super) fn print(&self) -> anyhow::Result<()> {
        writeln!(std::io::stdout(), "{}", serde_json::to_string(self)?).context("write the summary")
    }
}

/// Every alert message, a line of JSON each, in the order of event time.
pub(super) async fn write_alerts(pool: &PgPool, path: &Path) -> anyhow::Result<()> {
    let mut lines = String::new();
    for message in tocsin_alerting::messages(pool).await? {
        lines.push_str(&message);
        lines.push('\n');
    }
    tokio::fs::write(path, lines).await.with_context(|| format!("write {}", path.display()))
}
