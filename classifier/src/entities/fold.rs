//! A text as it is searched: full-width letters, curly marks, accents and traditional
//! characters folded, so that one spelling in the dictionary meets all. What nobody sees
//! within a word, and white space behind white space, is left out; offsets in characters
//! are those of the text as given.

use super::traditional::simplified;
use crate::document::first_characters;

/// A folded text with the way back to offsets in characters.
#[derive(Debug)]
pub(super) struct Folded {
    pub(super) text: String,
    /// Byte of `text` at which each character of the text as given starts, or the next one where it is left out.
    starts: Vec<u32>,
}

impl Folded {
    /// The [`first_characters`] of `text`, folded.
    pub(super) fn new(text: &str, most: usize) -> Self {
        let text = first_characters(text, most);
        let mut folded = String::with_capacity(text.len());
        let mut starts = Vec::with_capacity(text.len().min(most));
        let mut last: Option<char> = None;
        for c in text.chars() {
            starts.push(u32::try_from(folded.len()).unwrap_or(u32::MAX));
            // A line may end within a name, `Bank of\nAmerica`.
            let broken = matches!(c, '\n' | '\r' | '\t') && last.is_some_and(|c| c.is_ascii_alphabetic());
            let c = if broken { ' ' } else { character(c) };
            let behind = c.is_whitespace() && last.is_some_and(char::is_whitespace);
            if !behind && !is_unseen(c) {
                folded.push(c);
                last = Some(c);
            }
        }
        Self { text: folded, starts }
    }

    /// Place, in characters of the text as given, of what is found at the bytes `from..to`.
    pub(super) fn characters(&self, from: usize, to: usize) -> (u32, u32) {
        let start = self.starts.partition_point(|start| (*start as usize) <= from).saturating_sub(1);
        let end = self.starts.partition_point(|start| (*start as usize) < to);
        (u32::try_from(start).unwrap_or(u32::MAX), u32::try_from(end).unwrap_or(u32::MAX))
    }
}

/// Whether a character only says where a word may be parted, or not even that.
const fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

/// A name as the dictionary's automaton has it.
pub(super) fn name(text: &str) -> String {
    text.chars().map(character).collect()
}

/// A character as texts and names have it once folded.
pub(super) fn character(c: char) -> char {
    simplified(fold(c))
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
        let bracket = folded.text.find('(').unwrap();
        assert_eq!(folded.characters(bracket, bracket + 1), (4, 5));
    }

    #[test]
    fn what_is_left_out_moves_no_offset() {
        let text = " \u{200b}Micro\u{ad}soft \n Corp\u{feff}\nof 平\n安";
        let folded = Folded::new(text, 100);
        assert_eq!(folded.text, " Microsoft Corp of 平\n安");
        let place = |found: &str| {
            let from = folded.text.find(found).unwrap();
            let (start, end) = folded.characters(from, from + found.len());
            text.chars().skip(start as usize).take((end - start) as usize).collect::<String>()
        };
        let places = ["Microsoft", "Microsoft Corp", "Corp of", "安"].map(place);
        assert_eq!(places, ["Micro\u{ad}soft", "Micro\u{ad}soft \n Corp", "Corp\u{feff}\nof", "安"]);
    }

    #[test]
    fn folding_keeps_the_number_of_characters() {
        let text = "万科Ａ（０００００２） Nestlé’s　“x”";
        let folded = Folded::new(text, 100);
        assert_eq!(folded.text, "万科A(000002) Nestle's “x”");
        assert_eq!(folded.text.chars().count(), text.chars().count());
        let name = folded.text.find("Nestle").unwrap();
        assert_eq!(folded.characters(name, name + 6), (12, 18));
    }
}
