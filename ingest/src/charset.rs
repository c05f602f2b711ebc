//! Bytes to text: byte order mark, then the HTTP header, then the document's own
//! declaration, then a guess by content.

mod legacy;

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{BIG5, EUC_JP, EUC_KR, Encoding, GBK, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use legacy::Charset;

/// How far into a document its own declaration is looked for. Pages put it late behind scripts.
const HEAD: usize = 4096;
/// So many bytes that are not ASCII tell a charset of East Asia from Latin 1.
const ENOUGH: usize = 32;

/// Never fails: what cannot be decoded becomes U+FFFD.
pub fn decode(bytes: &[u8], content_type: Option<&str>) -> String {
    text(bytes, content_type, usize::MAX).into_owned()
}

/// As [`decode`], without a copy of what is UTF-8. Text in another charset ends at `most` bytes.
pub(crate) fn text<'a>(bytes: &'a [u8], content_type: Option<&str>, most: usize) -> Cow<'a, str> {
    if let Some(text) = utf32(bytes) {
        return Cow::Owned(text);
    }
    let marked = Encoding::for_bom(bytes).map(|(encoding, _)| encoding).or_else(|| wide(bytes));
    marked.map_or_else(|| unmarked(bytes, content_type), Charset::Web).read(bytes, most)
}

/// That of bytes that do not tell it by how they begin.
fn unmarked(bytes: &[u8], content_type: Option<&str>) -> Charset {
    let (utf8, declared) = (Charset::Web(UTF_8), declared(bytes, content_type));
    if std::str::from_utf8(bytes).is_ok() {
        let shown = declared.into_iter().find(|charset| charset.is_shown_in_ascii(bytes));
        // Text that is valid UTF-8 is UTF-8, whatever a careless server says.
        return shown.unwrap_or(utf8);
    }
    let is_said = declared.is_empty() || declared.contains(&utf8);
    if is_said && is_mostly_utf8(bytes) {
        return utf8;
    }
    // Whoever said UTF-8 was wrong.
    let said = declared.into_iter().find(|charset| *charset != utf8);
    match said {
        Some(said) if is_default(said) => east_asian(bytes).unwrap_or(said),
        Some(said) => said,
        None => guess(bytes),
    }
}

/// Whether a few broken bytes are all that is wrong: text in another encoding is valid UTF-8
/// in less than half of what is not ASCII.
fn is_mostly_utf8(bytes: &[u8]) -> bool {
    let (mut good, mut bad) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        good += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    good > bad
}

/// UTF-16 without a mark: markup begins with ASCII, every other byte of which is 0.
fn wide(bytes: &[u8]) -> Option<&'static Encoding> {
    match bytes {
        [first, 0, second, 0, ..] if first.is_ascii() && second.is_ascii() && *first > 0 => Some(UTF_16LE),
        [0, first, 0, second, ..] if first.is_ascii() && second.is_ascii() && *first > 0 => Some(UTF_16BE),
        _ => None,
    }
}

/// UTF-32 by its mark, or by ASCII at the beginning; the Web does not know it, some feeds do.
fn utf32(bytes: &[u8]) -> Option<String> {
    let read: fn([u8; 4]) -> u32 = match bytes {
        [0xff, 0xfe, 0, 0, ..] | [1..0x80, 0, 0, 0, 1..0x80, 0, 0, 0, ..] => u32::from_le_bytes,
        [0, 0, 0xfe, 0xff, ..] | [0, 0, 0, 1..0x80, 0, 0, 0, 1..0x80, ..] => u32::from_be_bytes,
        _ => return None,
    };
    let units = bytes.as_chunks::<4>().0.iter();
    let text = units.map(|unit| char::from_u32(read(*unit)).unwrap_or(char::REPLACEMENT_CHARACTER));
    Some(text.skip_while(|c| *c == '\u{feff}').collect())
}

/// What is said of the bytes: by the HTTP header, by `encoding="..."` of XML, by `charset=...` of HTML. A header that
/// says what servers say by default comes last.
fn declared(bytes: &[u8], content_type: Option<&str>) -> Vec<Charset> {
    let head = String::from_utf8_lossy(bytes.get(..HEAD).unwrap_or(bytes));
    let xml = head.split_once("?>").filter(|(start, _)| start.trim_start().starts_with("<?xml"));
    let own = [xml.and_then(|(start, _)| label_after(start, "encoding")), label_after(&head, "charset")];
    // A declaration that could be read byte by byte is not of two bytes a character.
    let is_wide = |charset: &Charset| [UTF_16LE, UTF_16BE].map(Charset::Web).contains(charset);
    let own = own.into_iter().flatten().filter(|charset| !is_wide(charset));
    let header = content_type.and_then(|header| label_after(header, "charset"));
    let mut said: Vec<Charset> = header.into_iter().chain(own).collect();
    if header.is_some_and(is_default) {
        said.rotate_left(1);
    }
    said
}

