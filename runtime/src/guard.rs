//! Which addresses a crawler or webhook may connect to: public ones, and those
//! the operator listed. Pure judgement of URLs and addresses; it resolves nothing
//! and connects to nothing. The caller judges every address that DNS gave, on
//! every hop, and connects to exactly the address it judged.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use url::{Host, Url};

/// Why no connection is made; names the place, never a path or query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    #[error("scheme {0:?} is neither http nor https")]
    Scheme(String),
    #[error("the URL names no host")]
    NoHost,
    #[error("{address} of host {host} is not a public address")]
    NotPublic { host: String, address: IpAddr },
}

/// One entry of the operator's allow list: `host`, `address` or `network/length`,
/// each with or without `:port`; IPv6 with a port in brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    place: Place,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Network(IpNet),
    Name(String),
}

/// The judgement, with the operator's exceptions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guard {
    allowed: Vec<Entry>,
}

impl Guard {
    /// Fails with a sentence that names the entry which cannot be read.
    pub fn new<S: AsRef<str>>(allow: &[S]) -> Result<Self, String> {
        let allowed = allow.iter().map(|text| entry(text.as_ref())).collect::<Result<_, _>>()?;
        Ok(Self { allowed })
    }

    /// What must hold before DNS is asked. A literal address is judged at once.
    pub fn judge_url(&self, url: &Url) -> Result<(), Forbidden> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Forbidden::Scheme(url.scheme().to_owned()));
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(Forbidden::NoHost)?;
        match literal(url) {
            Some(address) => self.judge(host, address, port_of(url)),
            None => Ok(()),
        }
    }

    /// Whether the operator listed this place: by its name, or by `address` where that is known.
    pub fn lists(&self, host: &str, address: Option<IpAddr>, port: u16) -> bool {
        self.allowed.iter().any(|entry| match (&entry.place, address) {
            (Place::Name(_), None) => entry.covers(host, Ipv4Addr::UNSPECIFIED.into(), port),
            (Place::Network(_), None) => false,
            (_, Some(address)) => entry.covers(host, address.to_canonical(), port),
        })
    }

    /// Whether `host` may be reached at `address`, which DNS gave for it.
    pub fn judge(&self, host: &str, address: IpAddr, port: u16) -> Result<(), Forbidden> {
        let canonical = address.to_canonical();
        if is_public(canonical) || self.allowed.iter().any(|entry| entry.covers(host, canonical, port)) {
            return Ok(());
        }
        Err(Forbidden::NotPublic { host: host.to_owned(), address })
    }
}

/// The port that a connection to `url` uses.
pub fn port_of(url: &Url) -> u16 {
    url.port_or_known_default().unwrap_or(443)
}

/// The address, where the host is one and not a name.
pub fn literal(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(_) => None,
    }
}

/// Reachable over the public internet, and no way around to what is not.
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => !BLOCKED_V4.iter().any(|network| network.contains(&address)),
        IpAddr::V6(address) => {
            GLOBAL_V6.contains(&address)
                && !BLOCKED_V6.iter().any(|network| network.contains(&address))
                && isatap(address).is_none_or(|inner| is_public(inner.into()))
        }
    }
}

/// The IPv4 address that a tunnel of ISATAP leads to (RFC 5214, 6.1), under whatever prefix.
const fn isatap(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [_, _, _, _, 0 | 0x200, 0x5efe, high, low] = address.segments() else { return None };
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Some(Ipv4Addr::new(a, b, c, d))
}

impl Entry {
    fn covers(&self, host: &str, address: IpAddr, port: u16) -> bool {
        let place = match &self.place {
            Place::Network(network) => network.contains(&address),
            Place::Name(name) => name.eq_ignore_ascii_case(host),
        };
        place && self.port.is_none_or(|only| only == port)
    }
}

fn entry(text: &str) -> Result<Entry, String> {
    let (place, port) = split_port(text.trim());
    let port = port
        .map(|port| port.parse::<u16>().map_err(|_| format!("allow list entry {text:?} has no valid port")))
        .transpose()?;
    let bare = place.trim_start_matches('[').trim_end_matches(']');
    let place = match (bare.parse::<IpNet>(), bare.parse::<IpAddr>()) {
        (Ok(network), _) => Place::Network(network),
        (_, Ok(address)) => Place::Network(address.to_canonical().into()),
        _ if !bare.is_empty() && bare.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)) => {
            Place::Name(bare.to_owned())
        }
        _ => return Err(format!("allow list entry {text:?} is neither host, address nor network")),
    };
    Ok(Entry { place, port })
}

/// A single colon, or one after a bracket, begins a port.
fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((place, port)) if place.ends_with(']') || !place.contains(':') => (place, Some(port)),
        Some(_) | None => (text, None),
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(a: u16, b: u16, c: u16, length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), length)
}

/// IANA's special-purpose registry, multicast, class E, and a cloud's metadata address.
const BLOCKED_V4: [Ipv4Net; 17] = [
    v4(0, 0, 0, 0, 8),
    v4(10, 0, 0, 0, 8),
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    v4(168, 63, 129, 16, 32),
    v4(169, 254, 0, 0, 16),
    v4(172, 16, 0, 0, 12),
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),
    v4(192, 31, 196, 0, 24),
    v4(192, 88, 99, 0, 24),
    v4(192, 168, 0, 0, 16),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    v4(224, 0, 0, 0, 4),
    v4(240, 0, 0, 0, 4),
];

/// Global unicast; what lies outside (loopback, ULA, link-local, NAT64, multicast,
/// discard, 5f00::/16) is refused as a whole.
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 0, 3);

/// Inside global unicast: protocol assignments with Teredo, documentation, 6to4.
const BLOCKED_V6: [Ipv6Net; 5] = [
    v6(0x2001, 0, 0, 23),
    v6(0x2001, 0xdb8, 0, 32),
    v6(0x2002, 0, 0, 16),
    v6(0x2620, 0x4f, 0x8000, 48),
    v6(0x3fff, 0, 0, 20),
];

#[cfg(test)]
mod tests;
