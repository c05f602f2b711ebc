//! From an entry of a feed, a post, or a page to the parts of a document.

use chrono::{DateTime, Utc};
use tocsin_contract::{DocumentId, PublishedPrecision, Source};

use crate::canonical_url;
use crate::config::SourceConfig;
use crate::draft::{Draft, Finisher, Rough};
use crate::feed::Entry;
use crate::json::Post;
use crate::page::Page;

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

/// The page's text; its date only where it is better than the list's. The id stays
/// that of the address the list gave.
pub(crate) fn apply(finisher: &Finisher, draft: &mut Draft, page: Page) {
    finisher.replace_body(draft, &page.text);
    finisher.fill_in(draft, &page.title, page.author);
    draft.published = match (page.published.map(|dated| (dated.at, dated.precision)), draft.published) {
        (Some(page), _) if page.1 == PublishedPrecision::Exact => Some(page),
        (page, feed) => feed.or(page),
    };
    if let Some(canonical) = page.canonical_url {
        draft.canonical_url = Some(canonical);
    }
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
