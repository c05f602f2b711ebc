//! The words of the demo.

use std::net::SocketAddr;

use tocsin_contract::{Alert, AlertState};

use super::narrator::{clip, stamp};

pub(super) const OPENING: &str = "\
Tocsin demo. A sample newsroom on this machine publishes two days of news about
made-up companies in about fifty seconds; Tocsin crawls it over HTTP, classifies
every document, stores it in a private Postgres, and rings when it turns bad for one.
Starting Postgres and loading the model ...
";

/// How an alert looks to the one who receives the webhook.
pub(super) fn alert(alert: &Alert) -> String {
    let mut text = format!(
        "\n>>> WEBHOOK received, signature verified: {} {} ({:?})\n    {}\n    {} to {}: {:.1} negative documents where {:.2} were to be expected (p = {:.1e}), {} publishers\n",
        alert.name,
        alert.state.as_str(),
        alert.severity,
        alert.summary,
        stamp(alert.window.from),
        stamp(alert.window.to),
        alert.window.observed,
        alert.window.expected,
        alert.p_value,
        alert.window.publishers,
    );
    if alert.state == AlertState::Open {
        for story in &alert.stories {
            let link = story.url.as_deref().unwrap_or("no link");
            text.push_str(&format!("    - {}  {link}\n", clip(&story.title, 72)));
        }
    }
    text
}

/// What to try while everything is still running.
pub(super) fn next_steps(psql_url: &str, listen: SocketAddr) -> String {
    format!(
        "
The bell has rung. What to try next:

  The trend of the bank, hour by hour:
    psql '{psql_url}' -c \"SELECT * FROM report.trend('entity:harrowgate_bank', now() - interval '2 days', now(), '1 hour') WHERE n_docs > 0\"
  The alerts and their evidence:
    psql '{psql_url}' -x -c 'SELECT * FROM report.alerts ORDER BY opened_at'
  The metrics and the state of the services:
    curl http://{listen}/metrics
    curl http://{listen}/readyz
  Your own feeds:
    write them into a configuration as config/sources.example.toml shows, then
    cargo run --bin tocsin -- up --config tocsin.toml
"
    )
}
