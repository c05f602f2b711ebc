//! `[json]` of a source: where the answers of a JSON interface keep what, and how one
//! leads to the next.

use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tocsin_runtime::config::secret;

/// Whatever is not set is as the source's format has it.
///
/// A path is a JSONPath query (RFC 9535) that begins with `$`, or in short a dotted one
/// (`user.name`, `stats.0`). Those of fields begin at the item.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JsonConfig {
    /// Path of the list, or a query that selects its items; empty when the answer itself
    /// is the list.
    pub items: Option<String>,
    pub id: Option<String>,
    pub text: Option<String>,
    pub title: Option<String>,
    /// RFC 3339 or RFC 2822 text, `2024-03-01 08:00:00` or `2024/03/01 08:00`, `2024-03-01`, or seconds or
    /// milliseconds since 1970.
    pub created_at: Option<String>,
    /// As in strftime, where `created_at` is none of these.
    pub time_format: Option<String>,
    /// Where a time says no zone: hours and minutes east of UTC, `+08:00`; UTC by default.
    pub time_offset: Option<String>,
    pub author: Option<String>,
    pub lang: Option<String>,
    /// Path of the address, or the address with `{id}` in it.
    pub url: Option<String>,
    pub likes: Option<String>,
    pub reposts: Option<String>,
    pub replies: Option<String>,
    pub views: Option<String>,
    /// Where a post says that its author took it back: true, a number but 0, or a text but
    /// `0`, `false` and `no`.
    pub deleted: Option<String>,
    /// Where a post that only repeats another holds that one, which is read in its place.
    pub repeated: Option<String>,
    /// What the pictures of a post show, which is read where it has no words of its own.
    pub captions: Option<String>,
    /// Query parameter that says since when posts are wanted. A filter (with `<` or `>` in it) is added to
    /// what the address says there, anything else takes its place.
    pub since_param: Option<String>,
    /// What it takes: `{id}` is the newest id seen, `{time}` its time in seconds and
    /// `{time_ms}` in milliseconds since 1970, `{time_text}` in RFC 3339. A time must
    /// be taken as "at or after". By default `{id}`.
    pub since_value: Option<String>,
    /// How much later than its time a post may appear: the time asked for is earlier by that.
    #[serde(with = "humantime_serde::option")]
    pub overlap: Option<Duration>,
    /// How an answer leads to the next.
    pub next: Option<NextConfig>,
    /// Most answers that one poll reads; the next poll goes on where it ended.
    pub pages: Option<usize>,
    /// Sent as the `authorization` header.
    #[serde(serialize_with = "secret::serialize")]
    pub authorization: Option<SecretString>,
    /// Another header that takes it, as `x-api-key`.
    pub authorization_header: Option<String>,
}

/// One of: `header`; `path`, alone or with `param`; `param` with `counts`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NextConfig {
    /// The header `Link` says it, with `rel="next"`.
    pub header: bool,
    /// Path in the answer of the next one's address; with `param`, of what that takes.
    pub path: Option<String>,
    pub param: Option<String>,
    /// What `param` counts, beginning where the source's address says, or else with `first`.
    pub counts: Option<Counts>,
    /// The number of the first answer, which is asked for without it; 0 by default, 1 where pages are counted from 1.
    pub first: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counts {
    Pages,
    Items,
}

impl JsonConfig {
    /// With what `other` says in place of what is not set here.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            items: self.items.or(other.items),
            id: self.id.or(other.id),
            text: self.text.or(other.text),
            title: self.title.or(other.title),
            created_at: self.created_at.or(other.created_at),
            time_format: self.time_format.or(other.time_format),
            time_offset: self.time_offset.or(other.time_offset),
            author: self.author.or(other.author),
            lang: self.lang.or(other.lang),
            url: self.url.or(other.url),
            likes: self.likes.or(other.likes),
            reposts: self.reposts.or(other.reposts),
            replies: self.replies.or(other.replies),
            views: self.views.or(other.views),
            deleted: self.deleted.or(other.deleted),
            repeated: self.repeated.or(other.repeated),
            captions: self.captions.or(other.captions),
            since_param: self.since_param.or(other.since_param),
            since_value: self.since_value.or(other.since_value),
            overlap: self.overlap.or(other.overlap),
            next: self.next.or(other.next),
            pages: self.pages.or(other.pages),
            authorization: self.authorization.or(other.authorization),
            authorization_header: self.authorization_header.or(other.authorization_header),
        }
    }
}
