//! What kind of page it is, so that a captcha, an error or a teaser is not stored as
//! an article.

use serde::Serialize;

use super::blocks::Block;
use super::classes;
use super::dom::{Data, Dom};
use super::meta::Meta;
use super::stand_in::{LONG, SHORT, Said};
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

/// What a page is, by what it says and how it is built. `is_text`: which blocks were taken for its article; `text`:
/// what was.
pub(super) fn of(
    dom: &Dom<'_>,
    groups: &[u32],
    meta: &Meta,
    blocks: &[Block],
    is_text: &[bool],
    text: &str,
) -> Kind {
    let length = text.chars().count();
    if length < LONG {
        let said = Said::of(dom, blocks, is_text);
        if said.is_error(meta, length) {
            return Kind::Error;
        }
        if length < SHORT && (said.is_teaser() || meta.is_held_back) {
            return Kind::Paywall;
        }
    }
    if meta.is_forum || is_forum(dom, groups) {
        return Kind::Forum;
    }
    if is_listing(meta, blocks, length) { Kind::Listing } else { Kind::Article }
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
    !meta.is_marked() && length < 2 * SHORT && linked as usize > 4 * length.max(200)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(title: &str, body: &str, text: &str) -> Kind {
        let html = format!("<html><title>{title}</title><body>{body}<p>{text}</p></body></html>");
        let (dom, text) = (Dom::parse(&html), text.trim());
        let blocks = super::super::blocks::of(&dom);
        let is_text: Vec<bool> = blocks.iter().map(|block| block.text == text).collect();
        of(&dom, &classes::of(&dom), &Meta::of(&dom, ""), &blocks, &is_text, text)
    }

    #[test]
    fn pages_that_stand_in_for_another_are_errors() {
        for (title, text) in [
            ("Just a moment...", "Enable JavaScript and cookies to continue"),
            ("404 Not Found", ""),
            ("安全验证", "请完成验证后继续访问"),
            ("Bloomberg - Are you a robot?", "We've detected unusual activity from your computer network"),
            ("wsj.com", "Please enable JS and disable any ad blocker"),
            ("Pardon Our Interruption", "As you were browsing something about your browser made us think."),
            ("", "Request unsuccessful. Incapsula incident ID: 1025-4711"),
            ("", "当前环境异常，完成验证后即可继续访问。"),
            ("百度安全验证", "网络不给力，请稍后重试"),
            ("滑动验证页面", "通过后即可继续访问网页"),
            ("Vercel Security Checkpoint", "We're verifying your browser"),
            ("Harbour Times | Page not found", "Perhaps you will find what you look for by its name."),
            ("Seite nicht gefunden – Hafenzeitung", "Vielleicht hilft die Suche weiter."),
            ("页面不存在-新浪财经", "5秒后返回首页"),
            ("Harbour Times", "Sorry, but the page you are looking for has moved."),
            ("Error 404 (Not Found)", ""),
        ] {
            assert_eq!(kind(title, "", text), Kind::Error, "{title}: {text}");
        }
    }

    #[test]
    fn a_demand_for_consent_may_be_long() {
        let long = "When you use our sites and apps, we use cookies to provide them to you. ".repeat(15);
        for title in ["Yahoo is part of the Yahoo family of brands", "Yahooist Teil der Yahoo Markenfamilie"]
        {
            assert_eq!(kind(title, "<h1>guce</h1>", &long), Kind::Error, "{title}");
        }
        assert_eq!(kind("Harbour Times", "", &long), Kind::Article);
    }

    #[test]
    fn news_that_sound_like_an_error_are_none() {
        let story = "The bank said so on Monday.";
        for title in [
            "500亿元国债明日发行",
            "500强企业榜单公布",
            "404亿元解禁股下周上市",
            "500 jobs to go at Harbour Bank",
            "502-point slide on the Dow",
            "404m profit at Harbour Bank",
            "验证码平台遭监管处罚",
            "Forbidden City reopens hotel",
            "Error at Citi sends 81 trillion to a client",
            "Error: Citi sends 81 trillion to a client",
            "S&P 500 | Harbour Times",
        ] {
            assert_eq!(kind(title, "", story), Kind::Article, "{title}");
        }
        let outage = "Customers were shown \"page not found\" on Monday after the bank saw unusual traffic on its network, and some were told that they had been blocked.";
        assert_eq!(kind("Harbour Bank is offline", "", outage), Kind::Article);
        let announced = "Page not found: that was all that customers saw. ".repeat(2);
        let marked = "<meta property='og:type' content='article'>";
        assert_eq!(kind("Harbour Bank is offline", marked, &announced), Kind::Article);
        assert_eq!(kind("Harbour Bank is offline", "", &announced), Kind::Error);
    }

    #[test]
    fn what_the_site_says_around_an_article_is_not_the_page_s() {
        let story = "The bank said on Monday that it would sell its bonds.";
        for around in [
            "<noscript>Please enable JavaScript and cookies to continue. Access denied.</noscript>",
            "<header><p>Already a subscriber? Log in</p></header>",
            "<div class='top site-header'><p>Already a subscriber? Log in</p></div>",
            "<footer>Become a member to comment. Subscribe to continue reading.</footer>",
            "<p>Become a member to comment</p>",
        ] {
            assert_eq!(kind("Bank sells bonds", around, story), Kind::Article, "{around}");
        }
        let within = "<article><header>Subscribe to read</header></article>";
        assert_eq!(kind("Bank sells bonds", within, story), Kind::Paywall);
        assert_eq!(kind("Bank sells bonds", "<p>Become a member to read on</p>", story), Kind::Paywall);
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
