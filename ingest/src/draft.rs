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
use crate::lang::{language_of, primary};
use crate::redact::{names_nobody, redact_only, without_names};
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
    /// Its list says that it was changed, and shows nothing of it: its page may have been.
    #[serde(default)]
    pub(crate) is_touched: bool,
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
            lang: rough.lang.map(without_nul).as_deref().and_then(primary),
            title,
            body,
            published: rough.published,
            engagement: rough.engagement,
            entry_hash,
            is_touched: false,
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
        let kind = draft.source.kind;
        if draft.title.is_empty() {
            let (title, redactions) = self.redact(kind, title, MAX_TITLE);
            draft.title = title;
            draft.redactions.0 += redactions;
        }
        draft.author_hash = draft.author_hash.take().or_else(|| self.hash(kind, &author?));
    }

    /// Takes the address that a page says is its own, unless something would have to be blacked out of it.
    pub(crate) fn take_address(&self, draft: &mut Draft, address: Option<String>) {
        let kind = draft.source.kind;
        let details = &self.privacy.of(kind).redact;
        if let Some(address) = address.filter(|address| names_nobody(address, kind, details)) {
            draft.canonical_url = Some(without_nul(address));
        }
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
mod tests;
