//! A robots.txt as lines. Reads like Google's parser, which the RFC was written from:
//! forgiving of typos, never failing.

use super::pattern::Pattern;

/// Longest line that is read, in bytes, as in Google's parser; the rest of a longer one is dropped.
const MAX_LINE: usize = 2083 * 8;
/// RFC 9309: at least 500 KiB must be read.
pub(super) const MAX_FILE: usize = 512 << 10;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    Agent(String),
    /// Allowed is what one of them matches.
    Allow(Vec<Pattern>),
    Disallow(Pattern),
    /// In milliseconds.
    CrawlDelay(u64),
}

impl Line {
    /// `None`: it says nothing that is known.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        let line = line.get(..MAX_LINE).unwrap_or(line);
        let line = line.split(|byte| *byte == b'#').next().unwrap_or_default().trim_ascii();
        let (key, value) = split(line)?;
        let key = String::from_utf8_lossy(key).to_ascii_lowercase();
        let starts = |names: &[&str]| names.iter().any(|name| key.starts_with(name));
        if starts(&["user-agent", "useragent", "user agent"]) {
            return Some(Self::Agent(String::from_utf8_lossy(value).into_owned()));
        }
        if starts(&["allow"]) {
            return Some(Self::Allow(Pattern::allowing(value)));
        }
        if starts(&["disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw"]) {
            return Some(Self::Disallow(Pattern::disallowing(value)));
        }
        if starts(&["crawl-delay", "crawldelay"]) {
            let seconds: f64 = String::from_utf8_lossy(value).parse().ok()?;
            return (0.0..1e6).contains(&seconds).then_some(Self::CrawlDelay((seconds * 1000.0) as u64));
        }
        None
    }
}

/// The lines of a robots.txt, as [`super::Decision`] counts them: each ends with LF, CR or both.
pub fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let rows = bytes.split(|byte| *byte == b'\n').map(|row| row.strip_suffix(b"\r").unwrap_or(row));
    rows.flat_map(|row| row.split(|byte| *byte == b'\r'))
}

/// As much of a robots.txt as is read: a line that ends too late would be another rule if it
/// were cut.
pub(super) fn within_bounds(bytes: &[u8]) -> &[u8] {
    let Some(beginning) = bytes.get(..=MAX_FILE) else { return bytes };
    let end = beginning.iter().rposition(|byte| matches!(byte, b'\n' | b'\r'));
    beginning.get(..end.unwrap_or_default()).unwrap_or_default()
}

/// Key and value; a line of just two words stands for one without its colon.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let (key, value) = match line.iter().position(|byte| *byte == b':') {
        Some(at) => (line.get(..at)?, line.get(at + 1..)?),
        None => {
            let at = line.iter().position(is_space)?;
            let value = line.get(at..)?.trim_ascii();
            if value.iter().any(is_space) {
                return None;
            }
            (line.get(..at)?, value)
        }
    };
    let key = key.trim_ascii();
    (!key.is_empty()).then(|| (key, value.trim_ascii()))
}
