//! Whom a page's own article names as its author where its readers see it. Never the authors of pages that it
//! links to, nor those of comments.

use std::borrow::Cow;

use super::super::blocks::{Block, is_cjk};
use super::super::classes;
use super::super::dates::Sight;
use super::super::dom::{Data, Dom};
use super::super::place::Place;
use super::super::tag::Tag;
use super::{LONG, after_lead, chinese, name, people};

/// Longest name that a page shows, in characters, and most words of a handle.
const SHOWN: usize = 60;
const HANDLE: usize = 3;
/// Blocks below the title, and above it, among which a byline stands; most tokens of one.
const BELOW: usize = 6;
const ABOVE: usize = 2;
const BYLINE: f32 = 12.0;
/// Blocks below the title among which a link to its author stands, or an element named for one.
const NEAR: usize = 8;
/// Blocks of the text in which whoever reports is named.
const FIRST: usize = 3;

/// Words of links that lead to an author and do not name one.
const INVITING: [&str; 15] = [
    "about", "all", "follow", "log", "login", "meet", "more", "our", "posts", "read", "register", "see",
    "share", "sign", "view",
];
/// Parts of addresses under which the pages of writers stand, and of members of forums: elsewhere a profile is as
/// often that of a company.
const PLACES: [&str; 11] = [
    "author",
    "authors",
    "columnist",
    "columnists",
    "contributor",
    "contributors",
    "journalist",
    "reporter",
    "staff",
    "writer",
    "writers",
];
const MEMBERS: [&str; 7] = ["member", "members", "profile", "profiles", "u", "user", "users"];
/// In the names of elements that hold an author's.
const NAMED: [&str; 2] = ["author", "byline"];

/// What the article marks as its author, else a byline beside its title, else a link or an element there that is an
/// author's, else whoever reports in Chinese. `title`: of the page.
pub(in super::super) fn shown(
    dom: &Dom<'_>,
    groups: &[u32],
    sight: Sight<'_>,
    title: &str,
) -> Option<String> {
    let place = Place::of(dom, sight.blocks, sight.text, sight.title);
    // The posts of a forum are named as comments are.
    let is_comment = |node: usize| {
        !sight.is_forum && groups.get(node).is_some_and(|groups| groups & classes::COMMENT != 0)
    };
    let is_own = |node: &usize| {
        let is_here = place.is_own(dom, *node) && !place.is_behind(dom, *node);
        is_here && !place.within(dom, *node).any(is_comment)
    };
    let marked = (0..dom.nodes.len()).filter(|node| is_marked(dom, *node)).filter(is_own);
    let mut names = marked.filter_map(|node| marked_name(dom, node)).filter(|name| name != title);
    let near = || beside(dom, sight, &is_own).filter(|name| name != title);
    names.next().or_else(|| byline(sight)).or_else(near).or_else(|| reporter(sight))
}

/// `rel="author"` or `itemprop="author"`.
fn is_marked(dom: &Dom<'_>, node: usize) -> bool {
    let is_likely = match dom.nodes.get(node).map(|node| node.data) {
        Some(Data::Element(Tag::Link | Tag::Meta, _) | Data::Text(_) | Data::Raw(_)) | None => false,
        Some(Data::Element(_, attributes)) => attributes.contains("author"),
    };
    is_likely && ["rel", "itemprop"].iter().any(|key| has_word(dom, node, key, "author"))
}

fn has_word(dom: &Dom<'_>, node: usize, key: &str, word: &str) -> bool {
    dom.attribute(node, key).is_some_and(|value| value.split_ascii_whitespace().any(|found| found == word))
}

fn marked_name(dom: &Dom<'_>, node: usize) -> Option<String> {
    let end = dom.nodes.get(node)?.end;
    let part = (node + 1..end).find(|part| has_word(dom, *part, "itemprop", "name")).unwrap_or(node);
    let told = [node, part].iter().find_map(|node| dom.attribute(*node, "content"));
    let text = told.map_or_else(|| dom.beginning(part, 2 * LONG), |told| told.trim().to_owned());
    name(&text).filter(|_| is_short(&text) && !invites(&text))
}

fn is_short(text: &str) -> bool {
    text.chars().count() <= SHOWN
}

fn invites(text: &str) -> bool {
    let first = text.split(' ').next().unwrap_or_default();
    INVITING.iter().any(|word| first.eq_ignore_ascii_case(word))
}

