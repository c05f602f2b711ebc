//! A page to its kind, text, author and date. Reads it once, with its own bounded parser;
//! learned weights tell the blocks that are its text from the furniture.

mod blocks;
mod choice;
mod classes;
mod context;
mod dates;
mod dom;
mod facts;
mod features;
mod forest;
mod items;
mod kind;
pub(crate) mod markup;
mod meta;
mod objects;
mod shape;
mod stand_in;
mod tag;

use std::borrow::Cow;

use serde::Serialize;

pub use dates::Dated;
pub use kind::Kind;

/// Tokens below which a forum's page shows next to nothing.
const LITTLE: f32 = 20.0;
/// Longest page that is read, in bytes; what is longer is cut.
const MAX_PAGE: usize = 24 << 20;

/// What a page says. Nothing is invented: an absent date stays absent.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    pub kind: Kind,
    pub title: String,
    /// Empty where no article text was found.
    pub text: String,
    pub author: Option<String>,
    pub published: Option<Dated>,
    pub canonical_url: Option<String>,
    pub site: Option<String>,
    /// Feeds that the page links to, resolved.
    pub feeds: Vec<String>,
}

/// The article of a page. Blocking and CPU-bound: run it off the async threads. `Err`
/// says why the page holds none.
pub fn extract(html: &str, url: &str) -> Result<Page, String> {
    let page = read(html, url);
    match page.kind {
        Kind::Error => Err(format!("an error, captcha or consent page: {:?}", page.title)),
        Kind::Paywall => Err(format!("the text is behind a paywall: {:?}", page.title)),
        Kind::Article | Kind::Forum | Kind::Listing if page.text.is_empty() => {
            Err("no article text found".to_owned())
        }
        Kind::Article | Kind::Forum | Kind::Listing => Ok(page),
    }
}

/// All that a page tells, of whatever kind it is. Blocking, as [`extract`].
pub fn read(html: &str, url: &str) -> Page {
    let html = html.split_at(html.floor_char_boundary(MAX_PAGE)).0;
    // Browsers drop it, and Postgres takes no text with it.
    let html = if html.contains('\0') { html.replace('\0', "").into() } else { Cow::Borrowed(html) };
    let dom = dom::Dom::parse(&html);
    let meta = meta::Meta::of(&dom, url);
    let groups = classes::of(&dom);
    let (blocks, rows, title) = described(&dom, &groups, &meta, url);
    let probabilities: Vec<f32> = rows.iter().map(|row| forest::judge(row)).collect();
    let is_text = choice::of(&blocks, &probabilities);
    let chosen = blocks.iter().zip(&is_text).filter(|(_, is_text)| **is_text);
    let shown = chosen.map(|(block, _)| block.text.as_str()).collect::<Vec<_>>().join("\n");
    let text = unless_built_by_script(shown, told(&meta));
    let kind = kind::of(&dom, &groups, &meta, &blocks, &is_text, &text);
    let is_forum = kind == Kind::Forum;
    let sight = dates::Sight { blocks: &blocks, text: &is_text, title, is_forum };
    let own = url::Url::parse(url).ok();
    let resolve = |link: &str| match &own {
        Some(own) => own.join(link).ok(),
        None => url::Url::parse(link).ok(),
    };
    Page {
        kind,
        published: dates::published(&dom, &meta, sight, url),
        text,
        canonical_url: meta
            .canonical
            .as_deref()
            .and_then(resolve)
            // A page may name another address of its owner, and nobody else's.
            .filter(|link| own.is_none() || crate::domain_of(link.as_str()) == crate::domain_of(url))
            .and_then(|link| crate::canonical_url(link.as_str())),
        feeds: meta.feeds.iter().filter_map(|link| resolve(link).map(String::from)).collect(),
        title: meta.title,
        author: meta.author,
        site: meta.site.or_else(|| own.as_ref()?.host_str().map(str::to_owned)),
    }
}

/// Forums that build their pages in the browser show nothing without one; what they tell search engines is the
/// beginning of the first post.
fn unless_built_by_script(shown: String, told: &str) -> String {
    let tokens = |text: &str| blocks::Count::of(text).tokens;
    if tokens(&shown) < LITTLE && tokens(told) > 2.0 * tokens(&shown) { told.to_owned() } else { shown }
}

