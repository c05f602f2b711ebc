//! WebSub against a hub on loopback that does what real ones do: confirms by a call of its
//! own, signs what it delivers, and, where a test wants it, does neither.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::routing::post;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use support::{Reply, Running, Site, World, feed_of, wait_until};
use tocsin_ingest::{IngestConfig, Register};
use tocsin_runtime::Shutdown;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

type Pairs = HashMap<String, String>;

#[derive(Debug, Clone, Default)]
struct Hub {
    /// Every request made of it, with its answer to `confirms` at that time.
    asked: Arc<Mutex<Vec<Pairs>>>,
    confirms: Arc<Mutex<bool>>,
    /// Secrets by callback, as confirmed.
    members: Arc<Mutex<HashMap<String, String>>>,
}

fn client() -> reqwest::Client {
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
async fn serve(listener: TcpListener, router: Router) -> JoinHandle<()> {
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() })
}

#[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
async fn take(State(hub): State<Hub>, Form(pairs): Form<Pairs>) -> StatusCode {
    hub.asked.lock().unwrap().push(pairs.clone());
    if *hub.confirms.lock().unwrap() {
        tokio::spawn(async move { hub.confirm(&pairs).await });
    }
    StatusCode::ACCEPTED
}

const LEASE: u64 = 6 * 24 * 3600;

