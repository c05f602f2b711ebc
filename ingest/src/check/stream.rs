//! Trying a stream: whether it may be listened to, and what is said within a moment.

use chrono::{DateTime, Utc};
use url::Url;

use super::{Findings, admit};
use crate::client::GuardedClient;
use crate::config::{IngestConfig, SourceConfig, SourceFormat};
use crate::error::FetchError;
use crate::live;

/// Judges the address as its WebSocket will be opened, and listens for a moment.
pub(super) async fn listen(
    client: &GuardedClient,
    config: &IngestConfig,
    url: &Url,
    now: DateTime<Utc>,
    findings: &mut Findings,
) {
    let source =
        SourceConfig { format: SourceFormat::Jetstream, ..SourceConfig::of_url("check", url.as_str()) };
    let allowed = match live::http_address(url.as_str()) {
        Ok(http) => admit(client, config, &http, findings).await,
        Err(cause) => Err(FetchError::Network { url: url.to_string(), cause: cause.to_string() }),
    };
    let heard = match allowed {
        Ok(()) => live::sample(client, &source, now).await,
        Err(error) => Err(error),
    };
    match heard {
        Ok(posts) => {
            findings
                .say("stream", format!("{} posts within a moment, with format = \"jetstream\"", posts.len()));
            if let Some(first) = posts.first() {
                findings.say("first post", first.text.chars().take(80).collect::<String>());
            }
            (findings.is_usable, findings.format) = (true, Some("jetstream"));
        }
        Err(error) => findings.say("not heard", error.to_string()),
    }
}
