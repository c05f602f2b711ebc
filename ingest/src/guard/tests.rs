use super::*;
use crate::canonical::is_under;
use crate::testing::shared;

fn judged(judge: &Judge, url: &str) -> Result<(), Refused> {
    judge.judge_url(&Url::parse(url).unwrap())
}

#[test]
fn pages_of_the_public_web_may_be_fetched() {
    for url in ["https://example.com/a", "http://example.com:8080/", "http://1.1.1.1/", "https://新华网.cn/"]
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
        "http://router.home/",
        "http://router.home.arpa/",
        "http://wiki.private/",
        "http://a..example.com/",
        "http://.example.com/",
        "http://example.com../",
        "http://prices.markets.svc/",
        "http://prices.markets.svc.cluster.local/",
        "http://vault.service.consul/",
        "http://expyuzz4wqqyqhjn.onion/",
        "http://api.metadata.cloud.ibm.com/instance_identity/v1/token",
        "https://metadata.platformequinix.com/metadata",
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
        assert_eq!(judged(&Judge::default(), url), Err(Refused::Credentials("example.com".into())), "{url}");
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
        "https://example.com/@localhost/",
        "https://example.com/@metadata.google.internal/",
        "https://example.com/@0x7f000001/",
        "https://example.com/?url=http://corp/",
        "https://example.com/?url=http://localhost./",
    ] {
        assert!(judged(&Judge::default(), url).is_err(), "{url}");
    }
    for url in [
        "https://example.com/release-10.0.0.1/notes",
        "https://web.archive.org/web/2024/https://example.com/a",
        "https://medium.com/@jane/a",
        "https://medium.com/@123/a",
        "https://medium.com/@lan/a",
        "https://www.tiktok.com/@corp/video/1",
        "https://www.tiktok.com/@Home/video/1",
        "https://home.example.com/svc/a",
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
