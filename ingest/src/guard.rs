//! Which URLs the crawler may fetch: scheme, port and name here, addresses by
//! [`tocsin_runtime::guard`]. Judged before DNS, after DNS, and on every hop; what
//! the operator listed is excepted. Resolves nothing and connects to nothing.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::LazyLock;

use regex::Regex;
use tocsin_runtime::guard::{Forbidden, Guard, literal, port_of};
use url::Url;

use crate::canonical::is_under;

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

/// Names that only mean something inside a network, and those of clouds' metadata.
const PRIVATE_SUFFIXES: [&str; 10] = [
    "localhost",
    "local",
    "localdomain",
    "internal",
    "intranet",
    "lan",
    "corp",
    "home.arpa",
    "metadata.tencentyun.com",
    "metadata.packet.net",
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

/// Whether path, query or fragment hold an address or name of the inside, as URLs do
/// that are to make an open redirector or a proxy fetch it.
fn carries_private(url: &Url) -> bool {
    static INNER: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?i)(://|%3a%2f%2f|@)([a-z0-9.-]+|\[[0-9a-f:.]+\])").ok());
    let rest = &url[url::Position::BeforePath..];
    // A parser of URLs takes `@123` for an address; on its own it is somebody's handle.
    let is_handle = |mark: &str, host: &str| mark == "@" && host.bytes().all(|byte| byte.is_ascii_digit());
    let is_private = |host: &str| match Url::parse(&format!("http://{host}/")) {
        Ok(inner) => match literal(&inner) {
            Some(address) => !tocsin_runtime::guard::is_public(address),
            None => is_under_private(inner.host_str().unwrap_or_default()),
        },
        Err(_) => false,
    };
    rest.contains("169.254.169.254")
        || INNER.as_ref().is_some_and(|inner| {
            let places = inner
                .captures_iter(rest)
                .filter_map(|found| Some((found.get(1)?.as_str(), found.get(2)?.as_str())));
            places.into_iter().any(|(mark, host)| !is_handle(mark, host) && is_private(host))
        })
}

/// As far as the name alone can tell: `127.0.0.1!` is a name to a URL parser.
fn is_public_name(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let is_plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    is_plain && host.contains('.') && !is_under_private(&host) && !spells_private(&host)
}

fn is_under_private(host: &str) -> bool {
    PRIVATE_SUFFIXES.iter().chain(&SPELLING_SUFFIXES).any(|suffix| is_under(host, suffix))
}

/// `10-0-0-1.example.com` and `app.127.0.0.1.example.com`: the name of a place that answers
/// with what it is asked for. A public address may be spelled, as providers do.
fn spells_private(host: &str) -> bool {
    let parts: Vec<Option<u8>> = host.split(['.', '-']).map(|part| part.parse().ok()).collect();
    parts.windows(4).any(|four| match four {
        [Some(a), Some(b), Some(c), Some(d)] => {
            !tocsin_runtime::guard::is_public(Ipv4Addr::new(*a, *b, *c, *d).into())
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::shared;

    fn judged(judge: &Judge, url: &str) -> Result<(), Refused> {
        judge.judge_url(&Url::parse(url).unwrap())
    }

    #[test]
    fn pages_of_the_public_web_may_be_fetched() {
        for url in
            ["https://example.com/a", "http://example.com:8080/", "http://1.1.1.1/", "https://新华网.cn/"]
        {
            assert_eq!(judged(&Judge::default(), url), Ok(()), "{url}");
        }
    }

    #[test]
    fn private_names_and_odd_ports_are_refused_before_dns() {
        for url in [
            "http://localhost/",
            "http://a.localhost./",
            "http://metadata/",
            "http://metadata.google.internal/",
            "http://example.com:22/",
            "http://example.com:6379/",
            "https://printer.local/",
            "http://127.0.0.1!/",
        ] {
            assert!(judged(&Judge::default(), url).is_err(), "{url}");
        }
    }

    #[test]
    fn names_that_spell_an_address_of_the_inside_are_refused() {
        for url in [
            "http://10.0.0.1.nip.io/",
            "http://7f000001.c0a80001.rbndr.us/",
            "http://make-1-2-3-4-rebind-127-0-0-1-rr.1u.ms/",
            "http://app-192-168-1-250.example.net/",
            "http://www.169.254.169.254.example.net/",
            "http://127-0-0-1.example.net./",
        ] {
            assert!(judged(&Judge::default(), url).is_err(), "{url}");
        }
        for url in [
            "https://ec2-54-174-1-2.compute-1.amazonaws.com/",
            "https://news-2024-05-06.example.com/",
            "https://v-10-2.example.com/10-0-0-1/",
            "https://10.example.com/",
        ] {
            assert_eq!(judged(&Judge::default(), url), Ok(()), "{url}");
        }
    }

    #[test]
    fn a_url_with_a_user_name_or_password_is_refused() {
        for url in ["https://a@example.com/", "https://a:b@example.com/", "https://:b@example.com/"] {
            assert_eq!(
                judged(&Judge::default(), url),
                Err(Refused::Credentials("example.com".into())),
                "{url}"
            );
        }
        assert_eq!(judged(&Judge::default(), "https://@example.com/@jane"), Ok(()));
    }

    #[test]
    fn a_url_that_carries_an_address_of_the_inside_is_refused() {
        for url in [
            "https://example.com/?url=http://127.0.0.1/admin",
            "https://example.com/?url=http%3A%2F%2Flocalhost%2F",
            "https://example.com/proxy/169.254.169.254/latest",
            "https://example.com/#@10.0.0.1:22/",
            "https://example.com/@127.1/",
            "https://example.com/?url=http://2130706433/",
            "https://example.com/?u=http://[::1]/",
            "https://307.r3dir.me/--to/",
        ] {
            assert!(judged(&Judge::default(), url).is_err(), "{url}");
        }
        for url in [
            "https://example.com/release-10.0.0.1/notes",
            "https://web.archive.org/web/2024/https://example.com/a",
            "https://medium.com/@jane/a",
            "https://medium.com/@123/a",
        ] {
            assert_eq!(judged(&Judge::default(), url), Ok(()), "{url}");
        }
    }

    #[test]
    fn a_url_without_an_end_is_refused() {
        let url = |length: usize| format!("https://example.com/{}", "a".repeat(length));
        assert_eq!(judged(&Judge::default(), &url(8000)), Ok(()));
        assert_eq!(judged(&Judge::default(), &url(9000)), Err(Refused::TooLong("example.com".into())));
    }

    #[test]
    fn one_private_address_among_public_ones_refuses_the_host() {
        let addresses = ["93.184.216.34:80".parse().unwrap(), "10.0.0.1:80".parse().unwrap()];
        assert!(Judge::default().judge_addresses("rebind.example", &addresses).is_err());
        assert!(Judge::default().judge_addresses("example.com", &addresses[..1]).is_ok());
        assert!(Judge::default().judge_addresses("example.com", &[]).is_err());
    }

    #[test]
    fn a_listed_place_may_be_fetched_on_its_port_only() {
        let judge = Judge::new(&["127.0.0.1:4567", "intranet:81"]).unwrap();
        assert_eq!(judged(&judge, "http://127.0.0.1:4567/feed"), Ok(()));
        assert_eq!(judged(&judge, "http://intranet:81/feed"), Ok(()));
        assert!(judged(&judge, "http://127.0.0.1:4568/feed").is_err());
        assert!(judged(&judge, "http://intranet/feed").is_err());
    }

    /// Places where texts about such attacks stand: documentation, code, reports, archives.
    const LIBRARIES: [&str; 31] = [
        "alibabacloud.com",
        "amazon.com",
        "archive.org",
        "assetnote.io",
        "blackhat.com",
        "buymeacoffee.com",
        "digitalocean.com",
        "docker.com",
        "edoverflow.com",
        "github.com",
        "google.com",
        "googleapis.com",
        "googleusercontent.com",
        "hackerone.com",
        "huaweicloud.com",
        "imgur.com",
        "medium.com",
        "microsoft.com",
        "mozilla.org",
        "nginx.com",
        "oracle.com",
        "oraclecloud.com",
        "portswigger.net",
        "rancher.com",
        "rfk.id.au",
        "root-me.org",
        "spyclub.tech",
        "tcpipguide.com",
        "tencent.com",
        "tuta.com",
        "youtube.com",
    ];
    fn is_library(url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        LIBRARIES.iter().any(|library| is_under(host, library))
    }

    /// Reads ../shared/fixtures/ssrf, and passes where it is absent. The lists hold
    /// the attacks and, from the texts they were taken from, links to public pages.
    #[test]
    fn attacks_of_the_lists_are_refused_without_dns() {
        let (mut refused, mut references, mut left) = (0, 0, Vec::new());
        for file in ["ssrf/extracted-urls.txt", "ssrf/cloud-metadata.txt"] {
            let Some(text) = shared(file) else { return };
            for line in String::from_utf8_lossy(&text).lines().filter(|line| line.contains("://")) {
                let line = line.trim_start_matches(['#', ' ']);
                match Url::parse(line).ok().filter(|url| Judge::default().judge_url(url).is_ok()) {
                    None => refused += 1,
                    Some(url) if is_library(&url) => references += 1,
                    Some(url) => left.push(url.host_str().unwrap().to_owned()),
                }
            }
        }
        // Public places, for whoever judges by name: one by its address, one that redirects to the
        // inside (refused at that hop), and two spellings of example.com.
        left.sort();
        assert_eq!(left, ["1.1.1.1", "example.com", "example.com", "nicob.net"]);
        assert_eq!((refused, references), (261, 134));
    }
}
