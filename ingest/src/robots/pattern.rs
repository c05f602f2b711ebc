//! Patterns of robots.txt: `*` stands for anything, `$` at the end for the end. What needs no
//! escape is the same in one (RFC 9309, 2.2.2); but Google takes a line that allows as it is
//! written, so letters and digits in its escapes stay there.

use memchr::memmem;

/// Path and query of a URL, as rules are matched against it.
#[derive(Debug)]
pub(super) struct Path {
    /// With the escapes decoded that need not be.
    plain: Vec<u8>,
    /// The same, with letters and digits left in their escapes.
    spelled: Vec<u8>,
    /// As `plain`, with other characters than ASCII in the escapes in which a server is sent them.
    sent: Vec<u8>,
}

impl Path {
    pub(super) fn of(url: &str) -> Self {
        let path = escaped(&path_of(url), |byte| !byte.is_ascii() || is_of_url(byte));
        let plain = decoded(&path, is_plain);
        Self { sent: escaped(&plain, is_of_url), plain, spelled: decoded(&path, is_plain_mark) }
    }

    /// That of the rules themselves, which no rule forbids (RFC 9309, 2.2.2).
    pub(super) fn is_of_rules(&self) -> bool {
        self.plain == b"/robots.txt"
    }
}

/// Path and query of `url`, as they are written.
fn path_of(url: &str) -> Vec<u8> {
    let bytes = url.as_bytes();
    let find = |marks: &[u8], from: usize| {
        bytes.iter().skip(from).position(|byte| marks.contains(byte)).map(|at| at + from)
    };
    let start = if url.starts_with("//") { 2 } else { 0 };
    let protocol = url.get(start..).and_then(|rest| rest.find("://")).map(|at| at + start);
    let early = find(b"/?;", start);
    let host = match (protocol, early) {
        (Some(at), Some(early)) if early < at => start,
        (Some(at), _) => at + 3,
        (None, _) => start,
    };
    let Some(path) = find(b"/?;", host) else { return b"/".to_vec() };
    let end = find(b"#", start).unwrap_or(bytes.len());
    if end < path {
        return b"/".to_vec();
    }
    let path = bytes.get(path..end).unwrap_or_default();
    if path.starts_with(b"/") { path.to_vec() } else { [b"/", path].concat() }
}

/// What a rule says of paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    /// What stands between its stars.
    pieces: Vec<Vec<u8>>,
    /// The last piece ends the path.
    is_whole: bool,
    /// In octets, decoded: of two patterns that match the longer one decides.
    length: usize,
}

impl Pattern {
    pub(super) fn disallowing(text: &[u8]) -> Self {
        Self::of(text, is_plain)
    }

    /// Allowing `/index.html` allows its folder itself too.
    pub(super) fn allowing(text: &[u8]) -> Vec<Self> {
        let folder = text.iter().rposition(|byte| *byte == b'/').and_then(|slash| {
            let (folder, file) = (text.get(..=slash)?, text.get(slash..)?);
            file.starts_with(b"/index.htm").then(|| [folder, b"$"].concat())
        });
        let mut patterns = vec![Self::of(text, is_plain_mark)];
        patterns.extend(folder.map(|folder| Self::of(&folder, is_plain_mark)));
        patterns
    }

    fn of(text: &[u8], is_decoded: fn(u8) -> bool) -> Self {
        let length = escaped(&decoded(text, is_plain), is_of_url).len();
        let (text, is_whole) = match text.strip_suffix(b"$") {
            Some(text) => (text, true),
            None => (text, false),
        };
        let pieces = text.split(|mark| *mark == b'*');
        let pieces = pieces.map(|piece| escaped(&decoded(piece, is_decoded), is_of_url));
        Self { pieces: pieces.collect(), is_whole, length }
    }

    /// Its length, where it matches.
    pub(super) fn matches(&self, path: &Path) -> Option<usize> {
        (self.fits(&path.plain) || self.fits(&path.spelled)).then_some(self.length)
    }

    /// The same of a pattern that disallows: it does so however the URL is written. Google allows by no pattern a
    /// URL that is not escaped.
    pub(super) fn forbids(&self, path: &Path) -> Option<usize> {
        self.matches(path).or_else(|| self.fits(&path.sent).then_some(self.length))
    }

    /// Looks for what stands between two stars behind what was found before: linear in the path for each.
    fn fits(&self, path: &[u8]) -> bool {
        let Some((first, others)) = self.pieces.split_first() else { return false };
        let Some(mut rest) = path.strip_prefix(first.as_slice()) else { return false };
        let Some((last, others)) = others.split_last() else { return !self.is_whole || rest.is_empty() };
        for piece in others {
            let Some(at) = memmem::find(rest, piece) else { return false };
            rest = rest.get(at + piece.len()..).unwrap_or_default();
        }
        if self.is_whole { rest.ends_with(last) } else { memmem::find(rest, last).is_some() }
    }
}

/// It says the same in an escape and without: unreserved by RFC 3986; and the characters that
/// mean something else in a pattern, which is why they are escaped there (RFC 9309, 2.2.3).
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || is_plain_mark(byte)
}

fn is_plain_mark(byte: u8) -> bool {
    b"-._~*$".contains(&byte)
}

/// With these of its escapes decoded and the others in capitals: `%e4` and `%E4` are one.
fn decoded(text: &[u8], is_decoded: fn(u8) -> bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = match escape(rest) {
            Some((byte, after)) if is_decoded(byte) => {
                out.push(byte);
                after
            }
            Some((byte, after)) => {
                push_escape(&mut out, byte);
                after
            }
            None => {
                out.push(*first);
                after
            }
        };
    }
    out
}

