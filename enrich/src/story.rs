//! Which documents tell the same story: those whose titles have the same words.

use std::collections::BTreeSet;

use tocsin_contract::Document;
use xxhash_rust::xxh3::xxh3_64;

/// `en:` and a hash of the title's words in any order, case and punctuation aside; a
/// Chinese character counts as a word. Without a title, a document is its own story.
pub(crate) fn story_id(document: &Document) -> String {
    let words = words(&document.title);
    if words.is_empty() {
        return document.id.to_string();
    }
    let text = words.into_iter().collect::<Vec<String>>().join(" ");
    format!("{}:{:016x}", document.lang, xxh3_64(text.as_bytes()))
}

fn words(title: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    let mut word = String::new();
    for c in title.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() && !is_ideograph(c) {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            words.insert(std::mem::take(&mut word));
        }
        if is_ideograph(c) {
            words.insert(c.to_string());
        }
    }
    if !word.is_empty() {
        words.insert(word);
    }
    words
}

const fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::document;

    fn story(lang: &str, title: &str) -> String {
        let mut document = document(1);
        document.lang = lang.into();
        document.title = title.into();
        story_id(&document)
    }

    #[test]
    fn copies_of_a_headline_share_their_story() {
        assert_eq!(
            story("en", "SVB collapses: regulators step in"),
            story("en", "Regulators step in, SVB COLLAPSES!")
        );
        assert_ne!(story("en", "SVB collapses"), story("en", "SVB recovers"));
    }

    #[test]
    fn a_chinese_headline_is_read_character_by_character() {
        assert_eq!(words("硅谷银行 SVB倒闭").len(), 7);
        assert_eq!(story("zh", "硅谷银行：倒闭"), story("zh", "硅谷银行倒闭"));
        assert_ne!(story("zh", "硅谷银行倒闭"), story("zh", "硅谷银行盈利"));
    }

    #[test]
    fn a_document_without_words_in_its_title_is_its_own_story() {
        assert_eq!(story("en", " ... "), document(1).id.to_string());
    }

    #[test]
    fn the_same_words_in_two_languages_are_two_stories() {
        assert_ne!(story("en", "Bilan 2023"), story("und", "Bilan 2023"));
    }
}
