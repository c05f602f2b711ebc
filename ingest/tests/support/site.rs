//! A site on loopback, and what tests put on it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tocsin_ingest::IngestConfig;
use tokio::net::TcpListener;

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
