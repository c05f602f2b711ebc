//! The server that plays every host, and its own account of what it served.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tocsin_runtime::Clock;
use tokio::net::TcpListener;

use crate::host::{Host, Role, bomb};
use crate::support::QuickClock;

#[derive(Debug)]
pub(crate) struct Farm {
    pub(crate) hosts: Vec<Host>,
    pub(crate) port: u16,
    clock: QuickClock,
    bomb: Bytes,
    /// The hour is over: what is to be corrected and taken back is.
    pub(crate) is_over: AtomicBool,
    /// The items of each source that stood in an answer.
    pub(crate) served: Mutex<BTreeMap<String, BTreeSet<usize>>>,
    pub(crate) pages: AtomicUsize,
    pub(crate) feeds: AtomicUsize,
    pub(crate) unchanged: AtomicUsize,
    /// Requests for what robots.txt forbids.
    pub(crate) trespasses: AtomicUsize,
    refused: Mutex<BTreeMap<usize, usize>>,
}

impl Farm {
    #[expect(clippy::disallowed_methods, reason = "the server ends with the test's runtime")]
    pub(crate) async fn start(hosts: usize, items: usize, clock: QuickClock) -> Arc<Self> {
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let start = clock.start();
        let farm = Arc::new(Self {
            hosts: (0..hosts).map(|number| Host { number, port, items, start }).collect(),
            port,
            clock,
            bomb: bomb().into(),
            is_over: AtomicBool::default(),
            served: Mutex::default(),
            pages: AtomicUsize::default(),
            feeds: AtomicUsize::default(),
            unchanged: AtomicUsize::default(),
            trespasses: AtomicUsize::default(),
            refused: Mutex::default(),
        });
        let router = Router::new().fallback(answer).with_state(farm.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        farm
    }

    fn robots(&self, host: &Host) -> Response {
        if host.role() == Role::Closed {
            "User-agent: *\nDisallow: /closed/\n".into_response()
        } else if host.role() == Role::Broken && host.number / 10 % 5 == 4 {
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        } else {
            StatusCode::NOT_FOUND.into_response()
        }
    }

    fn feed(&self, host: &Host, request: &Request) -> Response {
        let (shown, body) = host.feed(self.clock.now(), self.is_over.load(Ordering::SeqCst));
        let etag = format!("\"{}-{}\"", shown.len(), self.is_over.load(Ordering::SeqCst));
        if request.headers().get(header::IF_NONE_MATCH).is_some_and(|known| *known == etag) {
            self.unchanged.fetch_add(1, Ordering::SeqCst);
            return StatusCode::NOT_MODIFIED.into_response();
        }
        self.feeds.fetch_add(1, Ordering::SeqCst);
        self.served.lock().unwrap().entry(host.source()).or_default().extend(shown);
        let called = if host.role() == Role::Elsewhere { "text/html" } else { "application/atom+xml" };
        ([(header::ETAG, etag.as_str()), (header::CONTENT_TYPE, called)], body).into_response()
    }

    fn page(&self, host: &Host, item: usize) -> Response {
        self.pages.fetch_add(1, Ordering::SeqCst);
        let html = |body: String| ([(header::CONTENT_TYPE, "text/html")], body).into_response();
        if host.role() != Role::Sick {
            return html(host.page(item));
        }
        match item % 5 {
            0 => html("<title>Just a moment...</title><p>Please complete the captcha to go on.</p>".into()),
            1 => {
                let headers = [(header::CONTENT_TYPE, "text/html"), (header::CONTENT_ENCODING, "gzip")];
                (headers, self.bomb.clone()).into_response()
            }
            2 => endless(),
            3 => StatusCode::NOT_FOUND.into_response(),
            _ => ([(header::CONTENT_TYPE, "image/png")], host.page(item)).into_response(),
        }
    }

    /// Two requests in vain for each.
    fn is_refused(&self, host: &Host) -> bool {
        let mut refused = self.refused.lock().unwrap();
        let times = refused.entry(host.number).or_default();
        *times += 1;
        *times <= 2
    }
}

fn endless() -> Response {
    let chunk = || Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 64 << 10]));
    Body::from_stream(futures::stream::repeat_with(chunk)).into_response()
}

async fn broken(host: &Host) -> Response {
    match host.number / 10 % 5 {
        0 => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        1 => std::future::pending().await,
        2 => {
            let drop = async |()| {
                tokio::time::sleep(Duration::from_millis(300)).await;
                Some((Ok::<_, std::io::Error>(Bytes::from_static(b" ")), ()))
            };
            Body::from_stream(futures::stream::unfold((), drop)).into_response()
        }
        _ => endless(),
    }
}

async fn answer(State(farm): State<Arc<Farm>>, request: Request) -> Response {
    let name = request.headers().get(header::HOST).and_then(|name| name.to_str().ok());
    let Some(host) = name.and_then(Host::named).and_then(|number| farm.hosts.get(number)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let path = request.uri().path();
    let to = |status: StatusCode, place: &str| (status, [(header::LOCATION, place)]).into_response();
    let item = path.rsplit('/').next().and_then(|item| item.parse().ok());
    match (path, host.role(), item) {
        ("/robots.txt", ..) => farm.robots(host),
        (_, Role::Broken, _) => {
            farm.trespasses.fetch_add(usize::from(host.number / 10 % 5 == 4), Ordering::SeqCst);
            broken(host).await
        }
        ("/feed", Role::Elsewhere, _) => to(StatusCode::FOUND, "/elsewhere"),
        ("/feed", Role::Moved, _) => to(StatusCode::MOVED_PERMANENTLY, "/moved"),
        ("/feed", Role::Busy, _) if farm.is_refused(host) => {
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "60")]).into_response()
        }
        ("/feed" | "/elsewhere" | "/moved", ..) => farm.feed(host, &request),
        (_, _, Some(item)) => {
            farm.trespasses.fetch_add(usize::from(path.starts_with("/closed/")), Ordering::SeqCst);
            farm.page(host, item)
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}
