//! Paths into JSON: JSONPath (RFC 9535), or dotted ones in short.

use serde_json::{Map, Value};
use serde_json_path::JsonPath;

#[derive(Debug, Clone)]
pub(super) enum Path {
    Dotted {
        /// As it was given.
        text: String,
        /// The same as a JSON pointer (RFC 6901).
        pointer: String,
    },
    Query(JsonPath, Selects),
}

/// Whether a query names one place, or whatever is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Selects {
    One,
    Any,
}

impl Path {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with('$') {
            let is_any = text.contains(['*', '?', ',', ':']) || text.contains("..");
            let selects = if is_any { Selects::Any } else { Selects::One };
            let query = JsonPath::parse(text).map_err(|cause| cause.to_string())?;
            return Ok(Self::Query(query, selects));
        }
        let steps = text.split('.').filter(|step| !step.is_empty());
        let pointer = steps.map(|step| format!("/{}", step.replace('~', "~0").replace('/', "~1"))).collect();
        Ok(Self::Dotted { text: text.to_owned(), pointer })
    }

    /// The values that it selects, in their order.
    pub(super) fn all<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        match self {
            Self::Dotted { pointer, .. } => value.pointer(pointer).into_iter().collect(),
            Self::Query(query, _) => query.query(value).all(),
        }
    }

    /// The first of them that is something.
    pub(super) fn first<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.all(value).into_iter().find(|value| !value.is_null())
    }

    /// The same in a row of a file, where a path in short is first the name of a column, dots and all.
    pub(super) fn column<'v>(&self, row: &'v Value) -> Option<&'v Value> {
        let Self::Dotted { text, .. } = self else { return self.first(row) };
        let column = row.as_object().and_then(|fields| named(fields, text));
        column.filter(|value| !value.is_null()).or_else(|| self.first(row))
    }

    /// Whether a row has the column, be it that nothing stands there.
    pub(super) fn is_column_of(&self, row: &Value) -> bool {
        match (self, row) {
            (Self::Dotted { text, .. }, Value::Object(fields)) => named(fields, text).is_some(),
            (Self::Dotted { .. } | Self::Query(..), _) => false,
        }
    }

    /// The items: those of the list that it selects, or else what it selects. `None`:
    /// there is no list.
    pub(super) fn items<'v>(&self, value: &'v Value) -> Option<Vec<&'v Value>> {
        let found = self.all(value);
        match (self, found.as_slice()) {
            (_, [Value::Array(items)]) => Some(items.iter().collect()),
            (Self::Dotted { .. } | Self::Query(_, Selects::One), _) => None,
            (Self::Query(_, Selects::Any), _) => Some(found),
        }
    }
}

/// The field of this name, or else the one whose name differs in capitals or in space around it only.
fn named<'v>(fields: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    fields.get(name).or_else(|| {
        let plain = |name: &str| name.trim().to_lowercase();
        let name = plain(name);
        fields.iter().find(|(field, _)| plain(field) == name).map(|(_, value)| value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn first(text: &str, value: &Value) -> Option<Value> {
        Path::parse(text).unwrap().first(value).cloned()
    }

    #[test]
    fn dotted_paths_and_queries_find_the_same() {
        let value = json!({"user": {"name": "jo", "a.b": 1}, "stats": [3, 4], "x/y": 2});
        for (dotted, query) in [("user.name", "$.user.name"), ("stats.1", "$.stats[1]"), ("x/y", "$['x/y']")]
        {
            assert_eq!(first(dotted, &value), first(query, &value), "{dotted}");
            assert!(first(dotted, &value).is_some(), "{dotted}");
        }
        assert_eq!(first("$.user['a.b']", &value), Some(json!(1)));
        assert_eq!(first("", &value), Some(value));
    }

    #[test]
    fn a_query_may_name_several_places_of_which_the_first_with_something_counts() {
        let path = "$['comment', 'story']";
        assert_eq!(first(path, &json!({"comment": null, "story": "s"})), Some(json!("s")));
        assert_eq!(first(path, &json!({"comment": "c", "story": "s"})), Some(json!("c")));
        assert_eq!(first(path, &json!({})), None);
    }

    #[test]
    fn a_column_is_known_in_capitals_or_not_and_with_the_dots_of_its_name() {
        let row = json!({"ID": "7", "Ref. No.": "8", "Erstellt am": "9", "text": "small", "Text": "capital",
                         "user": {"name": "jo"}, "gone": null, "Gone": "x"});
        let column = |name: &str| Path::parse(name).unwrap().column(&row).cloned();
        for (name, value) in [
            ("id", "7"),
            ("Ref. No.", "8"),
            ("ref. no. ", "8"),
            ("ERSTELLT AM", "9"),
            ("text", "small"),
            ("Text", "capital"),
            ("user.name", "jo"),
            ("$.ID", "7"),
        ] {
            assert_eq!(column(name), Some(json!(value)), "{name}");
        }
        assert_eq!((column("absent"), column("gone"), column("$.id")), (None, None, None));
        let is_there = |name: &str| Path::parse(name).unwrap().is_column_of(&row);
        assert!(is_there("GONE") && is_there("ref. no.") && !is_there("absent") && !is_there("$.id"));
        assert_eq!(first("id", &row), None, "an interface has names as they are written");
    }

    #[test]
    fn a_list_is_named_itself_or_by_its_items() {
        let value =
            json!({"posts": [{"a": 1}, {"b": 2}], "none": [], "cards": [{"blog": 1}, {}, {"blog": 2}]});
        let count = |text: &str| Path::parse(text).unwrap().items(&value).map(|items| items.len());
        assert_eq!((count("posts"), count("$.posts"), count("$.posts[*]")), (Some(2), Some(2), Some(2)));
        assert_eq!((count("none"), count("$.none"), count("$.none[*]")), (Some(0), Some(0), Some(0)));
        assert_eq!((count("gone"), count("$.gone"), count("posts.0")), (None, None, None));
        assert_eq!(count("$.cards[*].blog"), Some(2));
        assert!(Path::parse("$.posts[").is_err());
    }
}
