//! Sources that are listened to: a server on loopback speaks Jetstream (invented posts in its form), breaks off,
//! and repeats itself.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{World, bodies, time, wait_until};
use futures::SinkExt;
use serde_json::{Value, json};
use tocsin_contract::SourceKind;
use tocsin_ingest::{IngestConfig, Register};
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

fn every_post(firehose: &Firehose) -> IngestConfig {
    config(firehose.at, &format!("url = 'ws://{}/'\nformat = 'jetstream'", firehose.at))
}

fn commit(number: i64, operation: &str, text: &str) -> Value {
    let second = time("2023-03-10T15:30:00Z").timestamp() + number;
    json!({"did": "did:plc:ada", "time_us": second * 1_000_000, "kind": "commit",
           "commit": {"rev": "3k", "operation": operation, "collection": "app.bsky.feed.post", "rkey": number.to_string(),
                      "record": {"text": text, "createdAt": "2023-03-10T15:29:00Z", "langs": ["en"]}}})
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
    assert_eq!(documents[0].url.as_deref(), Some("https://bsky.app/profile/-/post/1"));
    assert!(!serde_json::to_string(&documents).unwrap().contains("plc:ada"), "no address names the author");
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
    let config = every_post(&firehose);
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
    let config = every_post(&firehose);
    let running = world.start(&config).await;
    firehose.connections(1).await;
    firehose.say(&commit(1, "create", "Kept"));
    world.wait_for_documents(1).await;
    world.take_items_away().await;
    firehose.say(&commit(40, "create", "Lost for now"));
    wait_until("it is asked again", async || {
        world.pass(6);
        firehose.asked().len() >= 2
    })
    .await;
    world.bring_items_back().await;
    running.stop().await;
    let asked = firehose.asked();
    assert!(asked[1].ends_with("&cursor=1678462196000000"), "five seconds before what was kept: {asked:?}");
}

#[tokio::test]
async fn what_is_no_event_is_parked_and_the_stream_goes_on() {
    let (firehose, world) = (Firehose::start().await, World::new().await);
    let config = every_post(&firehose);
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
    let mut config = every_post(&firehose);
    config.lease = Duration::from_secs(3);
    let running = world.start(&config).await;
    firehose.connections(1).await;
    Register::new(world.database.pool.clone()).disable("live", "enough").await.unwrap();
    wait_until("the connection is closed", async || {
        drop(firehose.says.send(Some(commit(1, "create", "Unheard").to_string())));
        firehose.says.receiver_count() == 0
    })
    .await;
    running.stop().await;
}

#[tokio::test]
async fn a_source_that_was_changed_is_listened_to_once_until_it_is_disabled() {
    let (firehose, world) = (Firehose::start().await, World::new().await);
    let mut config = every_post(&firehose);
    config.lease = Duration::from_secs(6);
    let running = world.start(&config).await;
    firehose.connections(1).await;
    let register = Register::new(world.database.pool.clone());
    let mut changed = config.sources[0].clone();
    changed.tags = vec!["changed".to_owned()];
    register.add(&[changed], &config).await.unwrap();
    firehose.connections(2).await;
    let connections = async || {
        drop(firehose.says.send(Some(commit(1, "create", "Heard or not").to_string())));
        firehose.says.receiver_count()
    };
    wait_until("the connection of before is closed", async || connections().await == 1).await;
    register.disable("live", "enough").await.unwrap();
    wait_until("no connection is left", async || connections().await == 0).await;
    running.stop().await;
    assert_eq!(firehose.asked().len(), 2);
}

#[tokio::test]
async fn connections_are_shared_with_an_instance_that_joins() {
    let (one, two, world) = (Firehose::start().await, Firehose::start().await, World::new().await);
    let other =
        format!("[[sources]]\nid = 'other'\nkind = 'social'\nurl = 'ws://{}/'\nformat = 'jetstream'", two.at);
    let mut config = config(one.at, &format!("url = 'ws://{}/'\nformat = 'jetstream'\n{other}", one.at));
    config.allow.push(two.at.to_string());
    config.lease = Duration::from_secs(6);
    let first = world.start(&config).await;
    one.connections(1).await;
    two.connections(1).await;
    let joining = IngestConfig { instance: "joining".to_owned(), sources: Vec::new(), ..config };
    let second = world.start(&joining).await;
    let holders = "SELECT count(DISTINCT holder) FROM ingest.lease WHERE until > now()";
    wait_until("each holds one domain", async || {
        sqlx::query_scalar::<_, i64>(holders).fetch_one(&world.database.pool).await.unwrap() == 2
    })
    .await;
    wait_until("who joined listens", async || one.asked().len() + two.asked().len() == 3).await;
    second.stop().await;
    first.stop().await;
}

#[tokio::test]
async fn a_post_that_says_it_is_of_long_ago_tells_nothing_of_the_habit_of_its_stream() {
    let (firehose, world) = (Firehose::start().await, World::new().await);
    let config = every_post(&firehose);
    let running = world.start(&config).await;
    firehose.connections(1).await;
    let said = AtomicI64::new(0);
    let longest_gap = async || {
        let query = "SELECT longest_gap_s FROM ingest.source WHERE source_id = 'live'";
        sqlx::query_scalar::<_, Option<f64>>(query).fetch_one(&world.database.pool).await.unwrap()
    };
    wait_until("its habit is known", async || {
        let number = said.fetch_add(2, Ordering::Relaxed);
        let mut old = commit(number, "create", "Long ago");
        old["commit"]["record"]["createdAt"] = "2009-01-01T00:00:00Z".into();
        firehose.say(&old);
        firehose.say(&commit(number + 1, "create", "Just now"));
        longest_gap().await.is_some()
    })
    .await;
    running.stop().await;
    assert_eq!(longest_gap().await, Some(1.0), "one a second came");
}

#[tokio::test]
async fn a_server_that_is_not_public_is_not_connected_to() {
    let (firehose, world) = (Firehose::start().await, World::new().await);
    let mut config = every_post(&firehose);
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
