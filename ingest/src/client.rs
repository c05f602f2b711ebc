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
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
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
}

impl Fetched {
    pub fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct GuardedClient {
    http: Client,
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
        let http = Client::builder()
            .user_agent(&config.user_agent)
            .redirect(Policy::none())
            .referer(false)
            .no_proxy()
            .connect_timeout(config.limits.connect)
            .pool_idle_timeout(Duration::from_secs(30))
            .dns_resolver(Arc::new(judged.clone()))
            .build()
            .map_err(|cause| refused(format!("make the HTTP client: {cause}")))?;
        let guard = Judge::new(&config.allow).map_err(refused)?;
        Ok(Self { http, guard: Arc::new(guard), judged, limits: config.limits })
    }

    /// GET with `headers`; any status but a redirect's is an answer.
    pub async fn get(&self, url: &Url, headers: &HeaderMap) -> Result<Fetched, FetchError> {
        match tokio::time::timeout(self.limits.total, self.follow(url, headers)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(network(url, format!("no complete answer within {:?}", self.limits.total))),
        }
    }

    async fn follow(&self, start: &Url, headers: &HeaderMap) -> Result<Fetched, FetchError> {
        let mut url = start.clone();
        for _ in 0..=self.limits.redirects {
            self.judge(&url).await?;
            let mut request = self.http.get(url.clone());
            // Credentials are for the origin that they were configured for.
            if url.origin() == start.origin() {
                request = request.headers(headers.clone());
            }
            let response = request.send().await.map_err(|cause| network(&url, root(&cause)))?;
            match target(&url, &response) {
                Some(next) => url = next?,
                None => return self.read(url, response).await,
            }
        }
        Err(FetchError::Redirects { url: start.to_string(), limit: self.limits.redirects })
    }

    /// Resolves the host and remembers its addresses, if all of them may be connected to.
    async fn judge(&self, url: &Url) -> Result<(), FetchError> {
        let forbidden = |cause| FetchError::Forbidden { url: url.to_string(), cause };
        self.guard.judge_url(url).map_err(forbidden)?;
        if literal(url).is_some() {
            return Ok(());
        }
        let (host, port) = (url.host_str().unwrap_or_default(), port_of(url));
        let found = tokio::time::timeout(self.limits.connect, tokio::net::lookup_host((host, port)))
            .await
            .map_err(|_| network(url, format!("no address of {host} within {:?}", self.limits.connect)))?
            .map_err(|cause| network(url, format!("look up {host}: {cause}")))?;
        let found: Vec<SocketAddr> = found.collect();
        self.guard.judge_addresses(host, &found).map_err(forbidden)?;
        let addresses = found.iter().map(SocketAddr::ip).collect();
        let mut judged = self.judged.0.lock().unwrap_or_else(PoisonError::into_inner);
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
        Ok(Fetched { url, status, headers, body: body.freeze() })
    }
}

impl Fetched {
    /// An error unless the status is 2xx.
    pub fn success(self) -> Result<Self, FetchError> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        let retry_after = self.header(RETRY_AFTER).and_then(|text| text.trim().parse().ok());
        Err(FetchError::Status { url: self.url.into(), status: self.status, retry_after })
    }
}

/// Conditional and other headers, skipping values that no header can hold.
pub fn headers<const N: usize>(pairs: [(HeaderName, Option<&str>); N]) -> HeaderMap {
    pairs.into_iter().filter_map(|(name, value)| Some((name, HeaderValue::from_str(value?).ok()?))).collect()
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
