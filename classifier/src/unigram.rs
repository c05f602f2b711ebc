//! A unigram vocabulary in the memory it needs: pieces in one text, a trie in three
//! arrays. Cuts words as the `tokenizers` crate does, whose own trie, a hash table a
//! node, takes ten times as much; everything around it (normaliser, pre-tokenizer,
//! marks) is that crate's.

mod trie;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tokenizers::models::unigram::UnigramTrainer;
use tokenizers::{Model, Result, Token};

use trie::Trie;

/// How much worse than the worst piece an unknown character is, as in SentencePiece.
const UNKNOWN_PENALTY: f64 = 10.0;

/// Pieces with their log probabilities.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Stored")]
pub(crate) struct Unigram {
    trie: Trie,
    /// All pieces, one after the other, and where each ends.
    text: String,
    ends: Vec<u32>,
    scores: Vec<f64>,
    unknown: u32,
    unknown_score: f64,
}

/// The model of a `tokenizer.json`.
#[derive(Deserialize)]
struct Stored {
    r#type: String,
    unk_id: Option<u32>,
    vocab: Vec<(String, f64)>,
    #[serde(default)]
    byte_fallback: bool,
}

/// The best way to a place in a word.
#[derive(Debug, Clone, Copy, Default)]
struct Step {
    score: f64,
    /// Where its last piece starts; nothing leads here while it is `None`.
    from: Option<usize>,
    piece: u32,
}

impl Step {
    fn offer(&mut self, score: f64, from: usize, piece: u32) {
        if self.from.is_none() || score > self.score {
            *self = Self { score, from: Some(from), piece };
        }
    }
}

impl TryFrom<Stored> for Unigram {
    type Error = String;

