//! Addresses of documents: without the name of whoever wrote them, and without personal details. What is blacked
//! out of an address is decided by the address alone, so that one document has one address.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use tocsin_contract::SourceKind;
use url::{Url, form_urlencoded};

use super::{Detail, Pattern, is_match, redact_only};
use crate::draft::Rough;

/// What stands in place of a name: most networks find a post by its number alone.
const NOBODY: &str = "-";

/// Names of parameters, and parts of paths, behind which a number is of a person.
static OF_PERSONS: Pattern = LazyLock::new(|| {
    let words = "tel|phone|mobile|cell|sms|whatsapp|wechat|call|fax|card|contact|user|member|customer|idno";
    Regex::new(&format!("(?i)(?:^|[^a-z])(?:{words})")).ok()
});

/// Names of parameters behind which a number is of a document, or an instant.
static OF_DOCUMENTS: Pattern = LazyLock::new(|| {
    Regex::new("(?i)^(?:.*id|.*code|.*no|.*num(?:ber)?|[a-z]|ts|sn|page|(?:time|date).*|_.*)$").ok()
});

/// A document whose addresses name neither its author, where it is a post, nor anybody else, and how many details
/// were blacked out of them. Where nothing is to be blacked out they stay.
pub(crate) fn without_names(mut rough: Rough, details: &BTreeSet<Detail>) -> (Rough, u32) {
    if details.is_empty() {
        return (rough, 0);
    }
    let author = rough.author.as_deref().unwrap_or_default();
    let author = (rough.source.kind == SourceKind::Social).then_some(author);
    let clean = |address: Option<&str>| address.map(|address| clean(address, author, details)).unzip();
    let (url, in_url) = clean(rough.url.as_deref());
    let (canonical, in_canonical) = clean(rough.canonical_url.as_deref());
    (rough.url, rough.canonical_url) = (url, canonical);
    (rough, in_url.max(in_canonical).unwrap_or_default())
}

/// Whether an address may be written as its page gives it. That of a post may name its author, who is only
/// known as a hash by then.
pub(crate) fn names_nobody(address: &str, kind: SourceKind, details: &BTreeSet<Detail>) -> bool {
    details.is_empty() || (kind != SourceKind::Social && clean(address, None, details).1 == 0)
}

/// `author`: of a post, empty where it is not known.
fn clean(address: &str, author: Option<&str>, details: &BTreeSet<Detail>) -> (String, u32) {
    let url = Url::parse(address).ok().filter(|url| !url.cannot_be_a_base());
    let Some(mut url) = url else { return redact_only(address, details) };
    let path = author.map_or_else(|| url.path().to_owned(), |author| anonymous(url.path(), author));
    let (path, in_path) = path_of(&path, details);
    let pairs = |text: Option<&str>| text.map(|text| pairs_of(text, author, details)).unzip();
    let (query, in_query) = pairs(url.query());
    let (fragment, in_fragment) = pairs(url.fragment());
    let before = (url.path(), url.query(), url.fragment());
    if before == (path.as_str(), query.as_deref(), fragment.as_deref()) {
        return (address.to_owned(), 0);
    }
    url.set_path(&path);
    url.set_query(query.as_deref());
    url.set_fragment(fragment.as_deref());
    (url.into(), in_path + in_query.unwrap_or_default() + in_fragment.unwrap_or_default())
}

/// A path without the name of an author. Servers of Mastodon lead from the number of a post to the post.
fn anonymous(path: &str, author: &str) -> String {
    let parts: Vec<&str> = path.split('/').collect();
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match parts.as_slice() {
        ["", name, id] if decoded(name).starts_with('@') && is_number(id) => format!("/web/statuses/{id}"),
        ["", "users", _, "statuses", id] if is_number(id) => format!("/web/statuses/{id}"),
        parts => {
            let named = parts.iter().copied().map(|part| if is_handle(part, author) { NOBODY } else { part });
            named.collect::<Vec<_>>().join("/")
        }
    }
}

/// Whether a part of an address is the name of an account: by its form, or because it is the author's.
fn is_handle(part: &str, author: &str) -> bool {
    let part = decoded(part).to_lowercase();
    if part.starts_with("did:") || (part.starts_with('@') && part.len() > 1) {
        return true;
    }
    let part = part.strip_prefix("u_").unwrap_or(&part).trim_start_matches('~');
    let author = author.trim().trim_start_matches('@').to_lowercase();
    let local = author.split('@').next().unwrap_or_default();
    !local.is_empty() && (part == author || part == local)
}

/// In a path, numbers are those of articles, but behind a part that tells of persons.
fn path_of(path: &str, details: &BTreeSet<Detail>) -> (String, u32) {
    let (mut count, mut before) = (0, "");
    let mut parts = Vec::new();
    for part in path.split('/') {
        let (part_now, found) = piece(part, details, is_match(&OF_PERSONS, before));
        parts.push(part_now);
        count += found;
        before = part;
    }
    (parts.join("/"), count)
}

/// The same of a query, or of a fragment that is written as one.
fn pairs_of(text: &str, author: Option<&str>, details: &BTreeSet<Detail>) -> (String, u32) {
    let mut count = 0;
    let mut pairs = Vec::new();
    for pair in text.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or(("", pair));
        let has_numbers = is_match(&OF_PERSONS, name) || !is_match(&OF_DOCUMENTS, name);
        let (value, found) = match author.filter(|author| is_handle(value, author)) {
            Some(_) => (NOBODY.to_owned(), 0),
            None => piece(value, details, has_numbers),
        };
        count += found;
        pairs.push(if pair.contains('=') { format!("{name}={value}") } else { value });
    }
    (pairs.join("&"), count)
}

