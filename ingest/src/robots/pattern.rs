//! Patterns of robots.txt: `*` stands for anything, `$` at the end for the end.

use memchr::memmem;

/// Path and query of `url`, as rules are matched against it: with its percent-escapes in capitals.
pub(super) fn path_of(url: &str) -> Vec<u8> {
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
    if path.starts_with(b"/") { raised(path) } else { raised(&[b"/", path].concat()) }
}

/// The pattern with its percent-escapes in capitals and other than ASCII escaped.
pub(super) fn escaped(pattern: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(pattern.len());
    for byte in raised(pattern) {
        if byte.is_ascii() {
            out.push(byte);
        } else {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    out
}

/// With its percent-escapes in capitals: `%e4` and `%E4` are one (RFC 9309, 2.2.2).
fn raised(text: &[u8]) -> Vec<u8> {
    let mut out = text.to_vec();
    for at in 0..out.len() {
        if let Some([b'%', a, b]) = out.get_mut(at..at + 3)
            && a.is_ascii_hexdigit()
            && b.is_ascii_hexdigit()
        {
            a.make_ascii_uppercase();
            b.make_ascii_uppercase();
        }
    }
    out
}

/// The length of `pattern` where it matches `path`.
pub(super) fn match_length(path: &[u8], pattern: &[u8]) -> Option<usize> {
    matches(path, pattern).then_some(pattern.len())
}

/// As [`match_length`]; allowing `/index.html` allows its folder itself too.
pub(super) fn match_allow(path: &[u8], pattern: &[u8]) -> Option<usize> {
    match_length(path, pattern).or_else(|| {
        let slash = pattern.iter().rposition(|byte| *byte == b'/')?;
        let (folder, file) = (pattern.get(..=slash)?, pattern.get(slash..)?);
        file.starts_with(b"/index.htm").then(|| match_length(path, &[folder, b"$"].concat()))?
    })
}

/// Looks for what stands between two stars behind what was found before: linear in the path for each.
fn matches(path: &[u8], pattern: &[u8]) -> bool {
    let (pattern, is_whole) = match pattern.strip_suffix(b"$") {
        Some(pattern) => (pattern, true),
        None => (pattern, false),
    };
    let mut pieces = pattern.split(|mark| *mark == b'*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = path.strip_prefix(first) else { return false };
    let Some(last) = pieces.next_back() else { return !is_whole || rest.is_empty() };
    for piece in pieces {
        let Some(at) = memmem::find(rest, piece) else { return false };
        rest = rest.get(at + piece.len()..).unwrap_or_default();
    }
    if is_whole { rest.ends_with(last) } else { memmem::find(rest, last).is_some() }
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
            assert_eq!(matches(path.as_bytes(), pattern.as_bytes()), expected, "{path} {pattern}");
        }
    }

    #[test]
    fn percent_escapes_are_one_in_small_letters_and_in_capitals() {
        let (rule, path) =
            (escaped("/%e4%B8%ad/中".as_bytes()), path_of("https://e.com/%e4%b8%AD/%e4%b8%ad%2"));
        assert_eq!(rule, b"/%E4%B8%AD/%E4%B8%AD");
        assert_eq!(match_length(&path, &rule), Some(rule.len()));
    }

    #[test]
    fn the_path_of_a_url_has_its_query_and_no_fragment() {
        assert_eq!(path_of("https://example.com/a?b=c#d"), b"/a?b=c");
        assert_eq!(path_of("https://example.com"), b"/");
        assert_eq!(path_of("https://example.com#a/b"), b"/");
        assert_eq!(path_of("example.com?a"), b"/?a");
    }
}
