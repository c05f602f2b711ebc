//! Which feeds a page links to: those that its head declares, or else what its links to feeds are called.

use url::Url;

use super::dom::Dom;
use super::tag::Tag;

/// What a link to a feed is said to be, in lower case and without parameters.
const TYPES: [&str; 3] = ["application/rss+xml", "application/atom+xml", "application/feed+json"];
/// Last parts of addresses that are those of feeds, in lower case. `/rss` is as often a page about them.
const NAMES: [&str; 6] = ["atom.xml", "feed", "feed.json", "feed.xml", "index.rdf", "rss.xml"];
/// Most `<link>`, and most `<a>`, of a page that are read.
const MOST: usize = 500;

/// Those of the page at `url`, not resolved, in the order of the page. What is only called a feed is one of the same
/// site: networks call the dialog by which a page is shared so.
pub(super) fn linked(dom: &Dom<'_>, url: &str) -> Vec<String> {
    let declared = dom.below(0, Tag::Link).take(MOST).filter(|node| is_declared(dom, *node));
    let declared: Vec<String> = declared.filter_map(|node| href(dom, node)).collect();
    if !declared.is_empty() {
        return declared;
    }
    // An address that is relative is no URL by itself.
    let is_own = |href: &str| Url::parse(href).is_err() || crate::domain_of(href) == crate::domain_of(url);
    let is_called = |href: &str| is_named(href) && is_own(href);
    let links = dom.below(0, Tag::A).take(MOST);
    let links = links.filter_map(|node| Some((node, href(dom, node)?)));
    links.filter(|(node, href)| is_of_feed(dom, *node) || is_called(href)).map(|(_, href)| href).collect()
}

fn href(dom: &Dom<'_>, node: usize) -> Option<String> {
    dom.attribute(node, "href").map(|href| href.trim().to_owned())
}

fn is_declared(dom: &Dom<'_>, node: usize) -> bool {
    let rel = dom.attribute(node, "rel").unwrap_or_default().to_ascii_lowercase();
    rel.contains("alternate") && is_of_feed(dom, node)
}

fn is_of_feed(dom: &Dom<'_>, node: usize) -> bool {
    let kind = dom.attribute(node, "type").unwrap_or_default().to_ascii_lowercase();
    kind.split(';').next().is_some_and(|kind| TYPES.contains(&kind.trim()))
}

/// `/rss.xml`, `/feed/`, `/markets.rss`; not the feed of a text's comments.
fn is_named(href: &str) -> bool {
    let lower = href.to_ascii_lowercase();
    let path = lower.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let last = path.rsplit('/').next().unwrap_or_default();
    let is_feed = NAMES.contains(&last) || [".rss", ".atom"].iter().any(|end| last.ends_with(end));
    is_feed && !path.contains("comment")
}

#[cfg(test)]
mod tests {
    use super::super::read;

    #[test]
    fn where_the_head_declares_none_links_that_are_called_feeds_are() {
        let feeds = |head: &str, body: &str| {
            let html = format!("<html><head><title>Bank</title>{head}</head><body>{body}</body></html>");
            read(&html, "https://example.com/markets/").feeds
        };
        let links = "<a href='/rss.xml'>RSS</a><a href='/feed/'>All</a><a href='banks.rss?x=1'>Banks</a>\
                     <a href='/rss.xml'>RSS</a><a href='/a' type='application/atom+xml'>Atom</a>\
                     <a href='http://www.example.com/b.atom'>B</a>";
        let named = ["rss.xml", "feed/", "markets/banks.rss?x=1", "a"]
            .map(|path| format!("https://example.com/{path}"));
        let named = [named.as_slice(), &["http://www.example.com/b.atom".to_owned()]].concat();
        assert_eq!(feeds("", links), named);
        let declared = "<link rel=alternate type='application/rss+xml' href='/own'>";
        assert_eq!(feeds(declared, links), ["https://example.com/own"]);
        for other in [
            "/about",
            "/rss",
            "/rss-explained.html",
            "/a/comments/feed/",
            "/newsfeed",
            "#feed.xml",
            "https://social.net/dialog/feed?link=a",
        ] {
            assert_eq!(feeds("", &format!("<a href='{other}'>x</a>")), [""; 0], "{other}");
        }
    }
}
