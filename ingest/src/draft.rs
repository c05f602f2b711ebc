//! From what a source says to a document of the contract.

use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use tocsin_contract::{
    Document, DocumentId, Engagement, PublishedPrecision, Source, SourceKind, revision_of,
};

use crate::config::Privacy;
use crate::lang::language_of;
use crate::redact::{redact_only, without_names};
use crate::schedule;

/// Longest title and body, in characters: a record of the bus holds 4 MiB.
pub(crate) const MAX_TITLE: usize = 1_000;
pub(crate) const MAX_BODY: usize = 500_000;
/// A list whose text is longer may show whole articles, in characters.
const LONG_BODY: usize = 500;
/// What is dated by its day counts from the end of it, where on earth that comes last.
const DAY_ENDS: TimeDelta = TimeDelta::hours(24 + 12);

/// A document as its source tells it, personal details and all. Never written.
#[derive(Debug, Clone)]
pub(crate) struct Rough {
    pub(crate) id: DocumentId,
    pub(crate) source: Source,
    pub(crate) url: Option<String>,
    pub(crate) canonical_url: Option<String>,
    pub(crate) author: Option<String>,
    pub(crate) lang: Option<String>,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) published: Option<(DateTime<Utc>, PublishedPrecision)>,
    pub(crate) engagement: Option<Engagement>,
}

/// A document before its first sight is dated, fit to be written: without personal
/// details, its author hashed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Draft {
    pub(crate) id: DocumentId,
    pub(crate) source: Source,
    pub(crate) url: Option<String>,
    pub(crate) canonical_url: Option<String>,
    pub(crate) author_hash: Option<String>,
    pub(crate) lang: Option<String>,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) published: Option<(DateTime<Utc>, PublishedPrecision)>,
    pub(crate) engagement: Option<Engagement>,
    /// Hash of what the source's list said ([`crate::state::Known::entry_hash`]).
    pub(crate) entry_hash: i64,
    /// How many details were blacked out of the title and the addresses, and of the body.
    pub(crate) redactions: (u32, u32),
}

impl Draft {
    /// Nothing was said that could be published.
    pub(crate) fn is_wordless(&self) -> bool {
        self.title.is_empty() && self.body.is_empty()
    }
}

/// Blacks out, hashes and dates drafts; clones share the key.
#[derive(Debug, Clone)]
pub(crate) struct Finisher {
    author_key: Arc<RwLock<Vec<u8>>>,
    privacy: Arc<Privacy>,
    backfill_after: TimeDelta,
}

impl Finisher {
    pub(crate) fn new(author_key: Vec<u8>, privacy: Privacy, backfill_after: std::time::Duration) -> Self {
        let backfill_after = schedule::delta(backfill_after);
        Self { author_key: Arc::new(RwLock::new(author_key)), privacy: Arc::new(privacy), backfill_after }
    }

    /// From here on, authors have other hashes.
    pub(crate) fn rotate(&self, author_key: Vec<u8>) {
        *self.author_key.write().unwrap_or_else(PoisonError::into_inner) = author_key;
    }

    fn redact(&self, kind: SourceKind, text: &str, limit: usize) -> (String, u32) {
        redact_only(&cut(text, limit), &self.privacy.of(kind).redact)
    }

    /// The document as it may be written: without personal details, and without NUL, which
    /// Postgres takes in no text.
    pub(crate) fn clean(&self, rough: Rough) -> Draft {
        let entry_hash = hash_of(&[&rough.title, &rough.body]);
        let kind = rough.source.kind;
        let (rough, in_address) = without_names(rough, &self.privacy.of(kind).redact);
        let (title, in_title) = self.redact(kind, &rough.title, MAX_TITLE);
        let (body, in_body) = self.redact(kind, &rough.body, MAX_BODY);
        Draft {
            id: rough.id,
            source: Source {
                id: without_nul(rough.source.id),
                publisher_family: without_nul(rough.source.publisher_family),
                kind,
            },
            url: rough.url.map(without_nul),
            canonical_url: rough.canonical_url.map(without_nul),
            author_hash: rough.author.and_then(|author| self.hash(kind, &author)),
            lang: rough.lang.map(without_nul),
            title,
            body,
            published: rough.published,
            engagement: rough.engagement,
            entry_hash,
            redactions: (in_title + in_address, in_body),
        }
    }

    /// Puts the text of a page in place of what the list said, unless that is the fuller one.
    /// Says whether it did.
    pub(crate) fn replace_body(&self, draft: &mut Draft, text: &str) -> bool {
        let (body, redactions) = self.redact(draft.source.kind, text, MAX_BODY);
        let is_fuller = !says_more(&draft.body, &body);
        if is_fuller {
            (draft.body, draft.redactions.1) = (body, redactions);
        }
        is_fuller
    }

