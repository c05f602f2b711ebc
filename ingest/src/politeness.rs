//! Manners towards a host: one request at a time, a pause between two, silence
//! when it asked for it, and its robots.txt.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::HeaderMap;
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};
use tokio::time::Instant;
use url::Url;

use crate::client::{Fetched, GuardedClient};
use crate::error::FetchError;
use crate::robots::Rules;

/// How long a robots.txt is believed.
const ROBOTS_FRESH: Duration = Duration::from_secs(24 * 3600);
/// How long a host is left alone that said 429 or 503 without saying how long.
const DEFAULT_SILENCE: Duration = Duration::from_secs(60);
/// No host can silence us for longer.
const LONGEST_SILENCE: Duration = Duration::from_secs(24 * 3600);
/// No robots.txt can slow us further.
const LONGEST_DELAY: Duration = Duration::from_secs(60);

/// The registrable domain of a URL, which is what manners are kept towards;
/// for an address the address and port.
pub fn domain_of(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return url.to_owned() };
    let host = url.host_str().unwrap_or_default();
    match url.domain() {
        Some(name) => psl::domain_str(name).unwrap_or(name).to_owned(),
        None => format!("{host}:{}", tocsin_runtime::guard::port_of(&url)),
    }
}

/// Fetches politely; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct PoliteClient {
    client: GuardedClient,
    agent: String,
    min_delay: Duration,
    domains: Arc<Mutex<HashMap<String, Arc<Turn<Domain>>>>>,
    robots: Arc<Mutex<HashMap<String, Remembered>>>,
}

/// Until when a robots.txt is believed, and what it says.
type Remembered = (Instant, Arc<Rules>);

/// State of one registrable domain, held by whoever has the turn.
#[derive(Debug, Default)]
struct Domain {
    /// No request before this.
    quiet_until: Option<Instant>,
}

impl PoliteClient {
    pub(crate) fn new(client: GuardedClient, agent: String, min_delay: Duration) -> Self {
        let agent = agent.split('/').next().unwrap_or_default().trim().to_owned();
        Self { client, agent, min_delay, domains: Arc::default(), robots: Arc::default() }
    }

    /// Waits for the turn at the URL's domain, then fetches, if robots.txt allows.
    pub(crate) async fn get(&self, url: &Url, headers: &HeaderMap) -> Result<Fetched, FetchError> {
        let mut domain = self.turn(url).await;
        let robots = self.robots(url, &mut domain).await;
        if !robots.allows(&self.agent, url.as_str()) {
            let host = url.host_str().unwrap_or_default().to_owned();
            return Err(FetchError::Robots { url: url.to_string(), host });
        }
        let delay = robots
            .crawl_delay(&self.agent)
            .map_or(self.min_delay, |d| d.min(LONGEST_DELAY).max(self.min_delay));
        self.request(url, headers, &mut domain, delay).await
    }

    async fn turn(&self, url: &Url) -> OwnedMutexGuard<Domain> {
        let turn = {
            let mut domains = self.domains.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(domains.entry(domain_of(url.as_str())).or_default())
        };
        turn.lock_owned().await
    }

    async fn request(
        &self,
        url: &Url,
        headers: &HeaderMap,
        domain: &mut Domain,
        delay: Duration,
    ) -> Result<Fetched, FetchError> {
        if let Some(until) = domain.quiet_until {
            let wait = until.saturating_duration_since(Instant::now());
            if wait > LONGEST_DELAY {
                let retry_after = Some(wait.as_secs());
                return Err(FetchError::Status { url: url.to_string(), status: 429, retry_after });
            }
            tokio::time::sleep(wait).await;
        }
        let outcome = self.client.get(url, headers).await;
        let silence = outcome.as_ref().ok().and_then(silence_asked).unwrap_or(delay);
        domain.quiet_until = Some(Instant::now() + silence);
        outcome
    }

    /// The host's rules, at most a day old. 4xx means no rules; 5xx and no answer
    /// mean that everything is forbidden for now.
    async fn robots(&self, url: &Url, domain: &mut Domain) -> Arc<Rules> {
        let origin = url.origin().ascii_serialization();
        if let Some(known) = self.known_robots(&origin) {
            return known;
        }
        let Ok(address) = url.join("/robots.txt") else { return Arc::new(Rules::forbid_all()) };
        let (robots, fresh) = match self.request(&address, &HeaderMap::new(), domain, self.min_delay).await {
            Ok(fetched) if (200..300).contains(&fetched.status) => {
                (Rules::parse(&fetched.body), ROBOTS_FRESH)
            }
            Ok(fetched) if (400..500).contains(&fetched.status) && fetched.status != 429 => {
                (Rules::allow_all(), ROBOTS_FRESH)
            }
            // Asked again soon: a host that was away is not away for a day.
            Ok(_) | Err(_) => (Rules::forbid_all(), DEFAULT_SILENCE),
        };
        let robots = Arc::new(robots);
        let mut all = self.robots.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(origin, (Instant::now() + fresh, Arc::clone(&robots)));
        robots
    }

    fn known_robots(&self, origin: &str) -> Option<Arc<Rules>> {
        let all = self.robots.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(origin).filter(|(until, _)| Instant::now() < *until).map(|(_, robots)| Arc::clone(robots))
    }
}

/// 429 and 503 silence the whole domain, for as long as `Retry-After` says.
fn silence_asked(fetched: &Fetched) -> Option<Duration> {
    if !matches!(fetched.status, 429 | 503) {
        return None;
    }
    let seconds = fetched.header(reqwest::header::RETRY_AFTER).and_then(|text| text.trim().parse().ok());
    Some(seconds.map_or(DEFAULT_SILENCE, Duration::from_secs).min(LONGEST_SILENCE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manners_are_kept_towards_the_registrable_domain() {
        assert_eq!(domain_of("https://news.example.co.uk/a"), "example.co.uk");
        assert_eq!(domain_of("http://finance.sina.com.cn/"), "sina.com.cn");
        assert_eq!(domain_of("http://127.0.0.1:8080/a"), "127.0.0.1:8080");
    }
}
