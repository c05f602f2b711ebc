//! The one way out to the web: judged, pinned, capped, anonymous.
//!
//! Every hop's URL and every address that DNS gave for it are judged before a
//! connection is made, and only judged addresses are connected to. Redirects are
//! followed here, never by the HTTP library.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::BytesMut;
use chrono::{DateTime, Utc};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::{Client, Response};
use tocsin_runtime::guard::{literal, port_of};
use url::Url;

use crate::IngestError;
use crate::config::{IngestConfig, Limits};
use crate::error::FetchError;
use crate::guard::Judge;

mod message;
mod transport;

pub use message::Fetched;
pub(crate) use message::{Ask, Sent, Validators, retry_after};
use transport::Transport;

/// One step towards an answer.
#[derive(Debug)]
pub(crate) enum Hop {
    Answer(Fetched),
    Moved { to: Url, permanent: bool },
}

const FORM: &str = "application/x-www-form-urlencoded";

/// Most hosts whose judged addresses are kept.
const MOST_HOSTS: usize = 10_000;

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct GuardedClient {
    transport: Arc<Transport>,
    http: Client,
    /// For connections that become another protocol's.
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
    /// Connects to nothing. `Err`: an entry of `allow` that cannot be read, or no certificates to trust.
    pub fn new(config: &IngestConfig) -> Result<Self, IngestError> {
        let refused = IngestError::Configuration;
        let judged = Judged::default();
        let failed = |cause| refused(format!("make the HTTP client: {cause}"));
        let transport = Transport::new(config, judged.clone()).map_err(failed)?;
        let (http, http1) = (transport.client().map_err(failed)?, transport.http1().map_err(failed)?);
        let guard = Judge::new(&config.allow).map_err(refused)?;
        let transport = Arc::new(transport);
        Ok(Self { transport, http, http1, guard: Arc::new(guard), judged, limits: config.limits })
    }

    /// The same with connections of its own, which are closed when the last clone of it is dropped.
    pub(crate) fn of_a_turn(&self) -> Self {
        let http = self.transport.client().unwrap_or_else(|cause| {
            tracing::warn!("connections stay open: {cause}");
            self.http.clone()
        });
        Self { http, ..self.clone() }
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
                let retry_after = retry_after(status, response.headers(), now);
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

/// Where a redirect leads; `None` when the answer is none.
fn target(url: &Url, response: &Response) -> Option<Result<Url, FetchError>> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let bytes = response.headers().get(LOCATION)?.as_bytes();
    // Servers send addresses as they write them: in UTF-8, or in one byte a character.
    let location: String = std::str::from_utf8(bytes)
        .map_or_else(|_| bytes.iter().copied().map(char::from).collect(), str::to_owned);
    Some(url.join(&location).map_err(|cause| network(url, format!("redirect to {location:?}: {cause}"))))
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

    #[test]
    fn a_redirect_is_followed_though_its_address_is_not_escaped() {
        let url = Url::parse("https://e.com/a").unwrap();
        for (location, expected) in [
            ("/新闻/1".as_bytes(), "https://e.com/%E6%96%B0%E9%97%BB/1"),
            (b"/caf\xe9".as_slice(), "https://e.com/caf%C3%A9"),
            (b"b?c=d".as_slice(), "https://e.com/b?c=d"),
        ] {
            let answer = axum::http::Response::builder().status(302).header(LOCATION, location);
            let response = Response::from(answer.body("").unwrap());
            assert_eq!(target(&url, &response).unwrap().unwrap().as_str(), expected);
        }
    }
}
