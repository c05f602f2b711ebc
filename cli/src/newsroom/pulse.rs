//! Pulse, the made-up social network: short posts behind a JSON endpoint.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::story::offset;

/// Most posts that one request returns.
const PAGE: usize = 50;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Post {
    #[serde(deserialize_with = "offset")]
    pub(super) at: TimeDelta,
    author: String,
    lang: String,
    pub(super) text: String,
    #[serde(default)]
    likes: u64,
    #[serde(default)]
    reposts: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    post: Vec<Post>,
}

/// The answer of `GET /pulse/api/posts`: the oldest first, all with an id above
/// the `since_id` that was asked for.
#[derive(Debug, Serialize)]
pub(super) struct Page<'a> {
    posts: Vec<Entry<'a>>,
    newest_id: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Entry<'a> {
    id: u64,
    created_at: DateTime<Utc>,
    text: &'a str,
    lang: &'a str,
    author: Author<'a>,
    metrics: Metrics,
}

#[derive(Debug, Serialize)]
struct Author<'a> {
    handle: &'a str,
}

#[derive(Debug, Serialize)]
struct Metrics {
    likes: u64,
    reposts: u64,
}

/// All posts, the oldest first: a post's id is its place, from 1.
pub(super) fn posts() -> Vec<Post> {
    let text = include_str!("stories/pulse.toml");
    let mut file: File = toml::from_str(text).expect("the posts are compiled in, and tested");
    file.post.sort_by_key(|post| post.at);
    file.post
}

/// The posts after `since_id` among those that are `out`.
pub(super) fn page<'a>(
    posts: &'a [Post],
    since_id: u64,
    start: DateTime<Utc>,
    out: impl Fn(TimeDelta) -> bool,
) -> Page<'a> {
    let posts: Vec<Entry<'_>> = (1..)
        .zip(posts)
        .filter(|(id, post)| *id > since_id && out(post.at))
        .take(PAGE)
        .map(|(id, post)| Entry {
            id,
            created_at: start + post.at,
            text: &post.text,
            lang: &post.lang,
            author: Author { handle: &post.author },
            metrics: Metrics { likes: post.likes, reposts: post.reposts },
        })
        .collect();
    Page { newest_id: posts.last().map(|entry| entry.id), posts }
}
