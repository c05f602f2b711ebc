//! A real site on loopback, a real database, the embedded bus, and ingest on them.

#![allow(dead_code, reason = "each test file uses a part")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use tocsin_contract::{Document, DocumentsRaw, Raw, RawProgress, Tombstone, topics};
use tocsin_ingest::{Ingest, IngestConfig};
use tocsin_runtime::database::testing::{TestDatabase, database};
use tocsin_runtime::database::{DatabaseConfig, connect};
use tocsin_runtime::shutdown::Drained;
use tocsin_runtime::{Clock, ManualClock, Shutdown, SystemClock};
use tocsin_stream::{Bus, ConsumerOptions, Delivery, StreamConfig, TopicSpec};
use tokio::net::TcpListener;

/// Longest that a test waits for something that must come.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) endless: bool,
    /// A byte each fifth of a second, without end.
    pub(crate) drips: bool,
    /// After the body nothing comes, and the connection stays open.
    pub(crate) then_silent: bool,
}

impl Reply {
    pub(crate) fn ok(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, body: body.into(), ..Self::default() }.with("content-type", content_type)
    }

    pub(crate) fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A site whose pages the test sets, and which remembers who asked for what.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) at: SocketAddr,
    replies: Arc<Mutex<HashMap<String, Reply>>>,
    asked: Arc<Mutex<Vec<(String, HeaderMap)>>>,
}

impl Site {
    #[expect(clippy::disallowed_methods, reason = "the server ends with the test's runtime")]
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let site = Self { at, replies: Arc::default(), asked: Arc::default() };
        let router = Router::new().fallback(serve).with_state(site.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        site
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.at)
    }

    pub(crate) fn set(&self, path: &str, reply: Reply) {
        self.replies.lock().unwrap().insert(path.to_owned(), reply);
    }

    /// What was set for path and query together, or else for the path.
    fn reply(&self, request: &Request) -> Option<Reply> {
        let replies = self.replies.lock().unwrap();
        let whole = request.uri().path_and_query().and_then(|whole| replies.get(whole.as_str()));
        whole.or_else(|| replies.get(request.uri().path())).cloned()
    }

    /// The requests for `path` (its query aside), with their headers.
    pub(crate) fn asked(&self, path: &str) -> Vec<HeaderMap> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|(p, _)| p.split('?').next() == Some(path)).map(|(_, h)| h.clone()).collect()
    }

    pub(crate) fn queries(&self, path: &str) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        let of_path = asked.iter().filter_map(|(p, _)| p.strip_prefix(path));
        of_path.filter(|rest| rest.is_empty() || rest.starts_with('?')).map(str::to_owned).collect()
    }
}

async fn serve(State(site): State<Site>, request: Request) -> Response {
    let uri = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    site.asked.lock().unwrap().push((uri, request.headers().clone()));
    let reply = site.reply(&request);
    let Some(reply) = reply else { return StatusCode::NOT_FOUND.into_response() };
    let header = |name: &str| reply.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone());
    let known = request.headers().get("if-none-match").and_then(|value| value.to_str().ok());
    let mut response = Response::builder().status(reply.status);
    if known.is_some() && known == header("etag").as_deref() {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    let body = if reply.drips {
        let drop = async |()| {
            tokio::time::sleep(Duration::from_millis(200)).await;
            Some((Ok::<_, std::io::Error>(bytes::Bytes::from_static(b" ")), ()))
        };
        Body::from_stream(futures::stream::unfold((), drop))
    } else if reply.then_silent {
        let said = futures::stream::once(async { Ok::<_, std::io::Error>(bytes::Bytes::from(reply.body)) });
        Body::from_stream(futures::StreamExt::chain(said, futures::stream::pending()))
    } else if reply.endless {
        let chunk = || Ok::<_, std::io::Error>(bytes::Bytes::from(vec![b'x'; 64 << 10]));
        Body::from_stream(futures::stream::repeat_with(chunk))
    } else {
        Body::from(reply.body)
    };
    response.body(body).unwrap()
}

/// What outlives a restart of ingest.
pub(crate) struct World {
    pub(crate) database: TestDatabase,
    pub(crate) bus: Bus,
    pub(crate) clock: ManualClock,
    reads: Mutex<u32>,
}

pub(crate) fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

