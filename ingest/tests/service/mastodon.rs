//! The streams of a Mastodon server on loopback (invented posts in its form), beside its timelines.

use std::net::SocketAddr;
use std::time::Duration;

use crate::support::{Reply, Site, World, bodies, feed_of, wait_until};
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use futures::stream::unfold;
use serde_json::{Value, json};
use tocsin_ingest::{IngestConfig, SourceConfig};
use tokio::net::TcpListener;
use tokio::sync::broadcast;

fn toot(id: u64, text: &str) -> Value {
    json!({"id": id.to_string(), "created_at": "2023-03-10T15:30:00Z", "content": format!("<p>{text}</p>"),
           "spoiler_text": "", "language": "en", "url": format!("https://coast.example/@ada/{id}"),
           "account": {"acct": "ada"}, "favourites_count": 4, "reblogs_count": 1, "replies_count": 0})
}

fn event(name: &str, data: &str) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

const TAG: &str = "/api/v1/timelines/tag/banks";
const STREAM: &str = "/api/v1/streaming/hashtag";

fn timeline(toots: &[Value]) -> Reply {
    Reply::ok("application/json", json!(toots).to_string())
}

/// A timeline that is asked, and listened to.
fn live(site: &Site, stream: &str, more: &str) -> SourceConfig {
    let source = format!(
        "id = 'live'\nurl = '{}'\nstream = '{stream}'\nformat = 'mastodon'\nkind = 'social'\n{more}",
        site.url(TAG),
    );
    toml::from_str(&source).unwrap()
}

fn events(text: &str, endless: bool) -> Reply {
    Reply { then_silent: endless, ..Reply::ok("text/event-stream", text) }
}

#[tokio::test]
async fn mastodon_tells_at_once_and_its_timeline_what_was_missed() {
    let (site, world) = (Site::start().await, World::new().await);
    site.set(TAG, timeline(&[toot(1, "Before")]));
    let said = [
        event("update", &toot(2, "A bank run").to_string()),
        ":thump\n".to_owned(),
        event("delete", "1"),
        event("filters_changed", ""),
    ];
    site.set(STREAM, events(&said.concat(), false));
    let mut config = feed_of(&site);
    let more = "every = '15m'\njson.authorization = 'Bearer s3cret'";
    config.sources = vec![live(&site, &site.url(&format!("{STREAM}?tag=banks")), more)];
    config.check().unwrap();
    let running = world.start(&config).await;
    let documents = world.wait_for_documents(2).await;
    assert_eq!(bodies(&documents), ["A bank run", "Before"]);
    for document in &documents {
        let addresses = [document.url.as_deref(), document.canonical_url.as_deref()];
        assert!(
            addresses.iter().flatten().all(|address| address.contains("/web/statuses/")),
            "{addresses:?}"
        );
    }
    let before = documents.iter().find(|document| document.body == "Before").unwrap();
    wait_until("the bus is told", async || world.tombstones().await.len() == 1).await;
    assert_eq!(world.tombstones().await[0].id, before.id);

    // The connection ended. The timeline has what was said meanwhile; the stream an edit.
    site.set(TAG, timeline(&[toot(3, "Missed"), toot(2, "A bank run")]));
    site.set(STREAM, events(&event("status.update", &toot(2, "No bank run").to_string()), true));
    let documents = world.wait_for_documents_as_time_passes(4, 6).await;
    running.stop().await;
    assert_eq!(bodies(&documents), ["A bank run", "Before", "Missed", "No bank run"]);
    let headers = site.asked(STREAM);
    assert_eq!(
        (&headers[0]["authorization"], &headers[0]["accept"]),
        (&"Bearer s3cret".parse().unwrap(), &"text/event-stream".parse().unwrap())
    );
    assert_eq!(site.queries(STREAM)[0], "?tag=banks");
}

/// A stream of events that stays open and tells what it is given.
#[expect(clippy::disallowed_methods, reason = "the server ends with the test's runtime")]
async fn tap() -> (SocketAddr, broadcast::Sender<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (at, says) = (listener.local_addr().unwrap(), broadcast::channel(100).0);
    let heard = says.clone();
    let tell = async move || {
        let next =
            async |mut heard: broadcast::Receiver<String>| Some((heard.recv().await.map(Bytes::from), heard));
        ([("content-type", "text/event-stream")], Body::from_stream(unfold(heard.subscribe(), next)))
    };
    let router = Router::new().route(STREAM, get(tell));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (at, says)
}

#[tokio::test]
async fn deletions_told_while_the_database_is_away_are_kept_for_it() {
    let (site, world, (at, says)) = (Site::start().await, World::new().await, tap().await);
    site.set(TAG, timeline(&[toot(1, "Before"), toot(2, "Stays")]));
    let mut config = feed_of(&site);
    config.allow.push(at.to_string());
    config.sources = vec![live(&site, &format!("http://{at}{STREAM}"), "every = '1m'")];
    config.check().unwrap();
    let running = world.start(&config).await;
    let documents = world.wait_for_documents(2).await;
    wait_until("it is listened to", async || says.receiver_count() == 1).await;

    world.take_items_away().await;
    let lists = site.asked(TAG).len();
    says.send(event("delete", "1") + &event("update", &toot(3, "Meanwhile").to_string())).unwrap();
    // Nothing can be written down, and the list is asked soon.
    wait_until("the list is asked again", async || {
        world.pass(6);
        site.asked(TAG).len() > lists
    })
    .await;
    assert_eq!((says.receiver_count(), world.tombstones().await.len()), (1, 0), "it is still listened to");
    site.set(TAG, timeline(&[toot(3, "Meanwhile"), toot(2, "Stays")]));
    world.bring_items_back().await;
    let all = world.wait_for_documents_as_time_passes(3, 61).await;
    assert_eq!(bodies(&all), ["Before", "Meanwhile", "Stays"]);
    wait_until("the bus is told", async || world.tombstones().await.len() == 1).await;
    running.stop().await;
    let before = documents.iter().find(|document| document.body == "Before").unwrap();
    assert_eq!(world.tombstones().await[0].id, before.id);
}

