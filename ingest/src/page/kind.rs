//! What kind of page it is, so that a captcha, an error or a teaser is not stored as
//! an article.

use scraper::{Html, Selector};
use serde::Serialize;

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

pub(super) fn of(document: &Html, title: &str, text: &str) -> Kind {
    let length = text.chars().count();
    let title = title.to_lowercase();
    let says = |phrases: &[&str]| {
        let whole = text.to_lowercase();
        phrases.iter().any(|phrase| whole.contains(phrase))
    };
    if length < SHORT {
        if ERROR_TITLES.iter().any(|start| begins(&title, start)) || says(&ERROR_TEXTS) {
            return Kind::Error;
        }
        if says(&PAYWALL_TEXTS) || is_held_back(document) {
            return Kind::Paywall;
        }
    }
    if is_forum(document) {
        return Kind::Forum;
    }
    if is_listing(document, length) { Kind::Listing } else { Kind::Article }
}

/// A title may go on after the phrase, not within its last word: "404" is not "404m profit".
fn begins(title: &str, start: &str) -> bool {
    title
        .strip_prefix(start)
        .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '.' || c == ','))
        && title.chars().count() < 60
}

/// schema.org's mark of an article that is not free.
fn is_held_back(document: &Html) -> bool {
    texts(document, "script[type='application/ld+json']").any(|script| {
        let dense: String = script.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_lowercase();
        dense.contains("\"isaccessibleforfree\":false") || dense.contains("\"isaccessibleforfree\":\"false\"")
    })
}

fn is_forum(document: &Html) -> bool {
    let marked = texts(document, "script[type='application/ld+json']")
        .any(|script| script.contains("DiscussionForumPosting") || script.contains("QAPage"));
    marked
        || count(document, "[itemtype*='DiscussionForumPosting'], [itemtype*='QAPage']") > 0
        || count(
            document,
            "meta[name=generator][content*='phpBB' i], meta[name=generator][content*='Discuz' i], meta[name=generator][content*='vBulletin' i], meta[name=generator][content*='Discourse' i], meta[name=generator][content*='XenForo' i]",
        ) > 0
        || count(
            document,
            "html#XF, body#phpbb, .postbit, .post_message, .topic-post, div[id^='post_'], li[id^='post_'], table[id^='pid'], article.message--post",
        ) >= 2
}

/// Mostly links, and hardly a paragraph.
fn is_listing(document: &Html, length: usize) -> bool {
    let marked = count(
        document,
        "meta[property='og:type'][content='article'], meta[property='article:published_time']",
    ) > 0;
    let linked: usize = texts(document, "a[href]").map(|text| text.trim().chars().count()).sum();
    !marked && length < 2 * SHORT && linked > 4 * length.max(200)
}

fn count(document: &Html, selector: &str) -> usize {
    Selector::parse(selector).map_or(0, |selector| document.select(&selector).count())
}

fn texts(document: &Html, selector: &str) -> impl Iterator<Item = String> {
    let selector = Selector::parse(selector).ok();
    let found: Vec<String> = selector.map_or_else(Vec::new, |selector| {
        document.select(&selector).map(|element| element.text().collect()).collect()
    });
    found.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(title: &str, body: &str, text: &str) -> Kind {
        of(
            &Html::parse_document(&format!("<html><title>{title}</title><body>{body}</body></html>")),
            title,
            text,
        )
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
    fn forums_and_listings_are_told_from_articles() {
        let posts = "<div id='post_1'>a</div><div id='post_2'>b</div>";
        assert_eq!(kind("Which broker?", posts, "a b"), Kind::Forum);
        let links = "<a href='/x'>A headline of some length that leads to a page</a>".repeat(40);
        assert_eq!(kind("Markets", &links, "Markets"), Kind::Listing);
        assert_eq!(kind("Markets", &links, &"A paragraph of an article. ".repeat(80)), Kind::Article);
    }
}
