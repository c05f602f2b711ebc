//! Who wrote a page: names, told from what else stands where a name should, and whom its own
//! article names where its readers see it.

use super::blocks::Block;
use super::classes;
use super::dates::Sight;
use super::dom::{Data, Dom};
use super::place::Place;
use super::tag::Tag;
use crate::month::month;

/// Longest name that is believed, in characters, and longest that a page shows.
const LONG: usize = 100;
const SHOWN: usize = 60;
/// Blocks below the title, and above it, among which a byline stands; most tokens of one; most words of its names.
const BELOW: usize = 6;
const ABOVE: usize = 2;
const BYLINE: f32 = 12.0;
const WORDS: usize = 6;

/// What stands before a name, longest first.
const LEADS: [&str; 8] =
    ["written by", "posted by", "published by", "words by", "author", "by", "作者", "文"];
/// What parts it from the name; a space does so too behind a word of letters.
const MARKS: [char; 6] = [':', '：', '/', '／', '|', '｜'];
/// What programs write where nobody is named.
const NOBODY: [&str; 10] =
    ["admin", "administrator", "author", "by", "editor", "none", "null", "staff", "undefined", "webmaster"];
/// Words of links that lead to an author and do not name one.
const INVITING: [&str; 8] = ["about", "all", "follow", "meet", "more", "read", "see", "view"];
/// Small words within names.
const PARTICLES: [&str; 11] = ["al", "and", "bin", "da", "de", "del", "der", "la", "van", "von", "with"];

/// The name that a text is: without `By` and the like before it, and nothing where it is no name.
pub(super) fn name(text: &str) -> Option<String> {
    let text = text.trim();
    let text = after_lead(text).unwrap_or(text);
    let text = text.trim_end_matches([' ', ',', '|', '·', '•', '-', '–', ':']);
    let is_nobody = || NOBODY.iter().any(|nobody| text.eq_ignore_ascii_case(nobody));
    let is_name = text.chars().count() < LONG && text.chars().any(char::is_alphabetic);
    let is_other = || text.contains("://") || text.starts_with(['@', ',']);
    (is_name && !is_other() && !is_nobody()).then(|| text.to_owned())
}

/// What follows one of [`LEADS`].
fn after_lead(text: &str) -> Option<&str> {
    LEADS.iter().find_map(|lead| {
        let (head, rest) = text.split_at_checked(lead.len())?;
        let bare = rest.trim_start();
        let is_apart = bare.starts_with(MARKS) || (lead.is_ascii() && bare.len() < rest.len());
        let is_lead = head.eq_ignore_ascii_case(lead) && is_apart;
        is_lead.then(|| bare.trim_start_matches(MARKS).trim_start())
    })
}

/// Whom the article shows as its author: what it marks so, else a byline beside its title. Never the authors of
/// pages that it links to, nor those of comments. `title`: of the page.
pub(super) fn shown(dom: &Dom<'_>, groups: &[u32], sight: Sight<'_>, title: &str) -> Option<String> {
    let place = Place::of(dom, sight.blocks, sight.text, sight.title);
    let is_comment = |node: usize| groups.get(node).is_some_and(|groups| groups & classes::COMMENT != 0);
    let is_own = |node: &usize| {
        let is_here = place.is_own(dom, *node) && !place.is_behind(dom, *node);
        is_here && !place.within(dom, *node).any(is_comment)
    };
    let marked = (0..dom.nodes.len()).filter(|node| is_marked(dom, *node)).filter(is_own);
    let mut names = marked.filter_map(|node| marked_name(dom, node)).filter(|name| name != title);
    names.next().or_else(|| byline(sight))
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
    let first = text.split(' ').next().unwrap_or_default();
    let is_short = text.chars().count() <= SHOWN;
    let is_inviting = INVITING.iter().any(|word| first.eq_ignore_ascii_case(word));
    name(&text).filter(|_| is_short && !is_inviting)
}

/// `By Jane Doe | May 2, 2024` beside the title.
fn byline(sight: Sight<'_>) -> Option<String> {
    let title = sight.title?;
    let (above, below) = sight.blocks.split_at_checked(title)?;
    let near = below.iter().skip(1).take(BELOW).chain(above.iter().rev().take(ABOVE));
    near.filter(|block| block.count.tokens <= BYLINE).find_map(named_in)
}

/// The names of a line that begins with `By`: words that begin with a capital, and small ones between them.
fn named_in(block: &Block) -> Option<String> {
    let line = block.text.lines().next()?;
    let rest = after_lead(line)?;
    let is_end = |c: char| c.is_ascii_digit() || matches!(c, ',' | '|' | '·' | '•' | '–' | '—' | '(');
    let names = rest.split(is_end).next()?.split(" - ").next()?;
    let mut words: Vec<&str> = names.split_whitespace().collect();
    if words.last().is_some_and(|last| words.len() > 2 && month(last).is_some()) {
        words.pop();
    }
    let is_of_name = |word: &&str| word.starts_with(char::is_uppercase) || PARTICLES.contains(word);
    let is_name = (2..=WORDS).contains(&words.len()) && words.iter().all(is_of_name);
    name(&words.join(" ")).filter(|_| is_name)
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    #[test]
    fn a_name_is_kept_without_what_leads_to_it_and_junk_is_none() {
        for (text, named) in [
            ("Jane Doe", "Jane Doe"),
            (" By Jane Doe ", "Jane Doe"),
            ("BY: Jane Doe,", "Jane Doe"),
            ("Written by Jane Doe", "Jane Doe"),
            ("Author: Jane Doe", "Jane Doe"),
            ("Byron Author", "Byron Author"),
            ("作者：张三", "张三"),
            ("文｜张三", "张三"),
            ("文静", "文静"),
        ] {
            assert_eq!(name(text).as_deref(), Some(named), "{text}");
        }
        for text in ["", ", USA TODAY", "262588213843476", "-", "@jane", "https://e.com/jane", "admin", "By"]
        {
            assert_eq!(name(text), None, "{text}");
        }
    }

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
}
