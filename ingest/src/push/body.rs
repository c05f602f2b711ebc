//! What a pushed document looks like, and what is wrong with one that does not.

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use chrono::{DateTime, Datelike, Utc};
use regex::Regex;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tocsin_contract::{DocumentId, PublishedPrecision, Source, SourceKind};

use crate::canonical_url;
use crate::draft::{MAX_BODY, MAX_TITLE, Rough};
use crate::feed::plain;
use crate::redact::redact;

/// Longest fields, in characters; of title and text, what is longer would be cut.
const MAX_ID: usize = 1_000;
const MAX_NAME: usize = 200;
/// When something can have been published; the last as in feeds.
const YEARS: RangeInclusive<i32> = 1..=2200;

/// BCP 47: a primary language of two or three letters, and what tells it closer.
static LANGUAGE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new("^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,4}$").ok());

#[derive(Debug)]
struct Pushed {
    /// The sender's own id, unique within `source`; without it the URL or the text is.
    id: Option<String>,
    source: String,
    kind: SourceKind,
    publisher_family: Option<String>,
    url: Option<String>,
    title: Option<String>,
    text: Option<String>,
    published_at: Option<DateTime<Utc>>,
    author: Option<String>,
    lang: Option<String>,
}

impl Pushed {
    /// `Err` names the field that is wrong.
    fn read(value: Value) -> Result<Self, String> {
        let Value::Object(mut fields) = value else { return Err("it is no JSON object".to_owned()) };
        let text: Option<String> = take(&mut fields, "text")?;
        let body: Option<String> = take(&mut fields, "body")?;
        if text.is_some() && body.is_some() {
            return Err("text and body are one field".to_owned());
        }
        let pushed = Self {
            id: take(&mut fields, "id")?,
            source: take(&mut fields, "source")?.ok_or("missing field `source`")?,
            kind: take(&mut fields, "kind")?.unwrap_or(SourceKind::Feedback),
            publisher_family: take(&mut fields, "publisher_family")?,
            url: take(&mut fields, "url")?,
            title: take(&mut fields, "title")?,
            text: text.or(body),
            published_at: take(&mut fields, "published_at")
                .map_err(|cause| format!("{cause}; write it as 2024-05-06T10:30:00Z"))?,
            author: take(&mut fields, "author")?,
            lang: take(&mut fields, "lang")?,
        };
        match fields.keys().next() {
            Some(name) => Err(format!("unknown field `{name}`")),
            None => pushed.within_limits(),
        }
    }

    /// What would be cut, or stored where it does not belong, is refused.
    fn within_limits(self) -> Result<Self, String> {
        for (name, field, most) in [
            ("id", &self.id, MAX_ID),
            ("title", &self.title, MAX_TITLE),
            ("text", &self.text, MAX_BODY),
            ("author", &self.author, MAX_NAME),
        ] {
            if field.as_ref().is_some_and(|field| field.chars().count() > most) {
                return Err(format!("{name}: it has more than {most} characters"));
            }
        }
        if self.id.as_ref().is_some_and(|id| id.trim().is_empty()) {
            return Err("id: it is empty".to_owned());
        }
        for (name, field) in
            [("source", Some(&self.source)), ("publisher_family", self.publisher_family.as_ref())]
        {
            if let Some(cause) = field.and_then(|field| no_name(field)) {
                return Err(format!("{name}: {cause}"));
            }
        }
        let is_language = |lang: &str| LANGUAGE.as_ref().is_some_and(|tag| tag.is_match(lang));
        if self.lang.as_ref().is_some_and(|lang| !is_language(lang)) {
            return Err("lang: it is no language tag of BCP 47, as `en` or `zh-Hans`".to_owned());
        }
        if self.published_at.is_some_and(|at| !YEARS.contains(&at.year())) {
            return Err("published_at: its year is not between 1 and 2200".to_owned());
        }
        Ok(self)
    }
}

/// Takes a field out; `None`: it is not there, or null. `Err` names it.
fn take<T: DeserializeOwned>(fields: &mut Map<String, Value>, name: &str) -> Result<Option<T>, String> {
    let value = fields.remove(name).unwrap_or_default();
    if value.as_str().is_some_and(|text| text.contains('\0')) {
        return Err(format!("{name}: it has the character NUL in it"));
    }
    serde_json::from_value(value).map_err(|cause| format!("{name}: {cause}"))
}

/// Why a text is no name of a source or of a family of them: such a name is written as it is.
fn no_name(text: &str) -> Option<&'static str> {
    if text.trim().is_empty() {
        return Some("it is empty");
    }
    if text.chars().count() > MAX_NAME {
        return Some("it has more than 200 characters");
    }
    if text.contains(char::is_control) {
        return Some("it has a character in it that cannot be shown");
    }
    (redact(text).1 > 0).then_some("it has a personal detail in it")
}

/// The documents of a JSON object, a JSON array or NDJSON; all or none.
pub(super) fn roughs(bytes: &[u8]) -> Result<Vec<Rough>, String> {
    let text = std::str::from_utf8(bytes).map_err(|cause| format!("the body is not UTF-8: {cause}"))?;
    // Files of some systems begin with the mark of their encoding.
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err("the body is empty".to_owned());
    }
    if text.starts_with('[') {
        let all: Vec<Value> =
            serde_json::from_str(text).map_err(|cause| format!("the body is not JSON: {cause}"))?;
        return numbered("document", all.into_iter().map(Ok));
    }
    if let Ok(one) = serde_json::from_str(text) {
        return numbered("document", [Ok(one)]);
    }
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    numbered("line", lines.map(|line| serde_json::from_str(line).map_err(|cause| cause.to_string())))
}

