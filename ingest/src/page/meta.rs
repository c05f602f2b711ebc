//! What a page says about itself in its head and in JSON-LD.

use std::borrow::Cow;

use url::Url;

use super::dom::Dom;
use super::facts::dense;
use super::objects::{self, Object};
use super::tag::Tag;
use super::{author, feeds};

/// Names under which sites tell who wrote a page, best first; and labels before whoever did on its card.
const WRITERS: [&str; 7] =
    ["author", "article:author", "parsely-author", "dc.creator", "byl", "sailthru.author", "citation_author"];
const WRITTEN: [&str; 5] = ["written by", "author", "by", "作者", "撰写者"];
/// Programs of forums, as pages name what made them.
const FORUMS: [&str; 9] =
    ["phpbb", "discuz", "vbulletin", "discourse", "xenforo", "mybb", "invision", "flarum", "nodebb"];
/// Most `<meta>` and most `<link>` of a page that are read.
const MOST_NAMED: usize = 200;
const MOST_LINKS: usize = 500;
/// Letters from which a headline within a title is more than chance.
const TELLING: usize = 8;

#[derive(Debug, Clone, Default)]
pub(super) struct Meta {
    pub(super) title: String,
    /// What a browser shows for it.
    pub(super) tab: String,
    pub(super) description: String,
    pub(super) site: Option<String>,
    pub(super) author: Option<String>,
    /// What the addresses of the page are relative to: its own, unless it names another. `None`: not known.
    pub(super) base: Option<Url>,
    /// Not resolved.
    pub(super) canonical: Option<String>,
    /// Not resolved.
    pub(super) feeds: Vec<String>,
    /// The text that JSON-LD holds.
    pub(super) body: String,
    pub(super) is_forum: bool,
    pub(super) is_article: bool,
    /// It says that the text is not free.
    pub(super) is_held_back: bool,
    /// Names (lower case) and contents of `<meta>`.
    pub(super) named: Vec<(String, String)>,
    /// Objects of JSON-LD, outermost first, without articles that are not the page's.
    pub(super) objects: Vec<Object>,
    /// Which of them the page is about.
    main: Option<usize>,
}

impl Meta {
    pub(super) fn of(dom: &Dom<'_>, url: &str) -> Self {
        let (named, objects, base) = (named(dom), objects::of(dom), base(dom, url));
        let (canonical, feeds) = (canonical(dom), feeds::linked(dom, url));
        let mut meta = Self { named, objects, base, canonical, feeds, ..Self::default() };
        let [heading, tab] = [Tag::H1, Tag::Title]
            .map(|tag| dom.below(0, tag).next().map(|node| dom.text(node)).filter(|text| !text.is_empty()));
        let named = meta.first(&["og:title", "twitter:title"]);
        let known = Known::of(&meta, url, [named.as_deref(), heading.as_deref(), tab.as_deref()]);
        meta.set_aside(&known);
        let main = meta.main();
        let headline = main.and_then(|object| object.headline.clone());
        let author = meta.author_of(main);
        let site = meta.first(&["og:site_name", "application-name"]);
        let body = meta.objects.iter().filter(|object| !object.is_answer());
        let body = body.filter_map(|object| object.body.clone()).max_by_key(String::len);
        let is_article = meta.content("og:type").is_some_and(|kind| kind == "article");
        let tier = meta.content("article:content_tier").unwrap_or_default();
        let is_locked = tier.eq_ignore_ascii_case("locked");
        Self {
            title: headline
                .or(named)
                .map(|title| without_site(&title, site.as_deref()))
                .or(heading)
                .or_else(|| tab.clone())
                .unwrap_or_default(),
            tab: tab.unwrap_or_default(),
            description: meta.first(&["og:description", "description"]).unwrap_or_default(),
            author,
            body: body.unwrap_or_default(),
            is_forum: meta.is_made_by_forum() || meta.objects.iter().any(Object::is_forum),
            is_article: is_article || meta.objects.iter().any(Object::is_article),
            is_held_back: is_locked || meta.objects.iter().any(|object| object.is_held_back),
            site,
            ..meta
        }
    }

