//! Where in a text a name stands.

use crate::entities::fold::fold;

/// Most characters of a name in capitals that counts in no other case.
const CAPITALS: usize = 4;

/// Every place where `name` stands in `text`, as characters: in the case of `name` where it stands so anywhere, else in
/// any, unless it is of four capitals at most. A hyphen is as good as a space. It cuts no word of Latin letters or digits
/// in two.
pub fn places(text: &str, name: &str) -> Vec<(u32, u32)> {
    let characters = |text: &str| text.chars().map(unhyphened).collect::<Vec<char>>();
    let (text, name) = (characters(text), characters(name.trim()));
    if name.iter().all(|c| *c == ' ') || name.len() > text.len() {
        return Vec::new();
    }
    let lower =
        |chars: &[char]| chars.iter().map(|c| c.to_lowercase().next().unwrap_or(*c)).collect::<Vec<char>>();
    let (lowered, wanted) = (lower(&text), lower(&name));
    let hits = lowered.windows(name.len()).enumerate().filter(|(_, w)| *w == wanted.as_slice());
    let whole = hits.map(|(at, _)| (at, at + name.len()));
    let whole: Vec<(usize, usize)> =
        whole.filter(|(from, to)| !cuts(&text, *from) && !cuts(&text, *to)).collect();
    let same = |(from, to): &(usize, usize)| text.get(*from..*to) == Some(name.as_slice());
    let any = !cased(&name) && !whole.iter().any(same);
    let kept = whole.iter().filter(|place| any || same(place));
    kept.map(|(from, to)| (*from as u32, *to as u32)).collect()
}

/// Whether a name is likely another word in another case: few capitals, as `ON`, `CAN` and `3M`.
fn cased(name: &[char]) -> bool {
    name.len() <= CAPITALS
        && name.iter().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
        && name.iter().any(char::is_ascii_uppercase)
}

/// A space for a hyphen and for any white space.
fn unhyphened(c: char) -> char {
    if c.is_whitespace() || fold(c) == '-' { ' ' } else { c }
}

/// Whether a word of Latin letters or digits goes on over `at`.
fn cuts(text: &[char], at: usize) -> bool {
    let latin = |at: usize| text.get(at).is_some_and(|c| c.is_alphanumeric() && *c < '\u{250}');
    at > 0 && latin(at - 1) && latin(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_few_capitals_is_no_common_word() {
        let text = "On Monday you can go and buy 3m shares at the target price, said IBM";
        for name in ["ON", "CAN", "GO", "3M"] {
            assert!(places(text, name).is_empty(), "{name}");
        }
        assert_eq!(places("CAN jumps, as it can; ON falls", "CAN"), [(0, 3)]);
        assert_eq!(places(text, "IBM"), [(65, 68)]);
        assert_eq!(places("we watch nvidia, at&t and $on", "NVIDIA"), [(9, 15)]);
        assert_eq!(places("we watch nvidia, at&t and $on", "AT&T"), [(17, 21)]);
        assert_eq!(places("we watch nvidia, at&t and $on", "$ON"), [(26, 29)]);
    }

    #[test]
    fn a_hyphen_is_as_good_as_a_space() {
        assert_eq!(places("Coca-Cola and coca cola, Coca\nCola", "Coca Cola"), [(0, 9), (25, 34)]);
        assert_eq!(places("Shares of Rolls Royce rise", "Rolls-Royce"), [(10, 21)]);
        assert!(places("a - b", "-").is_empty() && places("a b", " ").is_empty());
    }
}
