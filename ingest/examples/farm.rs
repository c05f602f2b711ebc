//! How much a few broken sources slow the others: `farm [SOURCES] [BROKEN PER CENT]`.
//!
//! One server plays every host of 127/8: each has a feed of one item; a broken one
//! hangs, drips or fails, in turns. Prints how long it took until every item of a good
//! source was published, and the memory of the process, server and all.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tocsin_contract::topics;
use tocsin_ingest::{Ingest, IngestConfig, SourceConfig};
use tocsin_runtime::database::testing::database;
use tocsin_runtime::{Shutdown, SystemClock};
use tocsin_stream::{Bus, StreamConfig, TopicSpec};
use tokio::net::TcpListener;

/// Sources whose number is below it are broken.
type Broken = usize;

async fn feed(State(broken): State<Broken>, Path(number): Path<usize>) -> Response {
    if number >= broken {
        let feed = format!(
            "<rss version=\"2.0\"><channel><item><title>Item of {number}</title><link>/{number}</link></item></channel></rss>"
        );
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

fn resident_mb() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap_or(0) / 1024
}

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1).map(|text| text.parse::<usize>().unwrap());
    let (sources, per_cent) = (args.next().unwrap_or(10_000), args.next().unwrap_or(1));
    let broken = sources * per_cent / 100;
    let shutdown = Shutdown::new();
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let farm = Router::new().route("/feed/{number}", get(feed)).with_state(broken);
    shutdown.spawn("farm", async move { axum::serve(listener, farm).await });

    let database = database().await;
    let bus = Bus::connect(&StreamConfig::default(), Some(database.pool.clone())).await.unwrap();
    bus.ensure_topics(&[TopicSpec { name: topics::DOCUMENTS_RAW.to_owned(), partitions: 3 }]).await.unwrap();
    let mut config = IngestConfig {
        allow: vec![format!("127.0.0.0/8:{port}")],
        min_delay: Duration::ZERO,
        ..IngestConfig::default()
    };
    for number in 0..sources {
        let host = format!("127.{}.{}.{}", 1 + number / 62_500, number / 250 % 250, 1 + number % 250);
        let mut source =
            SourceConfig::of_url(&format!("s{number}"), &format!("http://{host}:{port}/feed/{number}"));
        source.fetch_pages = false;
        config.sources.push(source);
    }
    let before = resident_mb();
    let started = Instant::now();
    let ingest = Ingest::new(config, bus, database.pool.clone(), Arc::new(SystemClock)).await.unwrap();
    let watch = shutdown.clone();
    shutdown.spawn("ingest", async move { ingest.run(watch).await });
    let wanted = i64::try_from(sources - broken).unwrap();
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let query = "SELECT count(*) FROM report.crawl_items WHERE fate = 'published'";
        let done: i64 = sqlx::query_scalar(query).fetch_one(&database.pool).await.unwrap();
        if done >= wanted {
            break;
        }
    }
    let (seconds, memory) = (started.elapsed().as_secs_f64(), resident_mb());
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{sources} sources, {broken} broken: every other one read and published after {seconds:.1} s, {:.0} a second; \
         {before} MB before, {memory} MB at the end",
        (sources - broken) as f64 / seconds
    )
    .unwrap();
    std::process::exit(0);
}