/// A part of an address; without `has_numbers` only addresses of e-mail are looked for.
fn piece(part: &str, details: &BTreeSet<Detail>, has_numbers: bool) -> (String, u32) {
    let is_looked_for = |detail: &Detail| has_numbers || *detail == Detail::Email;
    let details: BTreeSet<Detail> = details.iter().copied().filter(is_looked_for).collect();
    let plain = decoded(part);
    // In a query a plus may stand for a space.
    let spaced = plain.replace('+', " ");
    for text in [plain, spaced] {
        let (text, count) = redact_only(&text, &details);
        if count > 0 {
            return (encoded(&text), count);
        }
    }
    (part.to_owned(), 0)
}

fn decoded(part: &str) -> String {
    let one = part.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(one.as_bytes()).next().map(|(text, _)| text.into_owned()).unwrap_or_default()
}

/// For an address; the marks of what was blacked out stay readable.
fn encoded(text: &str) -> String {
    let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    encoded.replace('+', "%20").replace("%5B", "[").replace("%5D", "]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(address: &str, author: Option<&str>) -> (String, u32) {
        clean(address, author, &BTreeSet::from(Detail::ALL))
    }

    #[test]
    fn personal_details_in_an_address_are_blacked_out_and_counted_and_it_stays_so() {
        for (address, expected, count) in [
            (
                "https://e.com/t?email=jane.doe@example.com&tel=13812345678&b=2",
                "https://e.com/t?email=[email]&tel=[phone]&b=2",
                2,
            ),
            ("https://e.com/?m=jane%40example.com", "https://e.com/?m=[email]", 1),
            ("https://e.com/?u=https%3A%2F%2Fa.com%2F%3Fm%3Dj%2540a.com", "", 1),
            ("https://e.com/u/jane@example.com/a", "https://e.com/u/[email]/a", 1),
            ("https://e.com/call/13812345678", "https://e.com/call/[phone]", 1),
            ("https://e.com/?phone=%2B44%2020%207946%200958", "https://e.com/?phone=[phone]", 1),
            ("https://e.com/?tel=+442079460958", "https://e.com/?tel=[phone]", 1),
            ("https://e.com/?tel=138+1234+5678", "https://e.com/?tel=[phone]", 1),
            ("https://e.com/a#email=jane@example.com", "https://e.com/a#email=[email]", 1),
            ("mailto:jane@example.com", "mailto:[email]", 1),
        ] {
            let (once, found) = all(address, None);
            assert_eq!(found, count, "{address}: {once}");
            assert!(expected.is_empty() || once == expected, "{once}");
            assert!(!once.contains("jane"), "{once}");
            assert_eq!(all(&once, None), (once.clone(), 0));
        }
    }

    #[test]
    fn numbers_of_articles_and_words_in_an_address_are_left_alone() {
        for address in [
            "https://www.zhihu.com/question/13812345678/answer/13912345678",
            "https://finance.eastmoney.com/a/202405063068912345.html",
            "https://e.com/news?id=13812345678&newsid=13912345678&t=1713812345678",
            "https://m.weibo.cn/7247405772/4398805656674607",
            "https://e.com/2024-05-06/bank-falls-10.02?code=600519",
            "https://e.com/?q=%E9%93%B6%E8%A1%8C&b=a+b",
            "https://medium.com/@john.doe/post",
            "no address",
        ] {
            assert_eq!(all(address, None), (address.to_owned(), 0));
        }
    }

    #[test]
    fn the_address_of_a_post_does_not_name_its_author() {
        for (address, author, expected) in [
            ("https://m.example/@jane/900", "jane", "https://m.example/web/statuses/900"),
            ("https://m.example/@jane@o.example/900", "", "https://m.example/web/statuses/900"),
            ("https://m.example/users/jane/statuses/9", "jane@m.example", "https://m.example/web/statuses/9"),
            ("https://bsky.app/profile/did:plc:a/post/3", "did:plc:a", "https://bsky.app/profile/-/post/3"),
            ("https://t.example/Jane/status/9", "@jane", "https://t.example/-/status/9"),
            ("https://r.example/r/u_jane/comments/9/", "jane", "https://r.example/r/-/comments/9/"),
            ("https://b.example/?by=jane&p=9", "jane", "https://b.example/?by=-&p=9"),
            ("https://r.example/r/harbour/comments/9/", "kay", "https://r.example/r/harbour/comments/9/"),
        ] {
            assert_eq!(all(address, Some(author)), (expected.to_owned(), 0));
            assert_eq!(all(expected, Some(author)).0, expected, "it stays so");
        }
    }

    #[test]
    fn the_own_address_of_a_page_is_judged_as_that_of_a_list() {
        let (all, none) = (BTreeSet::from(Detail::ALL), BTreeSet::new());
        let (article, post) = ("https://e.com/question/13812345678", "https://e.com/@jane/900");
        for (address, kind, details, is_taken) in [
            (article, SourceKind::News, &all, true),
            ("https://e.com/u/jane@example.com", SourceKind::News, &all, false),
            ("https://e.com/u/jane@example.com", SourceKind::News, &none, true),
            ("https://e.com/a?tel=13812345678", SourceKind::News, &BTreeSet::from([Detail::Email]), true),
            (post, SourceKind::Social, &all, false),
            (post, SourceKind::Social, &none, true),
        ] {
            assert_eq!(names_nobody(address, kind, details), is_taken, "{address} {details:?}");
        }
    }
}
