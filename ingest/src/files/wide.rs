//! Files in UTF-16, as spreadsheets write them: a stretch of one is read as if it were in UTF-8, and what was
//! read of that is told in bytes of the file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};

use super::text::Text;
use super::{Form, LONGEST, Offset, Rows, csv};

/// Bytes of a file that are read at a time: the longest row, of which each character has two bytes here, ends
/// within them.
const STRETCH: u64 = 4 * LONGEST;
/// Those that are tried first: hundreds of usual rows end within them.
const SHORT: u64 = 1 << 20;
/// Those in which a header is looked for first.
const BEGINNING: u64 = 64 << 10;

/// The encoding of a file that begins with the mark of UTF-16, or is said to be in it. `None`: it is in another one.
pub(super) fn encoding_of(
    mut file: &File,
    said: Option<&'static Encoding>,
) -> io::Result<Option<&'static Encoding>> {
    let mut mark = Vec::new();
    file.rewind()?;
    file.take(2).read_to_end(&mut mark)?;
    Ok(match mark.as_slice() {
        [0xff, 0xfe] => Some(UTF_16LE),
        [0xfe, 0xff] => Some(UTF_16BE),
        _ => said.filter(|said| is_wide(said)),
    })
}

fn is_wide(encoding: &Encoding) -> bool {
    encoding == UTF_16LE || encoding == UTF_16BE
}

/// As [`Form::read`], of a file in this encoding; fewer rows where they are long.
pub(super) fn read(
    file: &File,
    (encoding, delimiter): (&'static Encoding, Option<u8>),
    from: Offset,
    most: usize,
    is_settled: bool,
) -> Result<Rows, String> {
    // Rows of CSV are read under their header, which stands at the beginning of the file.
    let header = match delimiter.filter(|_| from.bytes > 0) {
        Some(delimiter) => header(file, encoding, delimiter)?,
        None => String::new(),
    };
    let form = Form { delimiter, encoding: None };
    let start = Offset { bytes: header.len() as u64, lines: from.lines };
    let within = |length: u64| {
        let (rest, is_end) = stretch(file, encoding, from.bytes, length)?;
        let text = format!("{header}{rest}");
        let rows = form.rows(Text::of(text.as_bytes()), start, most, is_settled && is_end)?;
        let end = usize::try_from(rows.to.bytes).ok();
        let read = end.and_then(|end| text.get(header.len()..end)).unwrap_or_default();
        let bytes = from.bytes + 2 * read.encode_utf16().count() as u64;
        let rows = Rows { to: Offset { bytes, ..rows.to }, is_end: rows.is_end && is_end, ..rows };
        Ok::<_, String>((rows, is_end))
    };
    let (rows, is_all) = within(SHORT)?;
    if is_all || rows.to != from { Ok(rows) } else { within(STRETCH).map(|(rows, _)| rows) }
}

/// At most `length` bytes of a file from a place on, and whether that is all. Each unit of UTF-16 that is none of a
/// character is one character too, U+FFFD.
fn stretch(
    mut file: &File,
    encoding: &'static Encoding,
    from: u64,
    length: u64,
) -> Result<(String, bool), String> {
    let mut bytes = Vec::new();
    let read = file.seek(SeekFrom::Start(from)).and_then(|_| file.take(length).read_to_end(&mut bytes));
    read.map_err(|cause| cause.to_string())?;
    let is_end = (bytes.len() as u64) < length;
    // Half a unit waits for its other half.
    bytes.truncate(bytes.len() / 2 * 2);
    Ok((encoding.decode_without_bom_handling(&bytes).0.into_owned(), is_end))
}

/// The header of a file and what ends it.
fn header(file: &File, encoding: &'static Encoding, delimiter: u8) -> Result<String, String> {
    for length in [BEGINNING, STRETCH] {
        let (text, is_end) = stretch(file, encoding, 0, length)?;
        let end = csv::header_end(text.as_bytes(), delimiter).map_err(|cause| cause.to_string())?;
        let header = usize::try_from(end).ok().and_then(|end| text.get(..end));
        // One that reaches the end of what was read may go on behind it.
        if let Some(header) = header.filter(|header| is_end || header.len() < text.len()) {
            return Ok(header.to_owned());
        }
    }
    Err("line 1: the header does not end".to_owned())
}
