//! What goes into the classifier and what comes out: the lines of `tocsin classify`.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tocsin_contract::{Entity, ModelInfo, RiskEvent, Sentiment, SentimentLabel, TopicScore};

/// Any JSON, kept to the letter: a number that is larger than a machine has comes back as it came.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(Box<RawValue>);

impl Id {
    pub(crate) fn new(json: &RawValue) -> Self {
        Self(json.to_owned())
    }
}

impl PartialEq for Id {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

impl Eq for Id {}

/// One document to classify.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Input {
    /// Given back as it came.
    pub id: Option<Id>,
    pub title: Option<String>,
    pub text: String,
    pub lang: Option<String>,
    /// Names to judge by themselves, known to the dictionary or not; one of at most four capitals only in this case.
    /// Of several places, those that mention the entity of that name count. The answer to one that does not stand in what
    /// the model reads of the text abstains.
    pub targets: Vec<String>,
}

impl Input {
    /// The text that is classified and that offsets count in: title, line end, text.
    pub fn whole(&self) -> String {
        match self.title.as_deref().map(str::trim).filter(|t| !t.is_empty()) {
            Some(title) if self.text.trim().is_empty() => title.to_owned(),
            Some(title) => format!("{title}\n{}", self.text),
            None => self.text.clone(),
        }
    }

    /// Characters of the title in [`Input::whole`].
    pub(crate) fn title_length(&self) -> usize {
        self.title.as_deref().map_or(0, |t| t.trim().chars().count())
    }
}

/// What the model reads in one document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Output {
    pub id: Option<Id>,
    pub sentiment: Sentiment,
    /// Selected topics, the most probable first.
    pub topics: Vec<TopicScore>,
    /// Selected risk events, the most probable first; `none` is never among them.
    pub risk_events: Vec<RiskEvent>,
    /// The most relevant first.
    pub entities: Vec<Entity>,
    /// In the order asked.
    pub targets: Vec<TargetSentiment>,
    pub model: ModelInfo,
    /// Probability of every topic and event (`none` with them), in the taxonomy's order.
    #[serde(skip)]
    pub all: AllScores,
    /// Unit vector, nearby for texts of one story.
    #[serde(skip)]
    pub embedding: Vec<f32>,
    /// Tokens of the text as the model read it, marks included.
    #[serde(skip)]
    pub tokens: usize,
}

/// Every label with its probability, and whether it was selected.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AllScores {
    pub topics: Vec<(TopicScore, bool)>,
    pub events: Vec<(RiskEvent, bool)>,
}

/// What the text says of a name that the caller asked about; unsure, and the event `none`, where
/// the model did not read the name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetSentiment {
    pub text: String,
    pub sentiment: Sentiment,
    pub risk_event: RiskEvent,
}

/// Characters for each that counts, where white space stands between them.
const SPACIOUS: usize = 16;

/// The beginning of `text` with its first `most` characters, of which white space behind white space is none; never
/// longer than [`SPACIOUS`] times as many.
pub(crate) fn first_characters(text: &str, most: usize) -> &str {
    let end = text.char_indices().nth(most.saturating_mul(SPACIOUS));
    let text = end.and_then(|(at, _)| text.get(..at)).unwrap_or(text);
    unspaced(text).nth(most).and_then(|(at, _)| text.get(..at)).unwrap_or(text)
}

/// The characters of `text` and the byte at which each starts, without white space behind white space.
pub(crate) fn unspaced(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut space = false;
    text.char_indices().filter(move |(_, c)| {
        let behind = space && c.is_whitespace();
        space = c.is_whitespace();
        !behind
    })
}

/// Whether there is nothing to read in `text`: white space, and marks that nobody sees.
pub(crate) fn is_blank(text: &str) -> bool {
    let is_unseen = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{fe0f}' | '\u{feff}');
    text.chars().all(|c| c.is_whitespace() || c.is_control() || is_unseen(c))
}

/// Probabilities are rounded to this many parts.
const PARTS: f32 = 10_000.0;

pub(crate) fn round(p: f32) -> f32 {
    (p * PARTS).round() / PARTS
}

/// What is wrong with a line of JSON, and where: a parser that is given one line calls each the first.
pub(crate) fn fault(error: &serde_json::Error) -> String {
    let told = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match told.strip_suffix(place.as_str()) {
        Some(reason) => format!("{reason}, column {}", error.column()),
        None => told,
    }
}

/// A sentiment from three probabilities, rounded so that they still sum to 1; one less sure than `abstain_below` abstains.
pub(crate) fn sentiment(p: &[f32], abstain_below: f32) -> Sentiment {
    let part = |i: usize| (p.get(i).copied().unwrap_or(0.0) * PARTS).round();
    let (negative, positive) = (part(0), part(2).min(PARTS - part(0)));
    let neutral = PARTS - negative - positive;
    let label = if neutral >= negative && neutral >= positive {
        SentimentLabel::Neutral
    } else if negative >= positive {
        SentimentLabel::Negative
    } else {
        SentimentLabel::Positive
    };
    let confidence = negative.max(neutral).max(positive) / PARTS;
    Sentiment {
        label,
        negative: negative / PARTS,
        neutral: neutral / PARTS,
        positive: positive / PARTS,
        score: (positive - negative) / PARTS,
        confidence,
        abstain: confidence < abstain_below,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_probabilities_sum_to_one_after_rounding() {
        for p in [[0.333_33, 0.333_33, 0.333_34], [0.999_96, 0.000_02, 0.000_02], [0.000_049, 0.5, 0.499_951]]
        {
            let s = sentiment(&p, 0.5);
            assert!(
                (f64::from(s.negative) + f64::from(s.neutral) + f64::from(s.positive) - 1.0).abs() < 1e-6
            );
            assert!((s.score - (s.positive - s.negative)).abs() < 1e-6);
        }
        assert!(sentiment(&[0.4, 0.3, 0.3], 0.5).abstain);
        assert_eq!(sentiment(&[0.1, 0.2, 0.7], 0.5).label, SentimentLabel::Positive);
    }

    #[test]
    fn white_space_behind_white_space_does_not_count_as_characters() {
        assert_eq!(first_characters("abc", 2), "ab");
        assert_eq!(first_characters("  \n 股票 跌", 3), "  \n 股票");
        assert_eq!(first_characters("  a  b", 9), "  a  b");
        assert_eq!(first_characters(&" ".repeat(1000), 2).len(), 2 * SPACIOUS);
    }

    #[test]
    fn a_text_of_what_nobody_sees_is_blank() {
        assert!(["", " \r\n\t", "\u{3000}\u{200b}\u{feff}", "\0"].into_iter().all(is_blank));
        assert!(!["...", "🚀", " 涨", "\u{fffd}"].into_iter().any(is_blank));
    }

    #[test]
    fn the_text_is_title_line_end_body() {
        let input = Input { title: Some(" T ".to_owned()), text: "body".to_owned(), ..Input::default() };
        assert_eq!(input.whole(), "T\nbody");
        assert_eq!(Input { text: String::new(), ..input }.whole(), "T");
    }
}
