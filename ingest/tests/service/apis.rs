//! JSON interfaces: recorded answers (invented posts in the form of each interface) served
//! on loopback, with paging, restart and posts of one instant.

mod described;

use crate::support::{Reply, Running, Site, World, feed_of, time, wait_until};
use serde_json::{Value, json};
use tocsin_contract::{Document, SourceKind};
use tocsin_ingest::IngestConfig;

/// One source of the site, asked each minute.
fn config(site: &Site, path: &str, more: &str) -> IngestConfig {
    let mut config = feed_of(site);
    let text = format!("id = 'posts'\nurl = '{}'\nkind = 'social'\nevery = '1m'\n{more}", site.url(path));
    config.sources = vec![toml::from_str(&text).unwrap()];
    config.check().unwrap();
    config
}

fn list(body: &Value) -> Reply {
    Reply::ok("application/json", body.to_string())
}

fn texts(documents: &[Document]) -> Vec<&str> {
    let mut texts: Vec<&str> = documents.iter().map(|document| document.body.as_str()).collect();
    texts.sort_unstable();
    texts
}

fn titled<'a>(documents: &'a [Document], title: &str) -> &'a Document {
    documents.iter().find(|document| document.title == title).unwrap()
}

async fn cursor(world: &World) -> (Option<String>, Option<String>) {
    sqlx::query_as("SELECT cursor_id, walk_next FROM ingest.source WHERE source_id = 'posts'")
        .fetch_one(&world.database.pool)
        .await
        .unwrap()
}

fn story(id: u32, at: i64, title: &str) -> Value {
    json!({"objectID": id.to_string(), "title": title, "url": "https://harbour.example/a", "author": "mira",
           "points": 12, "num_comments": 3, "created_at_i": at, "story_text": null, "_tags": ["story"]})
}

fn comment(id: u32, at: i64, text: &str) -> Value {
    json!({"objectID": id.to_string(), "title": null, "comment_text": text, "author": "bo", "created_at_i": at})
}

#[tokio::test]
async fn hacker_news_is_asked_by_a_time_that_is_included() {
    let (site, world) = (Site::start().await, World::new().await);
    let path = "/api/v1/search_by_date";
    let at = time("2023-03-10T15:58:00Z").timestamp();
    let hits = json!([
        story(31, at, "Show HN: a ledger of bank runs"),
        comment(30, at, "Deposits &amp; trust,<p>both gone"),
        story(29, at - 40, "Ask HN: where do you bank?")
    ]);
    site.set(path, list(&json!({"hits": hits, "page": 0, "nbPages": 1})));
    site.set(&format!("{path}?query=bank&page=1"), list(&json!({"hits": []})));
    let config = config(&site, &format!("{path}?query=bank"), "format = 'hacker_news'");
    let running = world.start(&config).await;
    let documents = world.wait_for_documents(3).await;
    running.stop().await;
    let show = titled(&documents, "Show HN: a ledger of bank runs");
    assert_eq!(show.url.as_deref(), Some("https://news.ycombinator.com/item?id=31"));
    assert_eq!(
        (show.published_at, show.source.kind),
        (Some(time("2023-03-10T15:58:00Z")), SourceKind::Social)
    );
    assert_eq!(show.engagement.unwrap().likes, Some(12));
    assert_eq!(titled(&documents, "").body, "Deposits & trust, both gone");

    // After a restart a comment of the newest instant, with a smaller number.
    let hits =
        json!([story(31, at, "Show HN: a ledger of bank runs"), comment(28, at, "Late, of the same second")]);
    site.set(path, list(&json!({"hits": hits})));
    world.pass(61);
    let running = world.start(&config).await;
    let documents = world.wait_for_documents(4).await;
    running.stop().await;
    assert!(texts(&documents).contains(&"Late, of the same second"));
    let queries = site.queries(path);
    let since = format!("?query=bank&numericFilters=created_at_i%3E%3D{}", at - 600);
    assert_eq!((queries[0].as_str(), queries.contains(&since)), ("?query=bank", true), "{queries:?}");
}

fn thing(number: u32, at: f64, title: &str, text: &str, removed: Value) -> Value {
    let name = format!("t3_{number}");
    json!({"kind": "t3", "data": {"name": name, "title": title, "selftext": text, "created_utc": at, "author": "kay",
           "permalink": format!("/r/harbour/comments/{number}/"), "ups": 5, "num_comments": 2,
           "removed_by_category": removed}})
}

