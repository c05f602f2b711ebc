//! Sources that are listened to: servers on loopback speak Jetstream and Mastodon's streams
//! (invented posts in the form of each), break off, and repeat themselves.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use futures::SinkExt;
use futures::stream::unfold;
use serde_json::{Value, json};
use support::{Reply, Site, World, feed_of, time, wait_until};
use tocsin_contract::{Document, SourceKind};
use tocsin_ingest::IngestConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

/// A server of WebSockets, which remembers what it was asked for.
#[derive(Clone)]
struct Firehose {
    at: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    /// To every connection that is open; `None` breaks it off.
    says: broadcast::Sender<Option<String>>,
}

impl Firehose {
    #[expect(clippy::disallowed_methods, reason = "the server ends with the test's runtime")]
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let firehose = Self {
            at: listener.local_addr().unwrap(),
            asked: Arc::default(),
            says: broadcast::channel(1000).0,
        };
        let server = firehose.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(server.clone().serve(stream));
            }
        });
        firehose
    }

    /// Its robots.txt is no WebSocket and ends the connection: there is none.
    async fn serve(self, mut stream: TcpStream) {
        let mut head = [0; 16];
        stream.readable().await.unwrap();
        let read = stream.peek(&mut head).await.unwrap();
        if head[..read].starts_with(b"GET /robots.txt") {
            let none = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            drop(tokio::io::AsyncWriteExt::write_all(&mut stream, none).await);
            return;
        }
        let mut says = self.says.subscribe();
        let asked = self.asked.clone();
        #[expect(clippy::result_large_err, reason = "the library has it so")]
        let note = |request: &Request, response: Response| {
            asked.lock().unwrap().push(request.uri().to_string());
            Ok(response)
        };
        let Ok(mut socket) = accept_hdr_async(stream, note).await else { return };
        while let Ok(Some(said)) = says.recv().await {
            if socket.send(Message::text(said)).await.is_err() {
                return;
            }
        }
        drop(socket.close(None).await);
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    async fn connections(&self, count: usize) {
        wait_until("so many connections are open", async || {
            self.says.receiver_count() >= 1 && self.asked().len() >= count
        })
        .await;
    }

    fn say(&self, event: &Value) {
        self.says.send(Some(event.to_string())).unwrap();
    }
}

fn config(at: SocketAddr, source: &str) -> IngestConfig {
    let text =
        format!("allow = ['{at}']\nmin_delay = '0s'\n[[sources]]\nid = 'live'\nkind = 'social'\n{source}");
    let config: IngestConfig = toml::from_str(&text).unwrap();
    config.check().unwrap();
    config
}

fn commit(number: i64, operation: &str, text: &str) -> Value {
    let second = time("2023-03-10T15:30:00Z").timestamp() + number;
    json!({"did": "did:plc:ada", "time_us": second * 1_000_000, "kind": "commit",
           "commit": {"rev": "3k", "operation": operation, "collection": "app.bsky.feed.post", "rkey": number.to_string(),
                      "record": {"text": text, "createdAt": "2023-03-10T15:29:00Z", "langs": ["en"]}}})
}

fn bodies(documents: &[Document]) -> Vec<&str> {
    let mut bodies: Vec<&str> = documents.iter().map(|document| document.body.as_str()).collect();
    bodies.sort_unstable();
    bodies
}

