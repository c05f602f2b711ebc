//! A page to its kind, text, author and date. Reads it once, with its own bounded parser;
//! learned weights tell the blocks that are its text from the furniture.

mod author;
mod blocks;
mod choice;
mod classes;
mod context;
mod dates;
mod dom;
mod facts;
mod features;
mod feeds;
mod finder;
mod foreign;
mod forest;
mod items;
mod kind;
pub(crate) mod markup;
mod meta;
mod objects;
mod place;
mod shape;
mod stand_in;
mod tag;

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::Serialize;
use tocsin_runtime::{Clock as _, SystemClock};
use url::Url;

pub use dates::Dated;
pub use kind::Kind;

/// Tokens below which a page shows next to nothing.
const LITTLE: f32 = 20.0;
/// Bytes of a text that are counted for that before the rest is.
const BEGINNING: usize = 400;
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

impl Page {
    /// What shows nothing.
    const fn of_nothing() -> Self {
        Self {
            kind: Kind::Error,
            title: String::new(),
            text: String::new(),
            author: None,
            published: None,
            canonical_url: None,
            site: None,
            feeds: Vec::new(),
        }
    }
}

/// The markup of a page as a server sent it. `Err` names what the bytes are instead: `a PDF file`. `content_type`: of
/// the HTTP header.
pub fn decode(bytes: &[u8], content_type: Option<&str>) -> Result<String, &'static str> {
    if let Some(name) = foreign::name(bytes) {
        return Err(name);
    }
    let text = crate::charset::decode(bytes, content_type);
    if foreign::is_garbled(&text) { Err(foreign::GARBLED) } else { Ok(text) }
}

/// The article of a page, as of `now`. Blocking and CPU-bound: run it off the async threads. `Err`
/// says why the page holds none.
pub fn extract(html: &str, url: &str, now: DateTime<Utc>) -> Result<Page, String> {
    let page = read_at(html, url, now);
    match page.kind {
        Kind::Error => Err(format!("an error, captcha, consent or empty page: {:?}", page.title)),
        Kind::Paywall => Err(format!("the text is behind a paywall: {:?}", page.title)),
        Kind::Article | Kind::Forum | Kind::Listing if page.text.is_empty() => {
            Err("no article text found".to_owned())
        }
        Kind::Article | Kind::Forum | Kind::Listing => Ok(page),
    }
}

/// As [`read_at`], by the time of the system.
pub fn read(html: &str, url: &str) -> Page {
    read_at(html, url, SystemClock.now())
}

/// All that a page tells, of whatever kind it is; of dates none that is more than a day ahead of `now`. Blocking, as
/// [`extract`].
pub fn read_at(html: &str, url: &str, now: DateTime<Utc>) -> Page {
    let html = html.split_at(html.floor_char_boundary(MAX_PAGE)).0;
    if foreign::name(html.as_bytes()).is_some() || foreign::is_garbled(html) {
        return Page::of_nothing();
    }
    // Browsers drop it, and Postgres takes no text with it.
    let html = if html.contains('\0') { html.replace('\0', "").into() } else { Cow::Borrowed(html) };
    let dom = dom::Dom::parse(&html);
    let meta = meta::Meta::of(&dom, url);
    let groups = classes::of(&dom);
    let (blocks, rows, title) = described(&dom, &groups, &meta, url);
    let is_text = choice::of(&dom, &blocks, &forest::judge(&rows));
    let chosen = blocks.iter().zip(&is_text).filter(|(_, is_text)| **is_text);
    let shown = chosen.map(|(block, _)| block.text.as_str()).collect::<Vec<_>>().join("\n");
    let text = unless_built_by_script(shown, told(&meta));
    let seen = kind::Seen {
        dom: &dom,
        groups: &groups,
        meta: &meta,
        blocks: &blocks,
        is_text: &is_text,
        text: &text,
        url,
    };
    let kind = kind::of(seen);
    let (is_forum, is_listing) = (kind == Kind::Forum, kind == Kind::Listing);
    let sight = dates::Sight { blocks: &blocks, text: &is_text, title, is_forum, is_listing, now };
    let published = dates::published(&dom, &meta, sight, url);
    let author = meta.author.clone().or_else(|| author::shown(&dom, &groups, sight, &meta.title));
    Page { kind, text, author, published, ..named(meta, url) }
}

/// What a page is called, where it stands and which feeds it links to.
fn named(meta: meta::Meta, url: &str) -> Page {
    let own = Url::parse(url).ok();
    let resolve = |link: &str| Url::options().base_url(meta.base.as_ref()).parse(link).ok();
    // A page may name another address of its owner, and nobody else's.
    let is_owners = |link: &Url| own.is_none() || crate::domain_of(link.as_str()) == crate::domain_of(url);
    // Some sites name their first page on every other.
    let is_deeper = own.as_ref().is_some_and(|own| own.path() != "/");
    let is_first = |link: &Url| is_deeper && link.path() == "/" && link.query().is_none();
    let canonical = meta.canonical.as_deref().and_then(resolve);
    let canonical = canonical.filter(|link| is_owners(link) && !is_first(link));
    let mut feeds: Vec<String> = Vec::new();
    for feed in meta.feeds.iter().filter_map(|link| resolve(link).map(String::from)) {
        if !feeds.contains(&feed) {
            feeds.push(feed);
        }
    }
    Page {
        canonical_url: canonical.and_then(|link| crate::canonical_url(link.as_str())),
        feeds,
        title: meta.title,
        site: meta.site.or_else(|| own.as_ref()?.host_str().map(str::to_owned)),
        ..Page::of_nothing()
    }
}

/// Pages that are built in the browser show nothing without one; what they tell search engines is the text, and of
/// forums the beginning of the first post.
fn unless_built_by_script(shown: String, told: &str) -> String {
    let beginning = shown.split_at(shown.floor_char_boundary(BEGINNING)).0;
    if told.is_empty() || blocks::tokens(beginning) >= LITTLE {
        return shown;
    }
    let tokens = blocks::tokens(&shown);
    if tokens >= LITTLE || blocks::tokens(told) <= 2.0 * tokens {
        shown
    } else if told.contains('<') {
        crate::feed::plain(told)
    } else {
        told.to_owned()
    }
}

fn told(meta: &meta::Meta) -> &str {
    match (meta.is_forum, meta.body.is_empty()) {
        (true, true) => &meta.description,
        (true, false) => &meta.body,
        (false, _) if meta.is_held_back => "",
        (false, _) => &meta.body,
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
mod tests;
