//! Rachel Kroll's rules for feed readers, played by a server that remembers every
//! request and the instant it came: <https://rachelbythebay.com/fs/help.html>.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{World, rss};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use tocsin_ingest::IngestConfig;
use tocsin_runtime::{Clock, ManualClock};
use tokio::net::TcpListener;

/// One request as the server saw it.
#[derive(Debug, Clone)]
struct Seen {
    at: DateTime<Utc>,
    method: Method,
    uri: String,
    headers: HeaderMap,
    status: u16,
}

impl Seen {
    fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.get(name).map(axum::http::HeaderValue::as_bytes)
    }

    fn is_conditional(&self) -> bool {
        self.header("if-none-match").is_some() || self.header("if-modified-since").is_some()
    }
}

/// The validators of a feed: which ones it gives, as a function of the hours passed.
type Validators = fn(i64) -> (Option<&'static [u8]>, Option<&'static [u8]>);

const FEEDS: [(&str, Validators); 9] = [
    ("/both", |_| (Some(b"\"both-1\""), Some(b"Fri, 10 Mar 2023 15:00:00 GMT"))),
    ("/etag-only", |_| (Some(b"W/\"weak  and odd\""), None)),
    ("/date-only", |_| (None, Some(b"Thursday last, in the evening"))),
    ("/bare-etag", |_| (Some(b"no-quotes;at=all"), Some(b"0"))),
    ("/latin-etag", |_| (Some(b"\"caf\xe9\""), None)),
    ("/etag-changes", |hours| {
        (
            Some([&b"\"a\""[..], b"\"b\"", b"\"c\""][(hours / 5 % 3) as usize]),
            Some(b"Fri, 10 Mar 2023 15:00:00 GMT"),
        )
    }),
    ("/date-changes", |hours| {
        let date = [&b"Fri, 10 Mar 2023 15:00:00 GMT"[..], b"Fri, 10 Mar 2023 15:00:01 GMT"]
            [(hours / 5 % 2) as usize];
        (Some(b"\"same\""), Some(date))
    }),
    ("/validators-go", |hours| if hours < 5 { (Some(b"\"gone soon\""), None) } else { (None, None) }),
    ("/none", |_| (None, None)),
];

#[derive(Debug, Clone)]
struct Server {
    at: std::net::SocketAddr,
    clock: ManualClock,
    start: DateTime<Utc>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    #[expect(clippy::disallowed_methods, reason = "the server ends with the test's runtime")]
    async fn start(clock: ManualClock) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (at, start) = (listener.local_addr().unwrap(), clock.now());
        let server = Self { at, clock, start, seen: Arc::default() };
        let router = Router::new().fallback(serve).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        server
    }

    fn of(&self, path: &str) -> Vec<Seen> {
        self.seen.lock().unwrap().iter().filter(|seen| seen.uri == path).cloned().collect()
    }

    /// A feed answers 304 where either validator is the present one and none is another.
    fn answer(&self, path: &str, headers: &HeaderMap) -> Response {
        let hours = (self.clock.now() - self.start).num_hours();
        match path {
            "/robots.txt" => return StatusCode::NOT_FOUND.into_response(),
            "/busy" if hours < 30 => {
                return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "36000")]).into_response();
            }
            "/temporary" => return (StatusCode::FOUND, [("location", "/both")]).into_response(),
            "/permanent" => {
                return (StatusCode::MOVED_PERMANENTLY, [("location", "/date-only")]).into_response();
            }
            _ => {}
        }
        let (etag, date) =
            FEEDS.iter().find(|(name, _)| *name == path).map_or((None, None), |(_, v)| v(hours));
        let sent = |name: &str| headers.get(name).map(axum::http::HeaderValue::as_bytes);
        let (sent_etag, sent_date) = (sent("if-none-match"), sent("if-modified-since"));
        let is_known = (sent_etag, sent_date) == (etag, date) && (etag, date) != (None, None);
        let feed = rss(&[("Bank falls", "/1", "By a third."), ("Bank rises", "/2", "By a tenth.")]);
        let mut response = if is_known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            ([("content-type", "application/rss+xml")], feed.body).into_response()
        };
        let given = [("etag", etag), ("last-modified", date), ("set-cookie", Some(&b"reader=7; Path=/"[..]))];
        for (name, value) in given {
            if let Some(value) = value {
                response.headers_mut().insert(name, axum::http::HeaderValue::from_bytes(value).unwrap());
            }
        }
        response
    }
}

