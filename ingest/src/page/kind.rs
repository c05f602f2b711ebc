//! What kind of page it is, so that a captcha, an error or a teaser is not stored as
//! an article.

use serde::Serialize;

use super::blocks::Block;
use super::classes;
use super::dom::{Data, Dom};
use super::meta::Meta;
use super::tag::Tag;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Article,
    /// Posts or questions with answers.
    Forum,
    /// Links to other pages.
    Listing,
    /// An error, a captcha, a demand for consent or cookies.
    Error,
    /// An article whose text is held back.
    Paywall,
}

/// Text below which a page is no article whatever its title says, and above which no error page goes.
const SHORT: usize = 700;

/// Beginnings of titles of pages that stand in for the one that was asked for.
const ERROR_TITLES: [&str; 28] = [
    "just a moment",
    "attention required",
    "access denied",
    "access to this page has been denied",
    "403",
    "404",
    "410 gone",
    "429",
    "500",
    "502",
    "503",
    "504",
    "forbidden",
    "not found",
    "page not found",
    "error",
    "are you a robot",
    "robot check",
    "security check",
    "verify you are human",
    "human verification",
    "captcha",
    "bot verification",
    "service unavailable",
    "验证",
    "安全验证",
    "访问验证",
    "页面不存在",
];

/// What such pages say, where they say little else.
const ERROR_TEXTS: [&str; 18] = [
    "enable javascript and cookies",
    "verify you are human",
    "verifying you are human",
    "checking your browser",
    "complete the captcha",
    "unusual traffic",
    "you have been blocked",
    "are not a robot",
    "page you requested could not be found",
    "page you are looking for",
    "page not found",
    "before you continue",
    "accept all cookies to",
    "请完成验证",
    "滑动验证",
    "访问过于频繁",
    "页面不存在",
    "您访问的页面",
];

const PAYWALL_TEXTS: [&str; 14] = [
    "subscribe to continue",
    "subscribe to read",
    "to continue reading",
    "already a subscriber",
    "subscribers only",
    "subscriber-only",
    "subscription required",
    "create a free account to",
    "become a member to",
    "unlock this article",
    "付费阅读",
    "订阅后阅读",
    "开通会员",
    "登录后阅读全文",
];

/// What a page is, by what it says and how it is built. `text` is what was taken for its article.
pub(super) fn of(
    dom: &Dom<'_>,
    groups: &[u32],
    meta: &Meta,
    blocks: &[Block],
    title: &str,
    text: &str,
) -> Kind {
    let length = text.chars().count();
    let title = title.to_lowercase();
    if length < SHORT {
        let shown = shown(blocks, text).to_lowercase();
        let says = |phrases: &[&str]| phrases.iter().any(|phrase| shown.contains(phrase));
        if ERROR_TITLES.iter().any(|start| begins(&title, start)) || says(&ERROR_TEXTS) {
            return Kind::Error;
        }
        if says(&PAYWALL_TEXTS) || meta.is_held_back {
            return Kind::Paywall;
        }
    }
    if meta.is_forum || is_forum(dom, groups) {
        return Kind::Forum;
    }
    if is_listing(meta, blocks, length) { Kind::Listing } else { Kind::Article }
}

/// All that a page shows where it shows little, else what was taken for its text: a long page may speak of
/// anything beside it.
fn shown(blocks: &[Block], text: &str) -> String {
    let whole: usize = blocks.iter().map(|block| block.text.len()).sum();
    if whole > 4 * SHORT {
        return text.to_owned();
    }
    blocks.iter().map(|block| block.text.as_str()).collect::<Vec<_>>().join("\n")
}

/// A title may go on after the phrase, not within its last word: "404" is not "404m profit".
fn begins(title: &str, start: &str) -> bool {
    title
        .strip_prefix(start)
        .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '.' || c == ','))
        && title.chars().count() < 60
}

/// Built like the pages of the usual forum programs.
fn is_forum(dom: &Dom<'_>, groups: &[u32]) -> bool {
    let is_marked = |node: &super::dom::Node<'_>| match node.data {
        Data::Element(_, attributes) => {
            attributes.contains("DiscussionForumPosting") || attributes.contains("QAPage")
        }
        Data::Text(_) | Data::Raw(_) => false,
    };
    dom.nodes.iter().any(is_marked) || posts(dom, groups) >= 2
}

