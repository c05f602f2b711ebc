//! The addresses that an entry names, and which of them is that of its document.

use url::Url;

use super::bounds::MAX_ADDRESS;
use super::is_web;
use crate::page::markup::attribute;

/// Most addresses of an entry that are kept.
const MOST: usize = 100;

/// What an address is to its entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    /// Where FeedBurner, whose link only leads on, says that the document is.
    Original,
    /// The content of a `<link>`, as in RSS, or of a `<loc>`.
    Own,
    /// A link of Atom to the document.
    Alternate,
    /// The same to the document as data, a PDF file ..., by its type.
    OtherForm,
    /// A `<guid>` that is the address of the document.
    Permanent,
    /// To the entry itself, to an enclosure, to replies, to its licence ...
    Other,
}

impl Relation {
    /// Of a link of Atom.
    pub(super) fn of_link(attributes: &str) -> Self {
        let relation = Self::of(attribute(attributes, "rel").as_deref());
        let kind = attribute(attributes, "type").unwrap_or_default().to_ascii_lowercase();
        let is_page = kind.trim().is_empty() || kind.contains("html");
        if relation == Self::Alternate && !is_page { Self::OtherForm } else { relation }
    }

    /// Of a link with such a `rel`.
    fn of(rel: Option<&str>) -> Self {
        let is_alternate = rel.is_none_or(|rel| rel.trim().eq_ignore_ascii_case("alternate"));
        if is_alternate { Self::Alternate } else { Self::Other }
    }

    /// Of the address that an element holds; `None`: it holds none.
    pub(super) fn of_content(local: &str, attributes: &str) -> Option<Self> {
        let denied =
            || attribute(attributes, "isPermaLink").filter(|said| said.trim().eq_ignore_ascii_case("false"));
        match local {
            "link" if Self::of(attribute(attributes, "rel").as_deref()) == Self::Other => Some(Self::Other),
            "origlink" => Some(Self::Original),
            "link" | "loc" => Some(Self::Own),
            "guid" if denied().is_none() => Some(Self::Permanent),
            _ => None,
        }
    }
}

/// The addresses of an entry, in the order in which they were read.
#[derive(Debug, Default)]
pub(super) struct Links(Vec<(Relation, String)>);

impl Links {
    /// Returns the length of the address, in bytes: what it costs, whether it is kept or not.
    pub(super) fn add(&mut self, relation: Relation, link: &str, base: Option<&Url>) -> usize {
        // However many others there are, the first of a kind has its place.
        let is_first = relation != Relation::Other && self.first(relation).is_none();
        if !is_first && self.0.len() >= MOST {
            return 0;
        }
        let Some(address) = whole(relation, link.trim(), base) else { return 0 };
        let length = address.len();
        if !self.0.iter().any(|known| known.0 == relation && known.1 == address) {
            self.0.push((relation, address));
        }
        length
    }

    fn first(&self, relation: Relation) -> Option<&str> {
        self.0.iter().find(|(own, _)| *own == relation).map(|(_, address)| address.as_str())
    }

    /// All of them, and whether the first is that of the document.
    pub(super) fn finish(self) -> (Vec<String>, bool) {
        const SUREST_FIRST: [Relation; 5] = [
            Relation::Original,
            Relation::Own,
            Relation::Alternate,
            Relation::OtherForm,
            Relation::Permanent,
        ];
        let document = SUREST_FIRST.into_iter().filter_map(|kind| self.first(kind)).find(|link| is_web(link));
        let has_document = document.is_some();
        let named = || self.first(Relation::Own).or_else(|| self.first(Relation::Alternate));
        let first = document.or_else(named).map(str::to_owned);
        let mut links: Vec<String> = first.into_iter().collect();
        for (relation, address) in self.0 {
            if relation != Relation::Permanent && !links.contains(&address) {
                links.push(address);
            }
        }
        (links, has_document)
    }
}

/// The address that a link means, which is relative to `base`, but for a `<guid>`, which is relative to nothing.
/// `None`: there is none, or it is too long to be one.
fn whole(relation: Relation, link: &str, base: Option<&Url>) -> Option<String> {
    let base = base.filter(|_| relation != Relation::Permanent);
    if link.is_empty() || !is_short(link, base) {
        return None;
    }
    let address = if relation == Relation::Permanent {
        Url::parse(link).map_or_else(|_| link.to_owned(), String::from)
    } else {
        resolved(link, base)
    };
    Some(address).filter(|address| address.len() <= MAX_ADDRESS)
}

/// Where a link leads from `base`; as it is written where it leads nowhere from there.
pub(super) fn resolved(link: &str, base: Option<&Url>) -> String {
    base.and_then(|base| base.join(link).ok()).map_or_else(|| link.to_owned(), String::from)
}

/// Whether both together are no longer than an address may be.
fn is_short(link: &str, base: Option<&Url>) -> bool {
    link.len() + base.map_or(0, |base| base.as_str().len()) <= MAX_ADDRESS
}

/// What `xml:base` says of links within an element; `None`: nothing, or at too great a length.
pub(super) fn base_of(attributes: &str, outer: Option<&Url>) -> Option<Url> {
    let base = attribute(attributes, "xml:base").filter(|base| is_short(base, outer))?;
    let base = Url::options().base_url(outer).parse(&base).ok();
    base.filter(|base| base.as_str().len() <= MAX_ADDRESS)
}

#[cfg(test)]
mod tests {
    use crate::feed::{Entry, items};

