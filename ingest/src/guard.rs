//! Which URLs the crawler may fetch: scheme and port here, names by `inside`, addresses
//! by [`tocsin_runtime::guard`]. Judged before DNS, after DNS, and on every hop; what
//! the operator listed is excepted. Resolves nothing and connects to nothing.

use std::net::{IpAddr, SocketAddr};

use tocsin_runtime::guard::{Forbidden, Guard, literal, port_of};
use url::Url;

mod inside;

use inside::{carries_private, is_public_name};

/// Why a URL is not fetched; names the place, never a path or query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    Place(#[from] Forbidden),
    #[error("port {port} of host {host} is not one of the web")]
    Port { host: String, port: u16 },
    #[error("{0} is not the name of a public host")]
    Name(String),
    #[error("host {0} has no address")]
    NoAddress(String),
    #[error("the URL of host {0} carries the address of a place that is not public")]
    Carries(String),
    #[error("the URL of host {0} carries a user name or password")]
    Credentials(String),
    #[error("the URL of host {0} is longer than {MAX_URL} bytes")]
    TooLong(String),
}

/// Longest URL, in bytes; RFC 9110 has servers take 8,000.
const MAX_URL: usize = 8192;

/// The judgement, with the operator's exceptions.
#[derive(Debug, Clone, Default)]
pub struct Judge {
    guard: Guard,
    has_exceptions: bool,
}

impl Judge {
    /// Fails with a sentence that names the entry which cannot be read.
    pub fn new<S: AsRef<str>>(allow: &[S]) -> Result<Self, String> {
        Ok(Self { guard: Guard::new(allow)?, has_exceptions: !allow.is_empty() })
    }

    /// What must hold before DNS is asked.
    pub fn judge_url(&self, url: &Url) -> Result<(), Refused> {
        self.guard.judge_url(url)?;
        let host = url.host_str().unwrap_or_default();
        if url.as_str().len() > MAX_URL {
            return Err(Refused::TooLong(host.to_owned()));
        }
        if self.lists(url) {
            return Ok(());
        }
        let port = port_of(url);
        if !matches!(port, 80 | 443 | 8000..=8999) {
            return Err(Refused::Port { host: host.to_owned(), port });
        }
        if literal(url).is_none() && !is_public_name(host) {
            return Err(Refused::Name(host.to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::Credentials(host.to_owned()));
        }
        if carries_private(url) {
            return Err(Refused::Carries(host.to_owned()));
        }
        Ok(())
    }

    /// Whether `host` may be reached at these addresses, which DNS gave: at all of
    /// them, or the answer is not to be trusted.
    pub fn judge_addresses(&self, host: &str, addresses: &[SocketAddr]) -> Result<(), Refused> {
        if addresses.is_empty() {
            return Err(Refused::NoAddress(host.to_owned()));
        }
        for address in addresses {
            self.guard.judge(host, address.ip(), address.port())?;
        }
        Ok(())
    }

    /// Whether the operator listed the place of `url` (by name, or by its literal address).
    pub fn lists(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let listed = |address: Option<IpAddr>| self.guard.lists(host, address, port_of(url));
        self.has_exceptions && (listed(None) || literal(url).is_some_and(|address| listed(Some(address))))
    }
}

#[cfg(test)]
mod tests;
