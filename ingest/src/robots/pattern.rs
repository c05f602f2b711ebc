//! Patterns of robots.txt: `*` stands for anything, `$` at the end for the end.

/// Path and query of `url`, as rules are matched against it.
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
    if path.starts_with(b"/") { path.to_vec() } else { [b"/", path].concat() }
}

/// The pattern with its percent-escapes in capitals and other than ASCII escaped.
pub(super) fn escaped(pattern: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match (first, tail) {
            (b'%', [a, b, after @ ..]) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => {
                out.extend_from_slice(&[b'%', a.to_ascii_uppercase(), b.to_ascii_uppercase()]);
                rest = after;
            }
            (byte, _) if !byte.is_ascii() => out.extend_from_slice(format!("%{byte:02X}").as_bytes()),
            (byte, _) => out.push(*byte),
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

/// Keeps every place in `path` where the pattern so far may end: linear in both.
fn matches(path: &[u8], pattern: &[u8]) -> bool {
    let mut ends = vec![0];
    for (index, mark) in pattern.iter().enumerate() {
        if *mark == b'$' && index + 1 == pattern.len() {
            return ends.last() == Some(&path.len());
        }
        if *mark == b'*' {
            let first = ends.first().copied().unwrap_or_default();
            ends = (first..=path.len()).collect();
        } else {
            ends = ends.into_iter().filter(|at| path.get(*at) == Some(mark)).map(|at| at + 1).collect();
            if ends.is_empty() {
                return false;
            }
        }
    }
    true
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
        ] {
            assert_eq!(matches(path.as_bytes(), pattern.as_bytes()), expected, "{path} {pattern}");
        }
    }

    #[test]
    fn the_path_of_a_url_has_its_query_and_no_fragment() {
        assert_eq!(path_of("https://example.com/a?b=c#d"), b"/a?b=c");
        assert_eq!(path_of("https://example.com"), b"/");
        assert_eq!(path_of("https://example.com#a/b"), b"/");
        assert_eq!(path_of("example.com?a"), b"/?a");
    }
}
