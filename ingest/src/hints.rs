//! What a server says about how soon it is worth asking again: `Cache-Control`,
//! `Expires`, and the `ttl` and `sy:` elements of a feed; and which entries it took back.

use std::sync::LazyLock;
use std::time::Duration;

use chrono::{DateTime, Utc};
use regex::bytes::Regex;
use reqwest::header::{AGE, CACHE_CONTROL, DATE, EXPIRES};

use crate::client::Fetched;

/// How much of a feed is searched for its own hints, which stand before its entries.
const HEAD: usize = 16 << 10;

/// For how long the answer says it stays as it is; zero where it says nothing.
pub(crate) fn fresh_for(fetched: &Fetched) -> Duration {
    from_headers(fetched).max(told_by(&fetched.body)).unwrap_or_default()
}

/// For how long a feed says itself that it stays as it is.
pub(crate) fn told_by(feed: &[u8]) -> Option<Duration> {
    let head = feed.get(..HEAD).unwrap_or(feed);
    Some(ttl(head).max(syndication(head))).filter(|told| !told.is_zero())
}

/// `max-age` goes before `Expires`, as RFC 9111 has it.
fn from_headers(fetched: &Fetched) -> Option<Duration> {
    let control = fetched.header(CACHE_CONTROL).unwrap_or_default().to_ascii_lowercase();
    let directives = control.split(',').map(str::trim);
    if directives.clone().any(|directive| matches!(directive, "no-cache" | "no-store")) {
        return None;
    }
    let age: u64 = fetched.header(AGE).and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    for directive in directives {
        if let Some(seconds) = directive.strip_prefix("max-age=") {
            let seconds: u64 = seconds.trim_matches('"').parse().ok()?;
            return Some(Duration::from_secs(seconds.saturating_sub(age)));
        }
    }
    let instant = |text: &str| DateTime::parse_from_rfc2822(text).ok().map(|at| at.with_timezone(&Utc));
    let (expires, date) = (instant(fetched.header(EXPIRES)?)?, instant(fetched.header(DATE)?)?);
    (expires - date).to_std().ok()
}

/// RSS 2.0: minutes.
fn ttl(head: &[u8]) -> Duration {
    static TTL: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"<ttl>\s*(\d{1,6})\s*</ttl>").ok());
    number(&TTL, head).map(|minutes| Duration::from_secs(minutes * 60)).unwrap_or_default()
}

/// The syndication module of RSS 1.0: a period, and how often in it.
fn syndication(head: &[u8]) -> Duration {
    static PERIOD: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"<sy:updatePeriod>\s*(hourly|daily|weekly|monthly|yearly)\s*</sy:updatePeriod>").ok()
    });
    static FREQUENCY: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"<sy:updateFrequency>\s*(\d{1,6})\s*</sy:updateFrequency>").ok());
    let found = PERIOD.as_ref().and_then(|period| period.captures(head));
    let Some(period) = found.as_ref().and_then(|found| found.get(1)) else { return Duration::ZERO };
    let hours = match period.as_bytes() {
        b"hourly" => 1,
        b"daily" => 24,
        b"weekly" => 7 * 24,
        b"monthly" => 30 * 24,
        _ => 365 * 24,
    };
    Duration::from_secs(hours * 3600 / number(&FREQUENCY, head).unwrap_or(1).max(1))
}

/// Ids of the tombstones in an Atom feed (RFC 6721).
pub(crate) fn deleted_entries(body: &[u8]) -> Vec<String> {
    static DELETED: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r#"<(?:\w+:)?deleted-entry\s[^>]*?\bref\s*=\s*["']([^"']+)["']"#).ok());
    let Some(deleted) = DELETED.as_ref() else { return Vec::new() };
    let ids = deleted.captures_iter(body).filter_map(|found| Some(found.get(1)?.as_bytes().to_vec()));
    ids.map(|id| String::from_utf8_lossy(&id).replace("&amp;", "&")).collect()
}

fn number(pattern: &LazyLock<Option<Regex>>, head: &[u8]) -> Option<u64> {
    let found = pattern.as_ref()?.captures(head)?;
    std::str::from_utf8(found.get(1)?.as_bytes()).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderMap, HeaderName};

    fn minutes(headers: &[(HeaderName, &str)], body: &str) -> u64 {
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        let url = url::Url::parse("https://example.com/").unwrap();
        let body = bytes::Bytes::copy_from_slice(body.as_bytes());
        fresh_for(&Fetched { url, status: 200, headers, body, moved: false }).as_secs() / 60
    }

    #[test]
    fn max_age_counts_from_when_the_answer_was_made() {
        assert_eq!(minutes(&[(CACHE_CONTROL, "public, max-age=7200")], ""), 120);
        assert_eq!(minutes(&[(CACHE_CONTROL, "max-age=7200"), (AGE, "3600")], ""), 60);
        let never = [(CACHE_CONTROL, "no-cache"), (EXPIRES, "Mon, 06 May 2024 02:00:00 GMT")];
        assert_eq!(minutes(&never, ""), 0);
    }

    #[test]
    fn tombstones_name_the_entries_that_were_taken_back() {
        let feed = br#"<feed><at:deleted-entry ref="tag:e.com,2024:1?a&amp;b" when="2024-05-06T00:00:00Z"/>
            <entry><id>x</id></entry><deleted-entry when="" ref='two'><comment/></deleted-entry></feed>"#;
        assert_eq!(deleted_entries(feed), ["tag:e.com,2024:1?a&b", "two"]);
    }

    #[test]
    fn expires_counts_by_the_server_s_own_clock() {
        let expires = (EXPIRES, "Mon, 06 May 2024 02:00:00 GMT");
        assert_eq!(minutes(&[expires.clone(), (DATE, "Mon, 06 May 2024 00:30:00 GMT")], ""), 90);
        assert_eq!(minutes(&[expires, (DATE, "Mon, 06 May 2024 03:00:00 GMT")], ""), 0);
        assert_eq!(minutes(&[(EXPIRES, "0"), (DATE, "Mon, 06 May 2024 00:30:00 GMT")], ""), 0);
    }

    #[test]
    fn the_longest_of_what_headers_and_feed_say_holds() {
        let feed = "<rss><channel><ttl> 180 </ttl><item/></channel></rss>";
        assert_eq!(minutes(&[(CACHE_CONTROL, "max-age=60")], feed), 180);
        let rdf = "<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>";
        assert_eq!(minutes(&[], rdf), 360);
        assert_eq!(minutes(&[], "<sy:updatePeriod>hourly</sy:updatePeriod>"), 60);
        assert_eq!(minutes(&[], "<ttl>soon</ttl>"), 0);
        let told = |feed: &str| told_by(feed.as_bytes()).map(|told| told.as_secs());
        assert_eq!((told(feed), told("<rss/>")), (Some(180 * 60), None));
    }
}
