//! Personal details are blacked out before the first write.

use std::sync::LazyLock;

use regex::{Captures, Regex};

static EMAIL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}").ok());
static DIGITS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\+?\d(?:[ -]?[\dXx])+").ok());

/// The text with e-mail addresses, phone numbers, payment cards and Chinese
/// identity numbers replaced by `[email]`, `[phone]`, `[card]` and `[id]`, and how
/// many there were. Amounts, dates and stock codes stay.
pub fn redact(text: &str) -> (String, u32) {
    let mut count = 0;
    let Some((email, digits)) = EMAIL.as_ref().zip(DIGITS.as_ref()) else { return (text.to_owned(), 0) };
    let text = email.replace_all(text, |_: &Captures<'_>| {
        count += 1;
        "[email]"
    });
    let text = digits.replace_all(&text, |found: &Captures<'_>| match kind_of(&found[0]) {
        Some(kind) => {
            count += 1;
            kind.to_owned()
        }
        None => found[0].to_owned(),
    });
    (text.into_owned(), count)
}

fn kind_of(found: &str) -> Option<&'static str> {
    let international = found.starts_with('+');
    let digits: String = found.chars().filter(char::is_ascii_alphanumeric).collect();
    let numeric = digits.bytes().all(|b| b.is_ascii_digit());
    if digits.len() == 18 && is_chinese_id(&digits) {
        return Some("[id]");
    }
    if numeric && (13..=19).contains(&digits.len()) && passes_luhn(&digits) {
        return Some("[card]");
    }
    let mobile = numeric && digits.len() == 11 && matches!(digits.as_bytes(), [b'1', b'3'..=b'9', ..]);
    if mobile || (international && numeric && (9..=15).contains(&digits.len())) {
        return Some("[phone]");
    }
    None
}

/// ISO 7064 MOD 11-2, as GB 11643-1999 asks for.
fn is_chinese_id(digits: &str) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: Option<u32> =
        digits.chars().zip(WEIGHTS).map(|(c, weight)| c.to_digit(10).map(|d| d * weight)).sum();
    let check = digits.chars().last().map(|c| c.to_ascii_uppercase());
    sum.is_some_and(|sum| "10X98765432".chars().nth(sum as usize % 11) == check)
}

/// ISO/IEC 7812-1, annex B.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn personal_details_are_blacked_out_and_counted() {
        let text = "Write to jane.doe@example.com or call +44 20 7946 0958; 手机13812345678，身份证11010519491231002X，card 4111 1111 1111 1111.";
        let (redacted, count) = redact(text);
        assert_eq!(count, 5);
        assert_eq!(redacted, "Write to [email] or call [phone]; 手机[phone]，身份证[id]，card [card].");
    }

    #[test]
    fn figures_of_a_market_report_stay() {
        let text =
            "600519.SH fell 3.2% to 1,688.00 on 2023-03-10; revenue 12345678901 yuan, 2023 2024, AAPL @ 150";
        assert_eq!(redact(text), (text.to_owned(), 0));
    }
}