fn told(meta: &meta::Meta) -> &str {
    match (meta.is_forum, meta.body.is_empty()) {
        (true, true) => &meta.description,
        (true, false) => &meta.body,
        (false, _) => "",
    }
}

/// The blocks of a page, what is known of each, and which is the title.
fn described(
    dom: &dom::Dom<'_>,
    groups: &[u32],
    meta: &meta::Meta,
    url: &str,
) -> (Vec<blocks::Block>, Vec<features::Row>, Option<usize>) {
    let blocks = blocks::of(dom);
    let page = context::Page::new(dom, groups, &blocks, facts::Facts::of(dom, meta, url));
    let rows = features::of(&page, &blocks);
    let title = page.title();
    (blocks, rows, title)
}

/// The text of a piece of markup, white space folded.
pub(crate) fn text_of(markup: &str) -> String {
    dom::Dom::parse(markup).text(0)
}

/// What the weights are learned from: see `bench/extract/train.py`.
#[derive(Debug, Serialize)]
pub struct Lesson {
    /// Texts of the blocks.
    pub blocks: Vec<String>,
    /// What is known of each.
    pub rows: Vec<Vec<f32>>,
    /// What is taken for the text where the blocks show next to nothing.
    pub told: String,
}

/// The blocks of a page as the weights judge them.
pub fn lesson(html: &str, url: &str) -> Lesson {
    let dom = dom::Dom::parse(html);
    let meta = meta::Meta::of(&dom, url);
    let (blocks, rows, _) = described(&dom, &classes::of(&dom), &meta, url);
    Lesson {
        blocks: blocks.into_iter().map(|block| block.text).collect(),
        rows,
        told: told(&meta).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use tocsin_contract::PublishedPrecision;

    use super::*;

    fn page(head: &str, body: &str) -> String {
        let paragraph = "The lender said that deposits had fallen by a third in the quarter, and that it would sell assets to meet withdrawals, sending its shares sharply lower in early trading on the local exchange. ";
        format!(
            "<html><head><title>Bank falls</title>{head}</head><body><nav>Home News Sport</nav><article><h1>Bank falls</h1>{body}<p>{}</p><p>{}</p></article><footer>Imprint</footer></body></html>",
            paragraph.repeat(2),
            paragraph
        )
    }

    #[test]
    fn the_article_is_kept_and_the_furniture_is_not() {
        let page = extract(&page("", ""), "https://example.com/a").unwrap();
        assert!(page.text.contains("deposits had fallen by a third"));
        assert!(!page.text.contains("Imprint"));
        assert_eq!(page.title, "Bank falls");
        assert_eq!(page.published, None);
    }

    #[test]
    fn the_date_of_json_ld_goes_before_all_others() {
        let ld = r#"<script type="application/ld+json">{"@graph":[{"@type":"NewsArticle","datePublished":"2024-05-06T10:00:00+02:00"}]}</script>"#;
        let meta = r#"<meta property="article:published_time" content="2024-05-07T10:00:00Z">"#;
        let both = extract(&page(&format!("{meta}{ld}"), ""), "https://example.com/a").unwrap();
        assert_eq!(both.published.unwrap().at.to_rfc3339(), "2024-05-06T08:00:00+00:00");
        let only = extract(&page(meta, ""), "https://example.com/a").unwrap();
        assert_eq!(only.published.unwrap().at.to_rfc3339(), "2024-05-07T10:00:00+00:00");
    }

    #[test]
    fn a_day_is_only_a_day_and_nonsense_is_no_date() {
        let dated = |text: &str| {
            extract(&page("", &format!("<time datetime=\"{text}\">x</time>")), "https://example.com/a")
                .unwrap()
                .published
        };
        assert_eq!(dated("2024-05-06").unwrap().precision, PublishedPrecision::Day);
        assert_eq!(dated("2024-05-06T10:00:00").unwrap().precision, PublishedPrecision::Day);
        assert_eq!(dated("yesterday"), None);
    }

    #[test]
    fn the_address_dates_a_page_that_does_not() {
        for url in ["https://example.com/2024/05/06/a", "https://example.com/a/20240506/b.html"] {
            let dated = extract(&page("", ""), url).unwrap().published.unwrap();
            assert_eq!(
                (dated.at.to_rfc3339().as_str(), dated.confidence),
                ("2024-05-06T00:00:00+00:00", 0.6)
            );
        }
        assert_eq!(extract(&page("", ""), "https://example.com/20249999/").unwrap().published, None);
    }

    #[test]
    fn feeds_and_the_site_are_found() {
        let head = r#"<meta property="og:site_name" content="Harbour Times"><link rel="alternate" type="application/rss+xml" href="/rss">"#;
        let page = extract(&page(head, ""), "https://example.com/a").unwrap();
        assert_eq!(
            (page.site.as_deref(), page.feeds),
            (Some("Harbour Times"), vec!["https://example.com/rss".to_owned()])
        );
    }

    #[test]
    fn the_canonical_link_is_resolved_and_cleaned() {
        let link = r#"<link rel="canonical" href="/a?utm_source=feed">"#;
        let page = extract(&page(link, ""), "https://example.com/amp/a").unwrap();
        assert_eq!(page.canonical_url.as_deref(), Some("https://example.com/a"));
    }

    #[test]
    fn without_an_address_links_that_need_none_are_kept() {
        let links = r#"<link rel="canonical" href="https://example.com/a"><link rel="alternate" type="application/rss+xml" href="https://example.com/rss"><link rel="alternate" type="application/rss+xml" href="/atom">"#;
        let page = extract(&page(links, ""), "").unwrap();
        assert_eq!(page.canonical_url.as_deref(), Some("https://example.com/a"));
        assert_eq!(page.feeds, ["https://example.com/rss"]);
    }

    #[test]
    fn articles_that_a_page_lists_neither_name_nor_date_it() {
        let list = r#"<script type="application/ld+json">{"@type":"ItemList","itemListElement":[{"@type":"NewsArticle","headline":"Shares rise","author":"Bo Berg","datePublished":"2024-01-02T10:00:00Z"}]}</script>"#;
        let own = r#"<script type="application/ld+json">{"@type":"NewsArticle","headline":"Bank falls","datePublished":"2024-05-06T10:00:00Z"}</script>"#;
        let page = |head: &str| extract(&page(head, ""), "https://example.com/a").unwrap();
        let both = page(&format!("{list}{own}"));
        assert_eq!((both.title.as_str(), both.author.as_deref()), ("Bank falls", None));
        assert_eq!(both.published.unwrap().at.to_rfc3339(), "2024-05-06T10:00:00+00:00");
        assert_eq!(page(list).published, None);
    }

    #[test]
    fn a_drawing_and_an_open_head_leave_the_article() {
        let drawn = page("", "<svg viewBox='0 0 1 1'><title/><style/><path d='M0'/></svg>");
        let open = page("", "").replace("</head><body>", "<style>p{}</style>").replace("</body>", "");
        for html in [drawn, open] {
            let page = extract(&html, "https://example.com/a").unwrap();
            assert!(page.text.contains("deposits had fallen by a third"), "{html}");
        }
    }

    #[test]
    fn a_canonical_link_to_someone_else_is_not_believed() {
        let link = r#"<link rel="canonical" href="https://other.org/a">"#;
        assert_eq!(extract(&page(link, ""), "https://example.com/a").unwrap().canonical_url, None);
    }

    #[test]
    fn a_forum_that_is_built_in_the_browser_gives_what_it_tells_search_engines() {
        let said = "Which broker would you recommend to someone who buys bonds for the first time, and what do they charge for an order?";
        let head = format!(
            "<meta name='generator' content='Discourse 3.4.0'><meta property='og:description' content='{said}'>"
        );
        let html = format!(
            "<html><head><title>Which broker?</title>{head}</head><body><section id='main'></section></body></html>"
        );
        let page = extract(&html, "https://example.com/t/which-broker/1").unwrap();
        assert_eq!((page.kind, page.text.as_str()), (Kind::Forum, said));
    }

    #[test]
    fn no_text_holds_a_nul() {
        let page = read(&page("", "<pre>\0Shares\0 fell.</pre>"), "https://example.com/a");
        assert!(page.text.contains("deposits") && !page.text.contains('\0'), "{:?}", page.text);
    }

    #[test]
    fn a_page_without_text_is_no_article() {
        assert!(extract("<html><body></body></html>", "https://example.com/").is_err());
    }
}
