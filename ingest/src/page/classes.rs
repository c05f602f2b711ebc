//! What class names and ids say of an element. Authors name things for what they are,
//! in a few dozen English words on sites of every language.

use std::sync::LazyLock;

use aho_corasick::AhoCorasickKind;

use super::dom::{Data, Dom};
use super::finder::Finder;
use super::markup::Attributes;

/// Groups of words; the place in this list is the group's number.
const GROUPS: [&[&str]; 20] = [
    &["comment", "disqus", "reply", "replies", "livefyre", "pinglun", "talkback"],
    &["nav", "menu", "breadcrumb", "crumb", "toolbar", "topbar", "pagination", "pager", "skip"],
    &["footer", "copyright", "legal", "foot", "bottom"],
    &["sidebar", "aside", "widget", "rail", "side", "right", "left"],
    &[
        "related",
        "recommend",
        "popular",
        "trending",
        "most",
        "next",
        "also",
        "latest",
        "teaser",
        "hot",
        "rank",
    ],
    &["share", "social", "follow", "facebook", "twitter", "like", "vote", "action"],
    &[
        "advert",
        "sponsor",
        "ad-",
        "ads",
        "-ad",
        "ad_",
        "_ad",
        "banner",
        "taboola",
        "outbrain",
        "promo",
        "commercial",
    ],
    &[
        "newsletter",
        "subscribe",
        "signup",
        "login",
        "modal",
        "popup",
        "cookie",
        "consent",
        "paywall",
        "dialog",
    ],
    &["author", "byline", "bio", "profile", "avatar", "user", "member", "poster"],
    &["meta", "date", "time", "publish", "tag", "categor", "info", "source", "count", "stat"],
    &["caption", "image", "photo", "gallery", "video", "figure", "credit", "media", "img", "slide"],
    &["content", "article", "story", "body", "text", "main", "entry", "detail", "neirong"],
    &[
        "post",
        "thread",
        "topic",
        "message",
        "answer",
        "question",
        "discussion",
        "forum",
        "quote",
        "signature",
    ],
    &["header", "title", "headline", "hero", "head", "subject"],
    &["summary", "intro", "lead", "dek", "excerpt", "descr", "abstract", "standfirst", "subtitle"],
    &["hidden", "hide", "sr-only", "screen-reader", "print", "visually", "collapse", "tooltip"],
    &["consent", "cookie", "gdpr", "onetrust", "qc-cmp", "didomi", "privacy", "cmp"],
    &["signature", "badge", "joined", "reputation", "usertitle", "user-title"],
    &["quote", "quoted", "blockquote"],
    &["reference", "footnote", "cite", "bibliograph", "toc", "table-of-contents", "infobox", "references"],
];

pub(super) const COMMENT: u32 = 1;
pub(super) const AUTHOR: u32 = 1 << 8;
pub(super) const DATE: u32 = 1 << 9;
pub(super) const CONTENT: u32 = 1 << 11;
pub(super) const POST: u32 = 1 << 12;
/// Comments, footers, side bars, links to other articles, advertisements.
pub(super) const BESIDE: u32 = COMMENT | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 6;

pub(super) const COUNT: usize = GROUPS.len();

static WORDS: LazyLock<Option<Finder<u32>>> = LazyLock::new(|| {
    let groups = GROUPS.iter().enumerate();
    let words = groups.flat_map(|(group, words)| words.iter().map(move |word| (*word, 1 << group)));
    // Every element of every page is searched: a table of a few hundred kilobytes is worth its speed.
    Finder::new(words, Some(AhoCorasickKind::DFA))
});

/// Bit `n`: class, id or role of the element hold a word of group `n`.
fn groups(dom: &Dom<'_>, node: usize) -> u32 {
    let (Some(words), Some(Data::Element(_, attributes))) =
        (WORDS.as_ref(), dom.nodes.get(node).map(|node| node.data))
    else {
        return 0;
    };
    Attributes(attributes)
        .filter(|(name, _)| {
            ["class", "id", "role", "itemprop"].iter().any(|known| name.eq_ignore_ascii_case(known))
        })
        .flat_map(|(_, value)| words.kinds(value))
        .fold(0, |all, group| all | group)
}

/// The groups of every node.
pub(super) fn of(dom: &Dom<'_>) -> Vec<u32> {
    (0..dom.nodes.len()).map(|node| groups(dom, node)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_an_element_holds() {
        let dom = Dom::parse("<div class='Related-Articles' id=x><p title=comment>");
        assert_eq!(groups(&dom, 1), 1 << 4 | 1 << 11);
        assert_eq!(groups(&dom, 2), 0);
    }
}
