//! How telephone numbers are written in China, North America, and internationally.

use std::sync::LazyLock;

use regex::Regex;

use super::numbers::{Stretch, digits_of};
use super::{Pattern, is_match, tail};

/// Longest extension behind an `x`.
const MOST_EXTENSION: usize = 5;

/// Told from other numbers by their form alone.
static WRITTEN: Pattern = LazyLock::new(|| {
    let mobile = "1(?:3[0-9]|4[5-9]|5[0-35-9]|6[2567]|7[0-8]|[89][0-9])";
    let area = "(?:10|2[0-9]|[3-9][0-9]{2})";
    let local = "(?:[0-9]{3,4}[- ]?[0-9]{4}|[0-9]{4}[- ]?[0-9]{3})(?:-[0-9]{1,5})?";
    let america = "[2-9][0-9]{2}";
    one_of(&[
        format!(r"(?:\(?(?:00)?86\)?[- ]?)?{mobile}(?:[- ]?[0-9]{{4}}){{2}}"),
        format!(r"{mobile}(?:[0-9]-[0-9]{{3}}-[0-9]{{4}}|-[0-9]{{3}}-[0-9]{{5}}|(?:\.[0-9]{{4}}){{2}})"),
        // Fixed lines. In spaces alone, areas of four digits look like stocks of Hong Kong.
        format!(r"\(0{area}\)[- ]?{local}"),
        format!("(?:0|(?:00)?86-0?){area}-{local}"),
        format!("0{area} [0-9]{{3,4}}-[0-9]{{4}}"),
        "0(?:10|2[0-9]) [0-9]{4} ?[0-9]{3,4}".to_owned(),
        // Numbers of services.
        "[48]00-(?:[0-9]{3}-?[0-9]{4}|[0-9]{4}-[0-9]{3})(?:-[0-9]{1,5})?".to_owned(),
        format!(r"(?:1[- ])?(?:\({america}\)[- ]?|{america}[- ]){america}-[0-9]{{4}}"),
        format!(r"(?:1\.)?{america}\.{america}\.[0-9]{{4}}"),
    ])
});

/// Only after a word for telephone.
static CALLED: Pattern = LazyLock::new(|| {
    one_of(&[
        "0(?:10|2[0-9]|[3-9][0-9]{2}) ?[0-9]{3,4} ?[0-9]{4}".to_owned(),
        "[48]00 ?[0-9]{3} ?[0-9]{4}".to_owned(),
        "(?:1 )?[2-9][0-9]{2} [2-9][0-9]{2} [0-9]{4}".to_owned(),
    ])
});

static WORD: Pattern = LazyLock::new(|| {
    let english = r"(?-u:\b)(?:tel(?:ephone)?|phone|fax|hotline)(?-u:\b)";
    let chinese = "电话|電話|热线|熱線|客服|传真|傳真|座机|致电|拨打";
    Regex::new(&format!(r"(?i)(?:{english}|{chinese})[^0-9A-Za-z\n]{{0,8}}$")).ok()
});

/// A mobile, digit by digit.
static APART: Pattern = LazyLock::new(|| Regex::new("^1[- ][3-9](?:[- ][0-9]){9}$").ok());

fn one_of(forms: &[String]) -> Option<Regex> {
    Regex::new(&format!("^(?:{})$", forms.join("|"))).ok()
}

pub(super) fn is_phone(stretch: &Stretch<'_>) -> bool {
    let Some(number) = without_extension(stretch.number) else { return false };
    if number.matches('(').count() != number.matches(')').count() {
        return false;
    }
    if let Some(number) = number.trim_start_matches('(').strip_prefix('+') {
        return is_international(number) && !stretch.before.ends_with(|c: char| c.is_ascii_digit());
    }
    is_match(&WRITTEN, number)
        || (is_match(&APART, number) && !stretch.is_in_row)
        || (is_match(&CALLED, number) && is_match(&WORD, tail(stretch.before, 24)))
}

/// `None`: what stands behind the `x` is no extension.
fn without_extension(number: &str) -> Option<&str> {
    let Some((number, extension)) = number.split_once('x') else { return Some(number) };
    let is_extension = (1..=MOST_EXTENSION).contains(&extension.len())
        && extension.bytes().all(|byte| byte.is_ascii_digit());
    is_extension.then_some(number)
}

/// ITU-T E.164, of what follows the plus; with dots only where it is no amount.
fn is_international(number: &str) -> bool {
    let digits = digits_of(number);
    let is_long_enough = match digits.as_bytes() {
        [b'1', b'2'..=b'9', _, _, b'2'..=b'9', ..] => digits.len() == 11,
        [b'0' | b'1', ..] => false,
        _ => (9..=15).contains(&digits.len()),
    };
    is_long_enough && (!number.contains('.') || is_dotted(number))
}

/// Dots and nothing else between its groups, and not those of thousands.
fn is_dotted(number: &str) -> bool {
    let mut groups = number.split('.').skip(1);
    let is_plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    is_plain && number.matches('.').count() > 1 && groups.any(|group| group.len() != 3)
}
