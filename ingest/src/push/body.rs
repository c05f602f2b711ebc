//! What a pushed document looks like, and what is wrong with one that does not.

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tocsin_contract::{DocumentId, PublishedPrecision, Source, SourceKind};

use crate::canonical_url;
use crate::draft::Rough;
use crate::feed::plain;

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
            published_at: take(&mut fields, "published_at")?,
            author: take(&mut fields, "author")?,
            lang: take(&mut fields, "lang")?,
        };
        match fields.keys().next() {
            Some(name) => Err(format!("unknown field `{name}`")),
            None => Ok(pushed),
        }
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

/// The documents of a JSON object, a JSON array or NDJSON; all or none.
pub(super) fn roughs(bytes: &[u8]) -> Result<Vec<Rough>, String> {
    let text = std::str::from_utf8(bytes).map_err(|cause| format!("the body is not UTF-8: {cause}"))?;
    let text = text.trim();
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
    if pushed.source.trim().is_empty() {
        return Err("source is empty".to_owned());
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
        assert!(error(r#"{"source":"s","text":"x","published_at":"soon"}"#).contains("1: published_at: "));
        assert!(error(r#"{"source":"a\u0000","text":"x"}"#).starts_with("document 1: source: it has"));
        assert!(error(r#"{"source":"s","text":"x","body":"y"}"#).contains("text and body"));
        assert!(error("[7]").starts_with("document 1: it is no JSON object"));
        assert!(error(r#"{"source":"s","text":"x","url":"ftp://a/b"}"#).contains("ftp://a/b"));
        assert_eq!(error(" "), "the body is empty");
    }
}
