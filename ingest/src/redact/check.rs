//! Payment cards and Chinese identity numbers, by their check digits or by what a text calls them, and
//! American numbers of social security, by their form.

use std::sync::LazyLock;

use regex::Regex;

use super::numbers::{Stretch, digits_of};
use super::{Pattern, is_match, tail};

/// How cards are written: undivided, or in groups as they are embossed.
static CARD: Pattern = LazyLock::new(|| {
    let fours = "[0-9]{4}(?:[- ][0-9]{4}){2,3}[- ][0-9]{1,4}";
    let others = "[0-9]{4}[- ][0-9]{6}[- ][0-9]{5}|[0-9]{6}[- ][0-9]{13}";
    Regex::new(&format!("^(?:[0-9]+|{fours}|{others})$")).ok()
});

/// Place, date of birth, number; check digit.
static ID: Pattern = LazyLock::new(|| {
    let month_day = "(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])";
    Regex::new(&format!("^[1-9][0-9]{{5}}(?:18|19|20)[0-9]{{2}}{month_day}[0-9]{{3}}[0-9x]$")).ok()
});

/// An area, a group and a serial that are given out, with hyphens between.
static SOCIAL_SECURITY: Pattern = LazyLock::new(|| {
    let area = "(?:00[1-9]|0[1-9][0-9]|[1-578][0-9]{2}|6[0-57-9][0-9]|66[0-57-9])";
    let serial = "(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])";
    Regex::new(&format!("^{area}-(?:0[1-9]|[1-9][0-9])-{serial}$")).ok()
});

/// What stands before a number that its text calls one of a card, or of a person: its check digit
/// may be wrong, for people mistype.
static CALLED_CARD: Pattern = LazyLock::new(|| {
    let chinese = "卡号|卡號|(?:银行|信用|借记|储蓄)卡";
    Regex::new(&format!(r"(?i)(?:(?-u:\b)card (?:number|no)|{chinese})[^0-9A-Za-z\n]{{0,8}}$")).ok()
});
static CALLED_ID: Pattern = LazyLock::new(|| {
    let english = r"(?-u:\b)(?:id|identity) (?:card|number|no)(?: number| no)?";
    let chinese = "身份证|身份證|公民身份|证件号|證件號";
    Regex::new(&format!(r"(?i)(?:{english}|{chinese})[^0-9A-Za-z\n]{{0,8}}$")).ok()
});

/// As these were until 1999, and may still be called.
static OLD_ID: Pattern =
    LazyLock::new(|| Regex::new("^[1-9][0-9]{7}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}$").ok());

/// American numbers of social security without hyphens.
static NINE_DIGITS: Pattern = LazyLock::new(|| Regex::new("^[0-9]{3} ?[0-9]{2} ?[0-9]{4}$").ok());
static CALLED_SOCIAL_SECURITY: Pattern = LazyLock::new(|| {
    let names = "ssn|social security(?: number| no[.]?)?";
    Regex::new(&format!(r"(?i)(?-u:\b)(?:{names})(?: is)?[^0-9A-Za-z\n]{{0,8}}$")).ok()
});

pub(super) fn is_card(stretch: &Stretch<'_>) -> bool {
    let is_in_table = stretch.is_in_row && stretch.number.contains(' ');
    let is_told = |digits: &str| is_issued(digits) || is_called_card(digits, stretch.before);
    is_match(&CARD, stretch.number)
        && is_told(&digits_of(stretch.number))
        && !is_in_table
        && !is_in_address(stretch.before)
}

/// ISO/IEC 7812-1: an issuer of payment cards, and the check digit of annex B.
fn is_issued(digits: &str) -> bool {
    let issuer = match digits.as_bytes() {
        [b'4', ..] => matches!(digits.len(), 13 | 16 | 19),
        [b'3', b'4' | b'7', ..] => digits.len() == 15,
        [b'5', b'1'..=b'5', ..] | [b'2', b'2'..=b'7', ..] => digits.len() == 16,
        [b'3', b'5', ..] | [b'6', b'0' | b'2' | b'4' | b'5', ..] => (16..=19).contains(&digits.len()),
        _ => false,
    };
    issuer && passes_luhn(digits)
}

/// Years beside each other are no card.
fn is_called_card(digits: &str, before: &str) -> bool {
    (15..=19).contains(&digits.len())
        && !["19", "20"].iter().any(|century| digits.starts_with(century))
        && is_match(&CALLED_CARD, tail(before, 24))
}

/// Posts have such numbers as their addresses: `https://m.weibo.cn/7247405772/4398805656674607`.
fn is_in_address(before: &str) -> bool {
    let word = tail(before, 100).rsplit(char::is_whitespace).next().unwrap_or_default();
    word.ends_with('/') && word.contains("://")
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

/// A Chinese identity number, or an American one of social security.
pub(super) fn is_id(stretch: &Stretch<'_>) -> bool {
    let number = stretch.number;
    let is_called = |word| is_match(word, tail(stretch.before, 32));
    if is_match(&SOCIAL_SECURITY, number)
        || (is_match(&NINE_DIGITS, number) && is_called(&CALLED_SOCIAL_SECURITY))
    {
        return true;
    }
    if !number.starts_with(|c: char| c.is_ascii_digit()) || number.contains(['(', ')', '.']) {
        return false;
    }
    let digits: String = number.chars().filter(char::is_ascii_alphanumeric).collect();
    (is_match(&ID, &digits) && (is_checked(&digits) || is_called(&CALLED_ID)))
        || (is_match(&OLD_ID, &digits) && is_called(&CALLED_ID))
}

/// By ISO 7064 MOD 11-2, as GB 11643-1999 asks for.
fn is_checked(digits: &str) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: Option<u32> =
        digits.chars().zip(WEIGHTS).map(|(c, weight)| c.to_digit(10).map(|d| d * weight)).sum();
    let check = digits.chars().last();
    sum.is_some_and(|sum| "10x98765432".chars().nth(sum as usize % 11) == check)
}
