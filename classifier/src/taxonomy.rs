//! `config/taxonomy.toml`: ids of topics and risk events, their names in both
//! languages, and the labels of public data sets they answer for.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{ClassifierError, Result};

/// Id of the event that stands for "no risk event".
pub const NONE: &str = "none";

/// Every topic and event; a model that is trained with it has its outputs in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taxonomy {
    #[serde(rename = "topic")]
    pub topics: Vec<Label>,
    /// With [`NONE`].
    #[serde(rename = "event")]
    pub events: Vec<Label>,
}

/// A topic or an event, with its names in English and Chinese.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    pub id: String,
    pub en: String,
    pub zh: String,
    /// Data set → its label.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

impl Taxonomy {
    /// An error names the line that is no TOML, or no field of a label.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| ClassifierError::read(path, e))?;
        toml::from_str(&text).map_err(|e| ClassifierError::toml(path, "taxonomy", &text, &e))
    }
}

/// Position of the label that data set `set` calls `name`.
pub(crate) fn position(labels: &[Label], set: &str, name: &str) -> Option<usize> {
    labels.iter().position(|l| l.labels.get(set).is_some_and(|n| n == name))
}

/// Position of the label with `id`.
pub(crate) fn index(labels: &[Label], id: &str) -> Option<usize> {
    labels.iter().position(|l| l.id == id)
}

/// Which labels `set` has at all.
pub(crate) fn covered(labels: &[Label], set: &str) -> Vec<bool> {
    labels.iter().map(|l| l.labels.contains_key(set)).collect()
}