    /// The links of the first entry, and the address of its document.
    fn read(entry: &str) -> (Vec<String>, Option<String>) {
        let feed = format!("<rss xmlns:atom='http://www.w3.org/2005/Atom'><item>{entry}</item></rss>");
        let item = items(feed.as_bytes(), None, Some("https://e.com/feed")).unwrap().remove(0);
        (item.links.clone(), Entry::from(item).url)
    }

    fn url(entry: &str) -> Option<String> {
        read(entry).1
    }

    const SELF: &str = "<atom:link rel='self' href='/self'/>";

    #[test]
    fn the_first_alternate_link_leads_to_the_document_and_its_own_goes_before() {
        let two = "<atom:link rel='ALTERNATE' href='/1'/><atom:link href='/2'/>";
        assert_eq!(url(&format!("{SELF}{two}")).unwrap(), "https://e.com/1");
        let own = format!("{SELF}<atom:link rel='edit' href='/edit'/>{two}<link>/own</link>");
        let (links, url) = read(&own);
        assert_eq!(url.unwrap(), "https://e.com/own");
        assert_eq!(links, ["own", "self", "edit", "1", "2"].map(|path| format!("https://e.com/{path}")));
    }

    #[test]
    fn no_other_link_leads_to_the_document() {
        for rel in ["self", "enclosure", "via", "license", "replies", "edit"] {
            let (links, url) = read(&format!("<atom:link rel='{rel}' href='/x'/>"));
            assert_eq!((links.len(), url), (1, None), "{rel}");
        }
    }

    #[test]
    fn a_page_goes_before_other_forms_of_the_document() {
        let data = "<atom:link rel='alternate' type='application/json' href='/1.json'/>";
        assert_eq!(url(data).unwrap(), "https://e.com/1.json");
        for kind in ["type='text/html'", "type='application/XHTML+xml'", "type=''", ""] {
            let page = format!("<atom:link {kind} href='/1'/>");
            assert_eq!(url(&format!("{data}{page}")).unwrap(), "https://e.com/1", "{kind}");
        }
    }

    #[test]
    fn where_feedburner_leads_on_the_document_is_where_it_says() {
        let on = "<link>https://feeds.example/~r/news/~3/x/</link>";
        let (links, url) = read(&format!("{on}<feedburner:origLink>/1?a=b&amp;c=d</feedburner:origLink>"));
        assert_eq!(url.as_deref(), Some("https://e.com/1?a=b&c=d"));
        assert_eq!(links, ["https://e.com/1?a=b&c=d", "https://feeds.example/~r/news/~3/x/"]);
    }

    #[test]
    fn what_is_enclosed_is_a_link_and_no_document() {
        for enclosure in
            ["<enclosure url='/a.mp3?x=1&amp;y=2'/>", "<enclosure url='/a.mp3?x=1&amp;y=2'></enclosure>"]
        {
            assert_eq!(
                read(enclosure),
                (vec!["https://e.com/a.mp3?x=1&y=2".to_owned()], None),
                "{enclosure}"
            );
            assert_eq!(url(&format!("{enclosure}<link>/own</link>")).unwrap(), "https://e.com/own");
        }
    }

    #[test]
    fn a_link_whose_address_is_its_content_has_a_relation_too() {
        let links = "<link rel='enclosure'>/e.mp3</link><link rel='alternate'>/a</link>";
        assert_eq!(url(links).unwrap(), "https://e.com/a");
    }

    #[test]
    fn a_guid_is_the_address_where_no_link_is_and_it_does_not_deny_it() {
        let guid = |more: &str| format!("{SELF}<guid{more}>https://e.com/?p=1&amp;q=2</guid>");
        let (links, address) = read(&guid(""));
        assert_eq!(address.as_deref(), Some("https://e.com/?p=1&q=2"));
        assert_eq!(links, ["https://e.com/?p=1&q=2", "https://e.com/self"]);
        assert_eq!(url(&guid(" isPermaLink='true'")), address);
        assert_eq!(url(&guid(" ispermalink=' False '")), None);
        assert_eq!(url("<guid>n-17</guid>"), None);
        assert_eq!(url(&format!("{}<link>/a</link>", guid(""))).unwrap(), "https://e.com/a");
        assert_eq!(url(&format!("{}<link>javascript:more()</link>", guid(""))), address);
    }

    #[test]
    fn bases_of_entries_and_links_hold_within_them() {
        let feed = "<feed xml:base='/news/'><entry xml:base='2024/'><link xml:base='05/' href='a'/></entry>\
            <entry><link href='b'/></entry><entry xml:base='https://f.com/'><link>c</link></entry></feed>";
        let items = items(feed.as_bytes(), None, Some("https://e.com/feed")).unwrap();
        let urls: Vec<String> = items.into_iter().filter_map(|item| Entry::from(item).url).collect();
        assert_eq!(urls, ["https://e.com/news/2024/05/a", "https://e.com/news/b", "https://f.com/c"]);
    }

    #[test]
    fn among_very_many_links_that_of_the_document_is_found() {
        let many: String = (0..1000).map(|n| format!("<atom:link rel='enclosure' href='/{n}'/>")).collect();
        let (links, url) = read(&format!("{many}<link>/own</link>"));
        assert_eq!((url.as_deref(), links.len()), (Some("https://e.com/own"), 101));
        assert_eq!(links.first(), url.as_ref());
    }
}
