//! Cuts a text into what the tables know: words, pairs of neighbouring words, the
//! beginnings of long words, runs of one to three ideographs. Keeps their numbers only.

use serde::{Deserialize, Serialize};

use crate::entities::fold::fold;

/// Numbers that a piece of a text may get; no table has more rows.
pub const BUCKETS: usize = 1 << 16;
/// Characters that are looked at: more than the encoder reads.
const LONGEST: usize = 2048;
/// Longest run of ideographs that is a piece.
const MOST_IDEOGRAPHS: usize = 3;
/// A word longer than the second number gives its first letters as a piece: as many as
/// the first says.
const BEGINNINGS: [(usize, usize); 2] = [(4, 4), (6, 6)];

/// What a text is mostly written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Script {
    #[default]
    Latin,
    /// At least one ideograph for four letters.
    Han,
}

/// A text as the tables see it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cut {
    pub script: Script,
    /// Numbers below [`BUCKETS`], ascending, each once.
    pub buckets: Vec<u32>,
}

/// What a run of characters is. Anything else ends a run and is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letters,
    Ideographs,
    /// Stands for itself: `$ % ! ?`.
    Mark,
    Gap,
}

/// Letters do not matter by case, width or accent, digits not by value; web addresses
/// are left out.
pub fn cut(text: &str) -> Cut {
    let shown: Vec<char> = visible(text).take(LONGEST).collect();
    let (mut buckets, mut before) = (Vec::new(), None);
    let mut counts = [0usize; 2];
    for run in runs(&shown) {
        match run.first().map_or(Kind::Gap, |c| kind(*c)) {
            Kind::Gap => {}
            Kind::Ideographs => {
                counts[1] += run.len();
                ideographs(run, &mut buckets);
                before = None;
            }
            Kind::Letters | Kind::Mark => {
                counts[0] += run.iter().filter(|c| c.is_alphabetic()).count();
                before = Some(word(run, before, &mut buckets));
            }
        }
    }
    buckets.sort_unstable();
    buckets.dedup();
    let script = if counts[1] > 0 && 4 * counts[1] >= counts[0] { Script::Han } else { Script::Latin };
    Cut { script, buckets }
}

/// The folded characters of all words that are no web address, each followed by a space.
fn visible(text: &str) -> impl Iterator<Item = char> {
    let plain = |word: &'_ str| {
        let end = ["http://", "https://"].iter().filter_map(|scheme| word.find(scheme)).min();
        end.unwrap_or(word.len())
    };
    text.split_whitespace()
        .flat_map(move |word| word.get(..plain(word)).unwrap_or(word).chars().map(folded).chain([' ']))
}

fn folded(c: char) -> char {
    let c = fold(c);
    if c.is_numeric() { '0' } else { c.to_lowercase().next().unwrap_or(c) }
}

fn kind(c: char) -> Kind {
    match c {
        '\u{2e80}'..='\u{9fff}' if c.is_alphanumeric() => Kind::Ideographs,
        '$' | '%' | '!' | '?' => Kind::Mark,
        c if c.is_alphanumeric() => Kind::Letters,
        _ => Kind::Gap,
    }
}

/// Neighbours of one kind; a mark stands alone.
fn runs(text: &[char]) -> impl Iterator<Item = &[char]> {
    text.chunk_by(|a, b| kind(*a) == kind(*b) && kind(*a) != Kind::Mark)
}

fn ideographs(run: &[char], out: &mut Vec<u32>) {
    for length in 1..=MOST_IDEOGRAPHS {
        out.extend(run.windows(length).map(|piece| bucket(hash(Piece::Ideographs, piece))));
    }
}

/// Adds a word, its beginnings, and its pair with the word before; gives its hash.
fn word(run: &[char], before: Option<u64>, out: &mut Vec<u32>) -> u64 {
    let this = hash(Piece::Word, run);
    out.push(bucket(this));
    for (letters, shorter) in BEGINNINGS {
        if run.len() > shorter {
            out.push(bucket(hash(Piece::Beginning, run.get(..letters).unwrap_or(run))));
        }
    }
    if let Some(before) = before {
        out.push(bucket(step(step(Piece::Pair as u64, before), this)));
    }
    this
}

/// Kinds of pieces: alike texts of two kinds are two pieces.
#[derive(Debug, Clone, Copy)]
enum Piece {
    Word = 1,
    Beginning = 2,
    Pair = 3,
    Ideographs = 4,
}

fn hash(piece: Piece, text: &[char]) -> u64 {
    text.iter().fold(step(FNV_OFFSET, piece as u64), |hash, c| step(hash, u64::from(*c)))
}

/// FNV-1a, a character a step.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

const fn step(hash: u64, value: u64) -> u64 {
    (hash ^ value).wrapping_mul(FNV_PRIME)
}

/// The upper bits after a last mix (of splitmix64): those of FNV alone hardly differ
/// between short pieces.
const fn bucket(hash: u64) -> u32 {
    let mixed = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> (64 - BUCKETS.ilog2())) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces that `text` has and `other` has not.
    fn new_in(text: &str, other: &str) -> usize {
        let known = cut(other).buckets;
        cut(text).buckets.iter().filter(|b| !known.contains(b)).count()
    }

    #[test]
    fn pieces_are_words_pairs_beginnings_and_runs_of_ideographs() {
        // Words 3, pairs 2; "shares" begins with "shar".
        assert_eq!(cut("bank shares fell").buckets.len(), 6);
        assert_eq!(new_in("fell bank shares", "bank shares fell"), 1, "the pair fell bank");
        // Singles 3 (one occurs twice), pairs 3, threes 2.
        assert_eq!(cut("涨停涨价").buckets.len(), 8);
        assert_eq!(cut("涨停，涨价").buckets.len(), 5, "no run goes over a mark");
        assert!(cut(" ... ").buckets.is_empty());
    }

    #[test]
    fn case_width_accents_digits_and_addresses_do_not_matter() {
        let plain = cut("Net profit up 15% at AMCE cafe");
        assert_eq!(cut("ＮＥＴ profit   UP 27% (at) amce café https://t.co/Xy1").buckets, plain.buckets);
        assert_ne!(cut("Net profit up 15 at AMCE cafe").buckets, plain.buckets);
        assert_eq!(cut("看https://t.co/a b").buckets, cut("看 b").buckets);
    }

    #[test]
    fn the_script_is_that_of_most_of_the_text() {
        assert_eq!(cut("Shares of 茅台 fell on Monday").script, Script::Latin);
        assert_eq!(cut("AI芯片公司NVIDIA大涨").script, Script::Han);
        assert_eq!(cut("").script, Script::Latin);
    }

    #[test]
    fn pieces_spread_over_all_buckets() {
        let words: Vec<String> =
            (0..26u32.pow(3)).map(|n| [n / 676, n / 26 % 26, n % 26]).map(letters).collect();
        let mut found: Vec<u32> = words.iter().flat_map(|w| cut(w).buckets).collect();
        found.sort_unstable();
        found.dedup();
        // 17,576 words thrown into 65,536: 15,413 differ on average, give or take 40.
        assert!((15_200..15_600).contains(&found.len()), "{}", found.len());
    }

    fn letters(numbers: [u32; 3]) -> String {
        numbers.iter().filter_map(|n| char::from_digit(n + 10, 36)).collect()
    }
}