fn numbered(unit: &str, all: impl IntoIterator<Item = Result<Value, String>>) -> Result<Vec<Rough>, String> {
    let read = |(place, value): (usize, Result<Value, String>)| {
        let read = value.and_then(Pushed::read).and_then(rough);
        read.map_err(|cause| format!("{unit} {place}: {cause}"))
    };
    (1..).zip(all).map(read).collect()
}

fn rough(pushed: Pushed) -> Result<Rough, String> {
    let title = pushed.title.as_deref().map(plain).unwrap_or_default();
    let body = pushed.text.as_deref().map(plain).unwrap_or_default();
    if title.is_empty() && body.is_empty() {
        return Err("neither title nor text has any text".to_owned());
    }
    let canonical = match &pushed.url {
        Some(url) => Some(canonical_url(url).ok_or_else(|| format!("url {url:?} is no web address"))?),
        None => None,
    };
    let id = match (&pushed.id, &canonical) {
        (Some(id), _) => DocumentId::from_native(&pushed.source, id),
        (None, Some(url)) => DocumentId::from_canonical_url(url),
        (None, None) => DocumentId::from_native(&pushed.source, &format!("{title}\n{body}")),
    };
    Ok(Rough {
        id,
        source: Source {
            publisher_family: pushed.publisher_family.unwrap_or_else(|| pushed.source.clone()),
            id: pushed.source,
            kind: pushed.kind,
        },
        url: pushed.url,
        canonical_url: canonical,
        author: pushed.author,
        lang: pushed.lang,
        title,
        body,
        published: pushed.published_at.map(|at| (at, PublishedPrecision::Exact)),
        engagement: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_an_array_and_lines_are_read_alike() {
        let one = r#"{"source":"crm","text":"App crashes at login","id":"17"}"#;
        let ids = |body: &str| roughs(body.as_bytes()).unwrap().iter().map(|d| d.id).collect::<Vec<_>>();
        assert_eq!(ids(one), ids(&format!("[{one}]")));
        assert_eq!(ids(&format!("{one}\n\n{one}\n")).len(), 2);
        assert_eq!(ids(&format!("\u{feff}{one}\r\n{one}\r\n")).len(), 2);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let error = |body: &str| roughs(body.as_bytes()).unwrap_err();
        assert!(
            error("{\"source\":\"s\",\"text\":\"x\"}\n{\"source\":\"s\"}").starts_with("line 2: neither")
        );
        assert!(error(r#"[{"text":"x"}]"#).starts_with("document 1: missing field `source`"));
        assert!(error(r#"{"source":"s","text":"x","sauce":1}"#).contains("sauce"));
        let whole = r#"{"source":"s","text":7}"#;
        for body in [whole.to_owned(), format!("[{whole}]")] {
            assert!(error(&body).starts_with("document 1: text: invalid type: integer `7`"), "{body}");
        }
        assert!(error(&format!("{whole}\n{whole}")).starts_with("line 1: text: "));
        assert!(error(r#"{"source":"s","text":"x","kind":"gossip"}"#).starts_with("document 1: kind: "));
        let day = error(r#"{"source":"s","text":"x","published_at":"2024-05-06"}"#);
        assert!(day.starts_with("document 1: published_at: ") && day.contains("as 2024-05-06T"), "{day}");
        assert!(error(r#"{"source":"a\u0000","text":"x"}"#).starts_with("document 1: source: it has"));
        assert!(error(r#"{"source":"s","text":"x","body":"y"}"#).contains("text and body"));
        assert!(error("[7]").starts_with("document 1: it is no JSON object"));
        assert!(error(r#"{"source":"s","text":"x","url":"ftp://a/b"}"#).contains("ftp://a/b"));
        assert_eq!(error(" "), "the body is empty");
    }

    #[test]
    fn what_would_be_cut_or_belongs_elsewhere_is_refused_by_its_field() {
        let whole = |name: &str, value: Value| {
            let mut document = serde_json::json!({"source": "s", "text": "x"});
            document[name] = value;
            roughs(document.to_string().as_bytes()).map(drop)
        };
        let wrong = [
            ("text", "x".repeat(MAX_BODY + 1)),
            ("title", "x".repeat(MAX_TITLE + 1)),
            ("id", String::new()),
            ("id", "x".repeat(MAX_ID + 1)),
            ("author", "x".repeat(MAX_NAME + 1)),
            ("source", " ".to_owned()),
            ("source", "x".repeat(MAX_NAME + 1)),
            ("source", "jane@example.com".to_owned()),
            ("publisher_family", "a\nb".to_owned()),
            ("publisher_family", "call 13812345678".to_owned()),
            ("lang", "jane@example.com".to_owned()),
            ("lang", "english".to_owned()),
            ("lang", String::new()),
            ("published_at", "-200000-01-01T00:00:00Z".to_owned()),
            ("published_at", "+262000-01-01T00:00:00Z".to_owned()),
        ];
        for (name, value) in wrong {
            let cause = whole(name, Value::from(value)).unwrap_err();
            assert!(cause.starts_with(&format!("document 1: {name}: ")), "{cause}");
        }
        for (name, value) in [
            ("text", "银".repeat(MAX_BODY)),
            ("title", "银".repeat(MAX_TITLE)),
            ("lang", "zh-Hans-CN".to_owned()),
            ("source", "客服 / app store".to_owned()),
            ("published_at", "0001-01-01T00:00:00Z".to_owned()),
        ] {
            whole(name, Value::from(value)).unwrap();
        }
    }
}
