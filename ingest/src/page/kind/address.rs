//! What an address says of the page that stands there, as far as most sites build theirs alike.

use url::Url;

/// Parts of paths under which lists of pages stand.
const LISTS: [&str; 12] = [
    "author",
    "authors",
    "categories",
    "category",
    "page",
    "search",
    "section",
    "sections",
    "tag",
    "tags",
    "topic",
    "topics",
];
/// Parameters that ask for a search.
const SEARCHES: [&str; 6] = ["keyword", "keywords", "q", "query", "s", "search"];
/// Hyphens from which the end of a path is a headline, and digits from which it numbers a text or a day.
const HYPHENS: usize = 3;
const DIGITS: usize = 5;

/// Whether lists stand at such an address: the first page of a site, a tag, a search.
pub(super) fn is_of_list(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let is_known = |part: &str| LISTS.iter().any(|known| part.eq_ignore_ascii_case(known));
    let asks = url.query_pairs().any(|(name, _)| SEARCHES.contains(&&*name));
    // Behind the first page's address a query may name a text: `/?p=123`.
    let is_first = url.path() == "/" && url.query().is_none();
    asks || is_first || url.path().split('/').any(is_known)
}

/// Whether a single text stands at such an address: it ends in words of a headline, or holds a long number.
pub(super) fn is_of_text(url: &str) -> bool {
    let Ok(parsed) = Url::parse(url) else { return false };
    let path = parsed.path().trim_end_matches('/');
    let (_, end) = path.rsplit_once('/').unwrap_or(("", path));
    let is_headline = end.bytes().filter(|byte| matches!(byte, b'-' | b'_')).count() >= HYPHENS;
    let numbers = path.split(|c: char| !c.is_ascii_digit());
    (is_headline || numbers.map(str::len).any(|length| length >= DIGITS)) && !is_of_list(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_lists_and_of_single_texts_are_told_apart() {
        for url in [
            "https://e.com/",
            "https://e.com",
            "https://e.com/?s=bank",
            "https://e.com/tag/bank-of-the-harbour-towns/",
            "https://e.com/markets/page/2",
        ] {
            assert!(is_of_list(url) && !is_of_text(url), "{url}");
        }
        for url in [
            "https://e.com/news/son-of-former-president-stabbed",
            "https://e.com/news/20240520/1676288.shtml?fr=index",
            "https://e.com/a/bank_falls_by_a_third/",
            "https://e.com/markets/archive/2024/05/bank-falls/678123/",
        ] {
            assert!(is_of_text(url) && !is_of_list(url), "{url}");
        }
        for url in ["https://e.com/markets", "https://e.com/world-markets", "https://e.com/?p=123", ""] {
            assert!(!is_of_text(url) && !is_of_list(url), "{url}");
        }
    }
}