/// What the escape that `text` begins with stands for, and what follows it.
fn escape(text: &[u8]) -> Option<(u8, &[u8])> {
    let [b'%', high, low, after @ ..] = text else { return None };
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let byte = u8::try_from(digit(high)? * 16 + digit(low)?).ok()?;
    Some((byte, after))
}

/// What may stand in a URL by RFC 3986, which has the rest in escapes: a space, other characters than ASCII.
fn is_of_url(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte)
}

/// With all but `is_kept` in escapes.
fn escaped(text: &[u8], is_kept: impl Fn(u8) -> bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        if is_kept(*byte) {
            out.push(*byte);
        } else {
            push_escape(&mut out, *byte);
        }
    }
    out
}

/// `%E4`, in capitals.
fn push_escape(out: &mut Vec<u8>, byte: u8) {
    out.extend_from_slice(format!("%{byte:02X}").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_and_ends_match_as_the_rfc_says() {
        for (path, pattern, expected) in [
            ("/fish.html", "/fish", true),
            ("/Fish", "/fish", false),
            ("/a/b.php?x", "/*.php", true),
            ("/a/b.php?x", "/*.php$", false),
            ("/a/b.php", "/*.php$", true),
            ("/", "/$", true),
            ("/a", "/$", false),
            ("/a$b", "/a$b", true),
            ("/anything", "*", true),
            ("/ab/ab", "/*b$", true),
            ("/abc", "/*b*b$", false),
            ("/a/b/c", "/a*/*c$", true),
            ("/a", "/a*$", true),
            ("/a", "", true),
            ("/a", "$", false),
        ] {
            let found = Pattern::disallowing(pattern.as_bytes()).fits(path.as_bytes());
            assert_eq!(found, expected, "{path} {pattern}");
        }
    }

    fn both(pattern: &str, path: &str) -> (bool, bool) {
        let path = Path::of(&format!("https://e.com{path}"));
        let allowing = Pattern::allowing(pattern.as_bytes());
        let is_allowed = allowing.iter().any(|pattern| pattern.matches(&path).is_some());
        (Pattern::disallowing(pattern.as_bytes()).matches(&path).is_some(), is_allowed)
    }

    #[test]
    fn percent_escapes_are_one_in_small_letters_and_in_capitals() {
        let rule = Pattern::disallowing("/%e4%B8%ad/中".as_bytes());
        let path = Path::of("https://e.com/%e4%b8%AD/%e4%b8%ad%2");
        assert_eq!(rule.matches(&path), Some("/%E4%B8%AD/%E4%B8%AD".len()));
    }

    #[test]
    fn what_a_url_has_in_escapes_is_disallowed_with_and_without() {
        for (pattern, path) in [
            ("/新闻", "/%E6%96%B0%E9%97%BB/1"),
            ("/%e6%96%b0%e9%97%bb", "/新闻/1"),
            ("/新闻", "/新闻/1"),
            ("/a b", "/a%20b"),
            ("/a%20b", "/a b"),
            ("/a b", "/a b"),
            ("/*{id}", "/a?b=%7Bid%7D"),
        ] {
            let path = Path::of(&format!("https://e.com{path}"));
            assert!(Pattern::disallowing(pattern.as_bytes()).forbids(&path).is_some(), "{pattern} {path:?}");
        }
        assert_eq!(both("/a b", "/a%20b"), (true, true));
    }

    #[test]
    fn a_star_and_a_dollar_in_escapes_are_meant_as_they_are() {
        for (pattern, path, expected) in [
            ("/path/file-with-a-%2A.html", "/path/file-with-a-*.html", true),
            ("/path/file-with-a-%2a.html", "/path/file-with-a-%2A.html", true),
            ("/path/file-with-a-%2A.html", "/path/file-with-a-b.html", false),
            ("/path/foo-%24", "/path/foo-$", true),
            ("/path/foo-%24", "/path/foo-%24/a", true),
            ("/path/foo-%24", "/path/foo-", false),
        ] {
            assert_eq!(both(pattern, path), (expected, expected), "{pattern} {path}");
        }
    }

    #[test]
    fn what_needs_no_escape_is_one_with_and_without() {
        for (pattern, path) in [
            ("/%7Ejoe/", "/~joe/x"),
            ("/~joe/", "/%7ejoe/x"),
            ("/a%2Db", "/a-b"),
            ("/joe", "/%6Aoe"),
            ("/%6Aoe", "/%6aoe"),
        ] {
            assert_eq!(both(pattern, path), (true, true), "{pattern} {path}");
        }
        // Google's own case has it that the last is not allowed; the RFC that it is disallowed.
        assert_eq!(both("/%62%61%7A", "/baz"), (true, false));
        for (pattern, path) in [("/a%2Fb", "/a/b"), ("/a/b", "/a%2fb"), ("/a%3Fb", "/a?b")] {
            assert_eq!(both(pattern, path), (false, false), "{pattern} {path}");
        }
    }

    #[test]
    fn a_pattern_is_as_long_as_it_is_without_its_escapes() {
        let path = Path::of("https://e.com/baz/x");
        assert_eq!(Pattern::disallowing(b"/%62%61%7A").matches(&path), Some(4));
        assert_eq!(Pattern::disallowing(b"/*z/x$").matches(&path), Some(6));
    }

    #[test]
    fn the_path_of_a_url_has_its_query_and_no_fragment() {
        assert_eq!(path_of("https://example.com/a?b=c#d"), b"/a?b=c");
        assert_eq!(path_of("https://example.com"), b"/");
        assert_eq!(path_of("https://example.com#a/b"), b"/");
        assert_eq!(path_of("example.com?a"), b"/?a");
    }
}
