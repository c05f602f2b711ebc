//! Numbers of passports and of identity cards of Hong Kong: letters are part of them, and only what a text calls them
//! tells.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::Pattern;

static CALLED: Pattern = LazyLock::new(|| {
    let english = "passport(?: (?:number|no[.]?))?(?: is)?";
    let chinese = "(?:护照|護照|通行证|通行證|身份证|身份證)(?:号码|號碼|号|號)?(?:是|为|為)?";
    let passport = "[A-Z]{1,2}[0-9]{7,8}|[0-9]{9}";
    let hong_kong = "[A-Z]{1,2}[0-9]{6}[(（][0-9A][)）]";
    Regex::new(&format!(
        r"(?i)((?:(?-u:\b){english}|{chinese})[\s:：#]{{0,3}})(?:{hong_kong}|(?:{passport})(?-u:\b))"
    ))
    .ok()
});

/// Puts what `mark` gives in place of each number.
pub(super) fn replace(text: &str, mut mark: impl FnMut() -> &'static str) -> String {
    let Some(called) = CALLED.as_ref() else { return text.to_owned() };
    let marked =
        |found: &Captures<'_>| format!("{}{}", found.get(1).map_or("", |word| word.as_str()), mark());
    called.replace_all(text, marked).into_owned()
}
