//! JSON Feed 1.0 and 1.1. Keeps only the fields it knows, and of a list no more than a
//! feed may hold: what else a document is stuffed with takes no memory.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::item::Item;
use super::{MAX_ENTRIES, dates, fold, plain};

pub(super) fn items(text: &str) -> Result<Vec<Item>, String> {
    let feed: Feed =
        serde_json::from_str(text).map_err(|cause| format!("no feed: not JSON Feed: {cause}"))?;
    let Entries(items) = feed.items.ok_or("no feed: JSON without a list of items")?;
    Ok(items.into_iter().map(|entry| item(entry).finish(feed.language.0.as_deref())).collect())
}

#[derive(serde::Deserialize)]
struct Feed {
    items: Option<Entries>,
    #[serde(default)]
    language: Text,
}

#[derive(serde::Deserialize)]
#[serde(default)]
#[derive(Default)]
struct JsonItem {
    id: Text,
    url: Text,
    external_url: Text,
    title: Text,
    content_html: Text,
    content_text: Text,
    summary: Text,
    date_published: Text,
    date_modified: Text,
    language: Text,
    author: Person,
    authors: Person,
}

fn item(entry: JsonItem) -> Item {
    let date = |text: Text| text.0.and_then(|text| dates::instant(&text));
    let escaped = |text: Text| text.0.map(|text| super::xml::escape(&text));
    let author = entry.authors.0.or(entry.author.0).map(|name| fold(&name));
    Item {
        id: entry.id.0.unwrap_or_default(),
        title: plain(&entry.title.0.unwrap_or_default()),
        links: [entry.url.0, entry.external_url.0].into_iter().flatten().collect(),
        published: date(entry.date_published),
        updated: date(entry.date_modified),
        author: author.filter(|name| !name.is_empty()),
        summary: escaped(entry.summary),
        content: entry.content_html.0.or_else(|| escaped(entry.content_text)),
        lang: entry.language.0,
    }
}

/// The first entries of a list.
struct Entries(Vec<JsonItem>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Entries;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of items")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Entries, A::Error> {
                let mut items = Vec::new();
                while items.len() < MAX_ENTRIES
                    && let Some(item) = list.next_element()?
                {
                    items.push(item);
                }
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Entries(items))
            }
        }
        deserializer.deserialize_seq(List)
    }
}

/// A text or number; anything else is nothing.
#[derive(Default)]
struct Text(Option<String>);

/// The name of a person, or of the first of a list of them.
#[derive(Default)]
struct Person(Option<String>);

struct AnyText;

impl<'de> Visitor<'de> for AnyText {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_str<E>(self, text: &str) -> Result<Option<String>, E> {
        Ok(Some(text.to_owned()))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Option<String>, E> {
        Ok(Some(number.to_string()))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Option<String>, E> {
        Ok(Some(number.to_string()))
    }
    fn visit_f64<E>(self, number: f64) -> Result<Option<String>, E> {
        Ok(Some(number.to_string()))
    }
    fn visit_bool<E>(self, _: bool) -> Result<Option<String>, E> {
        Ok(None)
    }
    fn visit_unit<E>(self) -> Result<Option<String>, E> {
        Ok(None)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Option<String>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<String>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

struct AnyPerson;

impl<'de> Visitor<'de> for AnyPerson {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a person")
    }
    fn visit_str<E>(self, name: &str) -> Result<Option<String>, E> {
        Ok(Some(name.to_owned()))
    }
    fn visit_unit<E>(self) -> Result<Option<String>, E> {
        Ok(None)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Option<String>, A::Error> {
        let first = list.next_element::<Person>()?;
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(first.and_then(|person| person.0))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<String>, A::Error> {
        let mut name = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == "name" {
                name = map.next_value::<Text>()?.0;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(name)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyText).map(Self)
    }
}

impl<'de> Deserialize<'de> for Person {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyPerson).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_are_read_and_what_is_odd_is_left_out() {
        let feed = r#"{"version":"https://jsonfeed.org/version/1","language":"en","items":[
            {"id":7,"url":"https://e.com/1","title":"A &amp; B","content_text":"1 < 2","author":{"name":"Ann"},"tags":["x"]},
            {"id":"8","authors":[{"url":"u","name":"Bo"}],"date_published":"2024-05-06T10:00:00Z","summary":null,"title":[1]}]}"#;
        let read = items(feed).unwrap();
        assert_eq!(
            (read[0].id.as_str(), read[0].title.as_str(), read[0].author.as_deref()),
            ("7", "A & B", Some("Ann"))
        );
        assert_eq!((read[0].content.as_deref(), read[0].lang.as_deref()), (Some("1 &lt; 2"), Some("en")));
        assert_eq!((read[1].author.as_deref(), read[1].title.as_str()), (Some("Bo"), ""));
        assert_eq!(read[1].published.unwrap().timestamp(), 1_714_989_600);
    }
}
