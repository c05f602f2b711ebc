//! How telephone numbers are written in China, Taiwan, North America, Britain, France, and internationally.

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
    // An exchange of a real number begins as an area does; those that people make up do not.
    let (america, exchange) = ("[2-9][0-9]{2}", "[0-9]{3}");
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
        format!(r"(?:1[- ])?(?:\({america}\)[- ]?|{america}-){exchange}-[0-9]{{4}}"),
        format!("(?:1[- ])?{america} {america}-[0-9]{{4}}"),
        format!(r"(?:1\.)?{america}\.{exchange}\.[0-9]{{4}}"),
        // Mobiles of Britain.
        "07[1-57-9][0-9]{8}|07[1-57-9][0-9]{2}[- ][0-9]{3}[- ][0-9]{3}".to_owned(),
        // And of Taiwan.
        "09[0-9]{2}-[0-9]{3}-[0-9]{3}".to_owned(),
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

/// A number of North America however it is divided, only after an English word that asks to call it.
static AMERICAN: Pattern =
    LazyLock::new(|| Regex::new("^(?:1[- ]?)?[2-9][0-9]{2}[- ]?[0-9]{3}[- ]?[0-9]{4}$").ok());

static ENGLISH_WORD: Pattern = LazyLock::new(|| {
    let devices = "tel(?:ephone)?|phone|cell(?:phone)?|mobile|fax|hotline|whatsapp";
    // Sales may reach such a number; a person is reached at one.
    let asking = "(?:(?:call|text|contact)(?: me| us)?|reach (?:me|us))(?: at| on)?";
    Regex::new(&format!(
        r"(?i)(?-u:\b)(?:{devices}|{asking})(?: number| no\.?| is| at){{0,2}}[^0-9A-Za-z\n]{{0,8}}$"
    ))
    .ok()
});

/// Fixed lines and services of Britain, after the same words.
static BRITISH_LINE: Pattern = LazyLock::new(|| {
    one_of(&[
        "01[0-9]{2}[- ]?[0-9]{3}[- ]?[0-9]{4}".to_owned(),
        "01[0-9]{3}[- ]?[0-9]{5,6}".to_owned(),
        "0[38][0-9]{2}[- ]?[0-9]{3}[- ]?[0-9]{4}".to_owned(),
    ])
});

/// A mobile, digit by digit.
static APART: Pattern = LazyLock::new(|| Regex::new("^1[- ][3-9](?:[- ][0-9]){9}$").ok());

/// Five pairs of digits, as in France.
static PAIRS: Pattern =
    LazyLock::new(|| Regex::new("^0[1-9](?:(?: [0-9]{2}){4}|(?:[.][0-9]{2}){4}|(?:-[0-9]{2}){4})$").ok());

/// A mobile of Britain in two groups.
static BRITISH: Pattern = LazyLock::new(|| Regex::new("^07[1-57-9][0-9]{2}[- ][0-9]{6}$").ok());

/// With 00 in place of the plus: in groups, of which the first is the code of a country, or undivided.
static ABROAD: Pattern = LazyLock::new(|| {
    let far = "21[2368]|35[1-9]|37[0-7]|38[0-9]|42[01]|85[2356]|886|96[1-8]|97[1-7]";
    let country = format!("(?:[17]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|{far})");
    let undivided = "1[2-9][0-9]{2}[2-9]|33[1-9]|4[49][1-9]|61[2-478]|81[1-9]|82[1-9]|852[2-9]|886[2-9]";
    one_of(&[
        format!(r"00{country}[- ](?:\(0\)[- ]?)?[1-9][0-9]*(?:[- ][0-9]+)*"),
        format!("00(?:{undivided})[0-9]{{7,9}}"),
    ])
});

/// The first digits of the codes of stocks in Shanghai and Shenzhen: 07226 600519 are two codes.
const STOCKS: [&str; 8] = ["600", "601", "603", "605", "688", "000", "300", "002"];

/// Groups of four digits, or of five, are codes of stocks in Hong Kong, and what begins with a date is none.
static NOBODYS: Pattern = LazyLock::new(|| {
    let date = "(?:19|20)[0-9]{2}[- ]?(?:0[1-9]|1[0-2])[- ]?[0-3][0-9]";
    Regex::new(&format!(
        "^(?:[0-9]{{4}}(?:[- ][0-9]{{4}})+|[0-9]{{5}}(?:[- ][0-9]{{5}})+|[0-9]+[- ]{date}(?:[- ].*)?)$"
    ))
    .ok()
});

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
        || (is_match(&ABROAD, number) && !is_match(&NOBODYS, number))
        || (is_match(&BRITISH, number) && !STOCKS.iter().any(|code| tail(number, 6).starts_with(code)))
        || ((is_match(&APART, number) || is_match(&PAIRS, number)) && !stretch.is_in_row)
        || (is_match(&CALLED, number) && is_match(&WORD, tail(stretch.before, 24)))
        || ((is_match(&AMERICAN, number) || is_match(&BRITISH_LINE, number))
            && is_match(&ENGLISH_WORD, tail(stretch.before, 40)))
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
        [b'1', b'2'..=b'9', ..] => digits.len() == 11,
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
