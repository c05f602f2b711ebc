//! Paths into JSON: JSONPath (RFC 9535), or dotted ones in short.

use serde_json::Value;
use serde_json_path::JsonPath;

#[derive(Debug, Clone)]
pub(super) enum Path {
    /// As a JSON pointer (RFC 6901).
    Dotted(String),
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
        Ok(Self::Dotted(
            steps.map(|step| format!("/{}", step.replace('~', "~0").replace('/', "~1"))).collect(),
        ))
    }

    /// The values that it selects, in their order.
    pub(super) fn all<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        match self {
            Self::Dotted(pointer) => value.pointer(pointer).into_iter().collect(),
            Self::Query(query, _) => query.query(value).all(),
        }
    }

    /// The first of them that is something.
    pub(super) fn first<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.all(value).into_iter().find(|value| !value.is_null())
    }

    /// The items: those of the list that it selects, or else what it selects. `None`:
    /// there is no list.
    pub(super) fn items<'v>(&self, value: &'v Value) -> Option<Vec<&'v Value>> {
        let found = self.all(value);
        match (self, found.as_slice()) {
            (_, [Value::Array(items)]) => Some(items.iter().collect()),
            (Self::Dotted(_) | Self::Query(_, Selects::One), _) => None,
            (Self::Query(_, Selects::Any), _) => Some(found),
        }
    }
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
