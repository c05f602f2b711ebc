//! Server-sent events, as the HTML standard has them (section 9.2.6), with an end to the
//! length of one: the crates at hand gather a line without end.

use super::connection::{LONGEST, Message};

/// Bytes that came, and the event of which the end is still to come.
#[derive(Debug, Default)]
pub(super) struct Parser {
    bytes: Vec<u8>,
    /// So many of `bytes` are read ...
    read: usize,
    /// ... and in so many behind them no line ends.
    searched: usize,
    name: String,
    data: Option<String>,
}

impl Parser {
    pub(super) fn put(&mut self, bytes: &[u8]) {
        self.bytes.drain(..std::mem::take(&mut self.read));
        self.bytes.extend_from_slice(bytes);
    }

    /// The next event that is whole. `Err`: one that is too long.
    pub(super) fn next(&mut self) -> Result<Option<Message>, String> {
        while let Some(line) = self.line() {
            match line.split_once(':').map(|(field, value)| (field, value.strip_prefix(' ').unwrap_or(value)))
            {
                None if line.is_empty() => {
                    let name = std::mem::take(&mut self.name);
                    if let Some(data) = self.data.take() {
                        return Ok(Some(Message { name, data }));
                    }
                }
                Some(("event", value)) => value.clone_into(&mut self.name),
                Some(("data", value)) => match &mut self.data {
                    Some(data) => data.extend(["\n", value]),
                    None => self.data = Some(value.to_owned()),
                },
                // Comments, which keep the connection alive, and fields that nobody needs.
                Some(_) | None => {}
            }
            if self.data.as_ref().is_some_and(|data| data.len() > LONGEST) {
                return Err(too_long());
            }
        }
        if self.bytes.len() - self.read > LONGEST { Err(too_long()) } else { Ok(None) }
    }

    /// The next whole line, without its end: CR, LF or both.
    fn line(&mut self) -> Option<String> {
        let rest = self.bytes.get(self.read..)?;
        let mut unsearched = rest.iter().skip(self.searched);
        let Some(end) = unsearched.position(|byte| matches!(byte, b'\r' | b'\n')) else {
            self.searched = rest.len();
            return None;
        };
        let end = self.searched + end;
        self.searched = end;
        let (line, after) = rest.split_at(end);
        let skipped = match after {
            [b'\r', b'\n', ..] => 2,
            // Its LF may be still to come.
            [b'\r'] => return None,
            _ => 1,
        };
        let line = String::from_utf8_lossy(line).into_owned();
        self.read += end + skipped;
        self.searched = 0;
        Some(line)
    }
}

fn too_long() -> String {
    format!("an event of more than {LONGEST} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(parser: &mut Parser) -> Vec<(String, String)> {
        std::iter::from_fn(|| parser.next().unwrap()).map(|event| (event.name, event.data)).collect()
    }

    const STREAM: &str = "\u{3a}thump\n\nevent: update\ndata: {\"id\":\"1\"}\n\nevent:delete\r\ndata:17\r\n\r\n\
                          data: two\ndata: lines\nid: 5\n\nevent: nothing\n\n: )\n";

    fn expected() -> Vec<(String, String)> {
        [("update", "{\"id\":\"1\"}"), ("delete", "17"), ("", "two\nlines")]
            .map(|(name, data)| (name.to_owned(), data.to_owned()))
            .to_vec()
    }

    #[test]
    fn events_have_names_and_data_and_comments_say_nothing() {
        let mut parser = Parser::default();
        parser.put(STREAM.as_bytes());
        assert_eq!(events(&mut parser), expected());
    }

    #[test]
    fn it_does_not_matter_how_the_bytes_arrive() {
        let mut parser = Parser::default();
        let mut all = Vec::new();
        for byte in STREAM.as_bytes() {
            parser.put(&[*byte]);
            all.extend(events(&mut parser));
        }
        assert_eq!(all, expected());
    }

    #[test]
    fn what_was_searched_for_the_end_of_a_line_is_not_searched_again() {
        const BYTES: usize = 1 << 18;
        let (mut parser, began) = (Parser::default(), std::time::Instant::now());
        for byte in b"data: ".iter().chain(std::iter::repeat_n(&b'x', BYTES)) {
            parser.put(&[*byte]);
            assert_eq!(parser.next(), Ok(None));
        }
        parser.put(b"\r\n\n");
        assert_eq!(events(&mut parser), [(String::new(), "x".repeat(BYTES))]);
        assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    }

    #[test]
    fn an_event_without_end_ends_the_connection() {
        let mut parser = Parser::default();
        parser.put(&vec![b'x'; LONGEST + 1]);
        assert!(parser.next().is_err());
        let mut parser = Parser::default();
        let line = format!("data: {}\n", "x".repeat(1000));
        let outcome = (0..2000).try_for_each(|_| {
            parser.put(line.as_bytes());
            parser.next().map(drop)
        });
        assert!(outcome.is_err());
    }
}
