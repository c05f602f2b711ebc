//! From an entry of a feed, a post, or a page to the parts of a document.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use tocsin_contract::{DocumentId, PublishedPrecision, Source};

use crate::canonical_url;
use crate::config::SourceConfig;
use crate::draft::{Draft, Finisher, Rough};
use crate::feed::Entry;
use crate::json::Post;
use crate::page::Page;

/// What the entries of one answer are, each with its native id. An address to which several of
/// them lead, with words of their own, is that of none of them: news in a line all lead to the
/// page of the day. An id that several have with one address is theirs together with their words.
pub(crate) fn of_entries(source: &SourceConfig, entries: Vec<Entry>) -> Vec<(String, Rough)> {
    let of = |entry: Entry| (entry.native_id.clone(), of_entry(source, entry));
    let mut roughs: Vec<(String, Rough)> = entries.into_iter().map(of).collect();
    tell_apart(&source.id, &mut roughs);
    let shared = shared(&roughs);
    for (native_id, rough) in &mut roughs {
        if rough.canonical_url.as_ref().is_some_and(|url| shared.contains(url)) {
            rough.id = DocumentId::from_native(&source.id, native_id);
            rough.canonical_url = None;
        }
    }
    roughs
}

/// When each of the entries of one answer was changed, by a date that no other of them has: some feeds
/// date whatever they hold by the moment at which they are asked.
pub(crate) fn changed(entries: &[Entry]) -> Vec<Option<DateTime<Utc>>> {
    let mut entries_of: HashMap<DateTime<Utc>, usize> = HashMap::new();
    for at in entries.iter().filter_map(|entry| entry.updated) {
        *entries_of.entry(at).or_default() += 1;
    }
    let is_own = |at: &DateTime<Utc>| entries_of.get(at) == Some(&1);
    entries.iter().map(|entry| entry.updated.filter(is_own)).collect()
}

/// Gives entries that have one id, one address and other words ids of their own. With the same
/// words they are versions of one.
fn tell_apart(source_id: &str, entries: &mut [(String, Rough)]) {
    fn place((native_id, rough): &(String, Rough)) -> (String, Option<String>) {
        (native_id.clone(), rough.canonical_url.clone())
    }
    let mut first: HashMap<(String, Option<String>), String> = HashMap::new();
    let mut several = HashSet::new();
    for entry in entries.iter() {
        let words = words(&entry.1);
        if first.entry(place(entry)).or_insert_with(|| words.to_owned()).as_str() != words {
            several.insert(place(entry));
        }
    }
    for entry in entries.iter_mut().filter(|entry| several.contains(&place(entry))) {
        let (native_id, rough) = entry;
        *native_id = format!("{native_id}\n{}", words(rough));
        if rough.canonical_url.is_none() {
            rough.id = DocumentId::from_native(source_id, native_id);
        }
    }
}

/// What tells an entry from others: its title, or else its text.
fn words(rough: &Rough) -> &str {
    if rough.title.is_empty() { &rough.body } else { &rough.title }
}

/// Canonical addresses of entries that have other ids and other words.
fn shared(entries: &[(String, Rough)]) -> HashSet<String> {
    let mut first: HashMap<&str, (&str, &str)> = HashMap::new();
    let mut shared = HashSet::new();
    for (native_id, rough) in entries {
        let Some(url) = rough.canonical_url.as_deref() else { continue };
        let words = words(rough);
        let (id, others) = *first.entry(url).or_insert((native_id.as_str(), words));
        if id != native_id && others != words {
            shared.insert(url.to_owned());
        }
    }
    shared
}

pub(crate) fn of_entry(source: &SourceConfig, entry: Entry) -> Rough {
    let canonical = entry.url.as_deref().and_then(canonical_url);
    Rough {
        id: match &canonical {
            Some(url) => DocumentId::from_canonical_url(url),
            None => DocumentId::from_native(&source.id, &entry.native_id),
        },
        source: source_of(source),
        url: entry.url,
        canonical_url: canonical,
        author: entry.author,
        lang: None,
        title: entry.title,
        body: entry.text,
        published: entry.published.map(precise),
        engagement: None,
    }
}