async fn serve(State(server): State<Server>, request: Request) -> Response {
    let response = server.answer(request.uri().path(), request.headers());
    server.seen.lock().unwrap().push(Seen {
        at: server.clock.now(),
        method: request.method().clone(),
        uri: request.uri().to_string(),
        headers: request.headers().clone(),
        status: response.status().as_u16(),
    });
    response
}

/// Every feed, by its own name for the server, so that hosts do not matter to each other.
fn config(servers: &[(&str, &Server)]) -> IngestConfig {
    let mut text = format!(
        "min_delay = \"0s\"\nallow = {:?}\n",
        servers.iter().map(|(_, server)| server.at.to_string()).collect::<Vec<_>>()
    );
    for (path, server) in servers {
        text += &format!(
            "[[sources]]\nid = \"{path}\"\nurl = \"http://{}{path}\"\nfetch_pages = false\n",
            server.at
        );
    }
    toml::from_str(&text).unwrap()
}

/// Name of a rule, and the first request that broke it.
type Score = BTreeMap<&'static str, Option<String>>;

/// Where a rule does not hold, the first thing that shows it stays.
fn rule(score: &mut Score, name: &'static str, holds: bool, shown: impl FnOnce() -> String) {
    let broken = score.entry(name).or_default();
    if !holds && broken.is_none() {
        *broken = Some(shown());
    }
}

fn least_gap(seen: &[Seen], is: fn(&Seen) -> bool) -> Option<TimeDelta> {
    let times: Vec<_> = seen.iter().filter(|seen| is(seen)).map(|seen| seen.at).collect();
    times.windows(2).map(|pair| pair[1] - pair[0]).min()
}

/// Judges all that one feed was asked.
fn judge(score: &mut Score, path: &str, seen: &[Seen], start: DateTime<Utc>) {
    judge_pace(score, path, seen);
    seen.iter().for_each(|request| judge_request(score, path, request));
    let Some((_, validators)) = FEEDS.iter().find(|(name, _)| *name == path) else { return };
    for pair in seen.windows(2) {
        // What the feed gave at the request before is what comes back, and nothing else.
        let (etag, date) = validators((pair[0].at - start).num_hours());
        let (sent_etag, sent_date) = (pair[1].header("if-none-match"), pair[1].header("if-modified-since"));
        rule(score, "the newest ETag comes back verbatim", sent_etag == etag, || {
            format!("{path}: {sent_etag:?} for {etag:?}")
        });
        rule(score, "the newest Last-Modified comes back verbatim", sent_date == date, || {
            format!("{path}: {sent_date:?} for {date:?}")
        });
    }
}

/// How often it was asked, and how.
fn judge_pace(score: &mut Score, path: &str, seen: &[Seen]) {
    rule(score, "it is asked at all, and again", seen.len() >= 3, || {
        format!("{path}: {} requests", seen.len())
    });
    let first = seen.first().map(Seen::is_conditional);
    rule(score, "the first request is unconditional", first == Some(false), || format!("{path}: {first:?}"));
    let gap = least_gap(seen, Seen::is_conditional);
    let is_hour = gap.is_none_or(|gap| gap >= TimeDelta::hours(1));
    rule(score, "one conditional request an hour", is_hour, || format!("{path}: {gap:?}"));
    let gap = least_gap(seen, |seen| !seen.is_conditional() && seen.status == 200);
    let is_day = gap.is_none_or(|gap| gap >= TimeDelta::hours(24));
    rule(score, "one unconditional request a day", is_day, || format!("{path}: {gap:?}"));
    let agents: std::collections::BTreeSet<_> = seen.iter().map(|seen| seen.header("user-agent")).collect();
    let is_one = agents.len() == 1 && !agents.contains(&None);
    rule(score, "one user agent", is_one, || format!("{path}: {agents:?}"));
}