    /// Where the list named no title or no author, the page's is taken.
    pub(crate) fn fill_in(&self, draft: &mut Draft, title: &str, author: Option<String>) {
        if draft.title.is_empty() {
            (draft.title, draft.redactions.0) = self.redact(draft.source.kind, title, MAX_TITLE);
        }
        let kind = draft.source.kind;
        draft.author_hash = draft.author_hash.take().or_else(|| self.hash(kind, &author?));
    }

    pub(crate) fn finish(
        &self,
        draft: Draft,
        first_seen_at: DateTime<Utc>,
        fetched_at: DateTime<Utc>,
    ) -> Document {
        let (published_at, published_precision) = match draft.published {
            Some((at, precision)) => (Some(at), precision),
            None => (None, PublishedPrecision::Missing),
        };
        Document {
            id: draft.id,
            revision: revision_of(&draft.title, &draft.body),
            lang: draft.lang.unwrap_or_else(|| language_of(&draft.title, &draft.body).to_owned()),
            source: draft.source,
            url: draft.url,
            canonical_url: draft.canonical_url,
            author_hash: draft.author_hash,
            title: draft.title,
            body: draft.body,
            published_at,
            published_precision,
            first_seen_at,
            fetched_at,
            engagement: draft.engagement,
            redactions: draft.redactions.0 + draft.redactions.1,
            is_backfill: self.is_backfill(draft.published, first_seen_at),
        }
    }

    fn is_backfill(
        &self,
        published: Option<(DateTime<Utc>, PublishedPrecision)>,
        first_seen_at: DateTime<Utc>,
    ) -> bool {
        let Some((at, precision)) = published else { return false };
        let ends = match precision {
            PublishedPrecision::Day => DAY_ENDS,
            PublishedPrecision::Exact | PublishedPrecision::Missing => TimeDelta::zero(),
        };
        first_seen_at - at - ends > self.backfill_after
    }

    /// 128 bits of HMAC-SHA256 of the author's name under the present key of this
    /// installation; nothing where authors are not kept.
    pub(crate) fn hash(&self, kind: SourceKind, author: &str) -> Option<String> {
        if !self.privacy.of(kind).authors {
            return None;
        }
        let key = self.author_key.read().unwrap_or_else(PoisonError::into_inner);
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
        mac.update(without_nul(author.to_owned()).trim().as_bytes());
        Some(hex::encode(mac.finalize().into_bytes().get(..16)?))
    }
}

/// Whether a list says clearly more than a page, which shows a stub, or all that the page says.
fn says_more(list: &str, page: &str) -> bool {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (list, page) = (words(list), words(page));
    let length = list.chars().count();
    !list.is_empty() && (list.contains(&page) || (length > LONG_BODY && length >= 2 * page.chars().count()))
}

fn cut(text: &str, limit: usize) -> String {
    text.chars().filter(|c| *c != '\0').take(limit).collect()
}

fn without_nul(mut text: String) -> String {
    text.retain(|c| c != '\0');
    text
}

