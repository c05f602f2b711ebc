//! A JSON object a line.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use encoding_rs::Encoding;
use serde_json::Value;

use super::text::Text;
use super::{LONGEST, Offset, Row, Rows, Unreadable, decode};

const MARK: &[u8] = "\u{feff}".as_bytes();

pub(super) fn read(
    file: Text<'_>,
    encoding: Option<&'static Encoding>,
    from: Offset,
    most: usize,
    is_settled: bool,
) -> io::Result<Rows> {
    let mut file = BufReader::new(file);
    file.seek(SeekFrom::Start(from.bytes))?;
    let mut read = Rows { rows: Vec::new(), to: from, is_end: false };
    let mut line = Vec::new();
    while read.rows.len() < most {
        line.clear();
        let mut bytes = (&mut file).take(LONGEST).read_until(b'\n', &mut line)? as u64;
        let is_long = bytes == LONGEST && !line.ends_with(b"\n");
        if is_long {
            bytes += skip_line(&mut file)?;
        }
        if bytes == 0 || (!is_settled && !is_long && !line.ends_with(b"\n")) {
            read.is_end = true;
            break;
        }
        let text = if read.to.bytes == 0 { line.strip_prefix(MARK).unwrap_or(&line) } else { &line };
        read.to = Offset { bytes: read.to.bytes + bytes, lines: read.to.lines + 1 };
        if !text.trim_ascii().is_empty() {
            read.rows.push(Row { line: read.to.lines, content: object(text, encoding, is_long) });
        }
    }
    Ok(read)
}

fn object(bytes: &[u8], encoding: Option<&'static Encoding>, is_long: bool) -> Result<Value, Unreadable> {
    if is_long {
        let text = String::from_utf8_lossy(bytes).chars().take(1000).collect();
        return Err(Unreadable { text, cause: "a row of more than 2 MiB" });
    }
    let text = decode(bytes, encoding)?;
    match serde_json::from_str(&text) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) | Err(_) => Err(Unreadable { text, cause: "no JSON object" }),
    }
}

/// Passes over the rest of a line, and says how many bytes it had.
fn skip_line(file: &mut impl BufRead) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let some = file.fill_buf()?;
        let (bytes, is_end) = match some.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (some.len(), some.is_empty()),
        };
        file.consume(bytes);
        skipped += bytes as u64;
        if is_end {
            return Ok(skipped);
        }
    }
}