#[tokio::test]
async fn reddit_is_read_on_by_its_token_and_tells_what_was_removed() {
    let (site, world) = (Site::start().await, World::new().await);
    let at = 1_678_463_880.0;
    let listing = |things: Value, after: Value| {
        list(&json!({"kind": "Listing", "data": {"children": things, "after": after}}))
    };
    let first = json!([
        thing(9, at, "Queue at Harrowgate", "It reaches the &amp; corner.", Value::Null),
        thing(8, at, "Removed", "[removed]", json!("moderator"))
    ]);
    let second = json!([thing(7, at - 60.0, "A link", "", Value::Null)]);
    site.set("/r/harbour/new.json", listing(first, json!("t3_8")));
    site.set("/r/harbour/new.json?limit=2&after=t3_8", listing(second, Value::Null));
    let running = world.start(&config(&site, "/r/harbour/new.json?limit=2", "format = 'reddit'")).await;
    let documents = world.wait_for_documents(2).await;
    let queue = titled(&documents, "Queue at Harrowgate");
    assert_eq!(queue.body, "It reaches the & corner.");
    assert_eq!(queue.url.as_deref(), Some(site.url("/r/harbour/comments/9/").as_str()));
    assert_eq!(titled(&documents, "A link").body, "");
    // The first is removed later: what is known of it is marked.
    let gone = json!([thing(9, at, "Queue at Harrowgate", "[removed]", json!("author"))]);
    site.set("/r/harbour/new.json", listing(gone, Value::Null));
    wait_until("it is told that a post was taken back", async || {
        world.pass(61);
        let buried: i64 = sqlx::query_scalar("SELECT count(*) FROM report.crawl_tombstones")
            .fetch_one(&world.database.pool)
            .await
            .unwrap();
        buried == 1
    })
    .await;
    running.stop().await;
}

fn toot(id: u64, at: &str, text: &str) -> Value {
    json!({"id": id.to_string(), "created_at": at, "content": format!("<p>{text}</p>"), "spoiler_text": "",
           "language": "en", "url": format!("https://coast.example/@ada/{id}"), "account": {"acct": "ada@coast.example"},
           "favourites_count": 4, "reblogs_count": 1, "replies_count": 0, "reblog": null})
}

const TAG: &str = "/api/v1/timelines/tag/banks";

#[tokio::test]
async fn a_timeline_of_mastodon_is_walked_by_its_links_and_gone_on_with_by_the_next_poll() {
    let (site, world) = (Site::start().await, World::new().await);
    let config = config(&site, TAG, "format = 'mastodon'\n[json]\npages = 2\nauthorization = 'Bearer t0ken'");
    site.set(TAG, list(&json!([toot(10, "2023-03-10T15:00:00.000Z", "First")])));
    let running = world.start(&config).await;
    let first = world.wait_for_documents(1).await;
    assert_eq!(first[0].lang, "en");
    assert_eq!(first[0].url.as_deref(), Some("https://coast.example/web/statuses/10"));
    assert!(!serde_json::to_string(&first).unwrap().contains("@ada"), "no address names the author");
    running.stop().await;
    assert_eq!(cursor(&world).await, (Some("10".to_owned()), None));

    // Meanwhile so much came that one poll does not reach down to what is known.
    let link = |max: u64| format!("<{}?max_id={max}>; rel=\"next\"", site.url(TAG));
    let page = |ids: &[u64]| {
        let toot = |id: &u64| toot(*id, &format!("2023-03-10T15:59:{id}.000Z"), &format!("Number {id}"));
        let toots: Vec<Value> = ids.iter().map(toot).collect();
        list(&json!(toots)).with("link", &link(*ids.last().unwrap()))
    };
    site.set(TAG, page(&[18, 17]));
    site.set(&format!("{TAG}?max_id=17"), page(&[16, 15]));
    site.set(&format!("{TAG}?max_id=15"), Reply::status(502));
    world.pass(61);
    let running = world.start(&config).await;
    world.wait_for_documents(5).await;
    running.stop().await;
    let (id, next) = cursor(&world).await;
    assert_eq!(id.as_deref(), Some("10"), "the cursor waits for the end of the walk");
    assert!(next.unwrap().ends_with("?max_id=15"));

    let end = json!([
        toot(14, "2023-03-10T15:59:14.000Z", "Number 14"),
        toot(9, "2023-03-10T14:00:00.000Z", "Too old")
    ]);
    site.set(&format!("{TAG}?max_id=15"), list(&end));
    let running = world.start(&config).await;
    let documents = world.wait_for_documents_as_time_passes(7, 61).await;
    running.stop().await;
    assert_eq!(texts(&documents)[1..6], ["Number 14", "Number 15", "Number 16", "Number 17", "Number 18"]);
    assert_eq!(cursor(&world).await, (Some("18".to_owned()), None));
    assert!(site.asked(TAG).iter().all(|headers| headers["authorization"] == "Bearer t0ken"));
}

