//! What a line in says: a document to classify, or why it is none.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::document::{Id, Input, fault};

/// Why a line is not classified, and the id that it has all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) id: Option<Id>,
    pub(super) reason: String,
}

type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// The document of a line. What it has no field for is passed over, as in rows of labelled sets.
pub(super) fn parse(line: &[u8]) -> Result<Input, Refused> {
    let fields = fields(line).map_err(|reason| Refused { id: None, reason })?;
    let id = value(&fields, "id").map(Id::new);
    input(&fields, id.clone()).map_err(|reason| Refused { id, reason })
}

fn fields(line: &[u8]) -> Result<Fields<'_>, String> {
    match line.first() {
        None => Err("an empty line, where a JSON object is wanted".to_owned()),
        Some(b'{') => serde_json::from_slice(line).map_err(|e| format!("not a JSON object: {}", fault(&e))),
        Some(_) => Err("not a JSON object".to_owned()),
    }
}

fn input(fields: &Fields<'_>, id: Option<Id>) -> Result<Input, String> {
    let text = |name: &str| read::<String>(fields, name, "a string");
    Ok(Input {
        id,
        title: text("title")?,
        text: text("text")?.ok_or("it has no text")?,
        lang: text("lang")?,
        targets: targets(fields)?,
    })
}

/// Names to judge; one that is null, as sets have it where there is no subject, stands nowhere.
fn targets(fields: &Fields<'_>) -> Result<Vec<String>, String> {
    let names = read::<Vec<Option<String>>>(fields, "targets", "a list of strings")?;
    Ok(names.unwrap_or_default().into_iter().map(Option::unwrap_or_default).collect())
}

/// What a field says; null says nothing.
fn value<'a>(fields: &Fields<'a>, name: &str) -> Option<&'a RawValue> {
    fields.get(name).copied().filter(|value| value.get() != "null")
}

fn read<T: DeserializeOwned>(fields: &Fields<'_>, name: &str, wanted: &str) -> Result<Option<T>, String> {
    let read = |json: &RawValue| {
        serde_json::from_str(json.get()).or_else(|_| serde_json::from_str(&mended(json.get())))
    };
    value(fields, name).map(read).transpose().map_err(|_| format!("{name} is not {wanted}"))
}

/// `json` with U+FFFD for each escape that is half of a pair, as is left of an emoji in a text that was cut there.
fn mended(json: &str) -> String {
    let (mut mended, mut rest) = (String::with_capacity(json.len()), json);
    while let Some((before, escape)) = rest.split_once('\\') {
        mended.push_str(before);
        let kept = length(escape).and_then(|length| escape.split_at_checked(length));
        rest = if let Some((kept, after)) = kept {
            mended.push('\\');
            mended.push_str(kept);
            after
        } else {
            mended.push('\u{fffd}');
            escape.get(UNIT..).unwrap_or_default()
        };
    }
    mended.push_str(rest);
    mended
}

/// Bytes of an escape of a code unit behind its backslash, `ud83d`.
const UNIT: usize = 5;

/// Bytes of an escape behind its backslash, at least of its letter; `None` where it is half of a pair.
fn length(escape: &str) -> Option<usize> {
    match unit(escape) {
        Some((0xd800..=0xdbff, after)) => {
            let low = after.strip_prefix('\\').and_then(unit);
            matches!(low, Some((0xdc00..=0xdfff, _))).then_some(2 * UNIT + 1)
        }
        Some((0xdc00..=0xdfff, _)) => None,
        Some(_) | None => Some(escape.chars().next().map_or(0, char::len_utf8)),
    }
}

/// The code unit that an escape begins with, and what follows it.
fn unit(escape: &str) -> Option<(u16, &str)> {
    let (digits, after) = escape.strip_prefix('u')?.split_at_checked(UNIT - 1)?;
    Some((u16::from_str_radix(digits, 16).ok()?, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &str) -> (Option<String>, String) {
        let Refused { id, reason } = parse(line.as_bytes()).unwrap_err();
        (id.map(|id| serde_json::to_string(&id).unwrap()), reason)
    }

    #[test]
    fn a_line_is_an_object_with_a_text_and_other_fields_are_passed_over() {
        let row = r#"{"text":"a","set":"guba","topics":["energy"],"title":null,"targets":null}"#;
        assert_eq!(parse(row.as_bytes()).unwrap(), Input { text: "a".to_owned(), ..Input::default() });
        let table = [
            ("", "an empty line, where a JSON object is wanted"),
            ("[\"a\",\"b\",\"c\",\"en\",[]]", "not a JSON object"),
            ("not json", "not a JSON object"),
            ("{\"text\":}", "not a JSON object: expected value, column 9"),
            ("{\"text\":\"a\"} {}", "not a JSON object: trailing characters, column 14"),
            ("{}", "it has no text"),
            ("{\"text\":null}", "it has no text"),
            ("{\"text\":5}", "text is not a string"),
            ("{\"text\":\"a\",\"title\":[]}", "title is not a string"),
            ("{\"text\":\"a\",\"targets\":\"A\"}", "targets is not a list of strings"),
            ("{\"text\":\"a\",\"targets\":[1]}", "targets is not a list of strings"),
        ];
        for (line, reason) in table {
            assert_eq!(refused(line), (None, reason.to_owned()), "{line}");
        }
    }

    #[test]
    fn half_of_a_pair_of_escapes_is_a_character_that_cannot_be_read() {
        let text = |json: &str| parse(format!("{{\"text\":\"{json}\"}}").as_bytes()).map(|input| input.text);
        for (json, wanted) in [
            (r"up \ud83d", "up \u{fffd}"),
            (r"up \ud83d\u0021", "up \u{fffd}!"),
            (r"\ude80 up \\ud83d \uD83D\uDE80\n", "\u{fffd} up \\ud83d \u{1f680}\n"),
            (r"\ud83d\ud83d\ude80", "\u{fffd}\u{1f680}"),
        ] {
            assert_eq!(text(json).as_deref(), Ok(wanted), "{json}");
        }
        for json in [r"\ud83", r"\x", r"\ud83d\u12"] {
            assert!(text(json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_target_that_is_null_keeps_its_place() {
        let input = parse(br#"{"text":"a","targets":["A",null]}"#).unwrap();
        assert_eq!(input.targets, ["A", ""]);
    }

    #[test]
    fn a_refused_line_keeps_its_id() {
        let (id, reason) = refused(r#"{"txet":"a","id":123456789012345678901234567890}"#);
        assert_eq!(id.as_deref(), Some("123456789012345678901234567890"), "{reason}");
        assert_eq!(refused(r#"{"id":null}"#).0, None);
    }
}
