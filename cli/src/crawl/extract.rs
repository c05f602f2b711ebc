//! `tocsin extract`: what a page says, or with `--jsonl` a page for each line. A bad line is
//! answered by an error and never stops the rest. No answer waits for a line that is not
//! there yet.

use std::fmt;
use std::io::{self, BufRead, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc::{SyncSender, sync_channel};

use anyhow::Context;
use chrono::{DateTime, FixedOffset};
use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tocsin_contract::PublishedPrecision;
use tocsin_ingest::page::{self, Kind};
use tocsin_ingest::{gzip, language_of};

use super::{MAX_PAGE, code, document, print, within_bounds};
use crate::args::ExtractArgs;

/// Lines that one thread takes at a time, at most.
const LINES: usize = 16;
/// The byte order mark of UTF-8, which some programs write before the first line of a file.
const BOM: &[u8] = b"\xef\xbb\xbf";

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
        return extract_lines(&mut out).map(code);
    }
    let mut bytes = Vec::new();
    io::stdin().lock().take(MAX_PAGE + 1).read_to_end(&mut bytes).context("read standard input")?;
    let page = within_bounds(bytes, MAX_PAGE).and_then(|bytes| read(&markup(&bytes)?, &args.url));
    let page = page.map_err(|cause| anyhow::anyhow!("standard input: {cause}"))?;
    print(&mut out, &page)?;
    out.flush().context("print the page")?;
    Ok(ExitCode::SUCCESS)
}

/// A line and its number, from 1.
type Line = (usize, Vec<u8>);

/// Answers together what lines came while the last ones were answered. False when one was
/// answered with an error.
fn extract_lines(out: &mut impl Write) -> anyhow::Result<bool> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let most = threads * LINES;
    let (sender, lines) = sync_channel(most);
    // It ends with the process where the answers cannot be written.
    let reader = std::thread::spawn(move || read_lines(&sender));
    let mut good = true;
    while let Ok(first) = lines.recv() {
        let together: Vec<Line> = std::iter::once(first).chain(lines.try_iter()).take(most).collect();
        for (is_good, line) in answers(&together, threads)? {
            good &= is_good;
            writeln!(out, "{line}").context("print a page")?;
        }
        out.flush().context("print the pages")?;
    }
    let read = reader.join().map_err(|_| anyhow::anyhow!("the reader of standard input ended early"))?;
    read.context("read standard input")?;
    Ok(good)
}

fn read_lines(to: &SyncSender<Line>) -> io::Result<()> {
    for (number, line) in (1..).zip(io::stdin().lock().split(b'\n')) {
        if to.send((number, line?)).is_err() {
            break;
        }
    }
    Ok(())
}

fn answers(lines: &[Line], threads: usize) -> anyhow::Result<Vec<(bool, String)>> {
    let answers = std::thread::scope(|scope| {
        let parts: Vec<_> = lines
            .chunks(lines.len().div_ceil(threads).max(1))
            .map(|part| scope.spawn(|| part.iter().map(answer).collect::<Vec<_>>()))
            .collect();
        parts.into_iter().flat_map(|part| part.join().unwrap_or_default()).collect::<Vec<_>>()
    });
    anyhow::ensure!(answers.len() == lines.len(), "an extractor thread ended early");
    Ok(answers)
}

/// What is answered to a line, and whether it is a page.
fn answer((number, line): &Line) -> (bool, String) {
    #[derive(Serialize)]
    struct Answer<'a> {
        id: &'a Value,
        #[serde(flatten)]
        page: Extracted,
    }
    let line = line.strip_prefix(BOM).filter(|_| *number == 1).unwrap_or(line);
    let (id, page) = match asked(line) {
        Ok(asked) => (asked.id.clone(), asked.page()),
        Err(error) => (id_of(line), Err(error)),
    };
    let told = page
        .and_then(|page| serde_json::to_string(&Answer { id: &id, page }).map_err(|cause| cause.to_string()));
    match told {
        Ok(line) => (true, line),
        Err(error) => (false, json!({ "id": id, "line": number, "error": error }).to_string()),
    }
}

/// What one line asks for.
#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    id: Value,
    url: Option<Text>,
    path: Option<Text>,
    html: Option<Text>,
}

impl Asked {
    fn page(self) -> Result<Extracted, String> {
        let html = match (self.html, self.path) {
            (Some(Text(html)), _) => html,
            (None, Some(Text(path))) => page_of(&path)?,
            (None, None) => return Err("the line has neither html nor path".to_owned()),
        };
        let Text(url) = self.url.unwrap_or_default();
        read(&html, &url)
    }
}

fn asked(line: &[u8]) -> Result<Asked, String> {
    let text = std::str::from_utf8(line).map_err(|cause| format!("the line is no UTF-8: {cause}"))?;
    serde_json::from_str(text).map_err(|cause| format!("the line is not as asked: {cause}"))
}

/// The id of a line that is not as asked; null where it has none or is no JSON.
fn id_of(line: &[u8]) -> Value {
    #[derive(Deserialize)]
    struct Named {
        #[serde(default)]
        id: Value,
    }
    serde_json::from_slice(line).map_or(Value::Null, |Named { id }| id)
}

/// A JSON string in which half of a surrogate pair (`\ud83d` alone), which is no character, becomes U+FFFD.
#[derive(Default)]
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // As bytes: read as text, half of a pair is an error.
        deserializer.deserialize_bytes(Bytes)
    }
}

struct Bytes;

impl Visitor<'_> for Bytes {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Text, E> {
        Ok(Text(String::from_utf8_lossy(bytes).into_owned()))
    }
}

fn page_of(path: &str) -> Result<String, String> {
    let named = |cause| format!("{path}: {cause}");
    document(Path::new(path), MAX_PAGE).and_then(|bytes| markup(&bytes)).map_err(named)
}

/// The page that bytes are; they may be packed, as a server sent them.
fn markup(bytes: &[u8]) -> Result<String, String> {
    page::decode(&gzip::unpacked(bytes)?, None).map_err(|what| format!("{what}, not a page"))
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
