//! Configuration: compiled defaults, then the file, then the environment, then flags.
//!
//! A section is a struct with `deny_unknown_fields` and `default`; this module
//! owns how values reach it and how errors read, and knows no section. A string
//! written `file:/path` is replaced by what is in that file, so that secrets need
//! be neither in the configuration nor in the environment; flags carry none.

mod entry;
pub mod secret;

use std::path::Path;

use figment::error::{Actual, Kind};
use figment::providers::{Format, Toml};
use figment::{Figment, Profile};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Refusal;
use entry::Entry;

/// Variables `TOCSIN_SECTION__KEY` set `key` of `[section]`.
const PREFIX: &str = "TOCSIN_";
/// Everything is set without profiles.
const PROFILE: Profile = Profile::Default;

/// The merged configuration. `flags` are dotted keys (`stream.brokers`) with values.
pub fn load<T: DeserializeOwned>(
    file: Option<&Path>,
    flags: Vec<(String, toml::Value)>,
) -> Result<T, Refusal> {
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    merge(file, environment, flags)
}

/// As TOML, with `***` in place of each secret that is set.
pub fn print_merged<T: Serialize>(config: &T) -> Result<String, Refusal> {
    toml::to_string_pretty(config)
        .map_err(|error| Refusal(format!("cannot print the configuration: {error}")))
}

fn merge<T: DeserializeOwned>(
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
    flags: Vec<(String, toml::Value)>,
) -> Result<T, Refusal> {
    let base = match file {
        Some(path) => read(path)?,
        None => Figment::new(),
    };
    let mut entries: Vec<Entry> =
        environment.filter_map(|(name, value)| Entry::variable(&name, value)).collect();
    entries.extend(flags.into_iter().map(|(key, value)| Entry::flag(key, &value)));
    loop {
        let merged =
            entries.iter().cloned().try_fold(base.clone(), |all, entry| Ok(all.merge(entry.resolved()?)))?;
        match merged.extract() {
            Ok(config) => return Ok(config),
            Err(error) if take_as_text(&error, &mut entries) => {}
            Err(error) => return Err(explain(&error, &merged)),
        }
    }
}

/// What `text` says as TOML, or on which line it does not and why; never the line itself, which may
/// hold a secret.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|error| place(text, &error))
}

fn read(path: &Path) -> Result<Figment, Refusal> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Refusal(format!("cannot read the configuration {}: {error}", path.display())))?;
    parse::<toml::Table>(&text)
        .map_err(|cause| Refusal(format!("{} is not TOML: {cause}", path.display())))?;
    let dictionary = Figment::from(Toml::string(&text)).extract();
    let dictionary =
        dictionary.map_err(|error| Refusal(format!("cannot read {}: {error}", path.display())))?;
    Ok(Figment::from(entry::file(path, dictionary)?))
}

/// Line and cause; never the line itself, which may hold a secret.
fn place(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    format!("line {}: {}", before.matches('\n').count() + 1, error.message())
}

/// A variable holds text; whether `007` is a number depends on the key. Where the
/// key wants text, the variable is taken as it was written.
fn take_as_text(error: &figment::Error, entries: &mut [Entry]) -> bool {
    let Kind::InvalidType(_, expected) = &error.kind else { return false };
    let key = error.path.join(".");
    expected.contains("string")
        && entries.iter_mut().rev().find(|entry| entry.sets(&key)).is_some_and(Entry::as_text)
}

/// The key, what is wrong with it, and where it was set; not its value.
#[expect(clippy::wildcard_enum_match_arm, reason = "other kinds of error are shown as figment says them")]
fn explain(error: &figment::Error, merged: &Figment) -> Refusal {
    let mut path = error.path.clone();
    let problem = match &error.kind {
        Kind::UnknownField(name, known) => {
            path.pop_if(|last| last == name);
            path.push(name.clone());
            format!("is unknown here; known are {}", known.join(", "))
        }
        Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
            format!("should be {expected}, not {}", kind_of(found))
        }
        Kind::MissingField(name) => {
            path.pop_if(|last| last == name);
            path.push(name.to_string());
            "is missing".to_owned()
        }
        other => format!("cannot be used: {other}"),
    };
    let key = path.join(".");
    let origin =
        merged.find_metadata(&key).or(error.metadata.as_ref()).map(|metadata| metadata.name.to_string());
    let origin = origin.map_or_else(String::new, |name| format!(" ({name})"));
    Refusal(format!("configuration: `{key}` {problem}{origin}"))
}

/// The type of a value, without the value.
fn kind_of(found: &Actual) -> String {
    found.to_string().split(['`', '"', '\'']).next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests;