    /// The program that made the page is one of forums.
    fn is_made_by_forum(&self) -> bool {
        let generator = self.content("generator").unwrap_or_default().to_lowercase();
        FORUMS.iter().any(|name| generator.contains(name))
    }

    /// Content of the first `<meta>` of this name.
    pub(super) fn content(&self, name: &str) -> Option<&str> {
        self.named.iter().find(|(known, _)| known == name).map(|(_, content)| content.as_str())
    }

    /// The same of the first name that there is.
    fn first(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.content(name)).map(str::to_owned)
    }

    /// The object that the page is about.
    pub(super) fn main(&self) -> Option<&Object> {
        self.objects.get(self.main?)
    }

    /// It says of itself that it is an article.
    pub(super) fn is_marked(&self) -> bool {
        self.is_article || self.content("article:published_time").is_some()
    }

    /// Drops articles that are not the page's, where one is; then finds what the page is about.
    fn set_aside(&mut self, known: &Known) {
        if self.objects.iter().any(|object| object.is_main() && known.fit(object) < Fit::None) {
            let is_other = |object: &Object| object.is_main() && !object.is_forum();
            self.objects.retain(|object| !is_other(object) || known.fit(object) < Fit::None);
        }
        let candidates = self.objects.iter().enumerate().filter(|(_, object)| object.is_main());
        self.main = candidates.min_by_key(|(_, object)| known.fit(object)).map(|(at, _)| at);
    }

    /// The name of whoever wrote what the page is about, never that of the site's author.
    fn author_of(&self, main: Option<&Object>) -> Option<String> {
        let named = WRITERS.iter().filter_map(|name| self.content(name));
        let is_written = |label: &&str| WRITTEN.contains(&label.to_lowercase().as_str());
        let card = self.content("twitter:label1").filter(is_written);
        let named = named.chain(card.and_then(|_| self.content("twitter:data1"))).map(str::to_owned);
        let others =
            self.objects.iter().filter(|object| object.is_own() && !object.types.contains("WebSite"));
        let told = main.and_then(|object| self.writer_of(object)).into_iter().chain(named);
        let mut told = told.chain(others.filter_map(|object| self.writer_of(object)));
        told.find_map(|name| author::name(&name))
    }

    /// Named in an object, or in the person that it refers to.
    fn writer_of(&self, object: &Object) -> Option<String> {
        let is_meant = |person: &&Object| {
            let id = object.writer.as_ref().filter(|_| person.types.contains("Person"));
            id.is_some_and(|id| person.id.as_ref() == Some(id) || person.addresses.contains(id))
        };
        object.author.clone().or_else(|| self.objects.iter().find(is_meant)?.headline.clone())
    }
}

/// How an object of JSON-LD fits a page, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Address,
    Title,
    None,
}

/// By what a page is known.
struct Known {
    base: Option<Url>,
    /// See [`Known::key`].
    addresses: Vec<String>,
    /// Letters and digits only.
    titles: Vec<String>,
}

impl Known {
    fn of(meta: &Meta, url: &str, titles: [Option<&str>; 3]) -> Self {
        let titles = titles.into_iter().flatten().map(|title| dense(title, usize::MAX));
        let titles = titles.filter(|title| !title.is_empty()).collect();
        let mut known = Self { base: meta.base.clone(), addresses: Vec::new(), titles };
        let addresses = [Some(url), meta.canonical.as_deref(), meta.content("og:url")];
        known.addresses = addresses.into_iter().flatten().filter_map(|address| known.key(address)).collect();
        known
    }

    /// What stays the same of an address however it is written.
    fn key(&self, address: &str) -> Option<String> {
        let whole = self.base.as_ref().and_then(|base| base.join(address).ok()).map(String::from);
        let canonical = crate::canonical_url(whole.as_deref().unwrap_or(address))?;
        let (_, bare) = canonical.split_once("://")?;
        Some(bare.strip_prefix("www.").unwrap_or(bare).trim_end_matches('/').to_lowercase())
    }

