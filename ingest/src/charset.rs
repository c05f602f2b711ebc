//! Bytes to text: byte order mark, then the HTTP header, then the document's own
//! declaration, then a guess by content.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8};

/// How far into a document its own declaration is looked for.
const HEAD: usize = 1024;

/// Never fails: what cannot be decoded becomes U+FFFD.
pub fn decode(bytes: &[u8], content_type: Option<&str>) -> String {
    let declared = || from_header(content_type).or_else(|| from_document(bytes));
    let encoding = match Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding,
        // Text that is valid UTF-8 is UTF-8, whatever a careless server says.
        None if std::str::from_utf8(bytes).is_ok() => UTF_8,
        None => declared().unwrap_or_else(|| guess(bytes)),
    };
    encoding.decode(bytes).0.into_owned()
}

fn from_header(content_type: Option<&str>) -> Option<&'static Encoding> {
    label_after(content_type?, "charset=")
}

/// `encoding="..."` of XML, `charset=...` of HTML. A declaration of UTF-8 is not
/// believed here: the bytes are known not to be.
fn from_document(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(bytes.get(..HEAD).unwrap_or(bytes));
    let declared = label_after(&head, "encoding=").or_else(|| label_after(&head, "charset="));
    declared.filter(|encoding| *encoding != UTF_8)
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
    fn utf16_is_known_by_its_mark() {
        let bytes: Vec<u8> = [0xfe, 0xff, 0x94, 0xf6].to_vec();
        assert_eq!(decode(&bytes, None), "银");
    }

    #[test]
    fn an_undeclared_chinese_text_is_guessed() {
        let text = "中国人民银行今天宣布下调存款准备金率，市场反应积极，股市大幅上涨。";
        let (bytes, _, _) = encoding_rs::GBK.encode(text);
        assert_eq!(decode(&bytes, None), text);
    }
}
