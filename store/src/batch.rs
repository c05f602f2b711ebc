//! What one transaction is to store: each document and tombstone once, sorted by id, so that
//! transactions meet on rows in one order and never deadlock.

use std::collections::BTreeMap;

use tocsin_contract::{DocumentId, Enriched, EnrichedRecord, Tombstone};

use crate::incoming::{Content, Incoming};

/// A document and the partition it came from, which is the shard of its rollups.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) enriched: &'a Enriched,
    pub(crate) shard: i32,
}

impl Row<'_> {
    pub(crate) fn id(&self) -> DocumentId {
        self.enriched.document.id
    }
}

/// The documents of a batch by id: the earliest revision of each, and later ones.
#[derive(Debug, Default)]
pub(crate) struct Batch<'a> {
    pub(crate) firsts: Vec<Row<'a>>,
    pub(crate) later: Vec<Row<'a>>,
    pub(crate) tombstones: Vec<&'a Tombstone>,
    /// Documents in the batch, copies counted.
    pub(crate) delivered: usize,
}

impl<'a> Batch<'a> {
    pub(crate) fn of(items: &'a [Incoming]) -> Self {
        let mut revisions: BTreeMap<DocumentId, Vec<Row<'a>>> = BTreeMap::new();
        let mut tombstones: BTreeMap<DocumentId, &Tombstone> = BTreeMap::new();
        let mut delivered = 0;
        for item in items {
            let Content::Fine(content) = &item.content else { continue };
            let enriched = match content.as_ref() {
                EnrichedRecord::Document(enriched) => enriched,
                EnrichedRecord::Tombstone(tombstone) => {
                    tombstones.insert(tombstone.id, tombstone);
                    continue;
                }
            };
            delivered += 1;
            let shard = i32::try_from(item.record.at.partition).unwrap_or(i32::MAX);
            let known = revisions.entry(enriched.document.id).or_default();
            // The same revision fetched at another time may be a return to an earlier text: it is kept.
            let text =
                |enriched: &Enriched| (enriched.document.revision.clone(), enriched.document.fetched_at);
            if known.iter().all(|row| text(row.enriched) != text(enriched)) {
                known.push(Row { enriched, shard });
            }
        }
        let tombstones = tombstones.into_values().collect();
        let mut batch = Self { tombstones, delivered, ..Self::default() };
        for rows in revisions.into_values() {
            batch.firsts.extend(rows.first());
            batch.later.extend(rows.iter().skip(1));
        }
        batch
    }
}

/// One value of each row: a column for `unnest`.
pub(crate) fn column<'a, T>(rows: &[Row<'a>], value: impl Fn(&'a Enriched) -> T) -> Vec<T> {
    rows.iter().map(|row| value(row.enriched)).collect()
}

/// The ids of the rows as Postgres keeps them.
pub(crate) fn ids(rows: &[Row<'_>]) -> Vec<String> {
    column(rows, |e| e.document.id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn copies_collapse_and_a_second_revision_stays_apart() {
        let corrected = samples::revised(1, "b");
        let documents = [samples::enriched(2), samples::enriched(1), samples::enriched(1), corrected];
        let items = samples::delivered(&documents, 0);
        let batch = Batch::of(&items);
        assert_eq!((batch.firsts.len(), batch.later.len(), batch.delivered), (2, 1, 4));
        assert!(batch.firsts.is_sorted_by_key(Row::id));
        assert_eq!(batch.later[0].enriched.document.revision, "b");
    }
}