impl World {
    pub(crate) async fn new() -> Self {
        let database = database().await;
        let bus = Bus::connect(&StreamConfig::default(), Some(database.pool.clone())).await.unwrap();
        let topic = TopicSpec { name: topics::DOCUMENTS_RAW.to_owned(), partitions: 3 };
        bus.ensure_topics(&[topic]).await.unwrap();
        Self { database, bus, clock: ManualClock::at(time("2023-03-10T16:00:00Z")), reads: Mutex::new(0) }
    }

    pub(crate) async fn ingest(&self, config: &IngestConfig) -> Ingest {
        let clock = Arc::new(self.clock.clone());
        Ingest::new(config.clone(), self.bus.clone(), self.database.pool.clone(), clock).await.unwrap()
    }

    pub(crate) async fn start(&self, config: &IngestConfig) -> Running {
        let ingest = self.ingest(config).await;
        let shutdown = Shutdown::new();
        let watch = shutdown.clone();
        shutdown.spawn("ingest", async move { ingest.run(watch).await });
        Running(shutdown)
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.set(self.clock.now() + chrono::TimeDelta::seconds(seconds));
    }

    /// Everything on `documents.raw` so far, with its partition, in order per partition.
    pub(crate) async fn log(&self) -> Vec<(u32, Raw)> {
        let group = {
            let mut reads = self.reads.lock().unwrap();
            *reads += 1;
            format!("test-{reads}")
        };
        let raw = &[topics::DOCUMENTS_RAW];
        let mut consumer = self.bus.consumer(&group, raw, ConsumerOptions::default()).await.unwrap();
        let (mut log, mut assigned) = (Vec::new(), 0);
        loop {
            match consumer.poll(Duration::from_millis(300)).await.unwrap() {
                Delivery::Assigned(partitions) => assigned += partitions.len(),
                Delivery::Revoked(_) => panic!("nobody else is in the group"),
                Delivery::Quiet if assigned == 3 => break,
                Delivery::Quiet => {}
                Delivery::Records(records) => log.extend(records.into_iter().map(|record| {
                    let DocumentsRaw::V1(raw) = DocumentsRaw::decode(&record.value).unwrap();
                    (record.at.partition, raw)
                })),
            }
        }
        consumer.close().await.unwrap();
        log
    }

    pub(crate) async fn documents(&self) -> Vec<Document> {
        let log = self.log().await.into_iter();
        log.filter_map(|(_, raw)| if let Raw::Document(document) = raw { Some(document) } else { None })
            .collect()
    }

    pub(crate) async fn tombstones(&self) -> Vec<Tombstone> {
        let log = self.log().await.into_iter();
        log.filter_map(|(_, raw)| if let Raw::Tombstone(tombstone) = raw { Some(tombstone) } else { None })
            .collect()
    }

    pub(crate) async fn progress(&self) -> Vec<(u32, RawProgress)> {
        let log = self.log().await.into_iter();
        let only = |(partition, raw)| if let Raw::Progress(p) = raw { Some((partition, p)) } else { None };
        log.filter_map(only).collect()
    }

    /// As [`World::wait_for_documents`], with the clock going on meanwhile, in steps of `seconds`.
    pub(crate) async fn wait_for_documents_as_time_passes(
        &self,
        count: usize,
        seconds: i64,
    ) -> Vec<Document> {
        wait_until("so many documents come", async || {
            self.pass(seconds);
            self.documents().await.len() >= count
        })
        .await;
        self.wait_for_documents(count).await
    }

    /// Waits until `count` documents are there; then looks that no more come with them.
    pub(crate) async fn wait_for_documents(&self, count: usize) -> Vec<Document> {
        let started = tokio::time::Instant::now();
        loop {
            let documents = self.documents().await;
            if documents.len() >= count {
                assert_eq!(documents.len(), count, "{documents:#?}");
                return documents;
            }
            assert!(started.elapsed() < PATIENCE, "only {} of {count} documents came", documents.len());
        }
    }
}

/// Starts `ingest_in_a_process_of_its_own` of this test file in a process that can be killed.
pub(crate) fn process(world: &World, config: &str) -> Child {
    command(world, config).spawn().unwrap()
}

/// The same, by a quick clock.
pub(crate) fn quick_process(world: &World, config: &str, clock: QuickClock) -> Child {
    let began = clock.began.timestamp_millis();
    command(world, config).env("CRAWL_CLOCK", format!("{began} {}", clock.speed)).spawn().unwrap()
}