    fn try_from(stored: Stored) -> std::result::Result<Self, String> {
        let unknown = stored.unk_id.filter(|id| (*id as usize) < stored.vocab.len());
        let (Some(unknown), "Unigram", false) = (unknown, stored.r#type.as_str(), stored.byte_fallback)
        else {
            return Err(format!("a {} model that is not plain unigram", stored.r#type));
        };
        let texts: Vec<&str> = stored.vocab.iter().map(|(piece, _)| piece.as_str()).collect();
        let ends = texts.iter().scan(0, |end, piece| {
            *end += piece.len() as u32;
            Some(*end)
        });
        let least = stored.vocab.iter().fold(f64::INFINITY, |least, (_, score)| least.min(*score));
        Ok(Self {
            trie: Trie::new(&texts),
            text: texts.concat(),
            ends: ends.collect(),
            scores: stored.vocab.iter().map(|(_, score)| *score).collect(),
            unknown,
            unknown_score: least - UNKNOWN_PENALTY,
        })
    }
}

impl Unigram {
    /// Where the pieces of the most probable cut of `word` start and end (in bytes), and
    /// which they are; neighbouring unknown characters are one.
    fn cut(&self, word: &str) -> Vec<(usize, usize, u32)> {
        let steps = self.steps(word);
        let mut pieces: Vec<(usize, usize, u32)> = Vec::new();
        let mut end = word.len();
        while let Some(Step { from: Some(from), piece, .. }) = steps.get(end).copied().filter(|_| end > 0) {
            match pieces.last_mut() {
                Some((start, _, last)) if *last == self.unknown && piece == self.unknown => *start = from,
                _ => pieces.push((from, end, piece)),
            }
            end = from;
        }
        pieces.reverse();
        pieces
    }

    fn steps(&self, word: &str) -> Vec<Step> {
        let mut steps = vec![Step::default(); word.len() + 1];
        for (start, character) in word.char_indices() {
            let (so_far, width) = (steps[start].score, character.len_utf8());
            let mut alone = false;
            for (length, piece) in self.trie.prefixes(&word.as_bytes()[start..]) {
                let score = self.scores.get(piece as usize).copied().unwrap_or(self.unknown_score);
                steps[start + length].offer(score + so_far, start, piece);
                alone |= length == width;
            }
            if !alone {
                steps[start + width].offer(self.unknown_score + so_far, start, self.unknown);
            }
        }
        steps
    }
}

impl Model for Unigram {
    type Trainer = UnigramTrainer;

    fn tokenize(&self, word: &str) -> Result<Vec<Token>> {
        let token = |(start, end, piece)| {
            Token::new(piece, word.get(start..end).unwrap_or_default().to_owned(), (start, end))
        };
        Ok(self.cut(word).into_iter().map(token).collect())
    }

    fn token_to_id(&self, token: &str) -> Option<u32> {
        self.trie.find(token.as_bytes())
    }

    fn id_to_token(&self, id: u32) -> Option<String> {
        let end = *self.ends.get(id as usize)? as usize;
        let start = id.checked_sub(1).and_then(|before| self.ends.get(before as usize)).copied().unwrap_or(0);
        self.text.get(start as usize..end).map(str::to_owned)
    }

    fn get_vocab(&self) -> HashMap<String, u32> {
        (0..self.ends.len() as u32).filter_map(|id| Some((self.id_to_token(id)?, id))).collect()
    }

    fn get_vocab_size(&self) -> usize {
        self.ends.len()
    }

    fn save(&self, folder: &Path, _: Option<&str>) -> Result<Vec<PathBuf>> {
        Err(format!("a vocabulary is read, never written (to {})", folder.display()).into())
    }

    fn get_trainer(&self) -> UnigramTrainer {
        UnigramTrainer::default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokenizers::models::unigram::Unigram as Library;

    use super::*;

    const VOCABULARY: [(&str, f64); 12] = [
        ("<unk>", 0.0),
        ("▁", -2.0),
        ("a", -3.0),
        ("b", -3.5),
        ("ab", -4.0),
        ("abc", -9.0),
        ("c", -4.5),
        ("▁ab", -5.0),
        ("中", -6.0),
        ("中国", -7.0),
        ("国人", -6.5),
        ("bc", -4.25),
    ];

    fn both() -> (Unigram, Library) {
        let vocab: Vec<(String, f64)> = VOCABULARY.iter().map(|(p, s)| ((*p).to_owned(), *s)).collect();
        let stored = Stored {
            r#type: "Unigram".to_owned(),
            unk_id: Some(0),
            vocab: vocab.clone(),
            byte_fallback: false,
        };
        (stored.try_into().unwrap(), Library::from(vocab, Some(0), false).unwrap())
    }

    proptest! {
        #[test]
        fn words_are_cut_as_the_library_cuts_them(word in "[▁abcd中国人é]{0,24}") {
            let (ours, library) = both();
            prop_assert_eq!(ours.tokenize(&word).unwrap(), library.tokenize(&word).unwrap());
        }
    }

    #[test]
    fn pieces_and_their_numbers_are_found_both_ways() {
        let (ours, library) = both();
        for (id, (piece, _)) in VOCABULARY.iter().enumerate() {
            assert_eq!(ours.token_to_id(piece), Some(id as u32));
            assert_eq!(ours.id_to_token(id as u32).as_deref(), Some(*piece));
        }
        assert_eq!(
            (ours.token_to_id("ac"), ours.token_to_id("▁a"), ours.id_to_token(12)),
            (None, None, None)
        );
        assert_eq!(ours.get_vocab(), library.get_vocab());
    }

    #[test]
    fn other_models_are_refused() {
        let read = |json: &str| serde_json::from_str::<Unigram>(json).unwrap_err().to_string();
        assert!(read(r#"{"type":"BPE","vocab":[["a",0.0]]}"#).contains("BPE"));
        assert!(read(r#"{"type":"Unigram","unk_id":1,"vocab":[["a",0.0]]}"#).contains("not plain"));
        let bytes = r#"{"type":"Unigram","unk_id":0,"vocab":[["a",0.0]],"byte_fallback":true}"#;
        assert!(read(bytes).contains("not plain"));
    }
}
