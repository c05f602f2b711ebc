//! JSON as servers write it: with line breaks in strings, halves of characters, commas behind the last item.

use serde::de::DeserializeOwned;
use serde_json::{Deserializer, Value};

/// What a text says that is JSON, or becomes it when mended: one odd string costs no more than
/// its odd characters.
pub(crate) fn parsed<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    serde_json::from_str(text).or_else(|_| serde_json::from_str(&mended(text)))
}

/// The values that a text begins with, one after the other, up to what is none; mended where nothing else is read.
pub(crate) fn values(text: &str) -> Vec<Value> {
    let read = |text: &str| -> Vec<Value> {
        Deserializer::from_str(text).into_iter().map_while(Result::ok).collect()
    };
    let whole = read(text);
    if whole.is_empty() { read(&mended(text)) } else { whole }
}

/// Within strings, control characters as spaces, surrogates without their other half as U+FFFD, and escapes that
/// JSON does not know without their backslash; outside, no commas before a closing bracket.
fn mended(text: &str) -> String {
    let (mut out, mut rest, mut is_string) = (String::with_capacity(text.len()), text, false);
    while let Some(at) = rest.find(|c: char| matches!(c, '"' | '\\' | ',') || c.is_ascii_control()) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let (length, mended) = match from.as_bytes().first() {
            Some(b'"') => {
                is_string = !is_string;
                (1, "\"")
            }
            Some(b'\\') => escape(from),
            Some(b',') => (1, if !is_string && ends_behind(from) { "" } else { "," }),
            _ => (1, if is_string { " " } else { from.split_at(1).0 }),
        };
        out.push_str(mended);
        rest = from.split_at_checked(length).map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    out
}

/// Whether a list or an object ends behind the comma that `from` begins with.
fn ends_behind(from: &str) -> bool {
    from.strip_prefix(',').unwrap_or(from).trim_ascii_start().starts_with(['}', ']'])
}

/// The length of the escape that `from` begins with, and what to write for it.
fn escape(from: &str) -> (usize, &str) {
    let whole = |length| (length, from.split_at_checked(length).map_or(from, |(escape, _)| escape));
    match (unit(from), from.split_at_checked(6).and_then(|(_, after)| unit(after))) {
        (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => whole(12),
        (Some(0xd800..=0xdfff), _) => (6, "\\ufffd"),
        _ if from.as_bytes().get(1).is_none_or(|byte| b"\"\\/bfnrtu".contains(byte)) => whole(2),
        // As in JavaScript: `\'`.
        _ => (1, ""),
    }
}

/// The code of `\uXXXX`.
fn unit(escape: &str) -> Option<u32> {
    let digits = escape.strip_prefix("\\u")?.split_at_checked(4)?.0;
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_lone_halves_in_strings_are_mended_and_nothing_else() {
        for (text, expected) in [
            ("{\n\t\"a\tb\": \"c\nd\\n\\\"\u{1}\"\n}", "{\n\t\"a b\": \"c d\\n\\\" \"\n}"),
            (
                r#"["\ud83d", "\ude00x", "\ud83d\ude00", "\ud83d\ud83d\ude00"]"#,
                r#"["\ufffd", "\ufffdx", "\ud83d\ude00", "\ufffd\ud83d\ude00"]"#,
            ),
            (r#"["\\ud83d", "\u00e9", "银"]"#, r#"["\\ud83d", "\u00e9", "银"]"#),
            (r#"{"a":[1, 2, ], "b":",]", }"#, r#"{"a":[1, 2 ], "b":",]" }"#),
            (r#"["Bank\'s \银 \/"]"#, r#"["Bank's 银 \/"]"#),
        ] {
            assert_eq!(mended(text), expected);
            parsed::<serde_json::Value>(text).unwrap();
        }
    }

    #[test]
    fn of_several_values_all_are_read_up_to_what_is_none() {
        for (text, count) in [("{} [1]\n{}", 3), ("{};", 1), ("{\"a\":1,} {}", 2), ("x {}", 0), ("", 0)] {
            assert_eq!(values(text).len(), count, "{text}");
        }
    }

    #[test]
    fn what_breaks_off_is_mended_to_no_more() {
        for text in ["\"\\", "\"\\u", "\"\\ud83", "\"\\ud83d", "\"\\银", "\"\\ud83银", "\\ud83d\\u银"] {
            assert!(parsed::<serde_json::Value>(text).is_err(), "{text}");
        }
    }
}
