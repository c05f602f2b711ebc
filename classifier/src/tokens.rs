//! Text to token ids with the characters each token covers, cut at a fixed length.

use std::path::Path;

use rand::{Rng, rngs::StdRng};
use tokenizers::{
    DecoderWrapper, Encoding, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper, Tokenizer,
    TokenizerImpl,
};

use crate::document::{first_characters, unspaced};
use crate::error::{ClassifierError, Result};
use crate::unigram::Unigram;

/// The marks of start and end in the vocabularies that we have, those of XLM-R.
const START: u32 = 0;
const END: u32 = 2;

/// A tokenizer that always closes a text with the end mark, cut or not.
#[derive(Debug, Clone)]
pub struct Tokens {
    inner: Inner,
    max: usize,
}

/// The library's tokenizer, around our vocabulary where it is of the kind that we have.
#[derive(Debug, Clone)]
enum Inner {
    Ours(Box<Compact>),
    Library(Box<Tokenizer>),
}

type Compact =
    TokenizerImpl<Unigram, NormalizerWrapper, PreTokenizerWrapper, PostProcessorWrapper, DecoderWrapper>;

impl Inner {
    fn token_to_id(&self, token: &str) -> Option<u32> {
        match self {
            Self::Ours(inner) => inner.token_to_id(token),
            Self::Library(inner) => inner.token_to_id(token),
        }
    }

    fn encode(&self, text: &str) -> tokenizers::Result<Encoding> {
        match self {
            Self::Ours(inner) => inner.encode_char_offsets(text, true),
            Self::Library(inner) => inner.encode_char_offsets(text, true),
        }
    }
}

/// One text as the encoder takes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Encoded {
    pub ids: Vec<u32>,
    /// For each token its characters `start..end` in the text; marks cover none.
    pub spans: Vec<(u32, u32)>,
}

impl Tokens {
    /// `max`: the longest sequence, marks included; at least 8.
    pub fn read(path: &Path, max: usize) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| ClassifierError::read(path, e))?;
        let inner = match serde_json::from_str::<Compact>(&text) {
            Ok(ours) => Inner::Ours(Box::new(ours)),
            Err(_) => Inner::Library(Box::new(
                text.parse().map_err(|e| ClassifierError::unfit(path, "tokenizer", e))?,
            )),
        };
        Ok(Self { inner, max: max.max(8) })
    }

    /// About how many tokens `text` has: four letters, or two ideographs out of three
    /// (measured on news of both languages). Looks at no more than can matter.
    pub(crate) fn estimate(&self, text: &str) -> usize {
        let characters = unspaced(text).take(self.max * 4);
        let quarters: usize = characters.map(|(_, c)| if c < '\u{2e80}' { 3 } else { 8 }).sum();
        (quarters / 12).clamp(1, self.max)
    }

    /// The token that stands for a hidden word.
    pub fn mask(&self) -> Option<u32> {
        self.inner.token_to_id("<mask>").or_else(|| self.inner.token_to_id("[MASK]"))
    }

    /// Never fails: a text the tokenizer refuses becomes the two marks alone.
    pub fn encode(&self, text: &str) -> Encoded {
        // More characters than this cannot matter: a token covers less than 16 on average, white space that
        // the tokenizer draws together not counted.
        let Ok(encoding) = self.inner.encode(first_characters(text, self.max * 16)) else {
            return Encoded { ids: vec![START, END], spans: vec![(0, 0); 2] };
        };
        let mut ids = encoding.get_ids().to_vec();
        let mut spans: Vec<_> = encoding.get_offsets().iter().map(|(s, e)| (*s as u32, *e as u32)).collect();
        if let (true, Some(end)) = (ids.len() > self.max, ids.last().copied()) {
            ids.truncate(self.max - 1);
            spans.truncate(self.max - 1);
            ids.push(end);
            spans.push((0, 0));
        }
        while ids.len() < 2 {
            ids.push(END);
            spans.push((0, 0));
        }
        Encoded { ids, spans }
    }
}

/// Hides each word of `ids` behind `mask` with probability `share`; the two marks stay.
pub fn hide(ids: &mut [u32], mask: u32, share: f32, random: &mut StdRng) {
    let last = ids.len().saturating_sub(1);
    for id in ids.iter_mut().take(last).skip(1) {
        if random.random::<f32>() < share {
            *id = mask;
        }
    }
}

/// Groups of indices into `lengths`, longest texts first, each group of at most
/// `budget` tokens (a longer text stands alone).
pub fn batches(lengths: &[usize], budget: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(lengths.get(*i).copied().unwrap_or(0)));
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut used = usize::MAX;
    for index in order {
        let length = lengths.get(index).copied().unwrap_or(0);
        if used.saturating_add(length) > budget {
            groups.push(Vec::new());
            used = 0;
        }
        used += length;
        if let Some(group) = groups.last_mut() {
            group.push(index);
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn about_as_many_words_are_hidden_as_asked_and_never_the_marks() {
        let mut ids: Vec<u32> = (0..1000).collect();
        hide(&mut ids, 7777, 0.1, &mut StdRng::seed_from_u64(1));
        let hidden = ids.iter().filter(|id| **id == 7777).count();
        assert!((60..140).contains(&hidden), "{hidden}");
        assert_eq!((ids[0], ids[999]), (0, 999));
    }

    #[test]
    fn no_batch_passes_the_budget_and_every_text_is_in_one() {
        let lengths: Vec<usize> = (0..200).map(|i| 1 + (i * 37) % 90).collect();
        let groups = batches(&lengths, 128);
        let mut seen: Vec<usize> = groups.concat();
        assert!(groups.iter().all(|g| g.iter().map(|i| lengths[*i]).sum::<usize>() <= 128));
        seen.sort_unstable();
        assert_eq!(seen, (0..200).collect::<Vec<_>>());
    }

    #[test]
    fn a_text_longer_than_the_budget_stands_alone() {
        assert_eq!(batches(&[3, 500, 4], 100), vec![vec![1], vec![2, 0]]);
        assert!(batches(&[], 100).is_empty());
    }
}
