//! One key set from outside the defaults, and where it came from.

use std::path::Path;

use figment::util::nest;
use figment::value::{Dict, Map, Tag, Value};
use figment::{Error, Metadata, Profile, Provider};

use super::{PREFIX, PROFILE};
use crate::Refusal;

/// A value for one dotted key, or (key empty) a whole file.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    origin: String,
    key: String,
    value: Value,
    /// What the variable holds, letter by letter.
    text: Option<String>,
}

impl Entry {
    /// A variable of the environment; none when it is not about configuration. Names
    /// without `__` (as TOCSIN_CACHE, or what Kubernetes sets) are not.
    pub(super) fn variable(name: &str, text: String) -> Option<Self> {
        let key = name.strip_prefix(PREFIX).filter(|rest| rest.contains("__"))?;
        let key = key.to_lowercase().replace("__", ".");
        let value = text.parse().unwrap_or_else(|_| Value::from(text.clone()));
        Some(Self { origin: format!("set by {name} in the environment"), key, value, text: Some(text) })
    }

    pub(super) fn flag(key: String, value: &toml::Value) -> Self {
        let value = Value::serialize(value).unwrap_or_else(|_| Value::from(value.to_string()));
        Self { origin: "set by a flag".into(), key, value, text: None }
    }

    pub(super) fn sets(&self, key: &str) -> bool {
        self.key == key
    }

    /// Takes the variable as text; false when it already was, or is no variable.
    pub(super) fn as_text(&mut self) -> bool {
        let Some(text) = self.text.take() else { return false };
        self.value = text.into();
        true
    }

    /// With the content of files in place of their names.
    pub(super) fn resolved(self) -> Result<Self, Refusal> {
        Ok(Self { value: resolve(self.value, &self.key)?, ..self })
    }
}

/// The content of configuration file `path`.
pub(super) fn file(path: &Path, content: Dict) -> Result<Entry, Refusal> {
    let origin = format!("in {}", path.display());
    Entry { origin, key: String::new(), value: content.into(), text: None }.resolved()
}

impl Provider for Entry {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        let dictionary = nest(&self.key, untagged(self.value.clone())).into_dict();
        Ok(PROFILE.collect(dictionary.unwrap_or_default()))
    }
}

/// `value` as if it had not come from a provider yet, so that errors name this one.
fn untagged(value: Value) -> Value {
    match value {
        Value::String(_, v) => Value::String(Tag::Default, v),
        Value::Char(_, v) => Value::Char(Tag::Default, v),
        Value::Bool(_, v) => Value::Bool(Tag::Default, v),
        Value::Num(_, v) => Value::Num(Tag::Default, v),
        Value::Empty(_, v) => Value::Empty(Tag::Default, v),
        Value::Dict(_, v) => {
            Value::Dict(Tag::Default, v.into_iter().map(|(k, v)| (k, untagged(v))).collect())
        }
        Value::Array(_, v) => Value::Array(Tag::Default, v.into_iter().map(untagged).collect()),
    }
}

/// Replaces strings `file:/path` by the content of the file, without its last line end.
fn resolve(value: Value, key: &str) -> Result<Value, Refusal> {
    Ok(match value {
        Value::String(tag, text) => match text.strip_prefix("file:").filter(|path| path.starts_with('/')) {
            Some(path) => Value::String(tag, content(path, key)?),
            None => Value::String(tag, text),
        },
        Value::Dict(tag, entries) => {
            let inside = |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") };
            let resolved =
                entries.into_iter().map(|(name, value)| Ok((name.clone(), resolve(value, &inside(&name))?)));
            Value::Dict(tag, resolved.collect::<Result<_, Refusal>>()?)
        }
        Value::Array(tag, items) => {
            Value::Array(tag, items.into_iter().map(|item| resolve(item, key)).collect::<Result<_, _>>()?)
        }
        other @ (Value::Char(..) | Value::Bool(..) | Value::Num(..) | Value::Empty(..)) => other,
    })
}

fn content(path: &str, key: &str) -> Result<String, Refusal> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Refusal(format!("configuration: cannot read the file of `{key}`, {path}: {error}"))
    })?;
    let text = text.trim_end_matches(['\r', '\n']);
    // A secret that was not written yet is no secret.
    if text.trim().is_empty() {
        return Err(Refusal(format!("configuration: the file of `{key}`, {path}, is empty")));
    }
    Ok(text.to_owned())
}
