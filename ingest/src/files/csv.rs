//! Rows of a CSV file (RFC 4180) under the names of its header.

use std::cell::Cell;
use std::io::{self, Read, Seek, SeekFrom};

use csv::{ByteRecord, Position, Reader, ReaderBuilder, Terminator};
use encoding_rs::Encoding;
use serde_json::{Map, Value};

use super::text::Text;
use super::{LONGEST, Offset, Row, Rows, Unreadable, decode};

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A text of which one row may be so long: a quote that nobody closed would make one row
/// of all that follows.
struct Capped<'a> {
    text: Text<'a>,
    left: Cell<u64>,
}

impl Read for Capped<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left.get()).unwrap_or(usize::MAX).min(buffer.len());
        let Some(buffer) = buffer.get_mut(..most).filter(|buffer| !buffer.is_empty()) else {
            return Err(io::Error::other("a row of more than 2 MiB; is there a quote that nobody closes?"));
        };
        let read = self.text.read(buffer)?;
        self.left.set(self.left.get() - read as u64);
        Ok(read)
    }
}

impl Seek for Capped<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.text.seek(to)
    }
}

/// The next rows of a file from `from` on, at most `most`. A last row without an end is one where the file
/// `is_settled`. `Err`: in which line the next row cannot be read, and why.
pub(super) fn read(
    file: Text<'_>,
    (delimiter, encoding): (u8, Option<&'static Encoding>),
    from: Offset,
    most: usize,
    is_settled: bool,
) -> Result<Rows, Error> {
    let size = file.size()?;
    let mut reader = reader(file.clone(), delimiter)?;
    let names = names(reader.byte_headers()?, encoding)?;
    if from.bytes > 0 {
        let mut position = Position::new();
        let position = position.set_byte(from.bytes).set_line(from.lines + 1).clone();
        // `seek` keeps its own count of lines where it stands there already, as behind a header.
        reader.seek_raw(SeekFrom::Start(from.bytes), position)?;
    }
    let mut read = Rows { rows: Vec::new(), to: from, is_end: false };
    let mut record = ByteRecord::new();
    while read.rows.len() < most {
        reader.get_ref().left.set(LONGEST);
        let start = reader.position().clone();
        let is_row = reader.read_byte_record(&mut record);
        let line = record.position().map_or(start.line(), Position::line);
        match is_row {
            Ok(true) => {}
            Ok(false) => {
                read.is_end = true;
                break;
            }
            Err(_) if !read.rows.is_empty() => break,
            Err(cause) => return Err(format!("line {line}: {cause}").into()),
        }
        let end = reader.position().byte();
        if end >= size && !is_settled && !is_whole(file.clone(), start.byte(), end)? {
            read.is_end = true;
            break;
        }
        read.to = Offset { bytes: end, lines: reader.position().line() - 1 };
        if record.len() > 1 || !record.as_slice().trim_ascii().is_empty() {
            read.rows.push(Row { line, content: fields(&names, &record, encoding, delimiter) });
        }
    }
    Ok(read)
}

/// Where the header of a text ends.
pub(super) fn header_end(text: &[u8], delimiter: u8) -> Result<u64, Error> {
    let mut reader = reader(Text::of(text), delimiter)?;
    reader.byte_headers()?;
    Ok(reader.position().byte())
}

/// At the beginning of the file.
fn reader(mut file: Text<'_>, delimiter: u8) -> io::Result<Reader<Capped<'_>>> {
    file.rewind()?;
    let capped = Capped { text: file, left: Cell::new(LONGEST) };
    // A reader that takes CR LF for one end stops between the two, and counts its lines there.
    let mut builder = ReaderBuilder::new();
    builder.delimiter(delimiter).flexible(true).terminator(Terminator::Any(b'\n'));
    Ok(builder.from_reader(capped))
}

/// Whether the row that was read from these bytes ends with its line, outside of quotes; more
/// may be written behind it meanwhile. The file is left where it was.
fn is_whole(mut file: Text<'_>, from: u64, to: u64) -> io::Result<bool> {
    let (at, mut row) = (file.stream_position()?, Vec::new());
    file.seek(SeekFrom::Start(from))?;
    file.by_ref().take(to - from).read_to_end(&mut row)?;
    file.seek(SeekFrom::Start(at))?;
    let quotes = row.iter().filter(|byte| **byte == b'"').count();
    Ok(row.ends_with(b"\n") && quotes % 2 == 0)
}

/// Of the columns, in their order; `None`: a column without a name.
fn names(header: &ByteRecord, encoding: Option<&'static Encoding>) -> Result<Vec<Option<String>>, String> {
    let mut names: Vec<Option<String>> = Vec::new();
    for name in header {
        let name = decode(name, encoding).map_err(|cause| format!("line 1: {}", cause.cause))?;
        let name =
            Some(name.trim_start_matches('\u{feff}').trim().to_owned()).filter(|name| !name.is_empty());
        if let Some(twice) = name.as_ref().filter(|_| names.contains(&name)) {
            return Err(format!("line 1: two columns have the name {twice:?}"));
        }
        names.push(name);
    }
    if names.iter().any(Option::is_some) { Ok(names) } else { Err("line 1: no column has a name".to_owned()) }
}

fn fields(
    names: &[Option<String>],
    record: &ByteRecord,
    encoding: Option<&'static Encoding>,
    delimiter: u8,
) -> Result<Value, Unreadable> {
    if record.len() != names.len() {
        let text = record.iter().map(String::from_utf8_lossy).collect::<Vec<_>>();
        let text = text.join(char::from(delimiter).encode_utf8(&mut [0; 4]));
        return Err(Unreadable { text, cause: "another number of fields than in the header" });
    }
    let mut fields = Map::new();
    for (index, (name, field)) in names.iter().zip(record).enumerate() {
        let is_last = index + 1 == names.len();
        let text = decode(field.strip_suffix(b"\r").filter(|_| is_last).unwrap_or(field), encoding)?;
        if let Some(name) = name {
            let is_empty = text.trim().is_empty();
            fields.insert(name.clone(), if is_empty { Value::Null } else { text.into() });
        }
    }
    Ok(Value::Object(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_not_whole_by_what_was_written_after_it_was_read() {
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, b"id,text\n4,half a row\n").unwrap();
        assert!(!is_whole(Text::File(&file), 8, 19).unwrap());
        assert!(is_whole(Text::File(&file), 8, 21).unwrap());
        assert_eq!(file.stream_position().unwrap(), 21, "it is left where it was");
    }
}
