//! One line of a replay file, and the document it stands for.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};
use tocsin_contract::{Document, DocumentId, PublishedPrecision, Source, SourceKind, revision_of};

/// The form of a replay file's lines.
#[derive(Debug, Deserialize)]
pub(crate) struct Line {
    pub(crate) published: DateTime<Utc>,
    source: String,
    #[serde(default, deserialize_with = "or_empty")]
    title: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    link: Option<String>,
}

impl Line {
    /// Reads one line, or says what is wrong with it. One dated after `now` would move the stream's clock
    /// past all that follows. NUL, which no table takes, is left out as ingest does.
    pub(crate) fn parse(text: &str, now: DateTime<Utc>) -> Result<Self, String> {
        // Some editors write a byte order mark before a file.
        let text = text.trim_start_matches('\u{feff}');
        let mut line: Self = serde_json::from_str(text).map_err(|cause| cause.to_string())?;
        let texts = [&mut line.source, &mut line.title].into_iter();
        for text in texts.chain(&mut line.description).chain(&mut line.link) {
            text.retain(|c| c != '\0');
        }
        if line.published > now {
            return Err(format!("field \"published\" lies in the future: {}", line.published));
        }
        if line.title.trim().is_empty() && line.description.as_deref().unwrap_or("").trim().is_empty() {
            return Err("neither title nor description has text".to_owned());
        }
        if line.source.trim().is_empty() {
            return Err("field \"source\" is empty".to_owned());
        }
        Ok(line)
    }

    /// The document as ingest would have published it on the day: first seen when
    /// it was published.
    pub(crate) fn into_document(self) -> Document {
        let body = self.description.unwrap_or_default();
        let canonical_url = self.link.as_deref().and_then(tocsin_ingest::canonical_url);
        let id = match &canonical_url {
            Some(url) => DocumentId::from_canonical_url(url),
            None => DocumentId::from_native(
                &self.source,
                &format!("{} {} {body}", self.published.to_rfc3339(), self.title),
            ),
        };
        Document {
            id,
            revision: revision_of(&self.title, &body),
            lang: tocsin_ingest::language_of(&self.title, &body).to_owned(),
            source: Source { id: self.source.clone(), kind: SourceKind::News, publisher_family: self.source },
            url: self.link,
            canonical_url,
            author_hash: None,
            title: self.title,
            body,
            published_at: Some(self.published),
            published_precision: PublishedPrecision::Exact,
            first_seen_at: self.published,
            fetched_at: self.published,
            engagement: None,
            redactions: 0,
            is_backfill: false,
        }
    }
}

fn or_empty<'de, D: Deserializer<'de>>(text: D) -> Result<String, D::Error> {
    Option::deserialize(text).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"published":"2023-03-10T16:00:00Z","source":"example.com","title":"Bank fails","description":"Regulators close it.","link":"https://Example.com/a?utm_source=x"}"#;

    fn read(text: &str) -> Result<Line, String> {
        Line::parse(text, "2023-03-11T00:00:00Z".parse().unwrap())
    }

    #[test]
    fn a_line_of_the_future_is_refused() {
        let future = LINE.replace("2023-03-10", "2203-03-10");
        assert!(read(&future).unwrap_err().contains("future"));
    }

    #[test]
    fn a_line_becomes_a_document_first_seen_when_it_was_published() {
        let document = read(LINE).unwrap().into_document();
        assert_eq!(document.first_seen_at, document.published_at.unwrap());
        assert_eq!(document.canonical_url.as_deref(), Some("https://example.com/a"));
        assert_eq!(document.id, DocumentId::from_canonical_url("https://example.com/a"));
    }

    #[test]
    fn a_line_without_a_link_has_an_id_of_its_own() {
        let without = LINE.replace(r#","link":"https://Example.com/a?utm_source=x""#, "");
        let other = without.replace("Bank fails", "Bank thrives");
        let id = |text: &str| read(text).unwrap().into_document().id;
        assert_eq!(id(&without), id(&without));
        assert_ne!(id(&without), id(&other));
    }

    #[test]
    fn nul_is_left_out_of_every_text() {
        let told = ["source", "title", "description", "link"].iter().fold(LINE.to_owned(), |line, field| {
            line.replace(&format!("\"{field}\":\""), &format!("\"{field}\":\"\\u0000"))
        });
        assert_eq!(told.matches("u0000").count(), 4);
        assert_eq!(read(&told).unwrap().into_document(), read(LINE).unwrap().into_document());
        let empty = r#"{"published":"2023-03-10T16:00:00Z","source":"example.com","title":"\u0000"}"#;
        assert!(read(empty).is_err());
    }

    #[test]
    fn a_mark_of_utf_8_and_a_title_that_is_null_are_no_reason_to_refuse() {
        let marked = format!("\u{feff}{LINE}");
        assert_eq!(read(&marked).unwrap().into_document(), read(LINE).unwrap().into_document());
        let untitled = LINE.replace("\"Bank fails\"", "null");
        assert_eq!(read(&untitled).unwrap().into_document().title, "");
    }

    #[test]
    fn a_line_without_text_or_time_is_refused_with_the_reason() {
        let empty = r#"{"published":"2023-03-10T16:00:00Z","source":"example.com","title":" "}"#;
        assert!(read(empty).unwrap_err().contains("neither title nor description"));
        assert!(read(r#"{"source":"x","title":"y"}"#).unwrap_err().contains("published"));
        assert!(read("{oops").is_err());
    }
}
