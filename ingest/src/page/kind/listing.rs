//! Whether a page is a list of links to others.

use std::collections::HashMap;

use super::super::blocks::Block;
use super::super::dom::Dom;
use super::super::tag::Tag;
use super::{Seen, address};

/// Text from which a page is no list, however many links stand around it, in the weight of its characters.
const MUCH: f32 = 1400.0;
/// Text that is hardly any, in the same weight.
const LITTLE: f32 = 200.0;
/// How many times as much links say as the text, on a page that is mostly links.
const TIMES: f32 = 4.0;
/// Share of a line, and of a page's text, that stands in links where these are what it is for.
const LINKED: f32 = 0.6;
/// Share of the text that stands in a list.
const HELD: f32 = 0.6;
/// Lines of text that are a list where they are links, and links that are one where they look alike.
const LINES: usize = 10;
const LINKS: usize = 10;
/// Such links that are one at an address of lists.
const FEW: usize = 5;
/// Share of a text that stands in sentences, from which it is news in brief; least tokens of one.
const SAID: f32 = 0.8;
const SENTENCE: f32 = 12.0;
/// Least weight of a link that is a headline, least and most tokens.
const WEIGHT: f32 = 15.0;
const TOKENS: std::ops::Range<f32> = 3.0..60.0;
/// Most text between two headlines of a list, and on average, in the weight of its characters.
const BETWEEN: f32 = 300.0;
const ON_AVERAGE: f32 = 220.0;

pub(super) fn is_listing(seen: Seen<'_>) -> bool {
    !seen.meta.is_marked() && (is_mostly_links(seen) || is_text_of_links(seen) || is_run_of_headlines(seen))
}

/// Hardly a paragraph among many links.
fn is_mostly_links(seen: Seen<'_>) -> bool {
    let linked: f32 = seen.blocks.iter().map(linked).sum();
    let text: f32 = seen.texts().map(|block| block.count.weight()).sum();
    text < MUCH && linked > TIMES * text.max(LITTLE) && !is_brief(seen, text)
}

/// A few sentences at the address of a single text: news in brief, among the links of its site.
fn is_brief(seen: Seen<'_>, text: f32) -> bool {
    let is_sentence = |block: &&Block| {
        let count = &block.count;
        count.tokens >= SENTENCE && count.stops >= 1.0 && count.link_density() < LINKED
    };
    let said: f32 = seen.texts().filter(is_sentence).map(|block| block.count.weight()).sum();
    text >= LITTLE && said >= SAID * text && address::is_of_text(seen.url)
}

/// The text itself is a list of links.
fn is_text_of_links(seen: Seen<'_>) -> bool {
    let text: f32 = seen.texts().map(|block| block.count.weight()).sum();
    let linked: f32 = seen.texts().map(linked).sum();
    let lines: usize = seen.texts().map(|block| block.text.lines().count()).sum();
    lines >= LINES && linked >= LINKED * text
}

/// Weight of what stands in links.
fn linked(block: &Block) -> f32 {
    block.count.weight() * block.count.link_density()
}

/// Tag and first class of the element around a headline, and of the one around that.
type Look = [(Option<Tag>, String); 2];

/// Headlines that look alike, so far, with little text between each two of them.
#[derive(Debug, Clone, Copy)]
struct Run {
    links: usize,
    /// Where on the page it begins and ends.
    begin: Place,
    end: Place,
    /// Most text between two of them.
    gap: f32,
}

/// Weight of the text before a place, all of it and what is not linked.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    all: f32,
    free: f32,
}

impl Run {
    /// Most of the page's text, so much altogether, stands among these, spread over them; or there is none.
    fn is_list(&self, text: f32, least: usize) -> bool {
        let (held, free) = (self.end.all - self.begin.all, self.end.free - self.begin.free);
        let is_spread = self.gap <= text / 3.0 && free <= ON_AVERAGE * self.links as f32;
        self.links >= least && held >= HELD * text && is_spread
    }
}

/// Headlines that lead elsewhere, one after the other, with a summary or a date between them or nothing.
fn is_run_of_headlines(seen: Seen<'_>) -> bool {
    // What the page calls itself is no text of it.
    let is_name = |block: &Block| block.count.linked < 1.0 && is_heading(seen.dom, block.parent);
    let text: f32 = seen.texts().filter(|block| !is_name(block)).map(|block| block.count.weight()).sum();
    let least = if address::is_of_list(seen.url) { FEW } else { LINKS };
    let mut runs: HashMap<Look, Run> = HashMap::new();
    let mut at = Place::default();
    for (block, is_text) in seen.marked() {
        let before = at;
        if is_text && !is_name(block) {
            at.all += block.count.weight();
            at.free += block.count.weight() - linked(block);
        }
        if is_headline(block) {
            let new = Run { links: 0, begin: before, end: before, gap: 0.0 };
            let run = runs.entry(look(seen.dom, block.parent)).or_insert(new);
            if before.free - run.end.free > BETWEEN {
                if run.is_list(text, least) {
                    return true;
                }
                *run = new;
            }
            *run =
                Run { links: run.links + 1, end: at, gap: run.gap.max(before.free - run.end.free), ..*run };
        }
    }
    runs.values().any(|run| run.is_list(text, least))
}

fn is_headline(block: &Block) -> bool {
    let count = &block.count;
    TOKENS.contains(&count.tokens) && count.weight() >= WEIGHT && count.link_density() >= LINKED
}

fn is_heading(dom: &Dom<'_>, node: usize) -> bool {
    dom.tag(node).is_some_and(|tag| tag.heading() > 0)
}