async fn call(callback: &str, pairs: &[(&str, &str)]) -> (u16, String) {
    let mut url = url::Url::parse(callback).unwrap();
    url.query_pairs_mut().extend_pairs(pairs);
    let answer = client().get(url).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

impl Hub {
    async fn start() -> (Self, SocketAddr) {
        let hub = Self::default();
        *hub.confirms.lock().unwrap() = true;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        serve(listener, Router::new().route("/hub", post(take)).with_state(hub.clone())).await;
        (hub, at)
    }

    async fn confirm(&self, pairs: &Pairs) {
        let (mode, callback) = (&pairs["hub.mode"], &pairs["hub.callback"]);
        let lease = LEASE.to_string();
        let mut question =
            vec![("hub.mode", mode.as_str()), ("hub.topic", &pairs["hub.topic"]), ("hub.challenge", "c-1")];
        if mode == "subscribe" {
            question.push(("hub.lease_seconds", &lease));
        }
        if call(callback, &question).await != (200, "c-1".to_owned()) {
            return;
        }
        let mut members = self.members.lock().unwrap();
        if mode == "subscribe" {
            members.insert(callback.clone(), pairs["hub.secret"].clone());
        } else {
            members.remove(callback);
        }
    }

    fn asked(&self, mode: &str) -> Vec<Pairs> {
        self.asked.lock().unwrap().iter().filter(|pairs| pairs["hub.mode"] == mode).cloned().collect()
    }

    fn members(&self) -> Vec<(String, String)> {
        self.members.lock().unwrap().clone().into_iter().collect()
    }

    /// Delivers to its only member; the status it answers.
    async fn deliver(&self, body: &str, secret: Option<&str>) -> u16 {
        let (callback, own) = self.members().pop().unwrap();
        deliver(&callback, body, Some(secret.unwrap_or(&own))).await
    }
}

async fn deliver(callback: &str, body: &str, secret: Option<&str>) -> u16 {
    let mut request = client().post(callback).header("content-type", "application/rss+xml");
    if let Some(secret) = secret {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(body.as_bytes());
        request =
            request.header("x-hub-signature", format!("sha256={}", hex::encode(mac.finalize().into_bytes())));
    }
    request.body(body.to_owned()).send().await.unwrap().status().as_u16()
}

/// Site, hub and an address that hubs can call.
struct Stage {
    world: World,
    site: Site,
    hub: Hub,
    hub_at: SocketAddr,
    callback: SocketAddr,
    config: IngestConfig,
}

struct Playing {
    running: Running,
    server: JoinHandle<()>,
}

impl Stage {
    async fn new() -> Self {
        let (site, world) = (Site::start().await, World::new().await);
        let (hub, hub_at) = Hub::start().await;
        let callback = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let mut config = feed_of(&site);
        config.allow.push(hub_at.to_string());
        config.websub.callback = Some(format!("http://{callback}/"));
        config.sources[0].fetch_pages = false;
        let stage = Self { world, site, hub, hub_at, callback, config };
        stage.show(1, true);
        stage
    }

    /// Lets the feed show the first `count` items, with its hub or without.
    fn show(&self, count: usize, with_hub: bool) {
        self.site.set("/feed", Reply::ok("application/rss+xml", self.feed(0..count, with_hub)));
    }

    fn feed(&self, items: std::ops::Range<usize>, with_hub: bool) -> String {
        let link = format!("<atom:link rel=\"hub\" href=\"http://{}/hub\"/>", self.hub_at);
        let item = |n| {
            format!(
                "<item><title>Story {n}</title><link>/{n}</link><guid>{n}</guid><description>Text {n}.</description></item>"
            )
        };
        let items: String = items.map(item).collect();
        format!("<rss version=\"2.0\"><channel>{}{items}</channel></rss>", if with_hub { &link } else { "" })
    }

    async fn start(&self) -> Playing {
        let ingest = self.world.ingest(&self.config).await;
        let listener = TcpListener::bind(self.callback).await.unwrap();
        let server = serve(listener, ingest.router()).await;
        let shutdown = Shutdown::new();
        let watch = shutdown.clone();
        shutdown.spawn("ingest", async move { ingest.run(watch).await });
        Playing { running: Running::of(shutdown), server }
    }

    async fn subscribe(&self) -> Playing {
        let playing = self.start().await;
        wait_until("the hub has a member", async || self.hub.members().len() == 1).await;
        playing
    }

    async fn subscription(&self) -> (String, i32) {
        sqlx::query_as("SELECT state, attempts FROM report.crawl_subscriptions")
            .fetch_optional(&self.world.database.pool)
            .await
            .unwrap()
            .unwrap_or_default()
    }

    /// How often the feed is asked while `hours` pass in steps of ten minutes.
    async fn asked_within(&self, hours: usize) -> usize {
        let before = self.site.asked("/feed").len();
        for _ in 0..hours * 6 {
            self.world.pass(600);
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
        self.site.asked("/feed").len() - before
    }

    /// Whether the feed is asked seven times in half a day, however slow this machine is; a hub leaves it at
    /// once a day.
    async fn is_asked_as_before(&self) -> bool {
        let before = self.site.asked("/feed").len();
        for _ in 0..12 * 6 {
            if self.site.asked("/feed").len() > before + 6 {
                return true;
            }
            self.world.pass(600);
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
        false
    }
}

impl Playing {
    async fn stop(self) {
        self.running.stop().await;
        self.server.abort();
        assert!(self.server.await.unwrap_err().is_cancelled());
    }
}

#[tokio::test]
async fn what_a_hub_delivers_is_taken_in_once_also_after_a_restart_and_the_feed_rests() {
    let stage = Stage::new().await;
    let playing = stage.subscribe().await;
    let request = stage.hub.asked("subscribe").remove(0);
    assert_eq!(request["hub.topic"], stage.site.url("/feed"));
    assert!(request["hub.callback"].len() > format!("http://{}/v1/websub/", stage.callback).len() + 60);
    assert_eq!((request["hub.lease_seconds"].as_str(), request["hub.secret"].len()), ("864000", 64));
    stage.world.wait_for_documents(1).await;

    assert_eq!(stage.hub.deliver(&stage.feed(1..2, true), None).await, 202);
    stage.world.wait_for_documents(2).await;
    playing.stop().await;

    let playing = stage.start().await;
    assert_eq!(stage.hub.deliver(&stage.feed(1..3, true), None).await, 202);
    stage.world.wait_for_documents(3).await;
    // The poll of its old plan, and then the one of the backup.
    stage.show(3, true);
    stage.world.pass(61);
    wait_until("the feed is asked once more", async || stage.site.asked("/feed").len() == 2).await;
    assert_eq!(stage.asked_within(20).await, 0, "the hub tells what is new");
    assert!(stage.asked_within(6).await == 1, "once a day it is asked all the same");
    playing.stop().await;
    stage.world.wait_for_documents(3).await;
    let repeats: i64 = sqlx::query_scalar("SELECT sum(repeats)::bigint FROM report.crawl_hours")
        .fetch_one(&stage.world.database.pool)
        .await
        .unwrap();
    assert!(repeats >= 4, "what was delivered and is shown again is known: {repeats}");
}

#[tokio::test]
async fn what_is_not_signed_by_the_hub_is_answered_and_ignored() {
    let stage = Stage::new().await;
    let playing = stage.subscribe().await;
    stage.world.wait_for_documents(1).await;
    let (callback, _) = stage.hub.members().pop().unwrap();
    let forged = stage.feed(5..7, true);
    assert_eq!(stage.hub.deliver(&forged, Some("guessed")).await, 202);
    assert_eq!(deliver(&callback, &forged, None).await, 202);
    assert_eq!(deliver(&format!("http://{}/v1/websub/guessed", stage.callback), &forged, None).await, 410);
    assert_eq!(stage.hub.deliver("no feed at all", None).await, 202, "the hub need not try again");
    let topic = stage.site.url("/feed");
    for (mode, topic) in
        [("subscribe", "http://other/"), ("unsubscribe", topic.as_str()), ("", topic.as_str())]
    {
        let pairs = [("hub.mode", mode), ("hub.topic", topic), ("hub.challenge", "x")];
        assert_eq!(call(&callback, &pairs).await.0, 404, "{mode} {topic} was not asked for");
    }
    assert_eq!(stage.hub.deliver(&stage.feed(1..2, true), None).await, 202);
    stage.world.wait_for_documents(2).await;
    playing.stop().await;
}

#[tokio::test]
async fn a_hub_that_never_confirms_changes_nothing_and_is_asked_again() {
    let stage = Stage::new().await;
    *stage.hub.confirms.lock().unwrap() = false;
    let playing = stage.start().await;
    wait_until("it is asked", async || stage.hub.asked("subscribe").len() == 1).await;
    assert!(stage.is_asked_as_before().await, "a hub that says nothing changes nothing");
    wait_until("it is asked again", async || {
        stage.world.pass(600);
        stage.hub.asked("subscribe").len() >= 3
    })
    .await;
    assert_eq!(stage.subscription().await.0, "wanted");
    *stage.hub.confirms.lock().unwrap() = true;
    wait_until("at last it confirms", async || {
        stage.world.pass(3600);
        stage.subscription().await == ("active".to_owned(), 0)
    })
    .await;
    playing.stop().await;
}

#[tokio::test]
async fn a_lease_is_renewed_in_time_and_when_it_runs_out_the_feed_is_asked_as_before() {
    let stage = Stage::new().await;
    let playing = stage.subscribe().await;
    let (callback, _) = stage.hub.members().pop().unwrap();
    stage.world.pass(LEASE as i64 * 2 / 3 - 3600);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(stage.hub.asked("subscribe").len(), 1);
    stage.world.pass(7200);
    wait_until("it is renewed", async || stage.hub.asked("subscribe").len() == 2).await;
    assert_eq!(stage.hub.asked("subscribe")[1]["hub.callback"], callback);
    wait_until("and confirmed", async || stage.subscription().await.1 == 0).await;

    *stage.hub.confirms.lock().unwrap() = false;
    stage.world.pass(LEASE as i64);
    assert!(stage.is_asked_as_before().await, "without a lease no hub tells what is new");
    playing.stop().await;
}

#[tokio::test]
async fn a_feed_that_is_disabled_or_names_no_hub_any_more_is_unsubscribed() {
    let stage = Stage::new().await;
    let playing = stage.subscribe().await;
    stage.show(1, false);
    wait_until("the hub has no member", async || {
        stage.world.pass(24 * 3600);
        stage.hub.members().is_empty()
    })
    .await;
    assert_eq!(stage.subscription().await.0, "");
    stage.show(1, true);
    wait_until("it is a member again", async || {
        stage.world.pass(61);
        stage.hub.members().len() == 1
    })
    .await;
    let register = Register::new(stage.world.database.pool.clone());
    assert!(register.disable("paper", "too loud").await.unwrap());
    wait_until("the hub has no member", async || stage.hub.members().is_empty()).await;
    playing.stop().await;
}

#[tokio::test]
async fn a_hub_may_deny_and_is_left_alone_for_a_day() {
    let stage = Stage::new().await;
    *stage.hub.confirms.lock().unwrap() = false;
    let playing = stage.start().await;
    wait_until("it is asked", async || stage.hub.asked("subscribe").len() == 1).await;
    let callback = stage.hub.asked("subscribe")[0]["hub.callback"].clone();
    let denial = [("hub.mode", "denied"), ("hub.topic", &stage.site.url("/feed")), ("hub.reason", "full")];
    assert_eq!(call(&callback, &denial).await.0, 200);
    assert_eq!(stage.subscription().await.0, "denied");
    stage.asked_within(12).await;
    assert_eq!(stage.hub.asked("subscribe").len(), 1);
    wait_until("a day later it is asked again", async || {
        stage.world.pass(3600);
        stage.hub.asked("subscribe").len() == 2
    })
    .await;
    playing.stop().await;
}

#[tokio::test]
async fn what_a_hub_says_was_taken_back_is_told_without_a_poll() {
    let stage = Stage::new().await;
    let playing = stage.subscribe().await;
    stage.world.wait_for_documents(1).await;
    // The turn that published it may still look for what is to be told.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let deleted = "<feed xmlns=\"http://www.w3.org/2005/Atom\" xmlns:at=\"http://purl.org/atompub/tombstones/1.0\">\
        <title>P</title><id>p</id><updated>2023-03-10T16:00:00Z</updated>\
        <at:deleted-entry ref=\"0\" when=\"2023-03-10T16:00:00Z\"/></feed>";
    assert_eq!(stage.hub.deliver(deleted, None).await, 202);
    wait_until("the bus is told", async || stage.world.tombstones().await.len() == 1).await;
    assert_eq!(stage.site.asked("/feed").len(), 1, "the feed was not asked");
    playing.stop().await;
}

#[tokio::test]
async fn nobody_waits_for_the_body_of_a_stranger() {
    let stage = Stage::new().await;
    let playing = stage.start().await;
    let mut stream = BufReader::new(TcpStream::connect(stage.callback).await.unwrap());
    let head = "POST /v1/websub/guessed HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n";
    stream.get_mut().write_all(head.as_bytes()).await.unwrap();
    let mut line = String::new();
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read_line(&mut line)).await;
    read.expect("an answer before the body is there").unwrap();
    assert!(line.starts_with("HTTP/1.1 410"), "{line}");
    playing.stop().await;
}
