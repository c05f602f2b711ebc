//! From what a source says to a document of the contract.

use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tocsin_contract::{Document, DocumentId, Engagement, PublishedPrecision, Source, revision_of};

use crate::lang::language_of;
use crate::redact::redact;

/// Longest title and body, in characters: a record of the bus holds 4 MiB.
const MAX_TITLE: usize = 1_000;
const MAX_BODY: usize = 500_000;

/// A document before its first sight is dated.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
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
    /// Hash of what the source's list said ([`crate::state::Known::entry_hash`]).
    pub(crate) entry_hash: i64,
}

/// Blacks out, hashes and dates drafts.
#[derive(Debug, Clone)]
pub(crate) struct Finisher {
    author_key: Vec<u8>,
    backfill_after: TimeDelta,
}

impl Finisher {
    pub(crate) fn new(author_key: Vec<u8>, backfill_after: std::time::Duration) -> Self {
        let backfill_after = TimeDelta::from_std(backfill_after).unwrap_or(TimeDelta::MAX);
        Self { author_key, backfill_after }
    }

    /// The text as it may be written: without NUL and personal details.
    pub(crate) fn clean(draft: &mut Draft) -> u32 {
        let (title, in_title) = redact(&cut(&draft.title, MAX_TITLE));
        let (body, in_body) = redact(&cut(&draft.body, MAX_BODY));
        (draft.title, draft.body) = (title, body);
        in_title + in_body
    }

    /// `draft` is clean; `redactions` is what [`Self::clean`] counted.
    pub(crate) fn finish(
        &self,
        draft: Draft,
        redactions: u32,
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
            author_hash: draft.author.map(|author| self.hash(&author)),
            title: draft.title,
            body: draft.body,
            published_at,
            published_precision,
            first_seen_at,
            fetched_at,
            engagement: draft.engagement,
            redactions,
            is_backfill: published_at.is_some_and(|at| first_seen_at - at > self.backfill_after),
        }
    }

    /// 128 bits of HMAC-SHA256 of the author's name under this installation's key.
    fn hash(&self, author: &str) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.author_key) else { return String::new() };
        mac.update(author.trim().as_bytes());
        hex::encode(mac.finalize().into_bytes().get(..16).unwrap_or_default())
    }
}

fn cut(text: &str, limit: usize) -> String {
    text.chars().filter(|c| *c != '\0').take(limit).collect()
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
    use tocsin_contract::SourceKind;

    fn draft(published: Option<&str>) -> Draft {
        Draft {
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
            entry_hash: 0,
        }
    }

    fn finish(mut draft: Draft, key: &[u8]) -> Document {
        let finisher = Finisher::new(key.to_vec(), std::time::Duration::from_secs(86_400));
        let count = Finisher::clean(&mut draft);
        let now = "2024-05-06T00:00:00Z".parse().unwrap();
        finisher.finish(draft, count, now, now)
    }

    #[test]
    fn neither_author_nor_address_is_written_in_clear() {
        let document = finish(draft(None), b"key");
        assert_eq!((document.body.as_str(), document.redactions), ("mail me: [email]", 1));
        let hash = document.author_hash.unwrap();
        assert_eq!(hash.len(), 32);
        assert_ne!(Some(hash), finish(draft(None), b"other").author_hash);
    }

    #[test]
    fn a_text_without_end_is_cut_between_characters() {
        let mut long = Draft { body: "银".repeat(MAX_BODY + 5), ..draft(None) };
        Finisher::clean(&mut long);
        assert_eq!(long.body.chars().count(), MAX_BODY);
    }

    #[test]
    fn what_was_old_when_first_seen_is_backfill_and_the_undated_is_not() {
        assert!(finish(draft(Some("2024-05-01T00:00:00Z")), b"k").is_backfill);
        assert!(!finish(draft(Some("2024-05-05T12:00:00Z")), b"k").is_backfill);
        assert!(!finish(draft(None), b"k").is_backfill);
    }
}
