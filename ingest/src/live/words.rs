//! Which posts of a stream are taken: a public stream carries everything that is said.

use aho_corasick::{AhoCorasick, MatchKind};

use crate::config::FilterConfig;
use crate::json::Post;

/// The `[filter]` of a source, ready for use.
#[derive(Debug, Clone)]
pub(crate) struct Words {
    /// `None`: every post.
    words: Option<AhoCorasick>,
    langs: Vec<String>,
}

impl Words {
    /// `Err` names the setting and what is wrong with it.
    pub(crate) fn of(config: &FilterConfig) -> Result<Self, String> {
        if config.words.iter().any(|word| word.trim().is_empty()) {
            return Err("filter.words holds an empty word".to_owned());
        }
        let mut builder = AhoCorasick::builder();
        builder.ascii_case_insensitive(true).match_kind(MatchKind::Standard);
        let words = (!config.words.is_empty()).then(|| builder.build(&config.words)).transpose();
        Ok(Self {
            words: words.map_err(|cause| format!("filter.words: {cause}"))?,
            langs: config.langs.clone(),
        })
    }

    /// Of the languages that a post says it is in the first that is wanted, or else the first.
    pub(crate) fn lang<'a>(&self, mut said: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
        let is_wanted = |lang: &&str| self.langs.iter().any(|known| is_of(lang, known));
        said.clone().find(is_wanted).or_else(|| said.next())
    }

    /// Whether a post is in one of the languages, or says nothing of its language, and has
    /// one of the words in it as a word: `bank` is not in `embankment`.
    pub(crate) fn admit(&self, post: &Post) -> bool {
        let is_spoken = |lang: &String| self.langs.iter().any(|known| is_of(lang, known));
        let is_right = self.langs.is_empty() || post.lang.as_ref().is_none_or(is_spoken);
        is_right
            && self
                .words
                .as_ref()
                .is_none_or(|words| [&post.title, &post.text].iter().any(|text| has(words, text)))
    }
}

/// `zh-Hans` is of `zh`.
fn is_of(lang: &str, known: &str) -> bool {
    lang.split(['-', '_']).next().is_some_and(|main| main.eq_ignore_ascii_case(known))
}

fn has(words: &AhoCorasick, text: &str) -> bool {
    words.find_overlapping_iter(text).any(|found| {
        let inner = text.get(found.range()).unwrap_or_default();
        let before = text.get(..found.start()).and_then(|before| before.chars().next_back());
        let after = text.get(found.end()..).and_then(|after| after.chars().next());
        !joins(before, inner.chars().next()) && !joins(inner.chars().next_back(), after)
    })
}

/// Two characters of one word. Words in CJK have no bounds.
fn joins(left: Option<char>, right: Option<char>) -> bool {
    let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() && c < '\u{2e80}');
    is_letter(left) && is_letter(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(settings: &str, lang: Option<&str>, text: &str) -> bool {
        let post = Post { text: text.into(), lang: lang.map(str::to_owned), ..Post::default() };
        Words::of(&toml::from_str(settings).unwrap()).unwrap().admit(&post)
    }

    #[test]
    fn words_are_found_as_words() {
        let words = "words = ['bank', 'bank run', '$HRG', '挤兑']";
        for text in ["The BANK fails", "bank.", "A bank run?", "buy $HRG now", "银行被挤兑了"] {
            assert!(admits(words, None, text), "{text}");
        }
        for text in ["an embankment", "banking", "Bankwesen", "HRG", "$HRGX", ""] {
            assert!(!admits(words, None, text), "{text}");
        }
        assert!(admits("", None, "everything"));
    }

    #[test]
    fn a_post_that_names_another_language_is_not_taken() {
        let langs = "langs = ['en', 'zh']";
        for lang in [Some("en"), Some("zh-Hans"), Some("EN-us"), None] {
            assert!(admits(langs, lang, "x"), "{lang:?}");
        }
        assert!(!admits(langs, Some("de"), "x") && !admits(langs, Some("eng"), "x"));
    }

    #[test]
    fn an_empty_word_is_refused() {
        assert!(Words::of(&toml::from_str("words = ['']").unwrap()).is_err());
    }
}
