//! JSON Feed 1.0 and 1.1. Keeps only the fields it knows, and of a list no more than a
//! feed may hold: what else a document is stuffed with takes no memory. What is odd, a field
//! or an item, costs no more than itself.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use url::Url;

use super::bounds::{self, MAX_ADDRESS, MAX_AUTHOR, MAX_ENTRIES, MAX_FIELD, MAX_TEXTS, start_of};
use super::item::Item;
use super::links::resolved;
use super::{dates, fold, is_web, plain};
use crate::json;

/// Hands over the items of a feed in their order. `url` resolves relative links.
pub(super) fn each(text: &str, url: Option<&str>, keep: &mut dyn FnMut(Item)) -> Result<(), String> {
    let Loosely(feed): Loosely<Feed> =
        json::parsed(text).map_err(|cause| format!("no feed: not JSON Feed: {cause}"))?;
    let entries = feed.items.0.ok_or("no feed: JSON without a list of items")?;
    let (lang, author) = (language(feed.language), author(feed.authors, feed.author));
    let base = url.and_then(|url| Url::parse(url).ok());
    let mut length = 0;
    for entry in entries {
        let item = item(entry, base.as_ref()).finish(lang.as_deref(), author.as_deref());
        length += item.length() + item.links.iter().map(String::len).sum::<usize>();
        if length > MAX_TEXTS {
            break;
        }
        keep(item);
    }
    Ok(())
}

fn item(entry: Entry, base: Option<&Url>) -> Item {
    let date = |text: Text| text.0.and_then(|text| dates::instant(&text));
    let escaped = |text: Text| text.0.map(|text| super::xml::escape(&text));
    let addresses = [entry.url.0, entry.external_url.0].into_iter().flatten();
    let addresses = addresses.filter(|url| !url.trim().is_empty() && url.len() <= MAX_ADDRESS);
    let addresses = addresses.map(|url| whole(url, base));
    let links: Vec<String> = addresses.filter(|url| url.len() <= MAX_ADDRESS).collect();
    Item {
        id: entry.id.0.unwrap_or_default(),
        title: plain(&entry.title.0.unwrap_or_default()),
        has_document: links.first().is_some_and(|url| is_web(url)),
        links,
        published: date(entry.date_published),
        updated: date(entry.date_modified),
        author: author(entry.authors, entry.author),
        summary: escaped(entry.summary),
        content: entry.content_html.0.or_else(|| escaped(entry.content_text)),
        lang: language(entry.language),
    }
}

/// An address that is whole as it is written, another one as it stands to the base.
fn whole(address: String, base: Option<&Url>) -> String {
    let is_relative = Url::parse(&address) == Err(url::ParseError::RelativeUrlWithoutBase);
    if is_relative { resolved(&address, base) } else { address }
}

fn language(text: Text) -> Option<String> {
    bounds::language(&text.0?)
}

/// As version 1.1 names them, or else as 1.0 does.
fn author(authors: Person, author: Person) -> Option<String> {
    authors.0.or(author.0).map(|name| fold(&name)).filter(|name| !name.is_empty())
}

/// What can be read from any value: nothing, where the value is of a kind that it does not say
/// how to read.
trait Loose: Default {
    fn of_text(_text: &str) -> Self {
        Self::default()
    }

    /// The rest of the list is passed over.
    fn of_list<'de, A: SeqAccess<'de>>(_list: &mut A) -> Result<Self, A::Error> {
        Ok(Self::default())
    }

    /// Of an object, before its fields are read.
    fn of_object() -> Self {
        Self::default()
    }

    /// Takes the value of a field; of two of one name the last holds.
    fn take<'de, A: MapAccess<'de>>(&mut self, _field: &str, object: &mut A) -> Result<(), A::Error> {
        object.next_value::<IgnoredAny>().map(drop)
    }
}

struct Loosely<T>(T);

struct Any<T>(PhantomData<T>);

impl<'de, T: Loose> Deserialize<'de> for Loosely<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any::<T>(PhantomData)).map(Self)
    }
}

impl<'de, T: Loose> Visitor<'de> for Any<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_str<E>(self, text: &str) -> Result<T, E> {
        Ok(T::of_text(text))
    }
    fn visit_i64<E>(self, number: i64) -> Result<T, E> {
        Ok(T::of_text(&number.to_string()))
    }
    fn visit_u64<E>(self, number: u64) -> Result<T, E> {
        Ok(T::of_text(&number.to_string()))
    }
    fn visit_f64<E>(self, number: f64) -> Result<T, E> {
        Ok(T::of_text(&number.to_string()))
    }
    fn visit_bool<E>(self, _: bool) -> Result<T, E> {
        Ok(T::default())
    }
    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::default())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<T, A::Error> {
        let value = T::of_list(&mut list)?;
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(value)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<T, A::Error> {
        let mut value = T::of_object();
        while let Some(field) = object.next_key::<String>()? {
            value.take(&field, &mut object)?;
        }
        Ok(value)
    }
}

/// The next value of an object.
fn next<'de, T: Loose, A: MapAccess<'de>>(object: &mut A) -> Result<T, A::Error> {
    object.next_value::<Loosely<T>>().map(|Loosely(value)| value)
}

#[derive(Default)]
struct Feed {
    items: Entries,
    language: Text,
    author: Person,
    authors: Person,
}

impl Loose for Feed {
    fn take<'de, A: MapAccess<'de>>(&mut self, field: &str, object: &mut A) -> Result<(), A::Error> {
        match field {
            "items" => self.items = next(object)?,
            "language" => self.language = next(object)?,
            "author" => self.author = next(object)?,
            "authors" => self.authors = next(object)?,
            _ => return object.next_value::<IgnoredAny>().map(drop),
        }
        Ok(())
    }
}

