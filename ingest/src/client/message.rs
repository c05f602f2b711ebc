//! What is asked of a server and what it answers.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use reqwest::header::{
    AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, RETRY_AFTER,
};
use url::Url;

use crate::error::FetchError;

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

    pub fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

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
