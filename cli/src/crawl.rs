//! The crawler's judgement as filters: feeds, robots.txt, pages, addresses. The same
//! code as the service runs; nothing here connects to anything.

use std::io::{self, BufRead, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tocsin_contract::PublishedPrecision;
use tocsin_ingest::feed::Item;
use tocsin_ingest::guard::Judge;
use tocsin_ingest::page::{self, Kind};
use tocsin_ingest::robots::Rules;
use tocsin_ingest::{charset, feed as feeds, language_of};
use tocsin_runtime::Refusal;
use url::Url;

use crate::args::{ExtractArgs, FeedArgs, GuardArgs, RobotsArgs};

/// Lines of `extract --jsonl` that one thread takes at a time.
const LINES: usize = 16;
/// Longest document that is read, in bytes.
const MAX_DOCUMENT: u64 = 24 << 20;

/// One line an entry; a file that is no feed gets one line that says why, and exit code 1.
pub(crate) fn feed(args: &FeedArgs) -> anyhow::Result<ExitCode> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut good = true;
    if args.files.is_empty() {
        let mut bytes = Vec::new();
        io::stdin().lock().take(MAX_DOCUMENT + 1).read_to_end(&mut bytes).context("read standard input")?;
        good = print_feed(&mut out, "-", within_bounds(bytes))?;
    }
    for file in &args.files {
        good &= print_feed(&mut out, &file.display().to_string(), document(file))?;
    }
    out.flush().context("print the entries")?;
    Ok(code(good))
}

/// The bytes of a file that is no longer than the crawler would take.
fn document(file: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    std::fs::File::open(file)
        .and_then(|open| open.take(MAX_DOCUMENT + 1).read_to_end(&mut bytes))
        .map_err(|cause| format!("read the file: {cause}"))?;
    within_bounds(bytes)
}

fn within_bounds(bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    if bytes.len() as u64 > MAX_DOCUMENT {
        Err(format!("longer than {MAX_DOCUMENT} bytes"))
    } else {
        Ok(bytes)
    }
}

fn print_feed(out: &mut impl Write, file: &str, bytes: Result<Vec<u8>, String>) -> anyhow::Result<bool> {
    #[derive(Serialize)]
    struct Line<'a> {
        file: &'a str,
        #[serde(flatten)]
        item: Item,
    }
    match bytes.and_then(|bytes| feeds::items(&bytes, None, None)) {
        Ok(items) => {
            for item in items {
                print(out, &Line { file, item })?;
            }
            Ok(true)
        }
        Err(error) => print(out, &json!({ "file": file, "error": error })).map(|()| false),
    }
}

/// `allowed` or `disallowed`, and the line that decided.
pub(crate) fn robots(args: &RobotsArgs) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes).context("read standard input")?;
    let decision = Rules::parse(&bytes).decide(&args.agent, &args.url);
    let verdict = if decision.allowed { "allowed" } else { "disallowed" };
    let by = decision.line.map_or_else(
        || "no rule matches".to_owned(),
        |number| {
            let line = bytes.split(|byte| *byte == b'\n').nth(number - 1).unwrap_or_default();
            format!("line {number}: {}", String::from_utf8_lossy(line).trim())
        },
    );
    writeln!(io::stdout(), "{verdict}\t{by}").context("print the verdict")
}

/// A line of JSON for each URL: {url, allowed, reason}.
pub(crate) fn guard(args: &GuardArgs) -> anyhow::Result<()> {
    let judge = Judge::new(&args.allow).map_err(Refusal)?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().split(b'\n') {
        let line = line.context("read standard input")?;
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        let judged = Url::parse(text)
            .map_err(|cause| format!("no URL: {cause}"))
            .and_then(|url| judge.judge_url(&url).map_err(|cause| cause.to_string()).map(|()| url));
        let (allowed, reason) = match judged {
            Ok(url) if tocsin_runtime::guard::literal(&url).is_some() => (true, None),
            Ok(_) => (true, Some("its addresses are judged when DNS has given them".to_owned())),
            Err(reason) => (false, Some(reason)),
        };
        print(&mut out, &json!({ "url": text, "allowed": allowed, "reason": reason }))?;
    }
    out.flush().context("print the verdicts")
}

