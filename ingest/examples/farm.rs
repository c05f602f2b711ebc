//! How fast the crawler is, and how much a few broken sources slow the others:
//! `farm [SOURCES] [BROKEN PER CENT] [PAGES]`.
//!
//! One server, a process of its own, plays every host of 127/8: each has a feed of so many
//! items (without PAGES: of one) that lead to pages of 40 KB; a broken one hangs, drips or
//! fails, in turns. Prints how long it took until every item of a good source was published
//! (with PAGES, with the text of its page), and the memory of the crawler.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use tocsin_contract::topics;
use tocsin_ingest::{Ingest, IngestConfig, SourceConfig};
use tocsin_runtime::database::testing::database;
use tocsin_runtime::{Shutdown, SystemClock};
use tocsin_stream::{Bus, StreamConfig, TopicSpec};
use tokio::net::TcpListener;

/// What the server serves.
#[derive(Debug, Clone, Copy)]
struct Farm {
    /// Sources whose number is below it are broken.
    broken: usize,
    items: usize,
}

async fn feed(State(farm): State<Farm>, Path(number): Path<usize>) -> Response {
    if number >= farm.broken {
        let mut feed = "<rss version=\"2.0\"><channel>".to_owned();
        for item in 0..farm.items {
            let words = format!("Item {item} of {number}");
            write!(feed, "<item><title>{words}</title><link>/page/{number}/{item}</link></item>").unwrap();
        }
        feed.push_str("</channel></rss>");
        return ([(header::CONTENT_TYPE, "application/rss+xml")], feed).into_response();
    }
    match number % 3 {
        0 => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        1 => std::future::pending().await,
        _ => {
            let drop = async |()| {
                tokio::time::sleep(Duration::from_millis(500)).await;
                Some((Ok::<_, std::io::Error>(bytes::Bytes::from_static(b" ")), ()))
            };
            Body::from_stream(futures::stream::unfold((), drop)).into_response()
        }
    }
}

/// An article between navigation, teasers and scripts, as pages of news are built.
async fn page(Path((number, item)): Path<(usize, usize)>) -> Html<String> {
    let mut page = format!("<html><head><title>Item {item} of {number}</title>");
    write!(page, "<script>{}</script></head><body><nav><ul>", "var a=[0,1,2];".repeat(600)).unwrap();
    for link in 0..120 {
        write!(page, "<li class=\"nav-item\"><a href=\"/section/{link}\">Section {link}</a></li>").unwrap();
    }
    write!(page, "</ul></nav><article><h1>Item {item} of {number}</h1>").unwrap();
    for paragraph in 0..12 {
        write!(
            page,
            "<p>In quarter {paragraph} the lender of case {number}/{item} said that deposits had fallen"
        )
        .unwrap();
        page.push_str(
            &" by a tenth in a week, after it sold bonds at a loss, and that it saw no need for capital"
                .repeat(4),
        );
        page.push_str(".</p>");
    }
    page.push_str("</article><aside>");
    for teaser in 0..60 {
        write!(
            page,
            "<div class=\"teaser\"><a href=\"/t/{teaser}\"><img src=\"/i/{teaser}.jpg\" alt=\"\"><h3>"
        )
        .unwrap();
        write!(
            page,
            "Another headline {teaser} of the day</h3></a><span class=\"meta\">3 min read</span></div>"
        )
        .unwrap();
    }
    page.push_str("</aside><footer><p>All rights reserved.</p></footer></body></html>");
    Html(page)
}

/// The server, in a process of its own: says its port and serves until it is killed.
async fn serve(farm: Farm) {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut out = std::io::stdout();
    writeln!(out, "{port}").unwrap();
    out.flush().unwrap();
    let routes = Router::new().route("/feed/{number}", get(feed)).route("/page/{number}/{item}", get(page));
    axum::serve(listener, routes.with_state(farm)).await.unwrap();
}

/// The server's process, which ends with this.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn start_server(farm: Farm) -> (Server, u16) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["serve", &farm.broken.to_string(), &farm.items.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (Server(child), line.trim().parse().unwrap())
}

fn resident_mb() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap_or(0) / 1024
}

fn config(sources: usize, pages: usize, port: u16) -> IngestConfig {
    let mut config = IngestConfig {
        allow: vec![format!("127.0.0.0/8:{port}")],
        min_delay: Duration::ZERO,
        ..IngestConfig::default()
    };
    for number in 0..sources {
        let host = format!("127.{}.{}.{}", 1 + number / 62_500, number / 250 % 250, 1 + number % 250);
        let mut source =
            SourceConfig::of_url(&format!("s{number}"), &format!("http://{host}:{port}/feed/{number}"));
        source.fetch_pages = pages > 0;
        config.sources.push(source);
    }
    config
}

/// Waits until so many items are published, with the text of their page or without. Returns the most memory that this
/// process took meanwhile, in MB.
async fn published(pool: &sqlx::PgPool, wanted: i64, is_of_page: bool) -> usize {
    let query = "SELECT count(*) FROM report.crawl_items WHERE fate = 'published' AND (reason = 'page') = $1";
    let mut peak = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        peak = peak.max(resident_mb());
        let done: i64 = sqlx::query_scalar(query).bind(is_of_page).fetch_one(pool).await.unwrap();
        if done >= wanted {
            return peak;
        }
    }
}

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1).peekable();
    let is_server = args.next_if_eq("serve").is_some();
    let mut args = args.map(|text| text.parse::<usize>().unwrap());
    if is_server {
        let (broken, items) = (args.next().unwrap(), args.next().unwrap());
        return serve(Farm { broken, items }).await;
    }
    let (sources, per_cent) = (args.next().unwrap_or(10_000), args.next().unwrap_or(1));
    let pages = args.next().unwrap_or(0);
    let farm = Farm { broken: sources * per_cent / 100, items: pages.max(1) };
    let (_server, port) = start_server(farm);
    let (shutdown, database) = (Shutdown::new(), database().await);
    let bus = Bus::connect(&StreamConfig::default(), Some(database.pool.clone())).await.unwrap();
    bus.ensure_topics(&[TopicSpec { name: topics::DOCUMENTS_RAW.to_owned(), partitions: 3 }]).await.unwrap();
    let (before, started) = (resident_mb(), Instant::now());
    let config = config(sources, pages, port);
    let ingest = Ingest::new(config, bus, database.pool.clone(), Arc::new(SystemClock)).await.unwrap();
    let watch = shutdown.clone();
    shutdown.spawn("ingest", async move { ingest.run(watch).await });
    let good = sources - farm.broken;
    let wanted = i64::try_from(good * farm.items).unwrap();
    let peak = published(&database.pool, wanted, pages > 0).await;
    let seconds = started.elapsed().as_secs_f64();
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{sources} sources, {} broken: {wanted} items of every other one published after {seconds:.1} s, {:.0} sources \
         and {:.0} pages a second; {before} MB before, {peak} MB at most, {} MB at the end",
        farm.broken,
        good as f64 / seconds,
        (good * pages) as f64 / seconds,
        resident_mb(),
    )
    .unwrap();
    shutdown.request();
}
