//! Bytes to text: byte order mark, then the HTTP header, then the document's own
//! declaration, then a guess by content.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// How far into a document its own declaration is looked for. Pages put it late behind scripts.
const HEAD: usize = 4096;

/// Never fails: what cannot be decoded becomes U+FFFD.
pub fn decode(bytes: &[u8], content_type: Option<&str>) -> String {
    if let Some(text) = utf32(bytes) {
        return text;
    }
    let declared = || from_header(content_type).or_else(|| from_document(bytes));
    let encoding = match Encoding::for_bom(bytes).map(|(encoding, _)| encoding).or_else(|| wide(bytes)) {
        Some(encoding) => encoding,
        // Text that is valid UTF-8 is UTF-8, whatever a careless server says.
        None if std::str::from_utf8(bytes).is_ok() && !has_escapes(bytes) => UTF_8,
        None => declared().unwrap_or_else(|| guess(bytes)),
    };
    encoding.decode(bytes).0.into_owned()
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
        [0xff, 0xfe, 0, 0, ..] | [b'<', 0, 0, 0, ..] => u32::from_le_bytes,
        [0, 0, 0xfe, 0xff, ..] | [0, 0, 0, b'<', ..] => u32::from_be_bytes,
        _ => return None,
    };
    let units = bytes.as_chunks::<4>().0.iter();
    let text = units.map(|unit| char::from_u32(read(*unit)).unwrap_or(char::REPLACEMENT_CHARACTER));
    Some(text.collect::<String>().trim_start_matches('\u{feff}').to_owned())
}

/// ISO-2022-JP and HZ write everything in ASCII.
fn has_escapes(bytes: &[u8]) -> bool {
    let head = bytes.get(..HEAD * 4).unwrap_or(bytes);
    head.windows(2).any(|pair| matches!(pair, [0x1b, b'$' | b'('])) && from_document(bytes).is_some()
}

fn from_header(content_type: Option<&str>) -> Option<&'static Encoding> {
    label_after(content_type?, "charset=")
}

/// `encoding="..."` of XML, `charset=...` of HTML. A declaration of UTF-8 is not
/// believed here: the bytes are known not to be.
fn from_document(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(bytes.get(..HEAD).unwrap_or(bytes));
    let xml = head.split_once("?>").filter(|(start, _)| start.trim_start().starts_with("<?xml"));
    let declared =
        xml.and_then(|(start, _)| label_after(start, "encoding=")).or_else(|| label_after(&head, "charset="));
    // A declaration that could be read byte by byte is not of two bytes a character.
    declared.filter(|encoding| ![UTF_8, UTF_16LE, UTF_16BE].contains(encoding))
}

fn label_after(text: &str, name: &str) -> Option<&'static Encoding> {
    let lower = text.to_ascii_lowercase();
    let (_, after) = lower.split_once(name)?;
    let label: String = after
        .trim_start_matches(['"', '\'', ' '])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "-_:".contains(*c))
        .collect();
    // The web's rule: GB2312 and GBK are read as GB18030's subset.
    Encoding::for_label(label.as_bytes())
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    detector.guess(None, Utf8Detection::Allow)
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
