//! A text as it is searched: full-width letters, curly marks, accents and traditional
//! characters folded, so that one spelling in the dictionary meets all. Character for
//! character: offsets in characters are those of the text as given.

use super::traditional::simplified;
use crate::document::first_characters;

/// A folded text with the way back to offsets in characters.
#[derive(Debug)]
pub(super) struct Folded {
    pub(super) text: String,
    /// Byte at which each character of `text` starts.
    starts: Vec<u32>,
}

impl Folded {
    /// The [`first_characters`] of `text`, folded.
    pub(super) fn new(text: &str, most: usize) -> Self {
        let text = first_characters(text, most);
        let mut folded = String::with_capacity(text.len());
        let mut starts = Vec::with_capacity(text.len().min(most));
        for c in text.chars() {
            starts.push(u32::try_from(folded.len()).unwrap_or(u32::MAX));
            folded.push(simplified(fold(c)));
        }
        Self { text: folded, starts }
    }

    /// Characters before `byte`.
    pub(super) fn characters(&self, byte: usize) -> u32 {
        let at = self.starts.partition_point(|start| (*start as usize) < byte);
        u32::try_from(at).unwrap_or(u32::MAX)
    }
}

/// A name as the dictionary's automaton has it.
pub(super) fn name(text: &str) -> String {
    text.chars().map(|c| simplified(fold(c))).collect()
}

pub(crate) const fn fold(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => narrow(c),
        '\u{3000}' | '\u{a0}' => ' ',
        '’' | '‘' | '`' | '´' => '\'',
        '‐' | '‑' => '-',
        'À'..='Å' => 'A',
        'Ç' => 'C',
        'È'..='Ë' => 'E',
        'Ì'..='Ï' => 'I',
        'Ñ' => 'N',
        'Ò'..='Ö' => 'O',
        'Ù'..='Ü' => 'U',
        'à'..='å' => 'a',
        'ç' => 'c',
        'è'..='ë' => 'e',
        'ì'..='ï' => 'i',
        'ñ' => 'n',
        'ò'..='ö' => 'o',
        'ù'..='ü' => 'u',
        'š' => 's',
        _ => c,
    }
}

/// Full-width ASCII to ASCII.
const fn narrow(c: char) -> char {
    match char::from_u32(c as u32 - 0xfee0) {
        Some(ascii) => ascii,
        None => c,
    }
}

pub(super) fn is_han(c: char) -> bool {
    ('\u{3400}'..='\u{9fff}').contains(&c)
}

/// A letter or digit of a script that parts words.
pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() && !is_han(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traditional_text_and_a_name_meet_in_simplified_characters() {
        let folded = Folded::new("騰訊控股（００７００）", 100);
        assert_eq!((folded.text.as_str(), name("騰訊").as_str()), ("腾讯控股(00700)", "腾讯"));
        assert_eq!(folded.characters(folded.text.find('(').unwrap()), 4);
    }

    #[test]
    fn folding_keeps_the_number_of_characters() {
        let text = "万科Ａ（０００００２） Nestlé’s　“x”";
        let folded = Folded::new(text, 100);
        assert_eq!(folded.text, "万科A(000002) Nestle's “x”");
        assert_eq!(folded.text.chars().count(), text.chars().count());
        assert_eq!(folded.characters(folded.text.find("Nestle").unwrap()), 12);
    }
}
