//! Markup to text.

use std::borrow::Cow;

use encoding_rs::WINDOWS_1252;

use crate::page;
use crate::page::markup::decode;

/// Tags by which markup is known that was escaped once too often.
const ESCAPED: [&str; 8] = ["/p", "/a", "/b", "/div", "/span", "/strong", "br", "br /"];

/// Markup to text: tags dropped, references decoded, white space folded. What begins like a
/// tag and ends as none, as in `EPS <estimates`, is text, and so is the code of an instrument, as in `Apple <AAPL.O>`.
pub fn plain(markup: &str) -> String {
    let markup = of_windows(markup);
    let markup = without_marks(&markup);
    if markup.contains(['<', '&']) { page::text_of(&without_strays(&markup)) } else { fold(&markup) }
}

/// The same of the markup of an entry, which may have been escaped once too often as a whole.
pub(super) fn of_entry(markup: &str) -> String {
    let is_escaped = |tag: &&str| markup.contains(&format!("&lt;{tag}&gt;"));
    if !markup.contains('<') && markup.contains("&lt;") && ESCAPED.iter().any(is_escaped) {
        plain(&decode(markup))
    } else {
        plain(markup)
    }
}

/// The quotes, dashes and euros of Windows where they were passed on as the control characters that Latin 1 has in
/// their places: `don\u{92}t`.
fn of_windows(text: &str) -> Cow<'_, str> {
    if !text.contains(|c: char| matches!(c, '\u{80}'..='\u{9f}')) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match u8::try_from(c) {
            Ok(byte @ 0x80..=0x9f) => out.push_str(&WINDOWS_1252.decode_without_bom_handling(&[byte]).0),
            Ok(_) | Err(_) => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Without the signs around CDATA, which show where it was wrapped twice.
fn without_marks(markup: &str) -> Cow<'_, str> {
    if markup.contains("<![CDATA[") {
        Cow::Owned(markup.replace("<![CDATA[", "").replace("]]>", ""))
    } else {
        Cow::Borrowed(markup)
    }
}

/// White space folded, NUL with it.
pub(crate) fn fold(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c == '\0')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Signs that begin no tag as references, and without tags that were cut off.
fn without_strays(markup: &str) -> Cow<'_, str> {
    let mut signs = markup.split('<').skip(1);
    if signs.all(|after| !is_code(after) && (!begins_tag(after) || after.contains('>'))) {
        return Cow::Borrowed(markup);
    }
    let (mut out, mut rest) = (String::with_capacity(markup.len()), markup);
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        let (kept, sign) = if is_code(after) {
            (0, "&lt;")
        } else if !begins_tag(after) {
            (0, "<")
        } else if let Some(end) = end_of_tag(after) {
            (end, "<")
        } else {
            (0, if is_cut_off(after) { "" } else { "&lt;" })
        };
        out.push_str(sign);
        let (tag, after) = after.split_at(kept);
        out.push_str(tag);
        rest = if sign.is_empty() { from_next_tag(after) } else { after };
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn begins_tag(after: &str) -> bool {
    after.strip_prefix('/').unwrap_or(after).starts_with(|c: char| c.is_ascii_alphabetic())
}

/// Whether it is the code of an instrument in its brackets, as agencies write it: `AAPL.O>`, `EUR=>`.
fn is_code(after: &str) -> bool {
    let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '=')));
    let Some((code, rest)) = end.map(|end| after.split_at(end)) else { return false };
    rest.starts_with('>') && code.contains(['.', '=']) && code.starts_with(|c: char| c.is_ascii_uppercase())
}

/// Where the tag ends that began: behind its `>`, which is not within quotes. `None`: the next
/// tag begins before.
fn end_of_tag(after: &str) -> Option<usize> {
    let (mut quote, mut last) = (None, b' ');
    for (at, byte) in after.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at + 1),
            (None, b'<') => return None,
            (None, b'"' | b'\'') if last == b'=' => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            last = byte;
        }
    }
    // A quote that nobody closes holds nothing.
    let end = after.find(['<', '>'])?;
    (after.as_bytes().get(end) == Some(&b'>')).then_some(end + 1)
}

/// Whether what never ends was a tag all the same: one that ends an element, or has an attribute.
fn is_cut_off(after: &str) -> bool {
    let tag = after.split('<').next().unwrap_or_default();
    let attribute = tag.split_whitespace().nth(1).and_then(|word| word.split_once('='));
    tag.starts_with('/') || attribute.is_some_and(|(name, _)| !name.is_empty())
}

fn from_next_tag(text: &str) -> &str {
    text.split_at(text.find('<').unwrap_or(text.len())).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_has_an_end_and_what_has_none_is_text() {
        for (markup, text) in [
            ("EPS <estimates as sales fall", "EPS <estimates as sales fall"),
            ("<p>Margin <expected <b>again</b></p>", "Margin <expected again"),
            ("1 < 2 <3 &amp; <b>bold</b>", "1 < 2 <3 & bold"),
            ("<a title=\"x < y\" href='/a?b=>'>Up</a> <br/>5 %", "Up 5 %"),
        ] {
            assert_eq!(plain(markup), text, "{markup}");
        }
    }

    #[test]
    fn the_code_of_an_instrument_is_no_tag() {
        for (markup, text) in [
            ("Apple <AAPL.O> rises", "Apple <AAPL.O> rises"),
            ("<p>Apple &lt;AAPL.O&gt;, <b>Berkshire</b> <BRKa.N></p>", "Apple <AAPL.O>, Berkshire <BRKa.N>"),
            ("Euro <EUR=> x=y, <B>up</B>", "Euro <EUR=> x=y, up"),
            ("<P>Up<BR>5 %</P><a.b>", "Up 5 %"),
        ] {
            assert_eq!(plain(markup), text, "{markup}");
        }
    }

    #[test]
    fn signs_of_windows_that_became_control_characters_are_read() {
        assert_eq!(plain("don\u{92}t \u{93}sell\u{94} <b>\u{80}5</b> é"), "don’t “sell” €5 é");
    }

    #[test]
    fn what_is_wrapped_twice_in_cdata_is_read() {
        assert_eq!(plain("<![CDATA[Bank <b>falls</b>]]>"), "Bank falls");
        assert_eq!(plain("&lt;![CDATA[Bank]]&gt;"), "<![CDATA[Bank]]>", "a text about it");
    }

    #[test]
    fn an_entry_that_was_escaped_once_too_often_is_read() {
        for (markup, text) in [
            ("&lt;p&gt;Up &amp;amp; &lt;b&gt;down&lt;/b&gt;&lt;/p&gt;", "Up & down"),
            ("One&lt;br&gt;Two", "One Two"),
            ("<p>The tag &lt;/p&gt; ends it</p>", "The tag </p> ends it"),
            ("1 &lt; 2 &gt; 0", "1 < 2 > 0"),
        ] {
            assert_eq!(of_entry(markup), text, "{markup}");
        }
    }

    #[test]
    fn a_tag_that_was_cut_off_is_no_text() {
        for cut in
            ["<p>Up <a href=\"https://e.com/very", "<p>Up <img\nsrc=x", "<p>Up</p", "<a b='c <p>Up</p>"]
        {
            assert_eq!(plain(cut), "Up", "{cut}");
        }
    }

    #[test]
    fn signs_without_end_are_read_in_little_time() {
        for sign in ["<a ", "<a b=\"", "<a b='<", "</", "<a\">"] {
            plain(&sign.repeat((1 << 20) / sign.len()));
        }
    }
}