pub(crate) fn of_post(source: &SourceConfig, post: Post) -> Rough {
    Rough {
        id: DocumentId::from_native(&source.id, &post.id),
        source: source_of(source),
        canonical_url: post.url.as_deref().and_then(canonical_url),
        url: post.url,
        author: post.author,
        lang: post.lang,
        title: post.title,
        body: post.text,
        published: post.created_at.map(precise),
        engagement: post.engagement,
    }
}

/// Confidence from which a page's instant goes before that of the list: it is declared, not only shown.
const DECLARED: f32 = 0.9;
/// Whose text a document has that was read on its page.
pub(crate) const OF_PAGE: &str = "page";

/// The page's text, unless the list's is the fuller one; its date only where it is better than
/// the list's. The id stays that of the address the list gave. Says whose text it is.
pub(crate) fn apply(finisher: &Finisher, draft: &mut Draft, page: Page) -> &'static str {
    let from = if finisher.replace_body(draft, &page.text) { OF_PAGE } else { "no more on the page" };
    finisher.fill_in(draft, &page.title, page.author);
    let is_exact = |precision| precision == PublishedPrecision::Exact;
    let knows_instant = draft.published.is_some_and(|(_, precision)| is_exact(precision));
    let is_better = page
        .published
        .is_some_and(|dated| is_exact(dated.precision) && (!knows_instant || dated.confidence >= DECLARED));
    let told = page.published.map(|dated| (dated.at, dated.precision));
    draft.published = if is_better { told } else { draft.published.or(told) };
    finisher.take_address(draft, page.canonical_url);
    from
}

pub(crate) fn source_of(source: &SourceConfig) -> Source {
    Source { id: source.id.clone(), kind: source.kind, publisher_family: source.family() }
}

/// A list that knows only the day says midnight; taken for an instant, it would
/// let decisions look ahead.
fn precise(at: DateTime<Utc>) -> (DateTime<Utc>, PublishedPrecision) {
    let is_midnight = at.timestamp().rem_euclid(86_400) == 0;
    (at, if is_midnight { PublishedPrecision::Day } else { PublishedPrecision::Exact })
}

#[cfg(test)]
mod tests {
    use tocsin_contract::SourceKind;

    use super::*;
    use crate::config::Privacy;
    use crate::page::{Dated, Kind};

    const LIVE: &str = "https://e.com/live";

    fn entry(native_id: &str, url: &str, title: &str, text: &str) -> Entry {
        let (native_id, title, text) = (native_id.into(), title.into(), text.into());
        Entry { native_id, url: Some(url.into()), title, text, author: None, published: None, updated: None }
    }

    /// The parts of documents that these entries of one answer are.
    fn read(entries: Vec<Entry>) -> Vec<Rough> {
        let source = SourceConfig::of_url("paper", "https://e.com/feed");
        of_entries(&source, entries).into_iter().map(|(_, rough)| rough).collect()
    }

    #[test]
    fn an_address_that_entries_share_is_that_of_none_of_them() {
        for words in [[("Bank falls", ""), ("Bank rises", "")], [("", "Bank falls."), ("", "Bank rises.")]] {
            let [first, second] = words;
            let flashes = [
                entry("1", LIVE, first.0, first.1),
                entry("2", "https://e.com/live?utm_source=rss", second.0, second.1),
                entry("3", "https://e.com/a", "Own", ""),
            ];
            let [one, two, own] = read(flashes.into()).try_into().unwrap();
            assert_eq!(one.id, DocumentId::from_native("paper", "1"));
            assert_eq!(two.id, DocumentId::from_native("paper", "2"));
            assert_eq!((one.url.as_deref(), one.canonical_url), (Some(LIVE), None));
            assert_eq!(own.id, DocumentId::from_canonical_url("https://e.com/a"));
        }
    }

