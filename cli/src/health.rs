//! `tocsin health`: for container health checks, where there is no curl.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;

use crate::args::HealthArgs;

/// Success when the process at `url` answers 2xx within 5 seconds.
pub(crate) async fn ask(args: &HealthArgs) -> anyhow::Result<ExitCode> {
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .no_proxy()
        .build()
        .context("make an HTTP client")?;
    let response =
        client.get(&args.url).send().await.with_context(|| format!("ask {} for its health", args.url))?;
    let status = response.status();
    if status.is_success() {
        return Ok(ExitCode::SUCCESS);
    }
    let said = response.text().await.unwrap_or_default();
    writeln!(io::stderr(), "tocsin: {} answered {status}: {}", args.url, said.trim())?;
    Ok(ExitCode::FAILURE)
}
