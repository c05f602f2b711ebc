//! The one way out to the web: judged, pinned, capped, anonymous.
//!
//! Every hop's URL and every address that DNS gave for it are judged before a
//! connection is made, and only judged addresses are connected to. Redirects are
//! followed here, never by the HTTP library.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{
    AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    LOCATION, RETRY_AFTER,
};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use tocsin_runtime::guard::{literal, port_of};
use url::Url;

use crate::IngestError;
use crate::config::{IngestConfig, Limits};
use crate::error::FetchError;
use crate::guard::Judge;

/// What a fetch brought.
#[derive(Debug)]
pub struct Fetched {
    /// After redirects.
    pub url: Url,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Every redirect on the way here was a permanent one, and there was one.
    pub moved: bool,
}

/// One step towards an answer.
#[derive(Debug)]
pub(crate) enum Hop {
    Answer(Fetched),
    Moved { to: Url, permanent: bool },
}

/// What goes to a server at each hop.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sent<'a> {
    Get(&'a HeaderMap),
    /// POST of a form.
    Form(&'a str),
}

impl Sent<'_> {
    /// A redirect of this status leaves method and body as they are.
    const fn may_follow(self, status: u16) -> bool {
        match self {
            Self::Get(_) => true,
            Self::Form(_) => matches!(status, 307 | 308),
        }
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

/// What a server gave to recognise its answer by. Each value is text of which every
/// character is one byte of the header, so that it goes back as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Validators {
    /// The address that gave them; they mean nothing to another.
    pub(crate) url: String,
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
}

/// What is asked for, and what goes with it to whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) url: &'a Url,
    /// A header and its value, for the origin of `url` only.
    pub(crate) secret: Option<(&'a HeaderName, &'a str)>,
    pub(crate) validators: Option<&'a Validators>,
}

impl<'a> Ask<'a> {
    pub(crate) const fn plain(url: &'a Url) -> Self {
        Self { url, secret: None, validators: None }
    }

    /// The headers for one hop on the way.
    pub(crate) fn headers(&self, hop: &Url) -> HeaderMap {
        let secret = self.secret.filter(|_| hop.origin() == self.url.origin());
        let validators = self.validators.filter(|validators| validators.url == hop.as_str());
        let (name, secret) = secret.unzip();
        let pairs = [
            (
                name.cloned().unwrap_or(AUTHORIZATION),
                secret.and_then(|value| HeaderValue::from_str(value).ok()),
            ),
            (IF_NONE_MATCH, validators.and_then(|known| header_of(known.etag.as_deref()?))),
            (IF_MODIFIED_SINCE, validators.and_then(|known| header_of(known.last_modified.as_deref()?))),
        ];
        pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

fn header_of(text: &str) -> Option<HeaderValue> {
    let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c).ok()).collect();
    HeaderValue::from_bytes(&bytes?).ok()
}

impl Fetched {
    /// The header with every byte of it as one character.
    pub(crate) fn verbatim(&self, name: HeaderName) -> Option<String> {
        Some(self.headers.get(name)?.as_bytes().iter().copied().map(char::from).collect())
    }