/// The first entries of a list; `None`: it is none.
#[derive(Default)]
struct Entries(Option<Vec<Entry>>);

impl Loose for Entries {
    fn of_list<'de, A: SeqAccess<'de>>(list: &mut A) -> Result<Self, A::Error> {
        let mut entries = Vec::new();
        while entries.len() < MAX_ENTRIES
            && let Some(Loosely(entry)) = list.next_element::<Loosely<Entry>>()?
        {
            entries.extend(Some(entry).filter(|entry| entry.is_object));
        }
        Ok(Self(Some(entries)))
    }
}

#[derive(Default)]
struct Entry {
    is_object: bool,
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

impl Loose for Entry {
    fn of_object() -> Self {
        Self { is_object: true, ..Self::default() }
    }

    fn take<'de, A: MapAccess<'de>>(&mut self, field: &str, object: &mut A) -> Result<(), A::Error> {
        let text = match field {
            "id" => &mut self.id,
            "url" => &mut self.url,
            "external_url" => &mut self.external_url,
            "title" => &mut self.title,
            "content_html" => &mut self.content_html,
            "content_text" => &mut self.content_text,
            "summary" => &mut self.summary,
            "date_published" => &mut self.date_published,
            "date_modified" => &mut self.date_modified,
            "language" => &mut self.language,
            "author" => return next(object).map(|person| self.author = person),
            "authors" => return next(object).map(|person| self.authors = person),
            _ => return object.next_value::<IgnoredAny>().map(drop),
        };
        *text = next(object)?;
        Ok(())
    }
}

/// The beginning of a text, or a number.
#[derive(Default)]
struct Text(Option<String>);

impl Loose for Text {
    fn of_text(text: &str) -> Self {
        Self(Some(start_of(text, MAX_FIELD).to_owned()))
    }
}

/// The name of a person, or of the first of a list of them.
#[derive(Default)]
struct Person(Option<String>);

impl Loose for Person {
    fn of_text(name: &str) -> Self {
        Self(Some(start_of(name, MAX_AUTHOR).to_owned()))
    }

    fn of_list<'de, A: SeqAccess<'de>>(list: &mut A) -> Result<Self, A::Error> {
        Ok(list.next_element::<Loosely<Self>>()?.map_or_else(Self::default, |Loosely(person)| person))
    }

    fn take<'de, A: MapAccess<'de>>(&mut self, field: &str, object: &mut A) -> Result<(), A::Error> {
        if field == "name" {
            let Text(name) = next(object)?;
            self.0 = name.map(|name| start_of(&name, MAX_AUTHOR).to_owned());
            return Ok(());
        }
        object.next_value::<IgnoredAny>().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::super::items as of_bytes;
    use super::*;

    fn items(text: &str) -> Result<Vec<Item>, String> {
        of_bytes(text.as_bytes(), None, None)
    }

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

    #[test]
    fn a_relative_address_stands_to_that_of_the_feed() {
        for (written, meant) in [
            (r#""url":"/1""#, Some("https://e.com/1")),
            (r#""external_url":"2?a=b""#, Some("https://e.com/feeds/2?a=b")),
            (r#""url":"https://f.com""#, Some("https://f.com")),
            (r#""url":"","external_url":"/3""#, Some("https://e.com/3")),
            (r#""url":" ""#, None),
        ] {
            let feed = format!("{{\"items\":[{{{written}}}]}}");
            let item =
                of_bytes(feed.as_bytes(), None, Some("https://e.com/feeds/all.json")).unwrap().remove(0);
            assert_eq!(item.links.first().map(String::as_str), meant, "{written}");
            assert_eq!(item.has_document, meant.is_some(), "{written}");
        }
    }

    #[test]
    fn an_odd_item_costs_no_other() {
        let good = r#"{"id":"1","title":"Bank falls"}"#;
        for odd in [
            "null",
            "7",
            "[[1],{}]",
            "\"text\"",
            r#"{"id":"2","id":"0","title":true,"authors":5,"author":[[]]}"#,
            "{\"id\":\"0\",\"title\":\"raw\ttab\nand line\"}",
            r#"{"id":"0","title":"half a pair \ud83d","summary":"\ude00\ud83d\u0041"}"#,
        ] {
            let feed = format!("{{\"items\":7,\"items\":[{odd},{good}]}}");
            let read = items(&feed).unwrap();
            assert_eq!(read.last().unwrap().title, "Bank falls", "{odd}");
            assert!(read.len() == 1 || read[0].id == "0", "{odd}: {read:?}");
        }
        assert!(items("{\"items\":{}}").is_err());
    }

    #[test]
    fn an_item_without_an_author_has_that_of_its_feed() {
        for author in [r#""authors":[{"name":" The  desk "}]"#, r#""author":{"name":"The desk"}"#] {
            let own = r#"{"authors":[{"name":"Ann"}]},{"author":{"name":"Bo"}}"#;
            let read = items(&format!("{{\"items\":[{{}},{own},{{\"authors\":[]}}],{author}}}")).unwrap();
            let authors: Vec<&str> = read.iter().filter_map(|item| item.author.as_deref()).collect();
            assert_eq!(authors, ["The desk", "Ann", "Bo", "The desk"], "{author}");
        }
    }

    #[test]
    fn what_is_mended_is_read_as_it_was_meant() {
        let read = items("{\"items\":[{\"title\":\"A\tB \\ud83d C \\ud83d\\ude00\"}]}").unwrap();
        assert_eq!(read[0].title, "A B \u{fffd} C 😀");
    }
}