/// `By Jane Doe | May 2, 2024` beside the title.
fn byline(sight: Sight<'_>) -> Option<String> {
    let title = sight.title?;
    let (above, below) = sight.blocks.split_at_checked(title)?;
    let near = below.iter().skip(1).take(BELOW).chain(above.iter().rev().take(ABOVE));
    near.filter(|block| block.count.tokens <= BYLINE).find_map(named_in)
}

/// The names of a line that begins with `By`.
fn named_in(block: &Block) -> Option<String> {
    people(after_lead(block.text.lines().next()?)?, 2)
}

/// A link to a writer's page, else an element that is named for one, about the title.
fn beside(dom: &Dom<'_>, sight: Sight<'_>, is_own: &dyn Fn(&usize) -> bool) -> Option<String> {
    let title = sight.title?;
    let last = (title + NEAR).min(sight.blocks.len().checked_sub(1)?);
    let near = sight.blocks.get(title.saturating_sub(ABOVE)..=last)?;
    let begin = near.iter().map(|block| block.parent).min()?;
    let end = dom.nodes.get(near.last()?.parent)?.end;
    let heading = sight.blocks.get(title)?.parent;
    let nodes = || (begin..end).filter(move |node| !dom.holds(heading, *node));
    let mut linked = nodes().filter(|node| is_of_writer(dom, *node, sight.is_forum)).filter(is_own);
    linked.find_map(|node| writer(dom, node, sight.is_forum)).or_else(|| {
        let mut named = nodes().filter(|node| is_named(dom, *node)).filter(is_own);
        named.find_map(|node| named_for(dom, node))
    })
}

fn is_of_writer(dom: &Dom<'_>, node: usize, is_forum: bool) -> bool {
    let leads = |href: Cow<'_, str>| leads_to_writer(&href, is_forum);
    (dom.tag(node) == Some(Tag::A) && dom.attribute(node, "href").is_some_and(leads))
        || (is_forum && has_word(dom, node, "class", "username"))
}