    fn fit(&self, object: &Object) -> Fit {
        let is_here = |address: &String| self.key(address).is_some_and(|key| self.addresses.contains(&key));
        if object.addresses.iter().any(is_here) {
            return Fit::Address;
        }
        let headline = dense(object.headline.as_deref().unwrap_or_default(), usize::MAX);
        let length = headline.chars().count();
        let is_title =
            |title: &String| *title == headline || (length >= TELLING && title.contains(&headline));
        if self.titles.iter().any(is_title) { Fit::Title } else { Fit::None }
    }
}

/// A title without the site's name behind it.
fn without_site(title: &str, site: Option<&str>) -> String {
    let title = title.trim();
    let cut = site
        .and_then(|site| title.strip_suffix(site))
        .map(|rest| rest.trim_end_matches(['-', '|', '–', '—', '_', ' ', '·', ':']));
    cut.filter(|rest| !rest.is_empty()).unwrap_or(title).to_owned()
}

/// `<base href>`, else the page's own address.
fn base(dom: &Dom<'_>, url: &str) -> Option<Url> {
    let own = Url::parse(url).ok();
    let told = dom.below(0, Tag::Base).find_map(|node| dom.attribute(node, "href"));
    let named = told.and_then(|told| Url::options().base_url(own.as_ref()).parse(&told).ok());
    named.filter(|base| matches!(base.scheme(), "http" | "https")).or(own)
}

fn named(dom: &Dom<'_>) -> Vec<(String, String)> {
    dom.below(0, Tag::Meta)
        .filter_map(|node| {
            let name = ["property", "name", "itemprop"].iter().find_map(|key| dom.attribute(node, key))?;
            let content = dom.attribute(node, "content")?;
            (!content.trim().is_empty()).then(|| (name.trim().to_lowercase(), content.trim().to_owned()))
        })
        .take(MOST_NAMED)
        .collect()
}