fn judge_request(score: &mut Score, path: &str, request: &Seen) {
    let junk = ["cookie", "referer", "origin"].iter().find(|name| request.header(name).is_some());
    rule(score, "no cookies, no referer", junk.is_none(), || format!("{path}: {junk:?}"));
    let is_get = request.method == Method::GET;
    rule(score, "nothing but GET", is_get, || format!("{path}: {}", request.method));
    let accepted = request.header("accept-encoding");
    let is_zipped = accepted.is_some_and(|value| value.windows(4).any(|part| part == b"gzip"));
    rule(score, "compression is asked for", is_zipped, || format!("{path}: {:?}", request.headers));
}

/// What answers other than a feed lead to.
fn judge_answers(score: &mut Score, of: impl Fn(&str, &str) -> Vec<Seen>) {
    let busy = of("/busy", "/busy");
    let gap = least_gap(&busy, |seen| seen.status == 429);
    let is_kept = gap.is_none_or(|gap| gap >= TimeDelta::hours(10));
    rule(score, "Retry-After is kept, also across a restart", is_kept, || format!("{gap:?}"));
    let is_back = busy.last().is_some_and(|seen| seen.status == 200);
    rule(score, "after 429 it comes back", is_back, || format!("{busy:?}"));
    let (direct, led) = (of("/temporary", "/temporary").len(), of("/temporary", "/both").len());
    rule(score, "a temporary redirect is never remembered", direct == led, || "asked directly".to_owned());
    let (old, new) = (of("/permanent", "/permanent").len(), of("/permanent", "/date-only").len());
    let is_learned = old >= 3 && new >= old + 3;
    rule(score, "a permanent one is, once it proved stable", is_learned, || {
        format!("{old} and {new} requests")
    });
}

#[tokio::test]
async fn every_rule_for_feed_readers_is_kept_for_days_and_across_restarts() {
    let world = World::new().await;
    let paths = FEEDS.iter().map(|(path, _)| *path).chain(["/busy", "/temporary", "/permanent"]);
    let mut servers = Vec::new();
    for path in paths {
        servers.push((path, Server::start(world.clock.clone()).await));
    }
    let named: Vec<(&str, &Server)> = servers.iter().map(|(path, server)| (*path, server)).collect();
    let config = config(&named);
    let start = world.clock.now();
    // Four days in steps of twenty minutes, with a restart every nine hours.
    for _ in 0..11 {
        let running = world.start(&config).await;
        for _ in 0..27 {
            tokio::time::sleep(Duration::from_millis(60)).await;
            world.pass(1200);
        }
        running.stop().await;
    }
    let mut score = Score::new();
    for (path, server) in &named {
        judge(&mut score, path, &server.of(path), start);
        let asked: Vec<String> = server.seen.lock().unwrap().iter().map(|seen| seen.uri.clone()).collect();
        let known = ["/robots.txt", path, "/both", "/date-only"];
        let other = asked.iter().find(|uri| !known.contains(&uri.as_str()));
        rule(&mut score, "nothing else is asked, and no query added", other.is_none(), || {
            format!("{path}: {other:?}")
        });
        // Four days and a few hours, across eleven starts.
        let robots = asked.iter().filter(|uri| *uri == "/robots.txt").count();
        rule(&mut score, "robots.txt once a day", robots <= 5, || format!("{path}: {robots}"));
    }
    judge_answers(&mut score, |server, path| {
        let server = named.iter().find(|(name, _)| *name == server).map(|(_, server)| *server);
        server.unwrap().of(path)
    });

    let kept = score.values().filter(|broken| broken.is_none()).count();
    let broken: Vec<_> = score.iter().filter_map(|(name, broken)| Some((name, broken.as_ref()?))).collect();
    assert!(broken.is_empty(), "{kept} of {} rules kept; broken: {broken:#?}", score.len());
    assert_eq!(world.documents().await.len(), 24, "two items of each of twelve feeds, once");
}
