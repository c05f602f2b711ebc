//! Manners towards a host: one request at a time, a pause between two, silence
//! when it asked for it, and its robots.txt. Held to at every hop of a redirect.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::Response;
use reqwest::header::HeaderMap;
use tocsin_runtime::Clock;
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};
use url::Url;

use crate::IngestError;
use crate::client::{Ask, Fetched, GuardedClient, Hop, Sent, retry_after};
use crate::error::FetchError;
use crate::robots::{Answer, Memory, Rules};
use crate::schedule;
use crate::state::State;

mod pace;

use pace::{Domain, Rested};

/// How long a host is left alone that said 429 or 503 without saying how long.
const DEFAULT_SILENCE: Duration = Duration::from_secs(60);
/// No host can silence us for longer.
const LONGEST_SILENCE: Duration = Duration::from_secs(24 * 3600);
/// No robots.txt can slow us further.
const LONGEST_CRAWL_DELAY: Duration = Duration::from_secs(3600);
/// Most domains and origins that are kept without being in use.
const MOST_KEPT: usize = 10_000;

/// The registrable domain of a URL, which is what manners are kept towards;
/// for an address the address and port.
pub(crate) fn domain_of(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return url.to_owned() };
    let host = url.host_str().unwrap_or_default();
    match url.domain() {
        Some(name) => psl::domain_str(name).unwrap_or(name).to_owned(),
        None => format!("{host}:{}", tocsin_runtime::guard::port_of(&url)),
    }
}

/// How much is kept of the pause that a robots.txt asks for.
pub(crate) fn kept(crawl_delay: Duration) -> Duration {
    crawl_delay.min(LONGEST_CRAWL_DELAY)
}

/// Fetches politely; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct PoliteClient {
    client: GuardedClient,
    /// Product token.
    agent: String,
    min_delay: Duration,
    state: State,
    clock: Arc<dyn Clock>,
    domains: Arc<Mutex<HashMap<String, Arc<Turn<Domain>>>>>,
    robots: Arc<Mutex<HashMap<String, Remembered>>>,
    rested: Rested,
}

/// Until when it is believed, and what a robots.txt says, or why it says nothing.
type Remembered = (DateTime<Utc>, Result<Arc<Rules>, String>);