    pub fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Most hosts whose judged addresses are kept.
const MOST_HOSTS: usize = 10_000;

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct GuardedClient {
    http: Client,
    /// Speaks HTTP/1.1 only, over which a connection can become another protocol's.
    http1: Client,
    guard: Arc<Judge>,
    judged: Judged,
    limits: Limits,
}

/// The addresses that a host may be connected to at present. The HTTP library
/// resolves names by nothing else.
#[derive(Debug, Clone, Default)]
struct Judged(Arc<Mutex<HashMap<String, Vec<IpAddr>>>>);

impl Resolve for Judged {
    fn resolve(&self, name: Name) -> Resolving {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name.as_str()).cloned();
        let host = name.as_str().to_owned();
        Box::pin(async move {
            let known = known.ok_or_else(|| format!("no judged address for {host}"))?;
            Ok(Box::new(known.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

impl GuardedClient {
    pub fn new(config: &IngestConfig) -> Result<Self, IngestError> {
        let refused = IngestError::Configuration;
        // Another part of the process may have installed it already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let judged = Judged::default();
        let builder = || {
            Client::builder()
                .user_agent(&config.user_agent)
                .redirect(Policy::none())
                .referer(false)
                .no_proxy()
                .connect_timeout(config.limits.connect)
                .pool_idle_timeout(Duration::from_secs(30))
                .dns_resolver(Arc::new(judged.clone()))
        };
        let failed = |cause| refused(format!("make the HTTP client: {cause}"));
        let (http, http1) =
            (builder().build().map_err(failed)?, builder().http1_only().build().map_err(failed)?);
        let guard = Judge::new(&config.allow).map_err(refused)?;
        Ok(Self { http, http1, guard: Arc::new(guard), judged, limits: config.limits })
    }

    /// GET, following redirects; any status but a redirect's is an answer.
    pub async fn get(&self, url: &Url) -> Result<Fetched, FetchError> {
        self.follow(url, Sent::Get(&HeaderMap::new())).await
    }

    /// POST of a form. A redirect is followed where it leaves method and body as they are.
    pub(crate) async fn post(&self, url: &Url, form: &str) -> Result<Fetched, FetchError> {
        self.follow(url, Sent::Form(form)).await
    }

    async fn follow(&self, url: &Url, sent: Sent<'_>) -> Result<Fetched, FetchError> {
        let mut next = url.clone();
        for _ in 0..=self.limits.redirects {
            match self.hop(&next, sent).await? {
                Hop::Answer(fetched) => return Ok(fetched),
                Hop::Moved { to, .. } => next = to,
            }
        }
        Err(FetchError::Redirects { url: url.to_string(), limit: self.limits.redirects })
    }

    /// One request; a redirect is told and not followed.
    pub(crate) async fn hop(&self, url: &Url, sent: Sent<'_>) -> Result<Hop, FetchError> {
        match tokio::time::timeout(self.limits.total, self.ask(url, sent)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(network(url, format!("no complete answer within {:?}", self.limits.total))),
        }
    }

    /// The answer to a GET without its body, which may have no end. Another status than
    /// `expected` is an error, a redirect too.
    pub(crate) async fn open(
        &self,
        url: &Url,
        headers: &HeaderMap,
        expected: u16,
        now: DateTime<Utc>,
    ) -> Result<Response, FetchError> {
        self.judge(url).await?;
        let request = self.http1.get(url.clone()).headers(headers.clone()).send();
        let response = match tokio::time::timeout(self.limits.total, request).await {
            Ok(response) => response.map_err(|cause| network(url, root(&cause)))?,
            Err(_) => return Err(network(url, format!("no answer within {:?}", self.limits.total))),
        };
        match (response.status().as_u16(), target(url, &response)) {
            (status, _) if status == expected => Ok(response),
            (_, Some(to)) => {
                Err(network(url, format!("moved to {}; the source must name that address", to?)))
            }
            (status, None) => {
                let retry_after = retry_after(response.headers(), now);
                Err(FetchError::Status { url: url.to_string(), status, retry_after })
            }
        }
    }

    /// A client for answers up to so many bytes.
    pub(crate) fn with_body_limit(&self, body_bytes: usize) -> Self {
        let mut client = self.clone();
        client.limits.body_bytes = client.limits.body_bytes.max(body_bytes);
        client
    }

    pub(crate) const fn redirects(&self) -> usize {
        self.limits.redirects
    }

    async fn ask(&self, url: &Url, sent: Sent<'_>) -> Result<Hop, FetchError> {
        self.judge(url).await?;
        let request = match sent {
            Sent::Get(headers) => self.http.get(url.clone()).headers(headers.clone()),
            Sent::Form(form) => self.http.post(url.clone()).header(CONTENT_TYPE, FORM).body(form.to_owned()),
        };
        let response = request.send().await.map_err(|cause| network(url, root(&cause)))?;
        let status = response.status().as_u16();
        match target(url, &response).filter(|_| sent.may_follow(status)) {
            Some(to) => Ok(Hop::Moved { to: to?, permanent: matches!(status, 301 | 308) }),
            None => self.read(url.clone(), response).await.map(Hop::Answer),
        }
    }

    /// What must hold before anything is asked of the URL's host.
    pub(crate) fn judge_url(&self, url: &Url) -> Result<(), FetchError> {
        let forbidden = |cause| FetchError::Forbidden { url: url.to_string(), cause };
        self.guard.judge_url(url).map_err(forbidden)
    }

    /// Resolves the host and remembers its addresses, if all of them may be connected to.
    async fn judge(&self, url: &Url) -> Result<(), FetchError> {
        self.judge_url(url)?;
        if literal(url).is_some() {
            return Ok(());
        }
        let (host, port) = (url.host_str().unwrap_or_default(), port_of(url));
        let found = tokio::time::timeout(self.limits.connect, tokio::net::lookup_host((host, port)))
            .await
            .map_err(|_| network(url, format!("no address of {host} within {:?}", self.limits.connect)))?
            .map_err(|cause| network(url, format!("look up {host}: {cause}")))?;
        let found: Vec<SocketAddr> = found.collect();
        let forbidden = |cause| FetchError::Forbidden { url: url.to_string(), cause };
        self.guard.judge_addresses(host, &found).map_err(forbidden)?;
        let addresses = found.iter().map(SocketAddr::ip).collect();
        let mut judged = self.judged.0.lock().unwrap_or_else(PoisonError::into_inner);
        if judged.len() >= MOST_HOSTS {
            // One that is being connected to at this moment is asked again later.
            judged.clear();
        }
        judged.insert(host.to_owned(), addresses);
        Ok(())
    }

    async fn read(&self, url: Url, mut response: Response) -> Result<Fetched, FetchError> {
        let limit = self.limits.body_bytes;
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|cause| network(&url, root(&cause)))? {
            if body.len() + chunk.len() > limit {
                return Err(FetchError::TooLarge { url: url.into(), limit });
            }
            body.extend_from_slice(&chunk);
        }
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Fetched { url, status, headers, body: body.freeze(), moved: false })
    }
}

impl Fetched {
    /// An error unless the status is 2xx.
    pub(crate) fn success(self, now: DateTime<Utc>) -> Result<Self, FetchError> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        let retry_after = retry_after(&self.headers, now);
        Err(FetchError::Status { url: self.url.into(), status: self.status, retry_after })
    }
}

/// `Retry-After`, as seconds or as a date.
pub(crate) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTime::parse_from_rfc2822(text).ok()?;
    Some((until.to_utc() - now).to_std().unwrap_or_default())
}

/// Where a redirect leads; `None` when the answer is none.
fn target(url: &Url, response: &Response) -> Option<Result<Url, FetchError>> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    Some(url.join(location).map_err(|cause| network(url, format!("redirect to {location:?}: {cause}"))))
}

fn network(url: &Url, cause: String) -> FetchError {
    FetchError::Network { url: url.to_string(), cause }
}

/// The innermost cause, which is the one that says something.
fn root(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), root)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn validators_go_back_byte_by_byte_to_the_address_that_gave_them() {
        let etag = HeaderValue::from_bytes(b"W/\"\xe9 odd\"").unwrap();
        let answer = Fetched {
            url: url("https://e.com/feed"),
            status: 200,
            headers: [(reqwest::header::ETAG, etag.clone())].into_iter().collect(),
            body: Bytes::new(),
            moved: false,
        };
        let validators = Validators {
            url: answer.url.to_string(),
            etag: answer.verbatim(reqwest::header::ETAG),
            last_modified: Some("yesterday".into()),
        };
        let start = url("https://e.com/feed");
        let ask =
            Ask { url: &start, secret: Some((&AUTHORIZATION, "Bearer x")), validators: Some(&validators) };
        let own = ask.headers(&start);
        assert_eq!((&own[IF_NONE_MATCH], &own[IF_MODIFIED_SINCE]), (&etag, &"yesterday".parse().unwrap()));
        let neighbour = ask.headers(&url("https://e.com/other"));
        assert!(neighbour.get(IF_NONE_MATCH).is_none() && neighbour.get(AUTHORIZATION).is_some());
        assert!(ask.headers(&url("https://f.com/feed")).is_empty());
    }

    #[test]
    fn a_pause_may_be_asked_for_in_seconds_or_until_a_date() {
        let now = "2024-05-06T00:00:00Z".parse().unwrap();
        let asked =
            |text: &str| retry_after(&[(RETRY_AFTER, text.parse().unwrap())].into_iter().collect(), now);
        assert_eq!(asked(" 120 "), Some(Duration::from_secs(120)));
        assert_eq!(asked("Mon, 06 May 2024 01:00:00 GMT"), Some(Duration::from_secs(3600)));
        assert_eq!(asked("Sun, 05 May 2024 01:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(asked("soon"), None);
    }
}