#[tokio::test]
async fn the_secret_follows_no_list_that_moved_to_another_place() {
    let (site, other, world) = (Site::start().await, Site::start().await, World::new().await);
    let mut config = config(&site, TAG, "format = 'mastodon'\n[json]\nauthorization = 'Bearer t0ken'");
    config.allow.push(other.at.to_string());
    site.set(TAG, Reply::status(307).with("location", &other.url(TAG)));
    let next = format!("<{}?max_id=2>; rel=\"next\"", other.url(TAG));
    other.set(TAG, list(&json!([toot(2, "2023-03-10T15:59:00Z", "Two")])).with("link", &next));
    other.set(&format!("{TAG}?max_id=2"), list(&json!([toot(1, "2023-03-10T15:58:00Z", "One")])));
    let running = world.start(&config).await;
    assert_eq!(texts(&world.wait_for_documents(2).await), ["One", "Two"]);
    running.stop().await;
    assert_eq!(site.asked(TAG)[0]["authorization"], "Bearer t0ken");
    assert!(other.asked(TAG).iter().all(|headers| headers.get("authorization").is_none()));
}

/// A list of which all is known but one post, and whose next page answers `reply`.
async fn walking_to(reply: Reply, site: &Site, world: &World) -> Running {
    let config = config(site, TAG, "format = 'mastodon'\n[json]\npages = 1");
    site.set(TAG, list(&json!([toot(1, "2023-03-10T15:00:00Z", "Known")])));
    let running = world.start(&config).await;
    world.wait_for_documents(1).await;
    let next = format!("<{}?max_id=3>; rel=\"next\"", site.url(TAG));
    site.set(TAG, list(&json!([toot(3, "2023-03-10T15:30:00Z", "Three")])).with("link", &next));
    site.set(&format!("{TAG}?max_id=3"), reply);
    world.wait_for_documents_as_time_passes(2, 61).await;
    running
}

/// Its beginning is read again, on to another next page.
async fn walks_anew(site: &Site, world: &World, running: Running) {
    let next = format!("<{}?max_id=4>; rel=\"next\"", site.url(TAG));
    let first = json!([toot(5, "2023-03-10T15:31:00Z", "Five"), toot(3, "2023-03-10T15:30:00Z", "Three")]);
    site.set(TAG, list(&first).with("link", &next));
    site.set(&format!("{TAG}?max_id=4"), list(&json!([toot(2, "2023-03-10T15:29:00Z", "Two")])));
    let documents = world.wait_for_documents_as_time_passes(4, 61).await;
    running.stop().await;
    assert_eq!(texts(&documents), ["Five", "Known", "Three", "Two"]);
}

#[tokio::test]
async fn where_the_next_page_is_gone_the_walk_begins_anew() {
    let (site, world) = (Site::start().await, World::new().await);
    let running = walking_to(Reply::status(404), &site, &world).await;
    wait_until("the page that is gone was asked for", async || {
        world.pass(61);
        site.queries(TAG).iter().any(|query| query == "?max_id=3")
    })
    .await;
    walks_anew(&site, &world, running).await;
}

#[tokio::test]
async fn where_the_next_page_fails_twice_the_walk_begins_anew_and_leaves_nothing_out() {
    let (site, world) = (Site::start().await, World::new().await);
    let running = walking_to(Reply::status(500), &site, &world).await;
    walks_anew(&site, &world, running).await;
    assert_eq!(cursor(&world).await, (Some("5".to_owned()), None));
    let failed = site.queries(TAG).iter().filter(|query| *query == "?max_id=3").count();
    assert!(failed >= 2, "it might have come back: asked {failed} times");
}

#[tokio::test]
async fn a_search_of_mastodon_is_read_by_offset() {
    let (site, world) = (Site::start().await, World::new().await);
    let path = "/api/v2/search";
    let found = |toots: Value| list(&json!({"accounts": [], "statuses": toots, "hashtags": []}));
    let at = "2023-03-10T15:00:00.000Z";
    site.set(path, found(json!([toot(2, at, "Two"), toot(1, at, "One")])));
    site.set("/api/v2/search?q=bank&type=statuses&offset=2", found(json!([toot(3, at, "Three")])));
    site.set("/api/v2/search?q=bank&type=statuses&offset=3", found(json!([])));
    let running = world
        .start(&config(&site, "/api/v2/search?q=bank&type=statuses", "format = 'mastodon_search'"))
        .await;
    assert_eq!(texts(&world.wait_for_documents(3).await), ["One", "Three", "Two"]);
    running.stop().await;
}

#[tokio::test]
async fn robots_txt_is_obeyed_by_interfaces_too() {
    let (site, world) = (Site::start().await, World::new().await);
    site.set("/robots.txt", Reply::ok("text/plain", "User-agent: *\nDisallow: /r/\n"));
    site.set("/r/harbour/new.json", list(&json!({"data": {"children": [], "after": null}})));
    let running: Running = world.start(&config(&site, "/r/harbour/new.json", "format = 'reddit'")).await;
    wait_until("the refusal is told", async || {
        let refusal: Option<String> =
            sqlx::query_scalar("SELECT robots FROM report.sources WHERE source_id = 'posts'")
                .fetch_optional(&world.database.pool)
                .await
                .unwrap();
        refusal.as_deref() == Some("disallowed")
    })
    .await;
    running.stop().await;
    assert!(site.asked("/r/harbour/new.json").is_empty());
}
