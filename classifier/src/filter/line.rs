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
        targets: read(fields, "targets", "a list of strings")?.unwrap_or_default(),
    })
}

/// What a field says; null says nothing.
fn value<'a>(fields: &Fields<'a>, name: &str) -> Option<&'a RawValue> {
    fields.get(name).copied().filter(|value| value.get() != "null")
}

fn read<T: DeserializeOwned>(fields: &Fields<'_>, name: &str, wanted: &str) -> Result<Option<T>, String> {
    let value = value(fields, name).map(|value| serde_json::from_str(value.get()));
    value.transpose().map_err(|_| format!("{name} is not {wanted}"))
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
    fn a_refused_line_keeps_its_id() {
        let (id, reason) = refused(r#"{"txet":"a","id":123456789012345678901234567890}"#);
        assert_eq!(id.as_deref(), Some("123456789012345678901234567890"), "{reason}");
        assert_eq!(refused(r#"{"id":null}"#).0, None);
    }
}