impl PoliteClient {
    pub(crate) fn new(
        client: GuardedClient,
        agent: &str,
        min_delay: Duration,
        state: State,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            client,
            agent: agent.to_owned(),
            min_delay,
            state,
            clock,
            domains: Arc::default(),
            robots: Arc::default(),
            rested: Rested::default(),
        }
    }

    /// The same, sharing its manners, with connections of its own ([`GuardedClient::of_a_turn`]).
    pub(crate) fn of_a_turn(&self) -> Self {
        Self { client: self.client.of_a_turn(), rested: Rested::default(), ..self.clone() }
    }

    /// How long requests of this turn waited because manners ask for it.
    pub(crate) fn rested(&self) -> Duration {
        self.rested.total()
    }

    /// The same, sharing its manners, for answers up to so many bytes.
    pub(crate) fn with_body_limit(&self, body_bytes: usize) -> Self {
        Self { client: self.client.with_body_limit(body_bytes), ..self.clone() }
    }

    /// Fetches, following redirects. At each hop: the address is judged, the turn at its
    /// domain waited for, a silence kept, and robots.txt obeyed.
    pub(crate) async fn get(&self, ask: &Ask<'_>) -> Result<Fetched, IngestError> {
        let (mut url, mut moved, limit) = (ask.url.clone(), true, self.client.redirects());
        for hop in 0..=limit {
            match self.hop(&url, &ask.headers(&url)).await? {
                Hop::Answer(fetched) => return Ok(Fetched { moved: moved && hop > 0, ..fetched }),
                Hop::Moved { to, permanent } => (url, moved) = (to, moved && permanent),
            }
        }
        Err(FetchError::Redirects { url: ask.url.to_string(), limit }.into())
    }

    /// POST of a form to an interface that was offered to us: with all manners but
    /// robots.txt, which is about fetching.
    pub(crate) async fn post(&self, url: &Url, form: &str) -> Result<Fetched, IngestError> {
        let (name, mut domain) = self.enter(url).await?;
        let fetched = self.spaced(&mut domain, self.min_delay, self.client.post(url, form)).await?;
        self.heed_answer(&name, &fetched).await?;
        Ok(fetched)
    }

    /// The answer to a GET without its body, with all manners; [`GuardedClient::open`].
    pub(crate) async fn open(
        &self,
        url: &Url,
        headers: &HeaderMap,
        expected: u16,
    ) -> Result<Response, IngestError> {
        let (name, mut domain, pause) = self.admitted(url).await?;
        let request = self.client.open(url, headers, expected, self.clock.now());
        let outcome = self.spaced(&mut domain, pause, request).await;
        if let Err(FetchError::Status { status, retry_after, .. }) = &outcome {
            self.heed(&name, *status, *retry_after).await?;
        }
        Ok(outcome?)
    }

    async fn hop(&self, url: &Url, headers: &HeaderMap) -> Result<Hop, IngestError> {
        let (name, mut domain, pause) = self.admitted(url).await?;
        let outcome = self.spaced(&mut domain, pause, self.client.hop(url, Sent::Get(headers))).await;
        if let Ok(Hop::Answer(fetched)) = &outcome {
            self.heed_answer(&name, fetched).await?;
        }
        Ok(outcome?)
    }

    /// As [`Self::enter`], of an address that robots.txt allows; with the pause after it.
    async fn admitted(&self, url: &Url) -> Result<(String, OwnedMutexGuard<Domain>, Duration), IngestError> {
        let (name, mut domain) = self.enter(url).await?;
        let robots = self.robots(url, &name, &mut domain).await?;
        if !robots.allows(&self.agent, url.as_str()) {
            let host = url.host_str().unwrap_or_default().to_owned();
            return Err(FetchError::Robots { url: url.to_string(), host }.into());
        }
        let asked = robots.crawl_delay(&self.agent).unwrap_or_default();
        Ok((name, domain, kept(asked).max(self.min_delay)))
    }

    /// The domain of an address that may be asked, with the turn at it; an error while it
    /// wants silence.
    async fn enter(&self, url: &Url) -> Result<(String, OwnedMutexGuard<Domain>), IngestError> {
        self.client.judge_url(url)?;
        let name = domain_of(url.as_str());
        let domain = self.rested.wait(self.turn(&name)).await;
        self.keep_silence(url, &name).await?;
        Ok((name, domain))
    }

    /// Makes a request once the pause of its domain is over, and begins the next one.
    async fn spaced<T>(&self, domain: &mut Domain, least: Duration, request: impl Future<Output = T>) -> T {
        self.rested.wait(domain.rest()).await;
        domain.timed(least, request).await
    }

    async fn turn(&self, name: &str) -> OwnedMutexGuard<Domain> {
        let turn = {
            let mut domains = self.domains.lock().unwrap_or_else(PoisonError::into_inner);
            if domains.len() >= MOST_KEPT {
                domains.retain(|_, turn| {
                    Arc::strong_count(turn) > 1 || !turn.try_lock().is_ok_and(|d| d.is_rested())
                });
            }
            Arc::clone(domains.entry(name.to_owned()).or_default())
        };
        turn.lock_owned().await
    }

    /// An error while the domain wants silence: a restart or another instance changes
    /// nothing about that.
    async fn keep_silence(&self, url: &Url, name: &str) -> Result<(), IngestError> {
        match self.state.silence(name).await? {
            Some(until) if until > self.clock.now() => {
                Err(FetchError::Silence { url: url.to_string(), domain: name.to_owned(), until }.into())
            }
            Some(_) | None => Ok(()),
        }
    }

    /// 429 and 503 silence the whole domain, for as long as `Retry-After` says.
    async fn heed(&self, name: &str, status: u16, retry_after: Option<Duration>) -> Result<(), IngestError> {
        if !matches!(status, 429 | 503) {
            return Ok(());
        }
        let silence = retry_after.unwrap_or(DEFAULT_SILENCE).min(LONGEST_SILENCE);
        self.state.silence_until(name, self.clock.now() + schedule::delta(silence)).await
    }

    async fn heed_answer(&self, name: &str, fetched: &Fetched) -> Result<(), IngestError> {
        let pause = retry_after(fetched.status, &fetched.headers, self.clock.now());
        self.heed(name, fetched.status, pause).await
    }

    /// The host's rules, at most a day old where it answers. 4xx means no rules; 5xx and
    /// no answer mean that everything is forbidden for now ([`Memory`]).
    async fn robots(&self, url: &Url, name: &str, domain: &mut Domain) -> Result<Arc<Rules>, IngestError> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let origin = url.origin().ascii_serialization();
        let now = self.clock.now();
        let known = match self.known_robots(&origin, now) {
            Some(known) => known,
            None => {
                let memory = match self.state.robots(&origin).await? {
                    Some(memory) if now < memory.next_at => memory,
                    before => {
                        let answer = self.ask_robots(url, name, domain).await?;
                        let memory = Memory::after(before, answer, now);
                        self.state.save_robots(&origin, &memory).await?;
                        memory
                    }
                };
                let known = memory.rules(now);
                self.tell_long_delay(&origin, &known);
                self.remember_robots(origin, (memory.next_at, known.clone()), now);
                known
            }
        };
        known.map_err(|cause| FetchError::NoRobots { url: url.to_string(), host, cause }.into())
    }

    /// Says where a longer pause is asked for than is kept.
    fn tell_long_delay(&self, origin: &str, known: &Result<Arc<Rules>, String>) {
        let asked = known.as_ref().ok().and_then(|rules| rules.crawl_delay(&self.agent));
        if let Some(asked) = asked.filter(|asked| *asked > kept(*asked)) {
            let (asked_s, kept_s) = (asked.as_secs(), kept(asked).as_secs());
            tracing::warn!(
                origin,
                asked_s,
                "crawl-delay of {origin} is {asked_s} s, of which {kept_s} s are kept"
            );
        }
    }

    async fn ask_robots(&self, url: &Url, name: &str, domain: &mut Domain) -> Result<Answer, IngestError> {
        let Ok(address) = url.join("/robots.txt") else {
            return Ok(Answer::ServerError("the URL has no root".to_owned()));
        };
        let fetched = match self.spaced(domain, self.min_delay, self.client.get(&address)).await {
            Ok(fetched) => fetched,
            Err(error @ FetchError::Forbidden { .. }) => return Err(error.into()),
            Err(error) => return Ok(Answer::Away(error.to_string())),
        };
        self.heed_answer(name, &fetched).await?;
        let cause = format!("answered {}", fetched.status);
        Ok(match fetched.status {
            200..300 => Answer::Rules(fetched.body.to_vec()),
            429 => Answer::Away(cause),
            400..500 => Answer::None,
            _ => Answer::ServerError(cause),
        })
    }

    fn known_robots(&self, origin: &str, now: DateTime<Utc>) -> Option<Result<Arc<Rules>, String>> {
        let all = self.robots.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(origin).filter(|(until, _)| now < *until).map(|(_, known)| known.clone())
    }

    fn remember_robots(&self, origin: String, known: Remembered, now: DateTime<Utc>) {
        let mut all = self.robots.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST_KEPT {
            all.retain(|_, (until, _)| now < *until);
        }
        all.insert(origin, known);
    }
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

    #[test]
    fn a_crawl_delay_is_kept_up_to_an_hour() {
        for (asked_s, kept_s) in [(2, 2), (90, 90), (3600, 3600), (7200, 3600)] {
            assert_eq!(kept(Duration::from_secs(asked_s)).as_secs(), kept_s);
        }
    }
}
