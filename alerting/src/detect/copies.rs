//! What was counted before: the same document never again, another one that tells
//! a known story at less weight (100, 75, 56, … per cent, as RavenPack's novelty).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tocsin_contract::DocumentId;

use super::bin::{BINS_PER_DAY, Bin};

const DOCUMENT_BINS: i64 = 2 * BINS_PER_DAY;
const STORY_BINS: i64 = BINS_PER_DAY;

/// Identities shortened to 64 bits.
type Short = [u8; 8];

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Copies {
    documents: BTreeMap<Short, Bin>,
    /// When a story was last told, and how often until then.
    stories: BTreeMap<Short, (Bin, u32)>,
}

impl Copies {
    /// Whether the document was counted within the last 48 hours before `now`.
    pub(crate) fn knows(&self, document: DocumentId, now: Bin) -> bool {
        self.documents.get(&short(document.as_bytes())).is_some_and(|at| at.plus(DOCUMENT_BINS) >= now)
    }

    /// Counts a document at `now`; gives its weight in hundredths.
    pub(crate) fn weight(&mut self, document: DocumentId, story: &str, now: Bin) -> u32 {
        self.documents.insert(short(document.as_bytes()), now);
        let told = self.stories.entry(short(&Sha256::digest(story))).or_insert((now, 0));
        let position = if told.0.plus(STORY_BINS) >= now { told.1.saturating_add(1) } else { 1 };
        *told = (now, position);
        weight_at(position)
    }

    /// Forgets what is too old to matter at `now`.
    pub(crate) fn forget(&mut self, now: Bin) {
        self.documents.retain(|_, at| at.plus(DOCUMENT_BINS) >= now);
        self.stories.retain(|_, (at, _)| at.plus(STORY_BINS) >= now);
    }
}

fn weight_at(position: u32) -> u32 {
    let copies = position.saturating_sub(1).min(100) as i32;
    (100.0 * 0.75_f64.powi(copies)).round() as u32
}

fn short(bytes: &[u8]) -> Short {
    let mut short = Short::default();
    for (to, from) in short.iter_mut().zip(bytes) {
        *to = *from;
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(n: u8) -> DocumentId {
        DocumentId::from_bytes([n; 16])
    }

    #[test]
    fn copies_of_a_story_weigh_less_and_less() {
        let mut copies = Copies::default();
        let weights: Vec<u32> = (0..5).map(|n| copies.weight(document(n), "s", Bin(10))).collect();
        assert_eq!(weights, [100, 75, 56, 42, 32]);
        assert_eq!(copies.weight(document(9), "another", Bin(10)), 100);
    }

    #[test]
    fn a_story_not_told_for_a_day_is_news_again() {
        let mut copies = Copies::default();
        copies.weight(document(0), "s", Bin(0));
        assert_eq!(copies.weight(document(1), "s", Bin(288)), 75);
        assert_eq!(copies.weight(document(2), "s", Bin(288 + 289)), 100);
    }

    #[test]
    fn a_document_is_known_for_two_days_whether_or_not_it_is_cleared_away() {
        let mut copies = Copies::default();
        copies.weight(document(0), "s", Bin(0));
        assert!(copies.knows(document(0), Bin(576)) && !copies.knows(document(1), Bin(0)));
        assert!(!copies.knows(document(0), Bin(577)));
        copies.forget(Bin(577));
        assert_eq!(copies, Copies::default());
    }
}
