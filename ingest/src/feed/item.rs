//! An entry as its feed tells it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// One entry as the feed tells it; summary and content may hold markup.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Item {
    /// The publisher's id; feeds without one get a hash of link and title, where one of them
    /// is missing with the text.
    pub id: String,
    pub title: String,
    /// All that it names, that of its document first.
    pub links: Vec<String>,
    /// The first of them is the one at which its document is; otherwise all lead elsewhere.
    #[serde(skip)]
    pub has_document: bool,
    pub published: Option<DateTime<Utc>>,
    pub updated: Option<DateTime<Utc>>,
    pub author: Option<String>,
    pub summary: Option<String>,
    pub content: Option<String>,
    /// As declared by the entry or its feed.
    pub lang: Option<String>,
}

/// What is read of an item beside its own fields.
#[derive(Debug, Default)]
pub(super) struct Aside {
    /// The rank of its date of publication.
    pub(super) rank: Option<u8>,
    /// Of the feed that it is from.
    pub(super) source_author: Option<String>,
    /// A text for want of another.
    pub(super) caption: Option<String>,
    /// In which its texts say that they are.
    pub(super) lang: Option<String>,
}

impl Item {
    /// With what stands beside its fields where they are empty.
    pub(super) fn completed(mut self, aside: Aside) -> Self {
        if self.content.is_none() {
            self.summary = self.summary.or(aside.caption);
        }
        self.lang = self.lang.or(aside.lang);
        self.author = self.author.or(aside.source_author);
        self
    }

    /// Has an id in the end, and what it inherits from its feed.
    pub(super) fn finish(mut self, lang: Option<&str>, author: Option<&str>) -> Self {
        if self.id.is_empty() {
            let hash = Sha256::digest(self.telling());
            self.id = hex::encode(hash.get(..16).unwrap_or_default());
        }
        self.lang = self.lang.or_else(|| lang.map(str::to_owned));
        self.author = self.author.or_else(|| author.map(str::to_owned));
        self
    }

    /// Bytes of its texts, without its addresses.
    pub(super) fn length(&self) -> usize {
        let optional = [&self.author, &self.summary, &self.content, &self.lang].into_iter().flatten();
        self.id.len() + self.title.len() + optional.map(String::len).sum::<usize>()
    }

    /// What tells it from other entries of its feed.
    fn telling(&self) -> String {
        let link = self.links.first().map_or("", String::as_str);
        let mut telling = format!("{link}\n{}", self.title);
        if link.is_empty() || self.title.is_empty() {
            for text in [&self.summary, &self.content].into_iter().flatten() {
                telling.push('\n');
                telling.push_str(text);
            }
        }
        telling
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_without_link_or_title_are_told_apart_by_their_texts() {
        let id = |link: &str, title: &str, text: &str| {
            let links = Some(link.to_owned()).filter(|link| !link.is_empty()).into_iter().collect();
            let item = Item { title: title.into(), links, summary: Some(text.into()), ..Item::default() };
            item.finish(None, None).id
        };
        let link = "https://e.com/live";
        for (link, title) in [("", ""), ("", "Flash"), (link, "")] {
            assert_ne!(id(link, title, "Bank falls."), id(link, title, "Bank rises."), "{link} {title}");
        }
        let of_both = hex::encode(&Sha256::digest("https://e.com/live\nFlash")[..16]);
        assert_eq!(id(link, "Flash", "Bank falls."), of_both, "as it always was");
    }
}