/// What a page says.
#[derive(Serialize)]
struct Extracted {
    title: String,
    text: String,
    author: Option<String>,
    /// In the zone that the page tells it in.
    published_at: Option<DateTime<FixedOffset>>,
    precision: Option<PublishedPrecision>,
    confidence: Option<f32>,
    kind: Kind,
    lang: &'static str,
    canonical_url: Option<String>,
    site: Option<String>,
    feeds: Vec<String>,
}

/// One page, or with `--jsonl` a line for each line.
pub(crate) fn extract(args: &ExtractArgs) -> anyhow::Result<ExitCode> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    if args.jsonl {
        let good = extract_lines(&mut out)?;
        out.flush().context("print the pages")?;
        return Ok(code(good));
    }
    let mut bytes = Vec::new();
    io::stdin().lock().take(MAX_DOCUMENT + 1).read_to_end(&mut bytes).context("read standard input")?;
    let page = within_bounds(bytes).and_then(|bytes| read(&charset::decode(&bytes, None), &args.url));
    let page = page.map_err(|cause| anyhow::anyhow!("standard input: {cause}"))?;
    print(&mut out, &page)?;
    out.flush().context("print the page")?;
    Ok(ExitCode::SUCCESS)
}

/// False when a line was answered with an error.
fn extract_lines(out: &mut impl Write) -> anyhow::Result<bool> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut lines = io::stdin().lock().lines();
    let mut good = true;
    loop {
        let chunk: Vec<String> =
            lines.by_ref().take(threads * LINES).collect::<Result<_, _>>().context("read standard input")?;
        if chunk.is_empty() {
            return Ok(good);
        }
        let answers = std::thread::scope(|scope| {
            let parts: Vec<_> = chunk
                .chunks(LINES)
                .map(|part| scope.spawn(|| part.iter().map(|line| answer(line)).collect::<Vec<_>>()))
                .collect();
            parts.into_iter().flat_map(|part| part.join().unwrap_or_default()).collect::<Vec<_>>()
        });
        anyhow::ensure!(answers.len() == chunk.len(), "an extractor thread ended early");
        for (is_good, line) in answers {
            good &= is_good;
            writeln!(out, "{line}").context("print a page")?;
        }
    }
}

fn answer(line: &str) -> (bool, serde_json::Value) {
    #[derive(Deserialize)]
    struct Asked {
        id: serde_json::Value,
        #[serde(default)]
        url: String,
        path: Option<String>,
        html: Option<String>,
    }
    let asked: Asked = match serde_json::from_str(line) {
        Ok(asked) => asked,
        Err(cause) => {
            return (false, json!({ "id": null, "error": format!("the line is not as asked: {cause}") }));
        }
    };
    let html = match (asked.html, asked.path) {
        (Some(html), _) => Ok(html),
        (None, Some(path)) => page_of(&path),
        (None, None) => Err("the line has neither html nor path".to_owned()),
    };
    let page = html.and_then(|html| read(&html, &asked.url));
    let value = page.and_then(|page| serde_json::to_value(page).map_err(|cause| cause.to_string()));
    match value {
        Ok(mut value) => {
            value["id"] = asked.id;
            (true, value)
        }
        Err(error) => (false, json!({ "id": asked.id, "error": error })),
    }
}

fn page_of(path: &str) -> Result<String, String> {
    let bytes = document(Path::new(path)).map_err(|cause| format!("{path}: {cause}"))?;
    Ok(charset::decode(&bytes, None))
}

/// A page may be made to break an extractor; that is its error, not ours.
fn read(html: &str, url: &str) -> Result<Extracted, String> {
    let page = catch_unwind(AssertUnwindSafe(|| page::read(html, url)))
        .map_err(|_| "the extractor gave up on the page".to_owned())?;
    Ok(Extracted {
        lang: language_of(&page.title, &page.text),
        published_at: page.published.map(|dated| dated.at.with_timezone(&dated.zone)),
        precision: page.published.map(|dated| dated.precision),
        confidence: page.published.map(|dated| dated.confidence),
        title: page.title,
        text: page.text,
        author: page.author,
        kind: page.kind,
        canonical_url: page.canonical_url,
        site: page.site,
        feeds: page.feeds,
    })
}

fn print(out: &mut impl Write, line: &impl Serialize) -> anyhow::Result<()> {
    writeln!(out, "{}", serde_json::to_string(line)?).context("print a line")
}

fn code(good: bool) -> ExitCode {
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
