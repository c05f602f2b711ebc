//! The extractors that Tocsin is measured against, as filters like `tocsin extract
//! --jsonl`: lines {id, url, path} in, lines {id, text, published_at, ms} out, one thread.
//!
//! `bench-extract smoothie|legible|rs-trafilatura|trafilatura|trafilatura-fallback`

use std::io::{BufRead, Write, stdin, stdout};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use serde_json::{Value, json};

const PEERS: [&str; 5] = ["smoothie", "legible", "rs-trafilatura", "trafilatura", "trafilatura-fallback"];

fn main() -> std::io::Result<()> {
    let peer = std::env::args().nth(1).unwrap_or_default();
    if !PEERS.contains(&peer.as_str()) {
        return Err(std::io::Error::other(format!("no peer has the name {peer:?}; there are {PEERS:?}")));
    }
    let mut out = stdout().lock();
    for line in stdin().lock().lines() {
        let asked: Value = serde_json::from_str(&line?)?;
        let html = std::fs::read(asked["path"].as_str().unwrap_or_default())?;
        let html = String::from_utf8_lossy(&html);
        let begin = Instant::now();
        let (text, date) =
            catch_unwind(AssertUnwindSafe(|| extract(&peer, &html, asked["url"].as_str()))).unwrap_or_default();
        let ms = begin.elapsed().as_secs_f64() * 1000.0;
        writeln!(out, "{}", json!({ "id": asked["id"], "text": text, "published_at": date, "ms": ms }))?;
    }
    Ok(())
}

/// Text and date; empty where the peer finds none.
fn extract(peer: &str, html: &str, url: Option<&str>) -> (String, Option<String>) {
    match peer {
        "smoothie" => {
            let config = dom_smoothie::Config {
                text_mode: dom_smoothie::TextMode::Formatted,
                ..dom_smoothie::Config::default()
            };
            let article =
                dom_smoothie::Readability::new(html, url, Some(config)).and_then(|mut reader| reader.parse());
            article.map(|a| (a.text_content.to_string(), a.published_time)).unwrap_or_default()
        }
        "legible" => legible::parse(html, url, None)
            .map(|a| (a.text_content, a.published_time))
            .unwrap_or_default(),
        "rs-trafilatura" => {
            let options = rs_trafilatura::Options {
                url: url.map(str::to_owned),
                ..rs_trafilatura::Options::default()
            };
            rs_trafilatura::extract_with_options(html, &options)
                .map(|r| (r.content_text, r.metadata.date.map(|date| date.to_rfc3339())))
                .unwrap_or_default()
        }
        "trafilatura" | "trafilatura-fallback" => {
            let options = trafilatura::Options::default().with_fallback(peer.ends_with("fallback"));
            trafilatura::extract(html, &options)
                .map(|r| (r.content_text, r.metadata.date.map(|date| date.to_string())))
                .unwrap_or_default()
        }
        other => unreachable!("{other:?} is none of PEERS"),
    }
}
