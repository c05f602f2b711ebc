use std::collections::{BTreeMap, BTreeSet};

use axum::http::HeaderValue;
use tocsin_runtime::ManualClock;
use tokio::net::TcpListener;

use super::*;

/// The newsroom behind a real socket, with a clock that the test moves.
struct Served {
    newsroom: Newsroom,
    clock: ManualClock,
    base: String,
    client: reqwest::Client,
    _tasks: tokio::task::JoinSet<()>,
}

fn start() -> DateTime<Utc> {
    "2026-03-02T00:00:00Z".parse().unwrap()
}

/// An HTTP client as any reader has one.
pub(in crate::newsroom) fn client() -> reqwest::Client {
    // Fails only where another test was first.
    rustls::crypto::ring::default_provider().install_default().ok();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

impl Served {
    async fn begin() -> Self {
        let clock = ManualClock::at(start());
        let newsroom = Newsroom::new(start(), Arc::new(clock.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = newsroom.router();
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { newsroom, clock, base, client: client(), _tasks: tasks }
    }

    fn hours(&self, hours: i64) {
        self.clock.set(start() + TimeDelta::hours(hours));
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        self.client.get(format!("{}{path}", self.base)).send().await.unwrap()
    }

    async fn feed(&self, publisher: &Publisher) -> feed_rs::model::Feed {
        let body = self.get(&publisher.feed_path()).await.bytes().await.unwrap();
        feed_rs::parser::parse(&body[..]).unwrap_or_else(|cause| panic!("{}: {cause}", publisher.feed_path()))
    }
}

#[tokio::test]
async fn every_feed_is_read_with_all_its_stories_links_and_times() {
    let served = Served::begin().await;
    served.hours(48);
    for shelf in &served.newsroom.0.shelves {
        let feed = served.feed(shelf.publisher).await;
        assert_eq!(feed.entries.len(), shelf.stories.len(), "{}", shelf.publisher.slug);
        for (entry, story) in feed.entries.iter().zip(shelf.stories.iter().rev()) {
            assert_eq!(entry.title.as_ref().unwrap().content, story.title);
            assert_eq!(entry.published, Some(start() + story.at), "{}", story.slug);
            let link = served.base.clone() + &shelf.publisher.article_path(&story.slug);
            assert_eq!(entry.links[0].href, link);
        }
    }
}

#[tokio::test]
async fn a_story_is_in_feed_and_page_from_its_time_on_and_not_before() {
    let served = Served::begin().await;
    let shelf = &served.newsroom.0.shelves[0];
    let story = &shelf.stories[3];
    let path = shelf.publisher.article_path(&story.slug);
    served.clock.set(start() + story.at - TimeDelta::seconds(1));
    assert_eq!(served.feed(shelf.publisher).await.entries.len(), 3);
    assert_eq!(served.get(&path).await.status(), 404);
    served.clock.set(start() + story.at);
    assert_eq!(served.feed(shelf.publisher).await.entries.len(), 4);
    let page = served.get(&path).await.text().await.unwrap();
    for paragraph in story.paragraphs() {
        assert!(page.contains(&page::escape(paragraph)), "{paragraph}");
    }
}

#[tokio::test]
async fn a_feed_that_did_not_change_is_answered_with_304_until_it_does() {
    let served = Served::begin().await;
    for publisher in &PUBLISHERS {
        served.hours(12);
        let first = served.get(&publisher.feed_path()).await;
        let tag: HeaderValue = first.headers()["etag"].clone();
        let again = || {
            let url = format!("{}{}", served.base, publisher.feed_path());
            served.client.get(url).header("if-none-match", tag.clone()).send()
        };
        let unchanged = again().await.unwrap();
        assert_eq!(unchanged.status(), 304);
        assert_eq!(unchanged.headers()["etag"], tag);
        assert!(unchanged.bytes().await.unwrap().is_empty());
        served.hours(30);
        assert_eq!(again().await.unwrap().status(), 200, "{}", publisher.slug);
    }
}

#[tokio::test]
async fn posts_come_once_when_the_last_id_is_asked_from() {
    let served = Served::begin().await;
    let mut seen = Vec::new();
    let mut since = 0;
    for hours in [12, 34, 35, 48, 48] {
        served.hours(hours);
        let page = served.get(&format!("/pulse/api/posts?since_id={since}")).await;
        let page: serde_json::Value = serde_json::from_slice(&page.bytes().await.unwrap()).unwrap();
        for post in page["posts"].as_array().unwrap() {
            let at: DateTime<Utc> = post["created_at"].as_str().unwrap().parse().unwrap();
            assert!(at <= served.clock.now());
            seen.push(post["id"].as_u64().unwrap());
        }
        since = page["newest_id"].as_u64().unwrap_or(since);
    }
    assert_eq!(seen, (1..=served.newsroom.0.posts.len() as u64).collect::<Vec<_>>());
}

#[tokio::test]
async fn robots_may_read_everything_that_is_published() {
    let served = Served::begin().await;
    let robots = served.get("/robots.txt").await.text().await.unwrap();
    let forbidden: Vec<&str> =
        robots.lines().filter_map(|line| line.strip_prefix("Disallow:")).map(str::trim).collect();
    for publisher in &PUBLISHERS {
        assert!(forbidden.iter().all(|path| !publisher.feed_path().starts_with(path)));
    }
}

#[test]
fn titles_and_addresses_are_unique_and_everything_ends_within_two_days() {
    let newsroom = Newsroom::new(start(), Arc::new(ManualClock::at(start())));
    let stories = || newsroom.0.shelves.iter().flat_map(|shelf| &shelf.stories);
    let titles: BTreeSet<&str> = stories().map(|story| story.title.as_str()).collect();
    assert_eq!(titles.len(), stories().count());
    for shelf in &newsroom.0.shelves {
        let slugs: BTreeSet<&str> = shelf.stories.iter().map(|story| story.slug.as_str()).collect();
        assert_eq!(slugs.len(), shelf.stories.len(), "{}", shelf.publisher.slug);
        assert!(shelf.stories.iter().all(|story| !story.summary().is_empty()));
    }
    let posts = newsroom.0.posts.iter().map(|post| post.at);
    let times: Vec<TimeDelta> = stories().map(|story| story.at).chain(posts).collect();
    assert!((120..=160).contains(&times.len()), "{} items", times.len());
    assert!(times.iter().all(|at| *at <= TimeDelta::hours(48)));
}

/// Items that name the bank between 34 and 36 h 10 min after the start, by family.
fn surge() -> BTreeMap<&'static str, usize> {
    let newsroom = Newsroom::new(start(), Arc::new(ManualClock::at(start())));
    let names = |text: &str| text.contains("Harrowgate Bank") || text.contains("哈罗盖特银行");
    let during = |at: TimeDelta| at >= TimeDelta::hours(34) && at <= TimeDelta::minutes(36 * 60 + 10);
    let mut families = BTreeMap::new();
    for shelf in &newsroom.0.shelves {
        let bad = shelf.stories.iter().filter(|story| during(story.at) && names(&story.title)).count();
        families.insert(shelf.publisher.family, bad);
    }
    let posts = newsroom.0.posts.iter().filter(|post| during(post.at) && names(&post.text)).count();
    families.insert("pulse", posts);
    families
}

#[test]
fn the_bank_has_enough_bad_news_from_enough_publishers_to_ring_for() {
    let families = surge();
    assert!(families.values().all(|count| *count >= 4), "{families:?}");
    let news: usize = families.iter().filter(|(family, _)| **family != "pulse").map(|(_, n)| n).sum();
    assert!(news >= 24, "{families:?}");
}

#[test]
fn before_its_crisis_the_bank_is_in_the_news_now_and_then() {
    let newsroom = Newsroom::new(start(), Arc::new(ManualClock::at(start())));
    let stories = newsroom.0.shelves.iter().flat_map(|shelf| &shelf.stories);
    let quiet = stories
        .filter(|story| story.at < TimeDelta::hours(34))
        .filter(|story| story.title.contains("Harrowgate Bank") || story.title.contains("哈罗盖特银行"))
        .count();
    assert!((12..=30).contains(&quiet), "{quiet} stories");
}

#[test]
fn the_sources_are_a_configuration_that_ingest_takes_with_one_family_each() {
    let newsroom = Newsroom::new(start(), Arc::new(ManualClock::at(start())));
    let config: tocsin_ingest::IngestConfig =
        toml::from_str(&newsroom.sources("http://127.0.0.1:8000")).unwrap();
    assert_eq!(config.check(), Ok(()));
    let families: BTreeSet<String> = config.sources.iter().map(|source| source.family()).collect();
    assert_eq!(families.len(), PUBLISHERS.len() + 1);
    assert!(config.sources.iter().all(|source| source.url.starts_with("http://127.0.0.1:8000/")));
}
