//! Figures that look like numbers of persons: what touches them tells.

use std::sync::LazyLock;

use regex::Regex;

use super::numbers::Stretch;
use super::{Pattern, is_match, tail};

/// How amounts are written: undivided, or with spaces between the thousands.
static FIGURE: Pattern = LazyLock::new(|| Regex::new(r"^\+?(?:[0-9]+|[0-9]{1,3}(?: [0-9]{3})+)$").ok());

static BEFORE: Pattern = LazyLock::new(|| {
    let codes = "usd|cny|rmb|eur|gbp|jpy|hkd|krw|inr";
    Regex::new(&format!(r"(?i)(?:[$€£¥￥₩₹₽]|(?-u:\b)(?:{codes})|[美港欧日韩]元|港币|人民币)[ \u{{a0}}]?$"))
        .ok()
});

static BEHIND: Pattern = LazyLock::new(|| {
    let chinese = "[元股万亿萬億圆圓円吨]|[美港欧日韩澳加新]元|美金|港币|英镑|人民币";
    let codes = "usd|cny|rmb|eur|gbp|jpy|hkd|krw|inr";
    let money = "dollars?|yuan|renminbi|euros?|pounds|yen|won|rupees|rupiah|francs";
    let others = "shares?|million|billion|trillion|units|tons|tonnes|barrels|contracts|lots|tokens";
    let words = format!(r"(?:{codes}|{money}|{others})(?-u:\b)");
    // A sign before a digit is of the next amount.
    let signs = r"[$€£¥￥₩₹₽](?:[^0-9]|$)";
    Regex::new(&format!(r"(?i)^[ \u{{a0}}]?(?:{signs}|{chinese}|{words})")).ok()
});

/// Whether a comma joins it to thousands before or behind it.
pub(super) fn has_thousands(stretch: &Stretch<'_>) -> bool {
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).count();
    let first = digits(stretch.number.trim_start_matches(['+', '(']));
    let last = stretch.number.chars().rev().take_while(char::is_ascii_digit).count();
    let front = stretch.before.strip_suffix(',').unwrap_or_default();
    let back = stretch.after.strip_prefix(',').unwrap_or_default();
    (first == 3 && front.ends_with(|c: char| c.is_ascii_digit())) || (last <= 3 && digits(back) == 3)
}

/// Whether it is an amount of money or of something else that is counted.
pub(super) fn is_figure(stretch: &Stretch<'_>) -> bool {
    is_match(&FIGURE, stretch.number)
        && (is_match(&BEFORE, tail(stretch.before, 8)) || is_match(&BEHIND, stretch.after))
}
