//! Short words that sentences of any matter hold, and names of menus do not.

use super::Count;

/// Of English and of the languages that share its letters.
const COMMON: [&[u8]; 62] = [
    b"the", b"of", b"and", b"to", b"a", b"in", b"is", b"that", b"it", b"for", b"was", b"on", b"with", b"as",
    b"be", b"at", b"this", b"have", b"are", b"but", b"not", b"they", b"from", b"had", b"has", b"will",
    b"would", b"which", b"there", b"been", b"or", b"an", b"by", b"der", b"die", b"und", b"das", b"nicht",
    b"mit", b"de", b"la", b"que", b"el", b"en", b"los", b"se", b"les", b"des", b"est", b"le", b"et", b"un",
    b"une", b"da", b"do", b"di", b"che", b"yang", b"dan", b"ini", b"bir", b"ve",
];
const PERSONAL: [&[u8]; 9] = [b"i", b"you", b"my", b"your", b"me", b"we", b"am", b"im", b"ich"];

/// Letters of the longest of them.
const LONGEST: usize = 5;
/// Places of a table of words, several for each.
const PLACES: usize = 256;

static SAID: Words = Words::of(&COMMON);
static SAID_OF_PEOPLE: Words = Words::of(&PERSONAL);

/// Words as numbers, each at the place that its bits say or one of the next: most of a page's words are looked up.
struct Words([u64; PLACES]);

impl Words {
    const fn of(words: &[&[u8]]) -> Self {
        let (mut table, mut at) = ([0; PLACES], 0);
        while at < words.len() {
            let key = key(words[at]);
            let mut place = place(key);
            while table[place] != 0 {
                place = (place + 1) % PLACES;
            }
            table[place] = key;
            at += 1;
        }
        Self(table)
    }

    fn has(&self, key: u64) -> bool {
        let mut place = place(key);
        while let Some(found) = self.0.get(place).filter(|found| **found != 0) {
            if *found == key {
                return true;
            }
            place = (place + 1) % PLACES;
        }
        false
    }
}

/// The bytes of a word, one after the other.
const fn key(word: &[u8]) -> u64 {
    let (mut key, mut at) = (0, 0);
    while at < word.len() {
        key = (key << 8) | word[at] as u64;
        at += 1;
    }
    key
}

const fn place(key: u64) -> usize {
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize
}

/// The word that is read, if it is short and in ASCII.
#[derive(Default)]
pub(super) struct Word {
    key: u64,
    length: usize,
}

impl Word {
    pub(super) fn push(&mut self, c: char) {
        if self.length < LONGEST {
            let letter = u8::try_from(c).map_or(u8::MAX, |letter| letter.to_ascii_lowercase());
            self.key = (self.key << 8) | u64::from(letter);
        }
        self.length += 1;
    }

    pub(super) fn end(&mut self, count: &mut Count) {
        if (1..=LONGEST).contains(&self.length) {
            let is_personal = SAID_OF_PEOPLE.has(self.key);
            count.personal += f32::from(u8::from(is_personal));
            count.common += f32::from(u8::from(is_personal || SAID.has(self.key)));
        }
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_a_table_is_found_and_no_other() {
        assert!(COMMON.iter().all(|word| SAID.has(key(word))));
        assert!(PERSONAL.iter().all(|word| SAID_OF_PEOPLE.has(key(word)) && !SAID.has(key(word))));
        for other in [&b"bank"[..], b"thee", b"th", b"eht", b"\xff"] {
            assert!(!SAID.has(key(other)) && !SAID_OF_PEOPLE.has(key(other)));
        }
    }
}
