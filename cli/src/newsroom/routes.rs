//! The newsroom's addresses.

use axum::Json;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_TYPE, ETAG, HOST, IF_NONE_MATCH, LAST_MODIFIED};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::feed::{self, Entry};
use super::publisher::Publisher;
use super::{Newsroom, page, pulse};

const ROBOTS: &str = "User-agent: *\nDisallow: /staff/\n";

pub(super) fn router(newsroom: Newsroom) -> Router {
    let mut router = Router::new()
        .route("/robots.txt", get(|| async { ROBOTS }))
        .route("/pulse/api/posts", get(posts))
        .route("/{publisher}/articles/{story}", get(article));
    for shelf in &newsroom.0.shelves {
        let publisher = shelf.publisher;
        let serve = move |State(newsroom): State<Newsroom>, headers: HeaderMap| async move {
            feed(&newsroom, publisher, &headers)
        };
        router = router.route(&publisher.feed_path(), get(serve));
    }
    router.with_state(newsroom)
}

/// The address under which the reader sees the newsroom.
fn base(headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    format!("http://{host}")
}

fn feed(newsroom: &Newsroom, publisher: &Publisher, headers: &HeaderMap) -> Response {
    let base = base(headers);
    let stories = newsroom.shelf(publisher.slug).map_or(&[][..], |shelf| &shelf.stories);
    let entries: Vec<Entry<'_>> = stories
        .iter()
        .rev()
        .filter(|story| newsroom.is_out(story.at))
        .map(|story| Entry {
            url: format!("{base}{}", publisher.article_path(&story.slug)),
            title: &story.title,
            summary: story.summary(),
            at: newsroom.instant(story.at),
        })
        .collect();
    let newest = entries.first().map_or(newsroom.0.start, |entry| entry.at);
    let body = feed::render(publisher, &base, &entries);
    let tag = etag(&body);
    let validators =
        [(ETAG, tag.clone()), (LAST_MODIFIED, newest.format("%a, %d %b %Y %H:%M:%S GMT").to_string())];
    if headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, validators).into_response();
    }
    (validators, [(CONTENT_TYPE, publisher.format.content_type())], body).into_response()
}

fn etag(body: &str) -> String {
    let digest = Sha256::digest(body.as_bytes());
    let (short, _) = digest.split_at(12);
    format!("\"{}\"", hex::encode(short))
}

async fn article(
    State(newsroom): State<Newsroom>,
    Path((publisher, slug)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let found = newsroom.shelf(&publisher).and_then(|shelf| {
        let story = shelf.stories.iter().find(|story| story.slug == slug)?;
        newsroom.is_out(story.at).then_some((shelf.publisher, story))
    });
    match found {
        Some((publisher, story)) => {
            let url = format!("{}{}", base(&headers), publisher.article_path(&story.slug));
            Html(page::render(publisher, story, &url, newsroom.instant(story.at))).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[derive(Debug, Deserialize)]
struct Since {
    #[serde(default)]
    since_id: u64,
}

async fn posts(State(newsroom): State<Newsroom>, Query(since): Query<Since>) -> Response {
    let desk = &newsroom.0;
    let page = pulse::page(&desk.posts, since.since_id, desk.start, |offset| newsroom.is_out(offset));
    Json(page).into_response()
}
