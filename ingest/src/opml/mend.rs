//! OPML as people and programs write it: with bare ampersands, and with outlines that are
//! no XML. One of these costs no more than itself.

use std::error::Error;
use std::sync::LazyLock;

use opml::OPML;
use regex::Regex;

/// Type of an outline that stands for one which cannot be read; its description says why.
pub(super) const UNREADABLE: &str = "unreadable";

/// Of an outline that cannot be read so many characters are shown.
const SHOWN: usize = 80;

pub(super) fn parsed(text: &str) -> Result<OPML, String> {
    let text = mended(text);
    let list = OPML::from_str(&text).or_else(|_| OPML::from_str(&with_stand_ins(&text)));
    let body = || OPML::from_str(&with_stand_ins(&body_alone(&text)?)).ok();
    list.or_else(|cause| body().ok_or_else(|| told(&cause)))
}

/// The list without its head and with a version: these may be what cannot be read, and nobody needs them.
fn body_alone(text: &str) -> Option<String> {
    let (_, list) = text.split_once("<opml")?;
    let (_, body) = list.split_once("<body")?;
    let (body, _) = body.rsplit_once("</body>")?;
    Some(format!("<opml version=\"2.0\"><body{body}</body></opml>"))
}

/// The crate's own words, and what they do not tell.
fn told(error: &opml::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// Ampersands that begin no reference as references to themselves, and control characters,
/// which XML has not, as spaces.
fn mended(text: &str) -> String {
    let mut parts = text.split('&');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(if is_reference(part) { "&" } else { "&amp;" });
        out.push_str(part);
    }
    out.replace(|c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r'), " ")
}

/// Whether `&` before this refers to a character, by a name that XML knows or by a number.
fn is_reference(text: &str) -> bool {
    let Some((name, _)) = text.split_once(';') else { return false };
    let number = match name.strip_prefix("#x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => name.strip_prefix('#').and_then(|digits| digits.parse().ok()),
    };
    let is_known = ["amp", "lt", "gt", "quot", "apos"].contains(&name);
    is_known || number.and_then(char::from_u32).is_some_and(|c| c != '\0')
}

/// The list with a stand-in for each outline that cannot be read on its own; what lies in
/// one is kept.
fn with_stand_ins(text: &str) -> String {
    const TAG: &str = "<outline";
    let mut pieces = text.split(TAG);
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (tag, after) = piece.split_at(end_of_tag(piece));
        out.push_str(TAG);
        match stand_in(tag) {
            Some(stand_in) => out.push_str(&stand_in),
            None => out.push_str(tag),
        }
        out.push_str(after);
    }
    out
}

/// Where the tag ends whose attributes `text` begins with: outside quotes, or at the first
/// `>` where a quote is not closed.
fn end_of_tag(text: &str) -> usize {
    static WHOLE: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r#"^([^<>"']|"[^<"]*"|'[^<']*')*>"#).ok());
    let whole = WHOLE.as_ref().and_then(|whole| whole.find(text)).map(|whole| whole.end());
    whole.or_else(|| text.find('>').map(|at| at + 1)).unwrap_or(text.len())
}

/// What to write for the rest of a tag behind its name; `None`: it can be read.
fn stand_in(tag: &str) -> Option<String> {
    if !tag.starts_with(|c: char| c.is_whitespace() || matches!(c, '/' | '>')) {
        return None;
    }
    let (attributes, end) = match tag.strip_suffix("/>") {
        Some(attributes) => (attributes, "/>"),
        None => (tag.strip_suffix('>').unwrap_or(tag), ">"),
    };
    let alone = format!("<opml version=\"2.0\"><body><outline{attributes}/></body></opml>");
    let cause = told(&OPML::from_str(&alone).err()?);
    let shown: String = attributes.trim().chars().take(SHOWN).collect();
    let description = format!("cannot be read: {cause}: {shown}");
    let description = html_escape::encode_double_quoted_attribute(&description);
    Some(format!(" type=\"{UNREADABLE}\" description=\"{description}\"{end}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ampersands_that_refer_to_nothing_are_meant_as_they_are() {
        for (text, expected) in [
            ("B&B &amp; Co & &lt;x&gt;", "B&amp;B &amp; Co &amp; &lt;x&gt;"),
            ("https://e.com/?a=1&copy=2&b", "https://e.com/?a=1&amp;copy=2&amp;b"),
            (
                "caf&eacute; &#233; &#xe9; &#0; &#x110000; &#x;",
                "caf&amp;eacute; &#233; &#xe9; &amp;#0; &amp;#x110000; &amp;#x;",
            ),
            ("a\u{1}b\tc", "a b\tc"),
        ] {
            assert_eq!(mended(text), expected);
        }
    }

    #[test]
    fn a_head_or_a_version_that_cannot_be_read_costs_nothing() {
        let body = "<body><outline text='Bank' xmlUrl='https://e.com/rss'/></body></opml>";
        for front in [
            "<opml>",
            "<opml version=\"2\">",
            "<opml version='1.1'><head><windowTop>12.5</windowTop></head>",
            "<?xml version='1.0'?>\n<opml xmlns:x='urn:x'><head><title>Mine</title></head>",
        ] {
            let list = parsed(&format!("{front}{body}")).unwrap();
            assert_eq!(list.body.outlines[0].xml_url.as_deref(), Some("https://e.com/rss"), "{front}");
        }
        assert!(parsed("<html><body><outline text='Bank'/></body></html>").is_err());
    }

    #[test]
    fn a_tag_ends_outside_its_quotes() {
        for (text, tag) in [
            (r#" text="a > b"/> <"#, r#" text="a > b"/>"#),
            (r#" text='"'> x"#, r#" text='"'>"#),
            (r#" text="a/> <outline text="b"/>"#, r#" text="a/>"#),
            (" text", " text"),
        ] {
            assert_eq!(text.split_at(end_of_tag(text)).0, tag);
        }
    }

    #[test]
    fn what_can_be_read_is_left() {
        assert_eq!(stand_in(" text=\"a\" xmlUrl=\"https://e.com\"/>"), None);
        assert_eq!(stand_in("s text=a>"), None);
        let stand_in = stand_in(" text=\"a\" text=\"<b>\">").unwrap();
        assert!(stand_in.starts_with(" type=\"unreadable\" description=\"cannot be read: "), "{stand_in}");
        assert!(stand_in.ends_with("text=&quot;a&quot; text=&quot;&lt;b&gt;&quot;\">"), "{stand_in}");
    }
}