fn canonical(dom: &Dom<'_>) -> Option<String> {
    let is_canonical =
        |node: &usize| dom.attribute(*node, "rel").is_some_and(|rel| rel.eq_ignore_ascii_case("canonical"));
    let mut named = dom.below(0, Tag::Link).take(MOST_LINKS).filter(is_canonical);
    named.find_map(|node| dom.attribute(node, "href")).map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://example.com/2024/bank-falls";
    const TEASER: &str = r#"{"@type":"NewsArticle","headline":"Shares rise","url":"https://example.com/2024/shares-rise","author":{"name":"Bo Berg"},"datePublished":"2024-01-02T10:00:00Z"}"#;
    const OWN: &str = r#"{"@type":"NewsArticle","headline":"Bank falls","mainEntityOfPage":{"@id":"http://www.example.com/2024/bank-falls/?utm_source=x"},"author":{"name":"Jane Doe"},"datePublished":"2024-05-06T10:00:00Z"}"#;

    fn meta(head: &str, objects: &str) -> Meta {
        let json = format!("<script type='application/ld+json'>{objects}</script>");
        let html = format!("<html><head>{head}{json}</head><body><h1>Bank falls</h1></body></html>");
        Meta::of(&Dom::parse(&html), URL)
    }

    /// Title, author and date.
    fn told(meta: &Meta) -> (&str, Option<&str>, Option<&str>) {
        let published = meta.main().and_then(|object| object.published.as_deref());
        (meta.title.as_str(), meta.author.as_deref(), published)
    }

    const EXPECTED: (&str, Option<&str>, Option<&str>) =
        ("Bank falls", Some("Jane Doe"), Some("2024-05-06T10:00:00Z"));

    #[test]
    fn articles_that_a_page_lists_or_links_to_are_not_the_page() {
        let list = format!(r#"{{"@type":"ItemList","itemListElement":[{{"position":1,"item":{TEASER}}}]}}"#);
        assert_eq!(told(&meta("", &format!("[{list},{OWN}]"))), EXPECTED);
        for name in ["mentions", "isPartOf", "hasPart", "relatedLink"] {
            let page = format!(r#"{{"@type":"WebPage","{name}":[{TEASER}],"mainEntity":{OWN}}}"#);
            assert_eq!(told(&meta("", &page)), EXPECTED, "{name}");
        }
        let only = meta("", &list);
        assert_eq!((told(&only), only.is_article), (("Bank falls", None, None), false));
    }

    #[test]
    fn of_several_articles_the_one_with_the_page_s_address_or_title_is_meant() {
        assert_eq!(told(&meta("", &format!("[{TEASER},{OWN}]"))), EXPECTED);
        let nowhere = OWN.replace("mainEntityOfPage", "image");
        assert_eq!(told(&meta("", &format!("[{TEASER},{nowhere}]"))), EXPECTED);
        let canonical = "<link rel='canonical' href='/2024/shares-rise'>";
        let moved = meta(
            canonical,
            &format!("[{OWN},{TEASER}]").replace("bank-falls", "other").replace("Bank", "A bank"),
        );
        assert_eq!(told(&moved).1, Some("Bo Berg"));
    }

    #[test]
    fn the_author_of_an_article_goes_before_that_of_the_site() {
        let site = r#"{"@type":"WebSite","author":{"name":"Harbour Times Ltd"}}"#;
        assert_eq!(told(&meta("", &format!("[{site},{OWN}]"))), EXPECTED);
        let anonymous = OWN.replace("author", "editor");
        let named = "<meta name='author' content='Jane Doe'>";
        assert_eq!(told(&meta(named, &format!("[{site},{anonymous}]"))), EXPECTED);
        assert_eq!(meta("", &format!("[{site},{anonymous}]")).author, None);
    }

    #[test]
    fn an_author_is_found_behind_a_reference_and_on_the_card_of_the_page() {
        let person = r##"{"@type":"Person","@id":"https://example.com/#jane","name":"Jane Doe"}"##;
        let page = r##"{"@type":"NewsArticle","headline":"Bank falls","author":{"@id":"https://example.com/#jane"}}"##;
        assert_eq!(meta("", &format!("[{page},{person}]")).author.as_deref(), Some("Jane Doe"));
        assert_eq!(meta("", page).author, None);
        let within = format!("[{page},{person}]").replace("https://example.com/#jane", "#jane");
        assert_eq!(meta("", &within).author.as_deref(), Some("Jane Doe"));
        let card = |label: &str| {
            format!(
                "<meta name='twitter:label1' content='{label}'><meta name='twitter:data1' content='Jane Doe'>"
            )
        };
        assert_eq!(meta(&card("Written by"), "{}").author.as_deref(), Some("Jane Doe"));
        assert_eq!(meta(&card("Price"), "{}").author, None);
    }

    #[test]
    fn what_is_told_is_read_however_it_is_wrapped_and_slightly_broken() {
        for (before, after) in [
            ("<!--\n", "\n-->"),
            ("//<![CDATA[\n", "\n//]]>"),
            ("/* <![CDATA[ */ ", " /* ]]> */"),
            ("\u{feff}", ";"),
            ("{\"@type\":\"WebSite\"} ", " {"),
        ] {
            assert_eq!(told(&meta("", &format!("{before}{OWN}{after}"))), EXPECTED, "{before}");
        }
        let date = r#""2024-05-06T10:00:00Z""#;
        let (listed, typed) = (format!("[{date}]"), format!("{{\"@value\":{date}}}"));
        for (written, broken) in [
            ("}", ",}"),
            ("Jane Doe", "Jane\nDoe"),
            ("\"headline\"", r#""about":"its \'bank\'","headline""#),
            (date, listed.as_str()),
            (date, typed.as_str()),
        ] {
            assert_eq!(told(&meta("", &OWN.replace(written, broken))), EXPECTED, "{broken}");
        }
        let body = OWN.replace("\"headline\"", "\"articleBody\":\"Of <![CDATA[ and {\",\"headline\"");
        assert_eq!(told(&meta("", &body)), EXPECTED);
    }

    #[test]
    fn a_part_that_is_not_free_holds_the_page_back() {
        let part =
            r#"{"@type":"NewsArticle","hasPart":{"@type":"WebPageElement","isAccessibleForFree":"False"}}"#;
        assert!(meta("", part).is_held_back);
        let other = TEASER.replace("\"@type\"", "\"isAccessibleForFree\":false,\"@type\"");
        assert!(
            !meta("", &format!(r#"[{{"@type":"ItemList","itemListElement":[{other}]}},{OWN}]"#)).is_held_back
        );
    }
}
