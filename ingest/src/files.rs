//! Rows of files on this machine: CSV with a header, or a JSON object a line (NDJSON).
//!
//! A file is read on where its last complete row ended. It may grow meanwhile, or be
//! replaced: what was read is recognised by a digest of its beginning and its end, and a
//! file of which that changed is read anew.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::SystemTime;

use chrono::{DateTime, SubsecRound, Utc};
use encoding_rs::Encoding;
use serde_json::Value;
use xxhash_rust::xxh3::Xxh3;

use crate::config::{FileConfig, SourceFormat};

mod csv;
mod ledger;
mod lines;
mod text;
mod wide;

pub(crate) use ledger::Mark;
use text::Text;

/// Longest row, in bytes: the text of a document holds half a million characters.
pub(super) const LONGEST: u64 = 2 << 20;

/// How far a file was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Offset {
    /// Bytes that were read to their end.
    pub(crate) bytes: u64,
    /// Lines that end there.
    pub(crate) lines: u64,
}

/// One row of a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// The line on which it begins, counted from 1.
    pub(crate) line: u64,
    pub(crate) content: Result<Value, Unreadable>,
}

/// A row that holds no fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub(crate) text: String,
    /// In a few words, for the ledger.
    pub(crate) cause: &'static str,
}

/// Rows of a file, and where the one behind them begins.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Rows {
    pub(crate) rows: Vec<Row>,
    pub(crate) to: Offset,
    /// Nothing complete stands behind them for now.
    pub(crate) is_end: bool,
}

/// How the files of a source are read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form {
    /// Between columns; `None`: a JSON object a line.
    delimiter: Option<u8>,
    encoding: Option<&'static Encoding>,
}

impl Form {
    pub(crate) fn new(format: SourceFormat, config: &FileConfig) -> Self {
        let is_csv = format == SourceFormat::Csv;
        let delimiter = u8::try_from(config.delimiter).ok().filter(|_| is_csv);
        Self { delimiter, encoding: config.encoding() }
    }

    /// The next rows of a file, at most `most`. The last one may have no end where the
    /// file `is_settled`. `Err` says what is wrong with the file, and in which line: of the
    /// very next row, those before a fault are read first.
    pub(crate) fn read(
        &self,
        file: &File,
        from: Offset,
        most: usize,
        is_settled: bool,
    ) -> Result<Rows, String> {
        match wide::encoding_of(file, self.encoding).map_err(|cause| cause.to_string())? {
            Some(encoding) => wide::read(file, (encoding, self.delimiter), from, most, is_settled),
            None => self.rows(Text::File(file), from, most, is_settled),
        }
    }

    fn rows(&self, text: Text<'_>, from: Offset, most: usize, is_settled: bool) -> Result<Rows, String> {
        match self.delimiter {
            Some(delimiter) => csv::read(text, (delimiter, self.encoding), from, most, is_settled)
                .map_err(|cause| cause.to_string()),
            None => {
                lines::read(text, self.encoding, from, most, is_settled).map_err(|cause| cause.to_string())
            }
        }
    }
}

/// A file that a source names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) size: u64,
    pub(crate) changed: DateTime<Utc>,
}

/// A place that cannot be looked at, and why.
pub(crate) type Hidden = (PathBuf, String);

/// The files at a path or a pattern, those that changed first before others; and what there
/// cannot be looked at. `Err`: a path that leads to no file, or a folder that is not there.
pub(crate) fn find(pattern: &str) -> Result<(Vec<Found>, Vec<Hidden>), String> {
    let paths = glob::glob(pattern).map_err(|cause| cause.to_string())?;
    let (mut found, mut hidden) = (Vec::new(), Vec::new());
    for path in paths {
        let path = path.map_err(|cause| (cause.path().to_owned(), cause.error().to_string()));
        match path.and_then(look_at) {
            Ok(file) => found.extend(file),
            Err(place) => hidden.push(place),
        }
    }
    if found.is_empty() {
        let fixed = pattern.split_once(['*', '?', '[']).map(|(before, _)| before);
        let place = fixed.map_or(pattern, |before| before.rsplit_once('/').map_or("", |(folder, _)| folder));
        std::fs::metadata(if place.is_empty() { "/" } else { place }).map_err(|cause| cause.to_string())?;
    }
    found.sort_by(|a, b| (a.changed, &a.path).cmp(&(b.changed, &b.path)));
    Ok((found, hidden))
}

/// `None`: it is no file.
fn look_at(path: PathBuf) -> Result<Option<Found>, Hidden> {
    let about = match std::fs::metadata(&path) {
        Ok(about) => about,
        Err(cause) => return Err((path, cause.to_string())),
    };
    let changed: DateTime<Utc> = about.modified().unwrap_or(SystemTime::UNIX_EPOCH).into();
    // As exact as the database keeps it.
    let changed = changed.trunc_subsecs(6);
    Ok(about.is_file().then_some(Found { path, size: about.len(), changed }))
}

/// Digest of what was read of a file: of its first and its last KiB.
pub(crate) fn digest(mut file: &File, read: u64) -> io::Result<i64> {
    const PART: u64 = 1024;
    let (mut hash, mut part) = (Xxh3::new(), Vec::new());
    for from in [0, read.saturating_sub(PART)] {
        part.clear();
        file.seek(SeekFrom::Start(from))?;
        file.take(PART.min(read - from)).read_to_end(&mut part)?;
        hash.update(&part);
    }
    Ok(hash.digest().cast_signed())
}

/// `Err`: the bytes are no text of this encoding.
fn decode(bytes: &[u8], encoding: Option<&'static Encoding>) -> Result<String, Unreadable> {
    let decoded = match encoding {
        Some(encoding) => encoding.decode_without_bom_handling_and_without_replacement(bytes),
        None => std::str::from_utf8(bytes).ok().map(Into::into),
    };
    let unreadable = || Unreadable {
        text: String::from_utf8_lossy(bytes).into_owned(),
        cause: "not in the encoding of its file",
    };
    decoded.map(Into::into).ok_or_else(unreadable)
}

#[cfg(test)]
mod tests;
