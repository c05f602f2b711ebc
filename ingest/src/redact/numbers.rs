//! Runs of digits that are somebody's: phone numbers, cards, identity numbers.

use std::sync::LazyLock;

use regex::Regex;

use super::Detail;

/// Digits with the separators that people put between them.
static RUN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\+?\(?\d(?:[ -]?[()]?[ -]?[\dXx])+").ok());

/// Puts what `mark` gives in place of each number. Of a run of several, the longest
/// stretch from the left that is somebody's is taken.
pub(super) fn replace(text: &str, mut mark: impl FnMut(&str) -> Option<&'static str>) -> String {
    let Some(run) = RUN.as_ref() else { return text.to_owned() };
    let mut out = String::with_capacity(text.len());
    let mut end = 0;
    for found in run.find_iter(text) {
        out.push_str(text.get(end..found.start()).unwrap_or_default());
        end = found.end();
        // A fraction, or a number with thousands, is an amount.
        let before = text.get(..found.start()).and_then(|front| front.chars().next_back());
        let after = text.get(end..).unwrap_or_default();
        let mut after = after.chars();
        let is_amount = before.is_some_and(|c| c == '.' || c == ',')
            || (after.next().is_some_and(|c| c == '.' || c == ',')
                && after.next().is_some_and(|c| c.is_ascii_digit()));
        if is_amount {
            out.push_str(found.as_str());
        } else {
            out.push_str(&in_run(found.as_str(), &mut mark));
        }
    }
    out.push_str(text.get(end..).unwrap_or_default());
    out
}

fn in_run(run: &str, mark: &mut impl FnMut(&str) -> Option<&'static str>) -> String {
    let pieces: Vec<&str> = run.split(' ').collect();
    let mut out: Vec<String> = Vec::new();
    let mut from = 0;
    while from < pieces.len() {
        let hit = (from + 1..=pieces.len()).rev().find_map(|to| {
            let stretch = pieces.get(from..to)?.join(" ");
            mark(&stretch).map(|mark| (to, mark))
        });
        let (to, text) = match hit {
            Some((to, mark)) => (to, mark.to_owned()),
            None => (from + 1, pieces.get(from).copied().unwrap_or_default().to_owned()),
        };
        out.push(text);
        from = to;
    }
    out.join(" ")
}

/// Whose number it is, if anybody's.
pub(super) fn detail_of(found: &str) -> Option<Detail> {
    let digits: String = found.chars().filter(char::is_ascii_alphanumeric).collect();
    let is_numeric = digits.bytes().all(|byte| byte.is_ascii_digit());
    if digits.len() == 18 && is_chinese_id(&digits) {
        return Some(Detail::Id);
    }
    if is_numeric && is_card(&digits) {
        return Some(Detail::Card);
    }
    (is_numeric && is_phone(found, &digits)).then_some(Detail::Phone)
}

fn is_phone(found: &str, digits: &str) -> bool {
    static WRITTEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
        // Fixed lines of China, its service numbers, and North America, as they are written.
        Regex::new(
            r"^(?:\(?0(?:10|2\d|[3-9]\d{2})\)?[- ]\d{4}[- ]?\d{3,4}|[48]00-\d{3}-?\d{4}|\(?[2-9]\d{2}\)?[- ][2-9]\d{2}-\d{4})$",
        )
        .ok()
    });
    if found.starts_with('+') {
        return (9..=15).contains(&digits.len());
    }
    let is_mobile = digits.len() == 11 && matches!(digits.as_bytes(), [b'1', b'3'..=b'9', ..]);
    (is_mobile && !found.contains(['(', ')']))
        || WRITTEN.as_ref().is_some_and(|written| written.is_match(found))
}

/// ISO/IEC 7812-1: an issuer of payment cards, and the check digit of annex B.
fn is_card(digits: &str) -> bool {
    let issuer = match digits.as_bytes() {
        [b'4', ..] => matches!(digits.len(), 13 | 16 | 19),
        [b'3', b'4' | b'7', ..] => digits.len() == 15,
        [b'5', b'1'..=b'5', ..] | [b'2', b'2'..=b'7', ..] => digits.len() == 16,
        [b'3', b'5', ..] | [b'6', b'0' | b'2' | b'4' | b'5', ..] => (16..=19).contains(&digits.len()),
        _ => false,
    };
    issuer && passes_luhn(digits)
}

fn passes_luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            let doubled = digit * 2;
            if place % 2 == 0 { digit } else { doubled / 10 + doubled % 10 }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// ISO 7064 MOD 11-2, as GB 11643-1999 asks for.
fn is_chinese_id(digits: &str) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: Option<u32> =
        digits.chars().zip(WEIGHTS).map(|(c, weight)| c.to_digit(10).map(|d| d * weight)).sum();
    let check = digits.chars().last().map(|c| c.to_ascii_uppercase());
    sum.is_some_and(|sum| "10X98765432".chars().nth(sum as usize % 11) == check)
}