/// The charset that stands behind the name and a `=`.
fn label_after(text: &str, name: &str) -> Option<Charset> {
    let lower = text.to_ascii_lowercase();
    let after = lower.split(name).skip(1).find_map(|after| after.trim_ascii_start().strip_prefix('='))?;
    let label: String = after
        .trim_start_matches(|c: char| c.is_ascii_whitespace() || matches!(c, '"' | '\''))
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "-_:".contains(*c))
        .collect();
    Charset::of(&label)
}

/// Whether it is Latin 1, as the Web reads it: what servers and generators say of what they know nothing about.
fn is_default(charset: Charset) -> bool {
    charset == Charset::Web(WINDOWS_1252)
}

/// The charset of East Asia that a text is in without a fault; `None`: in none that can be told.
fn east_asian(bytes: &[u8]) -> Option<Charset> {
    if bytes.iter().filter(|byte| !byte.is_ascii()).count() < ENOUGH {
        return None;
    }
    let guessed = guess(bytes);
    let known = [GBK, BIG5, EUC_JP, EUC_KR, SHIFT_JIS];
    let encoding = known.into_iter().find(|known| Charset::Web(known) == guessed)?;
    let (_, has_faults) = encoding.decode_without_bom_handling(bytes);
    (!has_faults).then_some(guessed)
}