/// How many elements are built like the posts of the usual forum programs. `groups`: what the names of each
/// node say.
fn posts(dom: &Dom<'_>, groups: &[u32]) -> usize {
    let named = groups.iter().enumerate().filter(|(_, groups)| *groups & classes::POST != 0);
    named.filter(|(node, _)| dom.tag(*node).is_some_and(|tag| is_post(dom, *node, tag))).count()
}

fn is_post(dom: &Dom<'_>, node: usize, tag: Tag) -> bool {
    let id = dom.attribute(node, "id").unwrap_or_default();
    let class = dom.attribute(node, "class").unwrap_or_default();
    let has = |name: &str| class.split_ascii_whitespace().any(|class| class == name);
    let is_numbered = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    let numbered = ["post_", "post-", "post", "pid", "postmessage_"];
    let by_id = numbered.iter().any(|start| id.strip_prefix(start).is_some_and(is_numbered));
    let by_class =
        ["postbit", "post_message", "topic-post", "message--post", "bbp-reply-content", "postbody"];
    (by_id && matches!(tag, Tag::Div | Tag::Li | Tag::Table | Tag::Td))
        || by_class.iter().any(|name| has(name))
}

/// Mostly links, and hardly a paragraph.
fn is_listing(meta: &Meta, blocks: &[Block], length: usize) -> bool {
    let linked: f32 = blocks.iter().map(|block| block.count.characters * block.count.link_density()).sum();
    let is_marked = meta.is_article || meta.content("article:published_time").is_some();
    !is_marked && length < 2 * SHORT && linked as usize > 4 * length.max(200)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(title: &str, body: &str, text: &str) -> Kind {
        let html = format!("<html><title>{title}</title><body>{body}<p>{text}</p></body></html>");
        let dom = Dom::parse(&html);
        of(&dom, &classes::of(&dom), &Meta::of(&dom), &super::super::blocks::of(&dom), title, text)
    }

    #[test]
    fn pages_that_stand_in_for_another_are_errors() {
        assert_eq!(kind("Just a moment...", "", "Enable JavaScript and cookies to continue"), Kind::Error);
        assert_eq!(kind("404 Not Found", "", ""), Kind::Error);
        assert_eq!(kind("安全验证", "", "请完成验证后继续访问"), Kind::Error);
        assert_eq!(kind("404m profit at Harbour Bank", "", "The bank earned 404 million."), Kind::Article);
        assert_eq!(kind("Error of judgement", "", &"A long text on a judgement. ".repeat(40)), Kind::Article);
    }

    #[test]
    fn a_teaser_is_a_paywall() {
        assert_eq!(kind("Bank falls", "", "The bank fell. Subscribe to continue reading."), Kind::Paywall);
        let mark = r#"<script type="application/ld+json">{"isAccessibleForFree": false}</script>"#;
        assert_eq!(kind("Bank falls", mark, "The bank fell."), Kind::Paywall);
        assert_eq!(kind("Bank falls", mark, &"The bank fell a lot. ".repeat(60)), Kind::Article);
    }

    #[test]
    fn an_article_that_answers_questions_of_its_own_is_no_forum() {
        let faq = r#"<script type="application/ld+json">{"@type": "FAQPage", "mainEntity": [{"@type": "Question", "name": "What is a bank?"}]}</script>"#;
        assert_eq!(kind("Banks", faq, &"A long text on banks. ".repeat(60)), Kind::Article);
        let asked = faq.replace("FAQPage", "QAPage");
        assert_eq!(kind("Banks", &asked, &"A long text on banks. ".repeat(60)), Kind::Forum);
    }

    #[test]
    fn forums_and_listings_are_told_from_articles() {
        let posts = "<div id='post_1'>a</div><div id='post_2'>b</div>";
        assert_eq!(kind("Which broker?", posts, "a b"), Kind::Forum);
        let links = "<a href='/x'>A headline of some length that leads to a page</a>".repeat(40);
        assert_eq!(kind("Markets", &links, "Markets"), Kind::Listing);
        assert_eq!(kind("Markets", &links, &"A paragraph of an article. ".repeat(80)), Kind::Article);
    }
}
