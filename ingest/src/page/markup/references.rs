//! Character references as HTML reads them: by number, by name, and names of old without a `;`.

use std::borrow::Cow;

/// Character references to characters.
pub(crate) fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let (decoded, after) = reference(after);
        out.push_str(&decoded);
        rest = after;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The names that are references without a `;` too, as the oldest pages write them; in the order of their bytes.
const OPEN_NAMES: [&str; 106] = [
    "AElig", "AMP", "Aacute", "Acirc", "Agrave", "Aring", "Atilde", "Auml", "COPY", "Ccedil", "ETH",
    "Eacute", "Ecirc", "Egrave", "Euml", "GT", "Iacute", "Icirc", "Igrave", "Iuml", "LT", "Ntilde", "Oacute",
    "Ocirc", "Ograve", "Oslash", "Otilde", "Ouml", "QUOT", "REG", "THORN", "Uacute", "Ucirc", "Ugrave",
    "Uuml", "Yacute", "aacute", "acirc", "acute", "aelig", "agrave", "amp", "aring", "atilde", "auml",
    "brvbar", "ccedil", "cedil", "cent", "copy", "curren", "deg", "divide", "eacute", "ecirc", "egrave",
    "eth", "euml", "frac12", "frac14", "frac34", "gt", "iacute", "icirc", "iexcl", "igrave", "iquest",
    "iuml", "laquo", "lt", "macr", "micro", "middot", "nbsp", "not", "ntilde", "oacute", "ocirc", "ograve",
    "ordf", "ordm", "oslash", "otilde", "ouml", "para", "plusmn", "pound", "quot", "raquo", "reg", "sect",
    "shy", "sup1", "sup2", "sup3", "szlig", "thorn", "times", "uacute", "ucirc", "ugrave", "uml", "uuml",
    "yacute", "yen", "yuml",
];

/// What the reference after a `&` stands for, and what follows it. Before a `=` a name without a `;` is that of a
/// parameter in an address.
fn reference(after: &str) -> (Cow<'_, str>, &str) {
    let is_number = after.starts_with('#');
    let end = after.bytes().skip(usize::from(is_number)).position(|byte| !byte.is_ascii_alphanumeric());
    let end = end.map_or(after.len(), |end| end + usize::from(is_number));
    let (name, rest) = after.split_at(end);
    let closed = rest.strip_prefix(';');
    let is_no_name = closed.is_none() && (rest.starts_with('=') || OPEN_NAMES.binary_search(&name).is_err());
    let rest = closed.unwrap_or(rest);
    if let Some(number) = name.strip_prefix('#') {
        let code = number
            .strip_prefix(['x', 'X'])
            .map_or_else(|| number.parse(), |number| u32::from_str_radix(number, 16));
        return code
            .map_or((Cow::Borrowed("&"), after), |code| (Cow::Owned(character(code).to_string()), rest));
    }
    if is_no_name || !(2..=31).contains(&name.len()) {
        return (Cow::Borrowed("&"), after);
    }
    let whole = format!("&{name};");
    let decoded = html_escape::decode_html_entities(&whole);
    if decoded.as_ref() == whole {
        (Cow::Borrowed("&"), after)
    } else {
        (Cow::Owned(decoded.into_owned()), rest)
    }
}

/// Numbers from 128 to 159 mean what Windows-1252 means by them.
fn character(code: u32) -> char {
    match code {
        0 => '\u{fffd}',
        128..=159 => {
            let byte = u8::try_from(code).unwrap_or(b' ');
            encoding_rs::WINDOWS_1252.decode(&[byte]).0.chars().next().unwrap_or('\u{fffd}')
        }
        _ => char::from_u32(code).unwrap_or('\u{fffd}'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_decoded_once_and_nonsense_stays() {
        for (text, decoded) in [
            ("&lt;b&gt; &amp;lt;", "<b> &lt;"),
            ("&#8220;&#x4e2d;&#151;", "“中—"),
            ("AT&T & co &nosuch; &#xfffffff; &nbsp;", "AT&T & co &nosuch; \u{fffd} \u{a0}"),
            ("&eacute&ntilde;", "éñ"),
            ("?id=1&lang=en&order=2&copy=3", "?id=1&lang=en&order=2&copy=3"),
            ("&lang; &lang &hellip &copy 2024", "⟨ &lang &hellip © 2024"),
        ] {
            assert_eq!(decode(text), decoded, "{text}");
        }
    }

    #[test]
    fn names_stand_in_the_order_by_which_they_are_searched() {
        assert!(OPEN_NAMES.is_sorted());
    }
}