/// `/authors/jane-doe`; in forums `/members/jane.17` too.
fn leads_to_writer(href: &str, is_forum: bool) -> bool {
    let path =
        href.split_once("://").map_or(href, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    let parts: Vec<&str> = path.split(['/', '?', '#']).filter(|part| !part.is_empty()).collect();
    let members: &[&str] = if is_forum { &MEMBERS } else { &[] };
    let is_known = |part: &&str| PLACES.iter().chain(members).any(|known| part.eq_ignore_ascii_case(known));
    parts.split_last().is_some_and(|(_, before)| before.iter().any(is_known))
}

/// Whom a link names: in a forum a handle of any kind.
fn writer(dom: &Dom<'_>, node: usize, is_forum: bool) -> Option<String> {
    let text = dom.beginning(node, 2 * LONG);
    let is_handle = is_forum && text.split(' ').count() <= HANDLE;
    let named = if is_handle { name(&text) } else { people(&text, 1) };
    named.filter(|_| is_short(&text) && !invites(&text))
}

fn is_named(dom: &Dom<'_>, node: usize) -> bool {
    let class = dom.attribute(node, "class").unwrap_or_default().to_ascii_lowercase();
    NAMED.iter().any(|word| class.contains(word))
}

fn named_for(dom: &Dom<'_>, node: usize) -> Option<String> {
    let text = dom.beginning(node, 2 * LONG);
    let names = people(after_lead(&text).unwrap_or(&text), 2);
    names.filter(|_| is_short(&text) && !invites(&text))
}

/// `（记者张三）` at the beginning of a report, or `本报记者 张三` in a line before it.
fn reporter(sight: Sight<'_>) -> Option<String> {
    let texts = sight.blocks.iter().zip(sight.text).filter(|(_, is_text)| **is_text);
    texts.take(FIRST).find_map(|(block, _)| {
        let is_line = block.count.tokens <= BYLINE;
        let line = || named_in(block).filter(|_| is_line && block.count.cjk > 0.0);
        enclosed(&block.text).and_then(reporting).or_else(line)
    })
}

/// What stands in the first parentheses.
fn enclosed(text: &str) -> Option<&str> {
    text.split(['（', '(']).nth(1)?.split(['）', ')']).next()
}

fn reporting(text: &str) -> Option<String> {
    let (_, names) = text.split_once("记者")?;
    let is_of_names = |c: char| is_cjk(c) || c.is_whitespace() || matches!(c, '、' | ':' | '：');
    chinese(names.trim_start_matches([':', '：', ' '])).filter(|_| names.chars().all(is_of_names))
}

#[cfg(test)]
mod tests {
    use super::super::super::read;
    use super::*;

    const TEXT: &str = "The lender said that deposits had fallen by a third in the quarter, and that it would sell assets to meet withdrawals. Its shares fell sharply in early trading, and other banks of the region followed.";

    /// The author of a page with `own` below its title, and `beside` behind its article.
    fn author(own: &str, beside: &str) -> Option<String> {
        let article = format!("<article><h1>Bank falls</h1>{own}<p>{TEXT}</p></article>");
        let html =
            format!("<html><title>Bank falls</title><body><main>{article}{beside}</main></body></html>");
        read(&html, "https://example.com/a").author
    }

    #[test]
    fn whom_the_article_shows_is_its_author() {
        for own in [
            "<p><a rel='author' href='/jane'>Jane Doe</a></p>",
            "<p itemprop='author' itemscope>By <span itemprop='name'>Jane Doe</span>, our reporter</p>",
            "<p>By Jane Doe | May 2, 2024</p>",
            "<p>Written by Jane Doe - 5 min read</p>",
            "<p><a rel='author' href='/jane'>View all posts</a> <a rel='author'>Jane Doe</a></p>",
        ] {
            assert_eq!(author(own, "").as_deref(), Some("Jane Doe"), "{own}");
        }
    }

    #[test]
    fn authors_of_other_pages_and_of_comments_are_not_the_page_s() {
        let other = "<a rel='author' href='/bo'>Bo Berg</a>";
        for beside in [
            format!("<aside>{other}</aside>"),
            format!("<article><h2>Shares rise</h2>{other}</article>"),
            format!("<div class=comments><p itemprop=author>Bo Berg</p>{other}</div>"),
        ] {
            assert_eq!(author("", &beside), None, "{beside}");
        }
        assert_eq!(author(&format!("<div class=comment>{other}</div>"), ""), None);
        for line in ["By Region", "By the end of the year", "By 2030"] {
            assert_eq!(author(&format!("<p>{line}</p>"), ""), None, "{line}");
        }
    }

    #[test]
    fn a_link_to_a_writer_and_an_element_named_for_one_near_the_title_name_the_author() {
        for own in [
            "<p><a href='https://example.com/authors/jane-doe'>Jane Doe</a></p>",
            "<div class='post-author__name'>Jane Doe</div>",
            "<div>May 2, 2024 <span class=entry-author>By Jane Doe, our reporter</span></div>",
        ] {
            assert_eq!(author(own, "").as_deref(), Some("Jane Doe"), "{own}");
        }
        for own in [
            "<p><a href='/author/jane'>View all posts</a></p>",
            "<p><a href='/tag/jane'>Jane Doe</a></p>",
            "<p><a href='/profile/harbour-bank'>Harbour Bank</a></p>",
            "<div class=author-box>About the author</div>",
            "<div class=author-title>Senior Reporter</div>",
            "<div class=author>关注作者</div>",
        ] {
            assert_eq!(author(own, ""), None, "{own}");
        }
        assert_eq!(author("", "<div><a href='/author/bo'>Bo Berg</a></div>"), None);
        let agency = "<p><a rel=author href='/author/ap'>The Associated Press</a></p>";
        assert_eq!(author(agency, "").as_deref(), Some("The Associated Press"));
    }

    #[test]
    fn an_address_leads_to_a_writer_by_what_stands_before_its_end() {
        for href in ["/author/jane", "https://e.com/Authors/jane-doe/", "staff/26/jane?a=b"] {
            assert!(leads_to_writer(href, false), "{href}");
        }
        for href in ["/author/", "https://author.e.com/jane", "/jane#author", "/members/jane.17/", ""] {
            assert!(!leads_to_writer(href, false), "{href}");
        }
        assert!(leads_to_writer("/members/jane.17/", true));
    }

    #[test]
    fn whoever_reports_in_chinese_is_named_in_the_first_parentheses() {
        let named = |text: &str| enclosed(text).and_then(reporting);
        for (text, names) in [
            ("新华社深圳5月12日电（记者戴小河、印朋）由我国自主设计", "戴小河、印朋"),
            ("海港讯 (记者 张三 通讯员 李四) 银行周一表示", "张三"),
            ("海港讯（本报记者 张三 李四 报道）银行周一表示", "张三、李四"),
        ] {
            assert_eq!(named(text).as_deref(), Some(names), "{text}");
        }
        for text in ["银行（记者获悉，存款下降）", "银行（记者获悉）", "银行周一表示", "（图）记者张三"]
        {
            assert_eq!(named(text), None, "{text}");
        }
    }
}
