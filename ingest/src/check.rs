//! Trying an address now: what it is, whether it may be crawled, and how it would be.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{CONTENT_TYPE, ETAG, HeaderMap, LAST_MODIFIED};
use serde_json::Value;
use tocsin_runtime::Clock;
use url::Url;

use crate::client::{Fetched, GuardedClient, Hop, Sent};
use crate::config::{IngestConfig, SourceConfig};
use crate::error::{FetchError, IngestError};
use crate::feed::{self, Entry};
use crate::hints::fresh_for;
use crate::json::{self, Reader};
use crate::politeness::kept;
use crate::robots::{Decision, Rules};
use crate::sitemap::{self, Sitemap};
use crate::state::SourceState;
use crate::{charset, domain_of, page, schedule};

mod files;
mod stream;

/// What was found at an address, in the order in which it was found.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// Pairs of what was looked at and what it says.
    pub lines: Vec<(&'static str, String)>,
    /// It can be a source as it is.
    pub is_usable: bool,
    /// The format that the source has to name, where it is no feed.
    pub format: Option<&'static str>,
}

impl Findings {
    fn say(&mut self, what: &'static str, finding: impl Into<String>) {
        self.lines.push((what, finding.into()));
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, finding) in &self.lines {
            writeln!(f, "{what:>12}  {finding}")?;
        }
        let verdict = match (self.is_usable, self.format) {
            (false, _) => "cannot be a source".to_owned(),
            (true, None) => "can be a source as it is".to_owned(),
            (true, Some(format)) => format!("can be a source with format = {format:?}"),
        };
        writeln!(f, "{:>12}  {verdict}", "verdict")
    }
}

/// Asks the address as the crawler would, and remembers nothing. Obeys robots.txt. Of a path
/// that begins at the root the files are read.
pub async fn check(config: &IngestConfig, url: &str, clock: &dyn Clock) -> Result<Findings, IngestError> {
    let mut findings = Findings::default();
    if Path::new(url).is_absolute() {
        files::describe(url, &mut findings);
        return Ok(findings);
    }
    let url = match Url::parse(url) {
        Ok(url) => url,
        Err(cause) => {
            findings.say("address", format!("no URL: {cause}"));
            return Ok(findings);
        }
    };
    config.product_token().map_err(IngestError::Configuration)?;
    let client = GuardedClient::new(config)?;
    if matches!(url.scheme(), "ws" | "wss") {
        stream::listen(&client, config, &url, clock.now(), &mut findings).await;
        return Ok(findings);
    }
    match ask(&client, config, url, &mut findings).await {
        Ok(fetched) => describe(config, &fetched, clock.now(), &mut findings),
        Err(error) => findings.say("not fetched", error.to_string()),
    }
    Ok(findings)
}

/// Each hop judged, with its robots.txt.
async fn ask(
    client: &GuardedClient,
    config: &IngestConfig,
    start: Url,
    findings: &mut Findings,
) -> Result<Fetched, FetchError> {
    let mut url = start;
    for _ in 0..=client.redirects() {
        admit(client, config, &url, findings).await?;
        match client.hop(&url, Sent::Get(&HeaderMap::new())).await? {
            Hop::Answer(fetched) => return Ok(fetched),
            Hop::Moved { to, permanent } => {
                let kind = if permanent { "permanently" } else { "for now" };
                findings.say("redirect", format!("{kind} to {to}"));
                url = to;
            }
        }
    }
    Err(FetchError::Redirects { url: url.to_string(), limit: client.redirects() })
}

/// An error where the address may not be asked.
async fn admit(
    client: &GuardedClient,
    config: &IngestConfig,
    url: &Url,
    findings: &mut Findings,
) -> Result<(), FetchError> {
    client.judge_url(url)?;
    findings.say("domain", domain_of(url.as_str()));
    let agent = config.product_token().unwrap_or_default();
    if robots(client, agent, url, findings).await?.allowed {
        return Ok(());
    }
    let host = url.host_str().unwrap_or_default().to_owned();
    Err(FetchError::Robots { url: url.to_string(), host })
}

async fn robots(
    client: &GuardedClient,
    agent: &str,
    url: &Url,
    findings: &mut Findings,
) -> Result<Decision, FetchError> {
    let allowed = Decision { allowed: true, line: None };
    let Ok(address) = url.join("/robots.txt") else { return Ok(allowed) };
    let fetched = client.get(&address).await?;
    let host = url.host_str().unwrap_or_default().to_owned();
    match fetched.status {
        200..300 => {
            let rules = Rules::parse(&fetched.body);
            let decision = rules.decide(agent, url.as_str());
            let verdict = if decision.allowed { "allowed" } else { "disallowed" };
            let by =
                decision.line.map_or_else(|| "no rule matches".to_owned(), |line| format!("line {line}"));
            let delay = rules.crawl_delay(agent).map(told_delay).unwrap_or_default();
            findings.say("robots.txt", format!("{verdict} for {agent} ({by}){delay}"));
            Ok(decision)
        }
        400..500 if fetched.status != 429 => {
            findings.say("robots.txt", format!("none (answered {}): everything is allowed", fetched.status));
            Ok(allowed)
        }
        status => {
            let cause = format!("answered {status}");
            Err(FetchError::NoRobots { url: url.to_string(), host, cause })
        }
    }
}

