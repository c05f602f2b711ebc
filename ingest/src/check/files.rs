//! Trying files: which there are, and how many rows of the newest can be read.

use std::fs::File;

use serde_json::Value;

use super::Findings;
use crate::config::{FileConfig, SourceConfig, SourceFormat};
use crate::files::{self, Form, Found, Offset, Rows};
use crate::json::{Item, Reader};

/// How many rows of a file are looked at.
const ROWS: usize = 100;

pub(super) fn describe(pattern: &str, findings: &mut Findings) {
    let (found, hidden) = match files::find(pattern) {
        Ok(found) => found,
        Err(cause) => return findings.say("not read", cause),
    };
    findings.say("files", found.len().to_string());
    for (path, cause) in hidden {
        findings.say("not read", format!("{}: {cause}", path.display()));
    }
    let Some(newest) = found.last() else { return };
    let path = newest.path.display().to_string();
    let (format, name) = match newest.path.extension().and_then(|extension| extension.to_str()) {
        Some("jsonl" | "ndjson" | "json") => (SourceFormat::Ndjson, "ndjson"),
        Some(_) | None => (SourceFormat::Csv, "csv"),
    };
    findings.say("newest", format!("{path}, {} bytes, changed {}", newest.size, newest.changed.to_rfc3339()));
    match first_rows(newest, format) {
        Ok((rows, fault)) => {
            describe_rows(&rows, (format, name), findings);
            if let Some(cause) = fault {
                findings.say("not read on", cause);
            }
        }
        Err(cause) => findings.say("not read", cause),
    }
}

/// The first rows of a file, and why those behind them cannot be read.
fn first_rows(file: &Found, format: SourceFormat) -> Result<(Rows, Option<String>), String> {
    let form = Form::new(format, &FileConfig::default());
    let file = File::open(&file.path).map_err(|cause| cause.to_string())?;
    let rows = form.read(&file, Offset::default(), ROWS, true)?;
    let fault = form.read(&file, rows.to, 1, true).err();
    Ok((rows, fault))
}

/// What parts the columns of a header that is read as one.
fn likely_delimiter(names: &[&str]) -> Option<char> {
    let [only] = names else { return None };
    [';', '\t', '|'].into_iter().find(|sign| only.contains(*sign))
}

/// Files can be a source as they are where the columns have the names that are looked for.
fn describe_rows(rows: &Rows, (format, name): (SourceFormat, &'static str), findings: &mut Findings) {
    let source = SourceConfig { format, ..SourceConfig::of_url("check", "/") };
    let Ok(reader) = Reader::of(&source) else { return };
    let contents = || rows.rows.iter().filter_map(|row| row.content.as_ref().ok());
    let mut posts = Vec::new();
    let mut causes = rows.rows.iter().filter_map(|row| Some(row.content.as_ref().err()?.cause.to_owned()));
    let mut cause = causes.next();
    for content in contents() {
        match reader.item(content, None) {
            Item::Post(post) => posts.push(post),
            Item::Deleted(_) | Item::Left(_) => {}
            Item::Unusable(unusable) => cause = cause.or(Some(unusable.cause)),
        }
    }
    let (all, good) = (rows.rows.len(), posts.len());
    findings
        .say("rows", format!("{good} of the first {all} can be read as they are, with format = {name:?}"));
    if let Some(cause) = cause {
        findings.say("first fault", cause);
    }
    if let Some(Value::Object(fields)) = contents().next() {
        let names: Vec<&str> = fields.keys().map(String::as_str).collect();
        findings.say("fields", format!("{}; [columns] says which is what", names.join(", ")));
        if let Some(sign) = likely_delimiter(&names) {
            findings.say("delimiter", format!("looks like {sign:?}; `delimiter` in [file] says so"));
        }
    }
    if let Some(first) = posts.first() {
        let words = if first.title.is_empty() { &first.text } else { &first.title };
        findings.say("first row", words.chars().take(80).collect::<String>());
    }
    (findings.is_usable, findings.format) = (good > 0, Some(name));
}
