//! The crawler's judgement as filters: feeds, robots.txt, pages, addresses. The same
//! code as the service runs; nothing here connects to anything.

use std::io::{self, BufRead, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use serde::Serialize;
use serde_json::json;
use tocsin_ingest::feed as feeds;
use tocsin_ingest::feed::Item;
use tocsin_ingest::guard::Judge;
use tocsin_ingest::gzip::MAX_UNPACKED;
use tocsin_ingest::robots::{Rules, lines, product_token};
use tocsin_runtime::Refusal;
use url::Url;

use crate::args::{FeedArgs, GuardArgs, RobotsArgs};

mod extract;

pub(crate) use extract::extract;

/// Longest page that is read, in bytes.
const MAX_PAGE: u64 = 24 << 20;

/// One line an entry; a file that is no feed gets one line that says why, and exit code 1.
pub(crate) fn feed(args: &FeedArgs) -> anyhow::Result<ExitCode> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut good = true;
    let input = [PathBuf::from("-")];
    let files = if args.files.is_empty() { input.as_slice() } else { args.files.as_slice() };
    for file in files {
        let is_input = file.as_os_str() == "-";
        let input = || read_within(io::stdin().lock(), MAX_UNPACKED, "standard input");
        let bytes = if is_input { input() } else { document(file, MAX_UNPACKED) };
        good &= print_feed(&mut out, &file.display().to_string(), bytes)?;
    }
    out.flush().context("print the entries")?;
    Ok(code(good))
}

/// The bytes of a file that is no longer than the crawler would take.
fn document(file: &Path, most: u64) -> Result<Vec<u8>, String> {
    let open = std::fs::File::open(file).map_err(|cause| format!("read the file: {cause}"))?;
    read_within(open, most, "the file")
}

/// All of an input that is no longer than that; `Err` names it as it is `called`.
fn read_within(input: impl Read, most: u64, called: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    input.take(most + 1).read_to_end(&mut bytes).map_err(|cause| format!("read {called}: {cause}"))?;
    within_bounds(bytes, most)
}

fn within_bounds(bytes: Vec<u8>, most: u64) -> Result<Vec<u8>, String> {
    if bytes.len() as u64 > most { Err(format!("longer than {most} bytes")) } else { Ok(bytes) }
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
    let decision = Rules::parse(&bytes).decide(product_token(&args.agent), &args.url);
    let verdict = if decision.allowed { "allowed" } else { "disallowed" };
    let by = decision.line.map_or_else(
        || "no rule matches".to_owned(),
        |number| {
            let line = lines(&bytes).nth(number - 1).unwrap_or_default();
            format!("line {number}: {}", String::from_utf8_lossy(line).trim())
        },
    );
    writeln!(io::stdout(), "{verdict}\t{by}").context("print the verdict")
}

/// A line of JSON for each line: {url, allowed, reason}.
pub(crate) fn guard(args: &GuardArgs) -> anyhow::Result<()> {
    let judge = Judge::new(&args.allow).map_err(Refusal)?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().split(b'\n') {
        let line = line.context("read standard input")?;
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        let (allowed, reason) = match judged(&judge, text) {
            Ok(url) if tocsin_runtime::guard::literal(&url).is_some() => (true, None),
            Ok(_) => (true, Some("its addresses are judged when DNS has given them".to_owned())),
            Err(reason) => (false, Some(reason)),
        };
        print(&mut out, &json!({ "url": text, "allowed": allowed, "reason": reason }))?;
    }
    out.flush().context("print the verdicts")
}

/// `Err` says why it may not be fetched.
fn judged(judge: &Judge, text: &str) -> Result<Url, String> {
    if text.is_empty() {
        return Err("an empty line, where a URL is wanted".to_owned());
    }
    let url = Url::parse(text).map_err(|cause| format!("no URL: {cause}"))?;
    judge.judge_url(&url).map_err(|cause| cause.to_string())?;
    Ok(url)
}

fn print(out: &mut impl Write, line: &impl Serialize) -> anyhow::Result<()> {
    writeln!(out, "{}", serde_json::to_string(line)?).context("print a line")
}

fn code(good: bool) -> ExitCode {
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
