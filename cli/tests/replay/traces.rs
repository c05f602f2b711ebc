//! What a replay prints and leaves behind.

use std::path::Path;
use std::process::Output;

use serde_json::Value;
use sqlx::PgPool;

/// The line of JSON that a replay ends with; panics with everything it printed otherwise.
pub(crate) fn summary(output: &Output) -> Value {
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}\n{}", stdout, String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(stdout.trim()).expect("one line of JSON on standard output")
}

/// What a run left behind, in a form that two runs can be compared by.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Traces {
    pub(crate) documents: i64,
    pub(crate) rollups: Vec<String>,
    pub(crate) alerts: String,
}

impl Traces {
    pub(crate) async fn take(pool: &PgPool, alerts: &Path) -> Self {
        let documents = sqlx::query_scalar("SELECT count(*) FROM report.documents");
        let rollups = sqlx::query_scalar(
            "SELECT concat_ws(' ', bucket, subject, source_kind, n_docs, negative, neutral, positive)
             FROM report.trend_hourly ORDER BY 1",
        );
        Self {
            documents: documents.fetch_one(pool).await.unwrap(),
            rollups: rollups.fetch_all(pool).await.unwrap(),
            alerts: std::fs::read_to_string(alerts).unwrap(),
        }
    }
}