    #[test]
    fn entries_with_one_id_and_words_of_their_own_are_told_apart_by_them() {
        let bank = |title: &str, text: &str| entry("live", LIVE, title, text);
        let shown =
            vec![bank("Bank falls", "A."), bank("Bank rises", "B."), bank("Bank falls", "A, corrected.")];
        let [one, two, corrected] = read(shown).try_into().unwrap();
        assert_eq!((one.id, one.canonical_url.as_deref()), (corrected.id, None));
        assert_ne!(one.id, two.id);
        let without_link = |text: &str| Entry { url: None, ..entry("live", LIVE, "", text) };
        let [one, two] = read(vec![without_link("A."), without_link("B.")]).try_into().unwrap();
        assert_ne!(one.id, two.id);
    }

    #[test]
    fn an_entry_that_is_shown_twice_keeps_its_address() {
        for (id, title) in [("1", "Bank falls"), ("2", "Bank falls")] {
            for rough in read(vec![entry("1", LIVE, "Bank falls", ""), entry(id, LIVE, title, "More.")]) {
                assert_eq!(rough.id, DocumentId::from_canonical_url(LIVE), "{id} {title}");
            }
        }
    }

    #[test]
    fn only_a_date_of_its_own_says_that_an_entry_was_changed() {
        let at = |minute: u32| format!("2024-05-06T10:{minute}:00Z").parse().ok();
        let of = |updated| Entry { updated, ..entry("1", LIVE, "Bank falls", "") };
        assert_eq!(changed(&[of(at(10)), of(at(20)), of(None), of(at(10))]), [None, at(20), None, None]);
    }

    const FEED: &str = "2024-05-06T09:30:00Z";
    const PAGE: &str = "2024-05-06T09:41:00Z";

    /// The date of a document of which list and page say so.
    fn published(
        list: Option<PublishedPrecision>,
        page: (PublishedPrecision, f32),
    ) -> Option<(DateTime<Utc>, PublishedPrecision)> {
        let finisher =
            Finisher::new(b"key".to_vec(), Privacy::default(), std::time::Duration::from_secs(86_400));
        let rough = Rough {
            id: DocumentId::from_native("paper", "1"),
            source: Source { id: "paper".into(), kind: SourceKind::News, publisher_family: "paper".into() },
            url: None,
            canonical_url: None,
            author: None,
            lang: None,
            title: "Bank falls".into(),
            body: String::new(),
            published: list.map(|precision| (FEED.parse().unwrap(), precision)),
            engagement: None,
        };
        let zone = chrono::FixedOffset::east_opt(0).unwrap();
        let (precision, confidence) = page;
        let page = Page {
            kind: Kind::Article,
            title: String::new(),
            text: "The bank fell.".into(),
            author: None,
            published: Some(Dated { at: PAGE.parse().unwrap(), zone, precision, confidence }),
            canonical_url: None,
            site: None,
            feeds: Vec::new(),
        };
        let mut draft = finisher.clean(rough);
        assert_eq!(apply(&finisher, &mut draft, page), "page");
        draft.published
    }

    #[test]
    fn a_doubtful_date_of_the_page_leaves_the_instant_of_the_list() {
        use PublishedPrecision::{Day, Exact};
        let (feed, page) = (FEED.parse().unwrap(), PAGE.parse().unwrap());
        assert_eq!(published(Some(Exact), (Exact, 0.7)), Some((feed, Exact)));
        assert_eq!(published(Some(Exact), (Day, 0.95)), Some((feed, Exact)));
        assert_eq!(published(Some(Exact), (Exact, 0.9)), Some((page, Exact)));
        assert_eq!(published(Some(Day), (Exact, 0.7)), Some((page, Exact)));
        assert_eq!(published(Some(Day), (Day, 0.95)), Some((feed, Day)));
        assert_eq!(published(None, (Day, 0.6)), Some((page, Day)));
    }
}
