//! An entry as its feed tells it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// One entry as the feed tells it; summary and content may hold markup.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Item {
    /// The publisher's id; feeds without one get a hash of link and title.
    pub id: String,
    pub title: String,
    /// The alternate one first.
    pub links: Vec<String>,
    pub published: Option<DateTime<Utc>>,
    pub updated: Option<DateTime<Utc>>,
    pub author: Option<String>,
    pub summary: Option<String>,
    pub content: Option<String>,
    /// As declared by the entry or its feed.
    pub lang: Option<String>,
}

impl Item {
    /// Has an id in the end.
    pub(super) fn finish(mut self, lang: Option<&str>) -> Self {
        if self.id.is_empty() {
            let link = self.links.first().map_or("", String::as_str);
            let hash = Sha256::digest(format!("{link}\n{}", self.title));
            self.id = hex::encode(hash.get(..16).unwrap_or_default());
        }
        self.lang = self.lang.or_else(|| lang.map(str::to_owned));
        self
    }
}
