//! The streams of a Mastodon server: new and edited posts, and deletions.

use reqwest::header::HeaderName;
use secrecy::ExposeSecret;
use serde_json::Value;
use url::Url;

use super::connection::Message;
use super::{Heard, Words};
use crate::config::SourceConfig;
use crate::json::{self, Item, Unusable};

pub(super) struct Reader {
    pub(super) url: Url,
    posts: json::Reader,
    words: Words,
}

impl Reader {
    pub(super) fn of(source: &SourceConfig) -> Result<Self, String> {
        let url = source.stream.as_deref().unwrap_or_default();
        let url = Url::parse(url).map_err(|cause| format!("stream {url:?}: {cause}"))?;
        let words = Words::of(&source.filter.clone().unwrap_or_default())?;
        Ok(Self { url, posts: json::Reader::of(source)?, words })
    }

    pub(super) fn secret<'a>(&'a self, source: &'a SourceConfig) -> Option<(&'a HeaderName, &'a str)> {
        let secret = source.json.as_ref()?.authorization.as_ref()?;
        Some((&self.posts.header, secret.expose_secret()))
    }

    pub(super) fn read(&self, message: &Message) -> Heard {
        let item = match message.name.as_str() {
            "update" | "status.update" => Some(self.post(&message.data)),
            "delete" => Some(Item::Deleted(message.data.trim().to_owned())),
            _ => None,
        };
        let is_wanted = |item: &Item| match item {
            Item::Post(post) => self.words.admit(post),
            Item::Deleted(_) | Item::Left(_) | Item::Unusable(_) => true,
        };
        Heard { item: item.filter(is_wanted), cursor: None }
    }

    fn post(&self, data: &str) -> Item {
        match serde_json::from_str::<Value>(data) {
            Ok(status) => self.posts.item(&status, Some(&self.url)),
            Err(_) => Item::Unusable(Unusable { json: data.to_owned(), cause: "no JSON".to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Post;

    fn read(name: &str, data: &str) -> Option<Item> {
        let source = "id = 's'\nurl = 'https://coast.example/api/v1/timelines/public'\nformat = 'mastodon'\n\
                      stream = 'https://coast.example/api/v1/streaming/public'\nfilter.words = ['bank']";
        let reader = Reader::of(&toml::from_str(source).unwrap()).unwrap();
        reader.read(&Message { name: name.into(), data: data.into() }).item
    }

    #[test]
    fn posts_edits_and_deletions_are_told_apart_and_all_else_is_passed_over() {
        let status = r#"{"id":"9","created_at":"2023-03-10T15:30:00Z","content":"<p>My bank &amp; me</p>",
                         "account":{"acct":"ada"},"url":"https://coast.example/@ada/9"}"#;
        for name in ["update", "status.update"] {
            let Some(Item::Post(Post { id, text, .. })) = read(name, status) else { panic!("{name}") };
            assert_eq!((id.as_str(), text.as_str()), ("9", "My bank & me"));
        }
        assert_eq!(read("update", &status.replace("bank", "cat")), None);
        assert_eq!(read("delete", "9"), Some(Item::Deleted("9".into())));
        assert_eq!(read("filters_changed", ""), None);
        assert!(matches!(read("update", "{"), Some(Item::Unusable(_))));
        let Some(Item::Unusable(bad)) = read("update", r#"{"id":"9","content":"x"}"#) else { panic!() };
        assert_eq!(bad.cause, "no usable \"created_at\"");
    }
}