fn look(dom: &Dom<'_>, node: usize) -> Look {
    let parent = dom.nodes.get(node).map_or(0, |node| node.parent);
    [node, parent].map(|node| {
        let class = dom.attribute(node, "class").unwrap_or_default();
        (dom.tag(node), class.split_ascii_whitespace().next().unwrap_or_default().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::tests::kind_of;

    const SUMMARY: &str = "The lender said on Monday that net income rose by a fifth, helped by its loans.";

    /// The kind of a page of an item for each number, of which the paragraphs and headlines are the text.
    fn of_items(numbers: std::ops::Range<usize>, item: impl Fn(usize) -> String) -> Kind {
        of_items_at("https://e.com/markets", numbers, item)
    }

    fn of_items_at(url: &str, numbers: std::ops::Range<usize>, item: impl Fn(usize) -> String) -> Kind {
        let items: String = numbers.map(item).collect();
        let html =
            format!("<html><title>Markets</title><body><main><h1>Markets</h1>{items}</main></body></html>");
        kind_of(&html, url, |_| true)
    }

    fn headline(n: usize) -> String {
        format!("Bank number {n} posts a record profit after rates rose")
    }

    #[test]
    fn cards_headlines_with_summaries_and_lines_with_dates_are_lists() {
        let card = |n: usize| format!("<a href=/{n}><h3>{}</h3></a>", headline(n));
        assert_eq!(of_items(0..25, card), Kind::Listing);
        let item = |n: usize| format!("<div><h2><a href=/{n}>{}</a></h2><p>{SUMMARY}</p></div>", headline(n));
        assert_eq!(of_items(0..25, item), Kind::Listing);
        let flat = |n: usize| format!("<h3><a href=/{n}>{}</a></h3><p>{SUMMARY}</p>", headline(n));
        assert_eq!(of_items(0..25, flat), Kind::Listing);
        let line =
            |n: usize| format!("<li><a href=/{n}>多家银行下调存款利率{n}</a><span>2024-05-01</span></li>");
        assert_eq!(of_items(0..40, line), Kind::Listing);
        let broken = |n: usize| format!("<a href=/{n}>国际油价继续回落{n}</a><br>");
        assert_eq!(of_items(0..15, broken), Kind::Listing);
    }

    #[test]
    fn a_few_short_links_in_chinese_are_a_list() {
        let links: String = (0..15).map(|n| format!("<li><a href=/{n}>国际油价继续回落</a></li>")).collect();
        let html = format!("<html><body><h1>要闻</h1><ul>{links}</ul></body></html>");
        assert_eq!(kind_of(&html, "https://e.com/", |text| text == "要闻"), Kind::Listing);
        assert_eq!(kind_of(&html, "https://e.com/", |_| true), Kind::Listing);
    }

    #[test]
    fn an_article_among_links_or_of_parts_with_links_is_none() {
        let links = |from: usize| -> String {
            (from..from + 12).map(|n| format!("<li><a href=/{n}>{}</a></li>", headline(n))).collect()
        };
        let story = SUMMARY.repeat(20);
        let html = format!("<html><body>{}<p>{story}</p>{}</body></html>", links(0), links(20));
        assert_eq!(kind_of(&html, "https://e.com/", |text| text == story), Kind::Article);
        let flash = format!("<html><body>{}<p>{SUMMARY}{SUMMARY}</p></body></html>", links(0));
        assert_eq!(kind_of(&flash, "https://e.com/", |text| text.starts_with("The")), Kind::Article);
        let part =
            |n: usize| format!("<h2><a href=/{n}>{}</a></h2><p>{}</p>", headline(n), SUMMARY.repeat(4));
        assert_eq!(of_items(0..15, part), Kind::Article);
        let few = |n: usize| format!("<h2><a href=/{n}>{}</a></h2><p>{SUMMARY}</p>", headline(n));
        assert_eq!(of_items(0..8, few), Kind::Article);
    }

    #[test]
    fn a_page_of_ten_is_a_list_and_one_of_a_few_where_lists_stand() {
        let item = |n: usize| format!("<div><h2><a href=/{n}>{}</a></h2><p>{SUMMARY}</p></div>", headline(n));
        assert_eq!(of_items(0..10, item), Kind::Listing);
        assert_eq!(of_items(0..6, item), Kind::Article);
        for url in ["https://e.com/?s=bank", "https://e.com/tag/banks"] {
            assert_eq!(of_items_at(url, 0..6, item), Kind::Listing, "{url}");
        }
    }

    #[test]
    fn news_in_brief_among_the_links_of_a_site_are_no_list() {
        let links: String = (0..40).map(|n| format!("<li><a href=/{n}>{}</a></li>", headline(n))).collect();
        let story = SUMMARY.repeat(3);
        let html = format!("<html><body><h1>Bank rises</h1><p>{story}</p><ul>{links}</ul></body></html>");
        let kind = |url: &str| kind_of(&html, url, |text| text == story);
        assert_eq!(kind("https://e.com/news/bank-rises-by-a-fifth"), Kind::Article);
        assert_eq!(kind("https://e.com/markets"), Kind::Listing);
    }

    #[test]
    fn a_page_that_says_it_is_an_article_is_no_list() {
        let mark = "<meta property='og:type' content='article'>";
        let cards: String = (0..25).map(|n| format!("<a href=/{n}><h3>{}</h3></a>", headline(n))).collect();
        let html = format!("<html><head>{mark}</head><body>{cards}</body></html>");
        assert_eq!(kind_of(&html, "https://e.com/", |_| true), Kind::Article);
        assert_eq!(kind_of(&html.replace(mark, ""), "https://e.com/", |_| true), Kind::Listing);
    }
}
