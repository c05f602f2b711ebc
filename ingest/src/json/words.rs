//! Texts, counts and answers as networks write them into their JSON.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

use crate::feed::plain;

/// A picture that stands for a word in the midst of a text, as networks in China write it: `<img alt=[怒]>`.
static SIGN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"<img\s[^<>]*?alt=["']?(\[[^\[\]<>"']{1,16}\])[^<>]*>"#).ok());

/// References that Reddit escapes once more than the rest of a text.
const ESCAPED: [&str; 3] = ["&#x200B;", "&#x200b;", "&nbsp;"];

/// The words of a text, which may be markup.
pub(super) fn words(markup: &str) -> String {
    let text = match SIGN.as_ref().filter(|_| markup.contains("<img")) {
        Some(sign) => plain(&sign.replace_all(markup, "$1")),
        None => plain(markup),
    };
    if !ESCAPED.iter().any(|escaped| text.contains(escaped)) {
        return text;
    }
    let text = ESCAPED.iter().fold(text, |text, escaped| text.replace(escaped, " "));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// As text, be it that of a number; a zero byte, which no database keeps, is left out.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.replace('\0', "")),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// As a number, or as text of one: `1,204`, `3.4万`, `100万+`, `2.1k`.
pub(super) fn count(value: &Value) -> Option<u64> {
    const UNITS: [(char, f64); 5] = [('万', 1e4), ('亿', 1e8), ('k', 1e3), ('K', 1e3), ('M', 1e6)];
    let Some(text) = value.as_str() else { return value.as_u64() };
    let text = text.trim().trim_end_matches('+').replace(',', "");
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let (number, unit) = UNITS.iter().find_map(|(sign, unit)| Some((text.strip_suffix(*sign)?, unit)))?;
    let number: f64 = number.trim().parse().ok()?;
    (0.0..1e9).contains(&number).then_some((number * unit).round() as u64)
}

/// What a row says, by which one without an id is known: without its columns that are empty.
pub(super) fn content_of(row: &Value) -> String {
    let Some(fields) = row.as_object() else { return row.to_string() };
    let said = fields.iter().filter(|(_, value)| !value.is_null());
    Value::Object(said.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>()).to_string()
}

/// Whether something says yes.
pub(super) fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(set) => *set,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !matches!(text.trim(), "" | "0" | "false" | "no"),
        Value::Array(_) | Value::Object(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_picture_that_stands_for_a_word_is_read_as_that_word() {
        for (markup, text) in [
            (
                "跌停了<span class=\"url-icon\"><img alt=[怒] src=\"//h5.example/nu.png\" style=\"width:1em;\" /></span>",
                "跌停了[怒]",
            ),
            ("快跑<img src=\"x.png\" title=\"[笑哭]\" alt=\"[笑哭]\" height=\"24\" />！", "快跑[笑哭]！"),
            ("A <img src='a.png' alt='chart of [HRG] shares'> b", "A b"),
            ("<b>1 < 2</b> [怒]", "1 < 2 [怒]"),
        ] {
            assert_eq!(words(markup), text, "{markup}");
        }
    }

    #[test]
    fn spaces_that_were_escaped_twice_are_spaces() {
        assert_eq!(words("One\n\n&amp;#x200B;\n\nTwo &amp;nbsp; &amp;amp;"), "One Two &amp;");
    }

    #[test]
    fn an_empty_column_is_no_part_of_what_a_row_says() {
        let said = json!({"stars": "5", "text": "Fine"});
        assert_eq!(content_of(&json!({"stars": "5", "text": "Fine", "id": null})), said.to_string());
        assert_eq!(content_of(&json!(7)), "7");
    }

    #[test]
    fn counts_are_read_as_people_write_them() {
        for (value, number) in [
            (json!(7), Some(7)),
            (json!(" 7 "), Some(7)),
            (json!("1,204"), Some(1204)),
            (json!("100万+"), Some(1_000_000)),
            (json!("3.4万"), Some(34_000)),
            (json!("1.2亿"), Some(120_000_000)),
            (json!("2.1k"), Some(2100)),
            (json!("-1k"), None),
            (json!("many"), None),
            (json!("万"), None),
            (json!(null), None),
        ] {
            assert_eq!(count(&value), number, "{value}");
        }
    }
}
