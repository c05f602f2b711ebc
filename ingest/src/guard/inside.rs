//! The inside, as far as its spelling tells: names that are private, names that spell a
//! private address, and URLs that carry either. Asks no DNS and knows no exceptions.

use std::net::Ipv4Addr;
use std::sync::LazyLock;

use regex::Regex;
use tocsin_runtime::guard::{is_public, literal};
use url::{Position, Url};

use crate::canonical::is_under;

/// Names that only mean something inside a network, those of clusters and hidden services,
/// and those of clouds' metadata.
const PRIVATE_SUFFIXES: [&str; 17] = [
    "localhost",
    "local",
    "localdomain",
    "internal",
    "intranet",
    "private",
    "lan",
    "corp",
    "home",
    "home.arpa",
    "svc",
    "consul",
    "onion",
    "metadata.cloud.ibm.com",
    "metadata.packet.net",
    "metadata.platformequinix.com",
    "metadata.tencentyun.com",
];

/// Zones that anybody can make answer with an address of the inside: they give the address
/// that a name spells, always a loopback address, or another one at each question. No
/// publication lives there.
const SPELLING_SUFFIXES: [&str; 19] = [
    "nip.io",
    "sslip.io",
    "xip.io",
    "xip.name",
    "backname.io",
    "ip6.name",
    "traefik.me",
    "localtest.me",
    "lvh.me",
    "vcap.me",
    "fuf.me",
    "lacolhost.com",
    "local.gd",
    "lcl.host",
    "localdomain.pw",
    "1u.ms",
    "rbndr.us",
    "r3dir.me",
    "dod.network",
];

/// Longest part of a name, in bytes (RFC 1035, 2.3.4).
const MAX_LABEL: usize = 63;

/// Whether path, query or fragment hold an address or name of the inside, as URLs do
/// that are to make an open redirector or a proxy fetch it.
pub(super) fn carries_private(url: &Url) -> bool {
    static INNER: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?i)(://|%3a%2f%2f|@)([a-z0-9.-]+|\[[0-9a-f:.]+\])").ok());
    let rest = &url[Position::BeforePath..];
    // A parser of URLs takes `@123` for an address, and `@corp` could be a host of the inside;
    // without a dot it is somebody's handle.
    let is_number = |host: &str| host.bytes().all(|byte| byte.is_ascii_digit());
    let is_handle = |name: &str| !name.contains('.') && name != "localhost";
    let is_private = |mark: &str, host: &str| match Url::parse(&format!("http://{host}/")) {
        Ok(_) if mark == "@" && is_number(host) => false,
        Ok(inner) => match literal(&inner) {
            Some(address) => !is_public(address),
            None => {
                let name = inner.host_str().unwrap_or_default().trim_end_matches('.');
                is_under_private(name) && !(mark == "@" && is_handle(name))
            }
        },
        Err(_) => false,
    };
    rest.contains("169.254.169.254")
        || INNER.as_ref().is_some_and(|inner| {
            let places = inner
                .captures_iter(rest)
                .filter_map(|found| Some((found.get(1)?.as_str(), found.get(2)?.as_str())));
            places.into_iter().any(|(mark, host)| is_private(mark, host))
        })
}

/// As far as the name alone can tell: `127.0.0.1!` is a name to a URL parser.
pub(super) fn is_public_name(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let is_label = |label: &str| (1..=MAX_LABEL).contains(&label.len()) && label.bytes().all(is_plain);
    let is_name = host.contains('.') && host.split('.').all(is_label);
    is_name && !is_under_private(&host) && !spells_private(&host)
}

fn is_under_private(host: &str) -> bool {
    PRIVATE_SUFFIXES.iter().chain(&SPELLING_SUFFIXES).any(|suffix| is_under(host, suffix))
}

/// `10-0-0-1.example.com` and `app.127.0.0.1.example.com`: the name of a place that answers
/// with what it is asked for. A public address may be spelled, as providers do.
fn spells_private(host: &str) -> bool {
    let parts: Vec<Option<u8>> = host.split(['.', '-']).map(|part| part.parse().ok()).collect();
    parts.windows(4).any(|four| match four {
        [Some(a), Some(b), Some(c), Some(d)] => !is_public(Ipv4Addr::new(*a, *b, *c, *d).into()),
        _ => false,
    })
}