async fn cursor(world: &World) -> Option<String> {
    sqlx::query_scalar("SELECT cursor_id FROM ingest.source WHERE source_id = 'live'")
        .fetch_one(&world.database.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn bluesky_is_heard_by_words_and_repeats_after_a_break_what_came_since() {
    let (firehose, world) = (Firehose::start().await, World::new().await);
    let source =
        format!("url = 'ws://{}/subscribe'\nformat = 'jetstream'\nfilter.words = ['bank']", firehose.at);
    let config = config(firehose.at, &source);
    let running = world.start(&config).await;
    firehose.connections(1).await;
    firehose.say(&commit(1, "create", "My bank is gone"));
    firehose.say(&commit(2, "create", "My cat is gone"));
    let documents = world.wait_for_documents(1).await;
    assert_eq!(documents[0].source.kind, SourceKind::Social);
    assert_eq!(documents[0].url.as_deref(), Some("https://bsky.app/profile/did:plc:ada/post/1"));
    assert!(documents[0].author_hash.is_some());
    wait_until("the cursor is past the cat", async || {
        cursor(&world).await.unwrap_or_default().contains("462202")
    })
    .await;

    // The server breaks off; when it is back it repeats, and goes on.
    firehose.says.send(None).unwrap();
    wait_until("it is asked again", async || {
        world.pass(6);
        firehose.asked().len() >= 2
    })
    .await;
    firehose.connections(2).await;
    firehose.say(&commit(1, "create", "My bank is gone"));
    firehose.say(&commit(3, "create", "Another bank, another queue"));
    let documents = world.wait_for_documents(2).await;
    assert_eq!(bodies(&documents), ["Another bank, another queue", "My bank is gone"]);
    running.stop().await;

    // A restart asks from where it was; a deletion is told on the bus.
    world.pass(60);
    let running = world.start(&config).await;
    firehose.connections(3).await;
    firehose.say(&commit(1, "delete", ""));
    wait_until("the bus is told", async || world.tombstones().await.len() == 1).await;
    running.stop().await;
    let asked = firehose.asked();
    assert_eq!(asked[0], "/subscribe?wantedCollections=app.bsky.feed.post");
    assert!(asked[1].ends_with("&cursor=1678462197000000"), "five seconds before: {asked:?}");
    assert!(asked[2].ends_with("&cursor=1678462198000000"), "{asked:?}");
}

#[tokio::test]
async fn what_an_account_wrote_is_taken_back_when_it_is_deleted_and_what_others_wrote_is_not() {
    let (firehose, world) = (Firehose::start().await, World::new().await);
    let config = config(firehose.at, &format!("url = 'ws://{}/'\nformat = 'jetstream'", firehose.at));
    let running = world.start(&config).await;
    firehose.connections(1).await;
    let mut other = commit(3, "create", "Mine stays");
    other["did"] = "did:plc:bob".into();
    for event in [commit(1, "create", "First"), commit(2, "create", "Second"), other] {
        firehose.say(&event);
    }
    let documents = world.wait_for_documents(3).await;
    let account = json!({"active": false, "did": "did:plc:ada", "status": "deleted"});
    firehose.say(
        &json!({"did": "did:plc:ada", "time_us": 1_678_462_300_000_000_i64, "kind": "account", "account": account}),
    );
    wait_until("the bus is told of both", async || world.tombstones().await.len() == 2).await;
    running.stop().await;
    let gone: Vec<_> = world.tombstones().await.iter().map(|tombstone| tombstone.id).collect();
    let left: Vec<_> = documents.into_iter().filter(|document| !gone.contains(&document.id)).collect();
    assert_eq!(bodies(&left), ["Mine stays"]);
}

#[tokio::test]
async fn what_could_not_be_written_down_is_asked_for_again() {
    let (firehose, world) = (Firehose::start().await, World::new().await);
    let config = config(firehose.at, &format!("url = 'ws://{}/'\nformat = 'jetstream'", firehose.at));
    let running = world.start(&config).await;
    firehose.connections(1).await;
    firehose.say(&commit(1, "create", "Kept"));
    world.wait_for_documents(1).await;
    let rename = |from: &str, to: &str| format!("ALTER TABLE ingest.{from} RENAME TO {to}");
    sqlx::query(sqlx::AssertSqlSafe(rename("item", "away"))).execute(&world.database.pool).await.unwrap();
    firehose.say(&commit(40, "create", "Lost for now"));
    wait_until("it is asked again", async || {
        world.pass(6);
        firehose.asked().len() >= 2
    })
    .await;
    sqlx::query(sqlx::AssertSqlSafe(rename("away", "item"))).execute(&world.database.pool).await.unwrap();
    running.stop().await;
    let asked = firehose.asked();
    assert!(asked[1].ends_with("&cursor=1678462196000000"), "five seconds before what was kept: {asked:?}");
}

#[tokio::test]
async fn what_is_no_event_is_parked_and_the_stream_goes_on() {
    let (firehose, world) = (Firehose::start().await, World::new().await);
    let config = config(firehose.at, &format!("url = 'ws://{}/'\nformat = 'jetstream'", firehose.at));
    let running = world.start(&config).await;
    firehose.connections(1).await;
    firehose.say(&json!({"rubbish": 1}));
    firehose.say(&commit(1, "create", "Still here"));
    world.wait_for_documents(1).await;
    running.stop().await;
    let bad: (String, String) =
        sqlx::query_as("SELECT reason, place FROM report.crawl_items WHERE fate = 'failed'")
            .fetch_one(&world.database.pool)
            .await
            .unwrap();
    assert_eq!(bad.0, "no event of Jetstream");
    assert!(bad.1.contains(&firehose.at.to_string()), "{bad:?}");
}

#[tokio::test]
async fn a_source_that_is_disabled_is_not_listened_to_any_more() {
    let (firehose, world) = (Firehose::start().await, World::new().await);
    let mut config = config(firehose.at, &format!("url = 'ws://{}/'\nformat = 'jetstream'", firehose.at));
    config.lease = std::time::Duration::from_secs(3);
    let running = world.start(&config).await;
    firehose.connections(1).await;
    tocsin_ingest::Register::new(world.database.pool.clone()).disable("live", "enough").await.unwrap();
    wait_until("the connection is closed", async || {
        drop(firehose.says.send(Some(commit(1, "create", "Unheard").to_string())));
        firehose.says.receiver_count() == 0
    })
    .await;
    running.stop().await;
}

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

fn events(text: &str, endless: bool) -> Reply {
    Reply { then_silent: endless, ..Reply::ok("text/event-stream", text) }
}

#[tokio::test]
async fn mastodon_tells_at_once_and_its_timeline_what_was_missed() {
    let (site, world) = (Site::start().await, World::new().await);
    site.set(TAG, Reply::ok("application/json", json!([toot(1, "Before")]).to_string()));
    let said = [
        event("update", &toot(2, "A bank run").to_string()),
        ":thump\n".to_owned(),
        event("delete", "1"),
        event("filters_changed", ""),
    ];
    site.set(STREAM, events(&said.concat(), false));
    let mut config = feed_of(&site);
    let source = format!(
        "id = 'live'\nurl = '{}'\nstream = '{}?tag=banks'\nformat = 'mastodon'\nkind = 'social'\nevery = '15m'\n\
         json.authorization = 'Bearer s3cret'",
        site.url(TAG),
        site.url(STREAM)
    );
    config.sources = vec![toml::from_str(&source).unwrap()];
    config.check().unwrap();
    let running = world.start(&config).await;
    let documents = world.wait_for_documents(2).await;
    assert_eq!(bodies(&documents), ["A bank run", "Before"]);
    let before = documents.iter().find(|document| document.body == "Before").unwrap();
    wait_until("the bus is told", async || world.tombstones().await.len() == 1).await;
    assert_eq!(world.tombstones().await[0].id, before.id);

    // The connection ended. The timeline has what was said meanwhile; the stream an edit.
    site.set(
        TAG,
        Reply::ok("application/json", json!([toot(3, "Missed"), toot(2, "A bank run")]).to_string()),
    );
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
    site.set(TAG, Reply::ok("application/json", json!([toot(1, "Before"), toot(2, "Stays")]).to_string()));
    let mut config = feed_of(&site);
    config.allow.push(at.to_string());
    let source = format!(
        "id = 'live'\nurl = '{}'\nstream = 'http://{at}{STREAM}'\nformat = 'mastodon'\nkind = 'social'\nevery = '1m'",
        site.url(TAG),
    );
    config.sources = vec![toml::from_str(&source).unwrap()];
    config.check().unwrap();
    let running = world.start(&config).await;
    let documents = world.wait_for_documents(2).await;
    wait_until("it is listened to", async || says.receiver_count() == 1).await;

    let rename = |from: &str, to: &str| format!("ALTER TABLE ingest.{from} RENAME TO {to}");
    sqlx::query(sqlx::AssertSqlSafe(rename("item", "away"))).execute(&world.database.pool).await.unwrap();
    let lists = site.asked(TAG).len();
    says.send(event("delete", "1") + &event("update", &toot(3, "Meanwhile").to_string())).unwrap();
    // Nothing can be written down, and the list is asked soon.
    wait_until("the list is asked again", async || {
        world.pass(6);
        site.asked(TAG).len() > lists
    })
    .await;
    assert_eq!((says.receiver_count(), world.tombstones().await.len()), (1, 0), "it is still listened to");
    site.set(TAG, Reply::ok("application/json", json!([toot(3, "Meanwhile"), toot(2, "Stays")]).to_string()));
    sqlx::query(sqlx::AssertSqlSafe(rename("away", "item"))).execute(&world.database.pool).await.unwrap();
    let all = world.wait_for_documents_as_time_passes(3, 61).await;
    assert_eq!(bodies(&all), ["Before", "Meanwhile", "Stays"]);
    wait_until("the bus is told", async || world.tombstones().await.len() == 1).await;
    running.stop().await;
    let before = documents.iter().find(|document| document.body == "Before").unwrap();
    assert_eq!(world.tombstones().await[0].id, before.id);
}

#[tokio::test]
async fn a_stream_that_is_not_there_does_not_keep_the_timeline_from_being_asked() {
    let (site, world) = (Site::start().await, World::new().await);
    site.set(TAG, Reply::ok("application/json", json!([toot(1, "Before")]).to_string()));
    let mut config = feed_of(&site);
    let source = format!(
        "id = 'live'\nurl = '{}'\nstream = '{}'\nformat = 'mastodon'\nkind = 'social'\nevery = '1m'",
        site.url(TAG),
        site.url(STREAM)
    );
    config.sources = vec![toml::from_str(&source).unwrap()];
    let running = world.start(&config).await;
    world.wait_for_documents(1).await;
    site.set(TAG, Reply::ok("application/json", json!([toot(2, "After"), toot(1, "Before")]).to_string()));
    world.wait_for_documents_as_time_passes(2, 61).await;
    running.stop().await;
    assert!(!site.asked(STREAM).is_empty());
}

#[tokio::test]
async fn a_server_that_is_not_public_is_not_connected_to() {
    let (firehose, world) = (Firehose::start().await, World::new().await);
    let mut config = config(firehose.at, &format!("url = 'ws://{}/'\nformat = 'jetstream'", firehose.at));
    config.allow.clear();
    let running = world.start(&config).await;
    wait_until("it is refused", async || {
        let error: Option<String> =
            sqlx::query_scalar("SELECT last_error FROM report.sources WHERE source_id = 'live'")
                .fetch_one(&world.database.pool)
                .await
                .unwrap_or_default();
        error.is_some_and(|error| error.contains("not fetched"))
    })
    .await;
    running.stop().await;
    assert!(firehose.asked().is_empty());
}
