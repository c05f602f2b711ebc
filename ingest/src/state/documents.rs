//! Which documents are known, under which id, and what they said. Only looks them up.

use chrono::{DateTime, Utc};
use tocsin_contract::DocumentId;

use super::State;
use crate::IngestError;
use crate::canonical::twins;
use crate::draft::Draft;
use crate::error::database;
use crate::items::Key;

/// Texts of fewer characters are the same by chance.
const TELLING: usize = 40;
const UNDER_ANOTHER: &str = "look for a document under another id";

/// What is known of a document.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Known {
    /// The source that brought it first; only that one revises it.
    pub(crate) source_id: String,
    pub(crate) revision: String,
    /// Hash of what the feed said, to see that nothing changed without fetching the page.
    pub(crate) entry_hash: i64,
    pub(crate) first_seen_at: DateTime<Utc>,
}

impl Known {
    /// Nothing to do for `draft`: its list says what it said, and not that it was changed, or it is
    /// another source's document (two feeds with one story would revise it in turns).
    pub(crate) fn says_the_same(&self, draft: &Draft) -> bool {
        self.source_id != draft.source.id || (self.entry_hash == draft.entry_hash && !draft.is_touched)
    }

    /// Its text was taken back.
    pub(crate) fn is_forgotten(&self) -> bool {
        self.revision.is_empty()
    }
}

/// Row of `ingest.seen`.
#[derive(Debug, sqlx::FromRow)]
struct Found {
    doc_id: Vec<u8>,
    #[sqlx(flatten)]
    known: Known,
}

impl State {
    pub(crate) async fn known(&self, id: DocumentId) -> Result<Option<Known>, IngestError> {
        Ok(self.first_known(id, vec![id.as_bytes().to_vec()]).await?.map(|(_, known)| known))
    }

    /// The document that the draft of an item shows: of its own id, else the one that the source
    /// published before under another, as far as that can be told: as this item, at a twin of its
    /// address, under the publisher's id in the same words, or without an address in the same words.
    pub(crate) async fn known_as(
        &self,
        draft: &Draft,
        key: &Key,
    ) -> Result<Option<(DocumentId, Known)>, IngestError> {
        let mut ids = vec![draft.id.as_bytes().to_vec()];
        ids.extend(self.moved_from(draft, key).await?);
        for twin in draft.canonical_url.iter().flat_map(|url| twins(url)) {
            ids.push(DocumentId::from_canonical_url(&twin).as_bytes().to_vec());
        }
        let known = self.first_known(draft.id, ids).await?;
        let words = draft.title.chars().count() + draft.body.chars().count();
        if known.is_some() || draft.canonical_url.is_some() || words < TELLING {
            return Ok(known);
        }
        let query = "SELECT doc_id FROM ingest.item WHERE source_id = $1 AND entry_hash = $2
                         AND fate IN ('published', 'revised', 'duplicate') ORDER BY seen_at LIMIT 1";
        let query = sqlx::query_scalar(query).bind(&draft.source.id).bind(draft.entry_hash);
        let before: Option<Vec<u8>> =
            query.fetch_optional(&self.pool).await.map_err(database(UNDER_ANOTHER))?;
        match before {
            Some(before) => self.first_known(draft.id, vec![before]).await,
            None => Ok(None),
        }
    }

    /// Ids under which the item itself was settled, and another with the publisher's id of it, if
    /// all with that id say the same: an id that entries with other words share tells nothing.
    async fn moved_from(&self, draft: &Draft, key: &Key) -> Result<Vec<Vec<u8>>, IngestError> {
        let ids: Vec<Option<Vec<u8>>> = sqlx::query_scalar(
            "WITH own AS (
                 SELECT native_key, doc_id FROM ingest.item WHERE source_id = $1 AND item_key = $2)
             SELECT doc_id FROM own
             UNION ALL
             SELECT (array_agg(i.doc_id ORDER BY i.seen_at)
                     FILTER (WHERE i.fate IN ('published', 'revised', 'duplicate') AND i.deleted_at IS NULL))[1]
             FROM ingest.item i JOIN own USING (native_key) WHERE i.source_id = $1 AND i.item_key <> $2
             HAVING bool_and(i.entry_hash = $3)",
        )
        .bind(&draft.source.id)
        .bind(key.as_slice())
        .bind(draft.entry_hash)
        .fetch_all(&self.pool)
        .await
        .map_err(database(UNDER_ANOTHER))?;
        Ok(ids.into_iter().flatten().collect())
    }

    /// What is known under one of `ids`: `own` before all others, then the oldest.
    async fn first_known(
        &self,
        own: DocumentId,
        ids: Vec<Vec<u8>>,
    ) -> Result<Option<(DocumentId, Known)>, IngestError> {
        let found: Option<Found> = sqlx::query_as(
            "SELECT doc_id, source_id, revision, entry_hash, first_seen_at FROM ingest.seen
             WHERE doc_id = ANY($1) ORDER BY doc_id <> $2, first_seen_at LIMIT 1",
        )
        .bind(ids)
        .bind(own.as_bytes().as_slice())
        .fetch_optional(&self.pool)
        .await
        .map_err(database("look up a document"))?;
        Ok(found.and_then(|Found { doc_id, known }| {
            Some((DocumentId::from_bytes(doc_id.try_into().ok()?), known))
        }))
    }
}