fn command(world: &World, config: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "ingest_in_a_process_of_its_own"])
        .env("CRAWL_DATABASE", world.database.url.expose_secret())
        .env("CRAWL_CONFIG", config)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Event time that runs so many times as fast as the real one, alike in every process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QuickClock {
    began: DateTime<Utc>,
    speed: i32,
}

impl QuickClock {
    pub(crate) fn started(speed: i32) -> Self {
        Self { began: SystemClock.now(), speed }
    }

    pub(crate) fn start(&self) -> DateTime<Utc> {
        time("2023-03-10T16:20:00Z")
    }

    /// How long so many seconds of event time take.
    pub(crate) fn real(&self, seconds: u32) -> Duration {
        Duration::from_secs(seconds.into()) / self.speed.unsigned_abs()
    }

    /// That of the process that started this one.
    fn of_parent() -> Option<Self> {
        let text = std::env::var("CRAWL_CLOCK").ok()?;
        let (began, speed) = text.split_once(' ')?;
        Some(Self {
            began: DateTime::from_timestamp_millis(began.parse().ok()?)?,
            speed: speed.parse().ok()?,
        })
    }
}

impl Clock for QuickClock {
    fn now(&self) -> DateTime<Utc> {
        self.start() + (SystemClock.now() - self.began) * self.speed
    }
}

/// In such a process, runs ingest until it is killed; elsewhere nothing.
pub(crate) async fn run_where_asked() {
    let (Ok(url), Ok(config)) = (std::env::var("CRAWL_DATABASE"), std::env::var("CRAWL_CONFIG")) else {
        return;
    };
    let database = DatabaseConfig { url: Some(url.into()), ..DatabaseConfig::default() };
    let pool = connect(&database).await.unwrap();
    let bus = Bus::connect(&StreamConfig::default(), Some(pool.clone())).await.unwrap();
    let config: IngestConfig = toml::from_str(&config).unwrap();
    let clock: Arc<dyn Clock> = match QuickClock::of_parent() {
        Some(quick) => Arc::new(quick),
        None => Arc::new(SystemClock),
    };
    let ingest = Ingest::new(config, bus, pool, clock).await.unwrap();
    ingest.run(Shutdown::new()).await.unwrap();
}

/// Waits until `holds`, or fails with `what`.
pub(crate) async fn wait_until(what: &str, holds: impl AsyncFn() -> bool) {
    let started = tokio::time::Instant::now();
    while !holds().await {
        assert!(started.elapsed() < PATIENCE, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) struct Running(Shutdown);

impl Running {
    pub(crate) const fn of(shutdown: Shutdown) -> Self {
        Self(shutdown)
    }

    pub(crate) async fn stop(self) {
        self.0.request();
        assert_eq!(self.0.drained(Duration::from_secs(30)).await, Drained::Clean);
    }
}

/// One feed source of `site`, polled every minute, with its place allowed.
pub(crate) fn feed_of(site: &Site) -> IngestConfig {
    let text = format!(
        "allow = [\"{}\"]\nmin_delay = \"0s\"\n[[sources]]\nid = \"paper\"\nurl = \"{}\"\nevery = \"1m\"\n",
        site.at,
        site.url("/feed")
    );
    toml::from_str(&text).unwrap()
}

pub(crate) fn rss(items: &[(&str, &str, &str)]) -> Reply {
    let item = |(title, link, text): &(&str, &str, &str)| {
        format!(
            "<item><title>{title}</title><link>{link}</link><guid>{link}</guid><description>{text}</description>\
             <pubDate>Fri, 10 Mar 2023 15:30:00 GMT</pubDate></item>"
        )
    };
    let items: String = items.iter().map(item).collect();
    let feed = format!("<rss version=\"2.0\"><channel><title>Paper</title>{items}</channel></rss>");
    Reply::ok("application/rss+xml", feed)
}

/// An article page whose text holds `words`.
pub(crate) fn article(words: &str) -> String {
    format!(
        "<html><head><title>Bank falls</title></head><body><nav><a href=\"/\">Home</a></nav><article><h1>Bank falls</h1>\
         <p>{words} The lender said on Friday that deposits had fallen by a tenth in a week, after it sold bonds at a loss.</p>\
         <p>Shares fell by a third before trading was halted, and the regulator said it was watching the bank closely.</p>\
         </article></body></html>"
    )
}