fn told_delay(asked: Duration) -> String {
    let told = format!(", crawl-delay {} s", asked.as_secs_f32());
    let kept = kept(asked);
    if kept < asked { format!("{told}, of which {} s are kept", kept.as_secs()) } else { told }
}

fn describe(config: &IngestConfig, fetched: &Fetched, now: DateTime<Utc>, findings: &mut Findings) {
    let content_type = fetched.header(CONTENT_TYPE);
    let size = fetched.body.len();
    findings
        .say("answer", format!("{}, {}, {size} bytes", fetched.status, content_type.unwrap_or("no type")));
    if !(200..300).contains(&fetched.status) {
        return;
    }
    if let Ok(map) = sitemap::read(&fetched.body, fetched.url.as_str()) {
        return describe_sitemap(&map, findings);
    }
    match feed::entries(&fetched.body, content_type, fetched.url.as_str()) {
        Ok(entries) => describe_feed(config, fetched, &entries, now, findings),
        Err(cause) => {
            findings.say("feed", cause);
            match serde_json::from_slice(&fetched.body) {
                Ok(answer) => describe_json(fetched, &answer, findings),
                Err(_) => describe_page(fetched, findings),
            }
        }
    }
}

fn describe_sitemap(map: &Sitemap, findings: &mut Findings) {
    let (listed, what) = match map {
        Sitemap::Index(parts) => (parts, "sitemaps"),
        Sitemap::Pages(pages) => (pages, "pages"),
    };
    let dated = listed.iter().filter(|listed| listed.published.or(listed.modified).is_some()).count();
    findings.say("sitemap", format!("{} {what}, {dated} with a date", listed.len()));
    (findings.is_usable, findings.format) = (true, Some("sitemap"));
}

fn describe_feed(
    config: &IngestConfig,
    fetched: &Fetched,
    entries: &[Entry],
    now: DateTime<Utc>,
    findings: &mut Findings,
) {
    let linked = entries.iter().filter(|entry| entry.url.is_some()).count();
    let dated = entries.iter().filter(|entry| entry.published.is_some()).count();
    findings.say("feed", format!("{} entries, {linked} with a link, {dated} with a date", entries.len()));
    let mut state = SourceState { etag: fetched.verbatim(ETAG), ..SourceState::default() };
    state.last_modified = fetched.verbatim(LAST_MODIFIED);
    for (what, value) in [("etag", &state.etag), ("last-modified", &state.last_modified)] {
        findings.say(what, value.clone().unwrap_or_else(|| "none".to_owned()));
    }
    schedule::learn(&mut state, entries.iter().filter_map(|entry| entry.published), now);
    if let (Some(newest), Some(gap)) = (state.newest_at, state.mean_gap_s) {
        findings.say("newest", newest.to_rfc3339());
        findings.say("habit", format!("one entry each {}", minutes(Duration::from_secs_f64(gap.max(0.0)))));
    }
    let fresh = fresh_for(fetched);
    findings.say("fresh for", minutes(fresh));
    let source = SourceConfig::of_url("check", fetched.url.as_str());
    let interval = schedule::interval(&source, &state, fresh, &config.schedule, now);
    findings.say("would be", format!("asked each {}, unless `every` says otherwise", minutes(interval)));
    if let Some(first) = entries.first() {
        findings.say("first entry", first.title.clone());
    }
    findings.is_usable = true;
}

/// A list of a known form can be a source; of another it is said where lists stand.
fn describe_json(fetched: &Fetched, answer: &Value, findings: &mut Findings) {
    for (format, name) in json::KNOWN {
        let reader = json::preset(format).and_then(|preset| Reader::compile(preset).ok());
        let Some(Ok(listed)) = reader.map(|reader| reader.read(fetched)) else { continue };
        // Some items of a list may be none of its posts.
        let is_list_of_posts = listed.unusable.len() < listed.posts.len();
        let Some(first) = listed.posts.first().filter(|_| is_list_of_posts) else { continue };
        findings.say("list", format!("{} posts, with format = {name:?}", listed.posts.len()));
        if let Some(bad) = listed.unusable.first() {
            findings
                .say("left out", format!("{} others, the first has {}", listed.unusable.len(), bad.cause));
        }
        let words = if first.title.is_empty() { &first.text } else { &first.title };
        findings.say("first post", words.chars().take(80).collect::<String>());
        (findings.is_usable, findings.format) = (true, Some(name));
        return;
    }
    let lists = json::lists(answer);
    findings.say(
        "json",
        format!("{} lists of objects; describe one in [json] with format = \"json\"", lists.len()),
    );
    for (path, count) in lists {
        findings.say("list", format!("{count} objects at items = {path:?}"));
    }
}

fn describe_page(fetched: &Fetched, findings: &mut Findings) {
    let html = charset::decode(&fetched.body, fetched.header(CONTENT_TYPE));
    let page = page::read(&html, fetched.url.as_str());
    findings.say("page", format!("{:?}, {:?}", page.kind, page.title).to_lowercase());
    for link in page.feeds {
        findings.say("links to feed", link);
    }
}

fn minutes(duration: Duration) -> String {
    let minutes = duration.as_secs().div_ceil(60);
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests;