#[tokio::test]
async fn deletions_that_wait_outlive_the_process_and_need_no_lease() {
    let (site, world, (at, says)) = (Site::start().await, World::new().await, tap().await);
    site.set(TAG, timeline(&[toot(1, "Before"), toot(2, "Stays")]));
    let folder = tempfile::tempdir().unwrap();
    let mut config = feed_of(&site);
    config.allow.push(at.to_string());
    config.untold = Some(folder.path().join("untold.json"));
    config.sources = vec![live(&site, &format!("http://{at}{STREAM}"), "every = '1m'")];
    let running = world.start(&config).await;
    world.wait_for_documents(2).await;
    wait_until("it is listened to", async || says.receiver_count() == 1).await;
    world.take_items_away().await;
    says.send(event("delete", "1")).unwrap();
    let kept = || std::fs::read_to_string(config.untold.as_ref().unwrap()).unwrap_or_default();
    wait_until("it waits", async || kept() == r#"{"live":["1"]}"#).await;
    running.stop().await;
    world.bring_items_back().await;

    // One that has the file and not the source.
    let other = IngestConfig { sources: Vec::new(), ..config.clone() };
    let running = world.start(&other).await;
    let taken_back = "SELECT count(*) FROM ingest.item WHERE deleted_at IS NOT NULL AND told_at IS NULL";
    wait_until("the database has it", async || {
        world.pass(6);
        sqlx::query_scalar::<_, i64>(taken_back).fetch_one(&world.database.pool).await.unwrap() == 1
    })
    .await;
    wait_until("nothing waits", async || kept() == "{}").await;
    running.stop().await;

    let running = world.start(&config).await;
    wait_until("the bus is told", async || {
        world.pass(61);
        world.tombstones().await.len() == 1
    })
    .await;
    running.stop().await;
    assert_eq!(kept(), "{}");
}

#[tokio::test]
async fn deletions_heard_by_whoever_is_cut_off_as_it_writes_them_down_are_kept() {
    let (site, world, (at, says)) = (Site::start().await, World::new().await, tap().await);
    site.set(TAG, timeline(&[toot(1, "Before"), toot(2, "Stays")]));
    let folder = tempfile::tempdir().unwrap();
    let mut config = feed_of(&site);
    config.allow.push(at.to_string());
    config.lease = Duration::from_secs(3);
    config.untold = Some(folder.path().join("untold.json"));
    config.sources = vec![live(&site, &format!("http://{at}{STREAM}"), "every = '1m'")];
    let running = world.start(&config).await;
    world.wait_for_documents(2).await;
    wait_until("it is listened to", async || says.receiver_count() == 1).await;
    let pool = &world.database.pool;
    let mut lock = pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE ingest.item IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.unwrap();
    says.send(event("delete", "1")).unwrap();
    let kept = || std::fs::read_to_string(config.untold.as_ref().unwrap()).unwrap_or_default();
    wait_until("it waits, and is being written down", async || kept() == r#"{"live":["1"]}"#).await;
    let taken = "UPDATE ingest.lease SET holder = 'other', until = now() + interval '1 hour'";
    sqlx::query(taken).execute(pool).await.unwrap();
    wait_until("whoever listened is cut off", async || {
        drop(says.send(":\n".to_owned()));
        says.receiver_count() == 0
    })
    .await;
    lock.rollback().await.unwrap();
    let taken_back = "SELECT count(*) FROM ingest.item WHERE deleted_at IS NOT NULL";
    wait_until("the database has it", async || {
        world.pass(16);
        sqlx::query_scalar::<_, i64>(taken_back).fetch_one(pool).await.unwrap() == 1
    })
    .await;
    // The file is told after the database, and one that stops between the two leaves the id for the next.
    wait_until("nothing waits", async || kept() == "{}").await;
    running.stop().await;
}

#[tokio::test]
async fn a_stream_that_is_not_there_does_not_keep_the_timeline_from_being_asked() {
    let (site, world) = (Site::start().await, World::new().await);
    site.set(TAG, timeline(&[toot(1, "Before")]));
    let mut config = feed_of(&site);
    config.sources = vec![live(&site, &site.url(STREAM), "every = '1m'")];
    let running = world.start(&config).await;
    world.wait_for_documents(1).await;
    site.set(TAG, timeline(&[toot(2, "After"), toot(1, "Before")]));
    world.wait_for_documents_as_time_passes(2, 61).await;
    running.stop().await;
    assert!(!site.asked(STREAM).is_empty());
}
