//! Trying a stream: whether it may be listened to, and what is said within a moment.

use chrono::{DateTime, Utc};
use url::Url;

use super::{Findings, robots};
use crate::client::GuardedClient;
use crate::config::{IngestConfig, SourceConfig, SourceFormat};
use crate::error::FetchError;
use crate::{domain_of, live};

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
    let heard = match allowed(client, config, url, findings).await {
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
            findings.is_usable = true;
        }
        Err(error) => findings.say("not heard", error.to_string()),
    }
}

async fn allowed(
    client: &GuardedClient,
    config: &IngestConfig,
    url: &Url,
    findings: &mut Findings,
) -> Result<(), FetchError> {
    let agent = config.user_agent.split('/').next().unwrap_or_default();
    let broken =
        |cause: url::ParseError| FetchError::Network { url: url.to_string(), cause: cause.to_string() };
    let http = Url::parse(&url.as_str().replacen("ws", "http", 1)).map_err(broken)?;
    client.judge_url(&http)?;
    findings.say("domain", domain_of(url.as_str()));
    let decision = robots(client, agent, &http, findings).await?;
    let host = || url.host_str().unwrap_or_default().to_owned();
    if decision.allowed { Ok(()) } else { Err(FetchError::Robots { url: url.to_string(), host: host() }) }
}
