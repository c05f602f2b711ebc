//! The words that carried a decision: how much less probable the label becomes when
//! one of them is left out. Owns no model; asks the classifier as any caller does.

use serde::{Deserialize, Serialize};
use tocsin_contract::{Sentiment, SentimentLabel};

use crate::classifier::Classifier;
use crate::document::{Input, Output, first_characters, round};

/// Words that are tried, from the beginning of the text.
const MOST_TRIED: usize = 96;
/// Characters that are looked at: more than the longest text that a model reads, also where a word is left out.
const LONGEST: usize = 16_384;
/// Words that are named.
const MOST_NAMED: usize = 8;
/// Characters of a Chinese text that count as a word: it has no spaces.
const IDEOGRAPHS: usize = 2;

/// A word and by how much its absence lowers the probability of the label. Offsets
/// count characters of the classified text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Word {
    pub start: u32,
    pub end: u32,
    pub text: String,
    pub weight: f32,
}

/// The words without which the document's sentiment would be less sure, the strongest
/// first, at most eight. One batch of as many texts as there are words (96 at most).
pub fn explain(classifier: &Classifier, input: &Input, output: &Output) -> Vec<Word> {
    let (whole, words) = tried(input);
    let without = |(start, end): &(usize, usize)| Input {
        text: whole.iter().take(*start).chain(whole.iter().skip(*end)).collect(),
        lang: input.lang.clone(),
        ..Input::default()
    };
    let answers = classifier.classify(&words.iter().map(without).collect::<Vec<_>>());
    let label = output.sentiment.label;
    let before = probability(&output.sentiment, label);
    let weigh = |(range, answer): (&(usize, usize), &Output)| Word {
        start: range.0 as u32,
        end: range.1 as u32,
        text: whole.iter().skip(range.0).take(range.1 - range.0).collect(),
        weight: round(before - probability(&answer.sentiment, label)),
    };
    let mut weighed: Vec<Word> = words.iter().zip(&answers).map(weigh).filter(|w| w.weight > 0.0).collect();
    weighed.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.start.cmp(&b.start)));
    weighed.truncate(MOST_NAMED);
    weighed
}

/// The characters that are looked at, and the words in them that are tried.
fn tried(input: &Input) -> (Vec<char>, Vec<(usize, usize)>) {
    let whole: Vec<char> = first_characters(&input.whole(), LONGEST).chars().collect();
    let mut words = words(&whole);
    words.truncate(MOST_TRIED);
    (whole, words)
}

const fn probability(sentiment: &Sentiment, label: SentimentLabel) -> f32 {
    match label {
        SentimentLabel::Negative => sentiment.negative,
        SentimentLabel::Neutral => sentiment.neutral,
        SentimentLabel::Positive => sentiment.positive,
    }
}

/// Runs of letters and digits as `start..end`, with the marks that stand within them (`isn’t`, `12.5`); runs of
/// ideographs cut in twos.
fn words(text: &[char]) -> Vec<(usize, usize)> {
    let mut words: Vec<(usize, usize)> = Vec::new();
    let mut last = 0;
    for at in 0..text.len() {
        let kind = kind(text, at);
        let full = |word: &(usize, usize)| kind == 2 && word.1 - word.0 == IDEOGRAPHS;
        match words.last_mut().filter(|word| kind == last && !full(word)) {
            Some(word) if kind > 0 => word.1 = at + 1,
            _ if kind > 0 => words.push((at, at + 1)),
            _ => {}
        }
        last = kind;
    }
    words
}

/// What the character `at` is part of: 1 a word of letters or digits, 2 one of ideographs, 0 none.
fn kind(text: &[char], at: usize) -> u8 {
    let digits = || between(text, at, |c| c.is_ascii_digit());
    match text.get(at) {
        Some(c) if is_ideograph(*c) => u8::from(c.is_alphanumeric()) * 2,
        Some('’' | '&') => u8::from(between(text, at, |c| c.is_alphanumeric() && !is_ideograph(c))),
        Some(',') => u8::from(digits()),
        Some('.') => u8::from(digits() || between(text, at, char::is_uppercase)),
        Some(c) => u8::from(c.is_alphanumeric() || matches!(c, '\'' | '%' | '$' | '-')),
        None => 0,
    }
}

/// Whether the characters on both sides of `at` are such.
fn between(text: &[char], at: usize, is: fn(char) -> bool) -> bool {
    let is_one = |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(|c| is(*c));
    is_one(at.checked_sub(1)) && is_one(Some(at + 1))
}

fn is_ideograph(c: char) -> bool {
    ('\u{2e80}'..='\u{9fff}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<String> {
        let text: Vec<char> = text.chars().collect();
        words(&text).into_iter().map(|(from, to)| text[from..to].iter().collect()).collect()
    }

    #[test]
    fn words_are_runs_of_letters_and_pairs_of_ideographs() {
        assert_eq!(split("Shares, of A-B fell 60%."), ["Shares", "of", "A-B", "fell", "60%"]);
        assert_eq!(split("公司净利润，增长AI"), ["公司", "净利", "润", "增长", "AI"]);
        assert!(split(" ... ").is_empty());
        assert_eq!(
            split("It isn’t 12.5% of AT&T, U.S. said; 1,200. “No”,yes.Ok"),
            ["It", "isn’t", "12.5%", "of", "AT&T", "U.S", "said", "1,200", "No", "yes", "Ok"]
        );
        assert_eq!(split("涨3.5%，跌"), ["涨", "3.5%", "跌"]);
    }

    #[test]
    fn of_an_endless_text_the_beginning_alone_is_tried() {
        let input = Input { text: "Shares fell. ".repeat(100_000), ..Input::default() };
        let (whole, words) = tried(&input);
        assert_eq!((whole.len(), words.len()), (LONGEST, MOST_TRIED));
    }
}
