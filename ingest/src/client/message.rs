//! What is asked of a server and what it answers.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use reqwest::header::{
    AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, RETRY_AFTER,
};
use url::Url;

use crate::error::FetchError;
use crate::feed::since_1970;

/// What goes to a server at each hop.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sent<'a> {
    Get(&'a HeaderMap),
    /// POST of a form.
    Form(&'a str),
}

impl Sent<'_> {
    /// A redirect of this status leaves method and body as they are.
    pub(super) const fn may_follow(self, status: u16) -> bool {
        match self {
            Self::Get(_) => true,
            Self::Form(_) => matches!(status, 307 | 308),
        }
    }
}

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

impl Fetched {
    /// The header with every byte of it as one character.
    pub(crate) fn verbatim(&self, name: HeaderName) -> Option<String> {
        Some(self.headers.get(name)?.as_bytes().iter().copied().map(char::from).collect())
    }

    /// `None`: there is none, or it holds more than visible ASCII.
    pub fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// An error unless the status is 2xx.
    pub(crate) fn success(self, now: DateTime<Utc>) -> Result<Self, FetchError> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        let retry_after = retry_after(self.status, &self.headers, now);
        Err(FetchError::Status { url: self.url.into(), status: self.status, retry_after })
    }
}

/// When a limit on how often an interface is asked ends, in the headers of Reddit, Mastodon and others.
const LIMITS: [&str; 3] = ["x-ratelimit-reset", "ratelimit-reset", "x-rate-limit-reset"];

/// `Retry-After`, as seconds or as a date; of 429 without it, how long until a limit ends.
pub(crate) fn retry_after(status: u16, headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let limits = LIMITS.iter().filter(|_| status == 429);
    let mut ends = limits.filter_map(|name| until_end(headers.get(*name)?.to_str().ok()?.trim(), now));
    asked_for(headers, now).or_else(|| ends.next())
}

fn asked_for(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTime::parse_from_rfc2822(text).ok()?;
    Some((until.to_utc() - now).to_std().unwrap_or_default())
}

/// Said in seconds from now or since 1970, or as a date of RFC 3339. `None`: it is over, or no time.
fn until_end(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let seconds: Option<f64> = text.parse().ok().filter(|seconds: &f64| seconds.is_finite());
    let pause = match seconds {
        Some(seconds) if seconds < 1e9 => Duration::try_from_secs_f64(seconds).ok(),
        Some(seconds) => (since_1970(seconds)? - now).to_std().ok(),
        None => (DateTime::parse_from_rfc3339(text).ok()?.to_utc() - now).to_std().ok(),
    };
    pause.filter(|pause| !pause.is_zero())
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
            |text: &str| retry_after(503, &[(RETRY_AFTER, text.parse().unwrap())].into_iter().collect(), now);
        assert_eq!(asked(" 120 "), Some(Duration::from_secs(120)));
        assert_eq!(asked("Mon, 06 May 2024 01:00:00 GMT"), Some(Duration::from_secs(3600)));
        assert_eq!(asked("Sun, 05 May 2024 01:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(asked("soon"), None);
    }

    #[test]
    fn the_end_of_a_limit_is_a_pause_that_is_asked_for() {
        let now = "2024-05-06T00:00:00Z".parse().unwrap();
        let asked = |status: u16, name: &'static str, text: &str| {
            let header = (HeaderName::from_static(name), text.parse::<HeaderValue>().unwrap());
            retry_after(status, &[header].into_iter().collect(), now)
        };
        for (name, text, seconds) in [
            ("x-ratelimit-reset", "234", Some(234)),
            ("x-ratelimit-reset", "2024-05-06T00:05:00.000Z", Some(300)),
            ("x-rate-limit-reset", "1714954200", Some(600)),
            ("ratelimit-reset", "30", Some(30)),
            ("x-ratelimit-reset", "2024-05-05T00:05:00.000Z", None),
            ("x-ratelimit-reset", "nan", None),
            ("x-ratelimit-reset", "-5", None),
        ] {
            assert_eq!(asked(429, name, text), seconds.map(Duration::from_secs), "{name}: {text}");
        }
        assert_eq!(asked(404, "x-ratelimit-reset", "234"), None);
        let both = [
            (RETRY_AFTER, HeaderValue::from_static("5")),
            (HeaderName::from_static(LIMITS[0]), HeaderValue::from_static("9")),
        ];
        assert_eq!(retry_after(429, &both.into_iter().collect(), now), Some(Duration::from_secs(5)));
    }
}