/// Hash of a few texts, for telling whether they changed.
pub(crate) fn hash_of(parts: &[&str]) -> i64 {
    let mut hasher = xxhash_rust::xxh3::Xxh3::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.digest().cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rough(published: Option<&str>) -> Rough {
        Rough {
            id: DocumentId::from_native("s", "1"),
            source: Source { id: "s".into(), kind: SourceKind::Social, publisher_family: "s".into() },
            url: None,
            canonical_url: None,
            author: Some("jane".into()),
            lang: None,
            title: String::new(),
            body: "mail me: jane@example.com\0".into(),
            published: published.map(|text| (text.parse().unwrap(), PublishedPrecision::Exact)),
            engagement: None,
        }
    }

    fn finisher(key: &[u8]) -> Finisher {
        Finisher::new(key.to_vec(), Privacy::default(), std::time::Duration::from_secs(86_400))
    }

    fn finish(rough: Rough, key: &[u8]) -> Document {
        let now = "2024-05-06T00:00:00Z".parse().unwrap();
        finisher(key).finish(finisher(key).clean(rough), now, now)
    }

    #[test]
    fn neither_author_nor_address_is_written_in_clear() {
        let document = finish(rough(None), b"key");
        assert_eq!((document.body.as_str(), document.redactions), ("mail me: [email]", 1));
        let hash = document.author_hash.unwrap();
        assert_eq!(hash.len(), 32);
        assert_ne!(Some(hash), finish(rough(None), b"other").author_hash);
        let written = serde_json::to_string(&finisher(b"key").clean(rough(None))).unwrap();
        assert!(!written.contains("jane"), "{written}");
    }

    #[test]
    fn what_is_kept_of_people_depends_on_the_kind_of_source() {
        let mut privacy = Privacy::default();
        (privacy.social.authors, privacy.social.redact) = (false, Default::default());
        let finisher = Finisher::new(b"k".to_vec(), privacy, std::time::Duration::from_secs(86_400));
        let social = finisher.clean(rough(None));
        assert_eq!((social.body.as_str(), social.author_hash), ("mail me: jane@example.com", None));
        let mut news = rough(None);
        news.source.kind = SourceKind::News;
        let news = finisher.clean(news);
        assert!(news.body.ends_with("[email]") && news.author_hash.is_some());
    }

    #[test]
    fn with_another_key_an_author_is_another() {
        let finisher = finisher(b"k");
        let before = finisher.clean(rough(None)).author_hash;
        finisher.rotate(b"l".to_vec());
        assert_ne!(before, finisher.clone().clean(rough(None)).author_hash);
    }

    #[test]
    fn the_text_of_a_page_is_blacked_out_in_place_of_the_list_s() {
        let mut draft = finisher(b"k").clean(rough(None));
        assert!(finisher(b"k").replace_body(&mut draft, "Call 13812345678 or 13912345678."));
        finisher(b"k").fill_in(&mut draft, "From bo@example.com", Some("bo".into()));
        assert_eq!((draft.body.as_str(), draft.title.as_str()), ("Call [phone] or [phone].", "From [email]"));
        assert_eq!(draft.redactions, (1, 2));
        assert_eq!(draft.author_hash, finisher(b"k").clean(rough(None)).author_hash, "the list's stays");
    }

    #[test]
    fn a_page_that_says_less_than_the_list_leaves_the_list_s_text() {
        let long = "The bank fell by a third. ".repeat(20);
        let longer = long.repeat(2);
        for (list, page, is_replaced) in [
            (long.as_str(), "Subscribe to read on.", false),
            ("The bank fell. Its shares were halted.", "The bank\n\nfell.", false),
            ("The bank fell.", "Subscribe to read on.", true),
            (long.as_str(), longer.as_str(), true),
            ("", "The bank fell.", true),
        ] {
            let mut draft = finisher(b"k").clean(Rough { body: list.into(), ..rough(None) });
            assert_eq!(finisher(b"k").replace_body(&mut draft, page), is_replaced, "{list} {page}");
            assert_eq!(draft.body, if is_replaced { page } else { list });
        }
    }

    #[test]
    fn a_text_without_end_is_cut_between_characters() {
        let long = Rough { body: "银".repeat(MAX_BODY + 5), ..rough(None) };
        assert_eq!(finisher(b"k").clean(long).body.chars().count(), MAX_BODY);
    }

    #[test]
    fn no_text_of_a_document_keeps_nul() {
        let with_nul = Rough {
            source: Source { id: "s\0".into(), kind: SourceKind::Social, publisher_family: "\0s".into() },
            url: Some("https://example.com/\0a".into()),
            canonical_url: Some("https://example.com/a\0".into()),
            author: Some("ja\0ne".into()),
            lang: Some("en\0".into()),
            title: "Bank\0 falls".into(),
            ..rough(None)
        };
        let clean = finisher(b"k").clean(with_nul);
        assert!(!serde_json::to_string(&clean).unwrap().contains("\\u0000"), "{clean:?}");
        assert_eq!((clean.source.id.as_str(), clean.lang.as_deref()), ("s", Some("en")));
        assert_eq!(clean.author_hash, finisher(b"k").clean(rough(None)).author_hash);
    }

    #[test]
    fn what_is_dated_by_its_day_is_backfill_a_day_after_its_end_everywhere() {
        let seen = |at: &str| {
            let mut rough = rough(Some("2024-05-06T00:00:00Z"));
            rough.published = rough.published.map(|(day, _)| (day, PublishedPrecision::Day));
            let at = at.parse().unwrap();
            finisher(b"k").finish(finisher(b"k").clean(rough), at, at).is_backfill
        };
        assert!(!seen("2024-05-07T00:05:00Z"), "of an evening in the east, seen at once");
        assert!(!seen("2024-05-08T12:00:00Z"), "of an evening in the far west, seen within the day");
        assert!(seen("2024-05-08T12:00:01Z"));
    }

    #[test]
    fn what_was_old_when_first_seen_is_backfill_and_the_undated_is_not() {
        assert!(finish(rough(Some("2024-05-01T00:00:00Z")), b"k").is_backfill);
        assert!(!finish(rough(Some("2024-05-05T12:00:00Z")), b"k").is_backfill);
        assert!(!finish(rough(None), b"k").is_backfill);
    }
}