fn guess(bytes: &[u8]) -> Charset {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    Charset::Web(detector.guess(None, Utf8Detection::Allow))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gb18030_declared_as_gb2312_is_read() {
        let text = "<html><head><meta charset=gb2312></head><body>招商银行股价下跌，朱镕基</body></html>";
        let (bytes, _, _) = encoding_rs::GB18030.encode(text);
        assert_eq!(decode(&bytes, None), text);
        assert_eq!(decode(&bytes, Some("text/html")), text);
    }

    #[test]
    fn utf8_stays_utf8_under_a_wrong_header() {
        assert_eq!(decode("银行".as_bytes(), Some("text/html; charset=iso-8859-1")), "银行");
    }

    #[test]
    fn a_few_broken_bytes_do_not_make_another_encoding_of_utf8() {
        for declaration in ["<?xml version='1.0' encoding='utf-8'?>", "<?xml version='1.0'?>"] {
            let mut bytes = format!("{declaration}<title>Zürich, Genève</title>").into_bytes();
            bytes.push(0xe9);
            assert_eq!(decode(&bytes, None), format!("{declaration}<title>Zürich, Genève</title>\u{fffd}"));
        }
        let (bytes, _, _) = encoding_rs::WINDOWS_1252.encode("<meta charset=iso-8859-1>Zürich, Genève");
        assert!(decode(&bytes, None).ends_with("Zürich, Genève"));
    }

    #[test]
    fn where_utf8_is_declared_and_wrong_the_other_declaration_holds_or_else_a_guess() {
        let text = "<?xml version='1.0' encoding='gb2312'?>中国人民银行今天宣布下调存款准备金率，市场反应积极，股市大幅上涨。";
        let (bytes, _, _) = encoding_rs::GBK.encode(text);
        assert_eq!(decode(&bytes, Some("text/xml; charset=utf-8")), text);
        let text = text.replace("gb2312", "utf-8");
        let (bytes, _, _) = encoding_rs::GBK.encode(&text);
        assert_eq!(decode(&bytes, Some("text/xml; charset=utf-8")), text);
    }

    #[test]
    fn an_encoding_that_the_web_does_not_read_loses_no_document() {
        for label in ["iso-2022-kr", "hz-gb-2312", "iso-2022-cn", "x-mac-ce"] {
            let text = format!("<meta charset={label}><item>ASCII</item>");
            assert_eq!(decode(text.as_bytes(), None), text);
            let bytes = [text.as_bytes(), b"\x1b$)C\xff"].concat();
            assert!(decode(&bytes, None).contains("<item>ASCII</item>"), "{label}");
        }
    }

    #[test]
    fn old_charsets_are_read_where_they_are_declared_with_space_around_the_sign_or_not() {
        let documents: [(&str, &[u8], &str); 5] = [
            ("encoding = \"gb2312\"", b"\xd2\xf8\xd0\xd0", "银行"),
            ("encoding\n= 'maccyrillic'", b"\x81\xe0\xed\xea", "Банк"),
            ("encoding='IBM855'", b"\xa3\xa0\xd4\xc6", "Банк"),
            ("encoding= 'hz-gb-2312'", b"~{RxPP~}", "银行"),
            ("encoding='iso-2022-kr'", b"\x1b$)C\x0e@:G`\x0f", "은행"),
        ];
        for (declaration, bytes, text) in documents {
            let document = [&b"<?xml version='1.0' "[..], declaration.as_bytes(), b"?><a>", bytes].concat();
            let read = decode(&document, None);
            assert_eq!(read.split_once("<a>").unwrap().1, text, "{declaration}");
        }
        let (page, _, _) = encoding_rs::GBK.encode("<p>The charset is:</p><meta charset = gb2312>银行");
        assert!(decode(&page, None).ends_with("银行"));
    }

    #[test]
    fn a_header_that_says_latin_1_does_not_know_better_than_the_document() {
        let text = "<?xml version='1.0' encoding='gb2312'?><title>银行股下跌</title>";
        let (bytes, _, _) = encoding_rs::GBK.encode(text);
        for header in ["text/xml; charset=ISO-8859-1", "text/xml;charset=us-ascii", "text/xml"] {
            assert_eq!(decode(&bytes, Some(header)), text, "{header}");
        }
        let (bytes, _, _) = encoding_rs::WINDOWS_1252.encode("<?xml version='1.0'?><title>Zürich</title>");
        assert!(decode(&bytes, Some("text/xml; charset=iso-8859-1")).contains("Zürich"));
        let (bytes, _, _) = encoding_rs::WINDOWS_1251.encode("<meta charset=iso-8859-5>Банк");
        assert!(decode(&bytes, Some("text/html; charset=windows-1251")).ends_with("Банк"), "it knows better");
    }

    #[test]
    fn chinese_that_is_declared_as_latin_1_is_chinese_and_french_is_french() {
        let chinese = "<?xml version='1.0' encoding='iso-8859-1'?><title>中国人民银行今天宣布下调存款准备金率，市场反应积极，股市大幅上涨。</title>";
        let (bytes, _, _) = encoding_rs::GBK.encode(chinese);
        assert_eq!(decode(&bytes, None), chinese);
        assert_eq!(decode(&bytes, Some("text/xml; charset=iso-8859-1")), chinese);
        let sentence = "Le bénéfice a été révisé à la baisse après l'été, a déclaré la société à Genève. ";
        let french = format!("<?xml version='1.0' encoding='iso-8859-1'?><p>{}</p>", sentence.repeat(9));
        let (bytes, _, _) = encoding_rs::WINDOWS_1252.encode(&french);
        assert_eq!(decode(&bytes, None), french);
    }

    #[test]
    fn utf16_is_known_by_its_mark_or_by_its_zeros() {
        let bytes: Vec<u8> = [0xfe, 0xff, 0x94, 0xf6].to_vec();
        assert_eq!(decode(&bytes, None), "银");
        let bytes: Vec<u8> = "<?xml?>银".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(decode(&bytes, None), "<?xml?>银");
    }

    #[test]
    fn utf32_is_read() {
        let bytes: Vec<u8> = "\u{feff}<a>银".chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
        assert_eq!(decode(&bytes, None), "<a>银");
        for text in ["\n<a>银", "{\"a\":\"银\"}"] {
            let little: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
            let big: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect();
            assert_eq!([decode(&little, None), decode(&big, None)], [text, text]);
        }
    }

    #[test]
    fn japanese_in_escapes_is_read_where_it_is_declared() {
        let text = "<meta charset=iso-2022-jp>日本銀行";
        let (bytes, _, _) = encoding_rs::ISO_2022_JP.encode(text);
        assert!(bytes.is_ascii());
        assert_eq!(decode(&bytes, None), text);
    }

    #[test]
    fn an_undeclared_chinese_text_is_guessed() {
        let text = "中国人民银行今天宣布下调存款准备金率，市场反应积极，股市大幅上涨。";
        let (bytes, _, _) = encoding_rs::GBK.encode(text);
        assert_eq!(decode(&bytes, None), text);
    }
}
