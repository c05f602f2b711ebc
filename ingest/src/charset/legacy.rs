//! Charsets by their names: those of the Web, and the ones that its standard leaves out and old feeds declare.

use std::borrow::Cow;

use encoding_rs::{BIG5, EUC_KR, Encoding, GBK, ISO_2022_JP, MACINTOSH, SHIFT_JIS, UTF_8, X_MAC_CYRILLIC};

/// How bytes are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Charset {
    Web(&'static Encoding),
    /// A code page of DOS: the characters of the bytes from 128 on.
    Dos(&'static str),
    /// Chinese in ASCII: between `~{` and `~}` two bytes are a character of GB 2312 (RFC 1843).
    Hz,
    /// Korean in ASCII: between SO and SI two bytes are a character of KS X 1001 (RFC 1557).
    Iso2022Kr,
}

const CP437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
    └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";
const CP850: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐\
    └┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}";
const CP852: &str = "ÇüéâäůćçłëŐőîŹÄĆÉĹĺôöĽľŚśÖÜŤťŁ×čáíóúĄąŽžĘę¬źČş«»░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐\
    └┴┬├─┼Ăă╚╔╩╦╠═╬¤đĐĎËďŇÍÎě┘┌█▄ŢŮ▀ÓßÔŃńňŠšŔÚŕŰýÝţ´\u{ad}˝˛ˇ˘§÷¸°¨˙űŘř■\u{a0}";
const CP855: &str = "ђЂѓЃёЁєЄѕЅіІїЇјЈљЉњЊћЋќЌўЎџЏюЮъЪаАбБцЦдДеЕфФгГ«»░▒▓│┤хХиИ╣║╗╝йЙ┐\
    └┴┬├─┼кК╚╔╩╦╠═╬¤лЛмМнНоОп┘┌█▄Пя▀ЯрРсСтТуУжЖвВьЬ№\u{ad}ыЫзЗшШэЭщЩчЧ§■\u{a0}";

impl Charset {
    /// By a name in lower case.
    pub(super) fn of(label: &str) -> Option<Self> {
        Some(match label {
            "maccyrillic" | "mac-cyrillic" => Self::Web(X_MAC_CYRILLIC),
            "macroman" | "mac-roman" => Self::Web(MACINTOSH),
            "cp932" => Self::Web(SHIFT_JIS),
            "cp936" | "ms936" | "gb-2312" | "gb13000" => Self::Web(GBK),
            "cp949" => Self::Web(EUC_KR),
            "cp950" => Self::Web(BIG5),
            "ibm437" | "cp437" | "437" => Self::Dos(CP437),
            "ibm850" | "cp850" | "850" => Self::Dos(CP850),
            "ibm852" | "cp852" | "852" => Self::Dos(CP852),
            "ibm855" | "cp855" | "855" => Self::Dos(CP855),
            "hz-gb-2312" | "hz" => Self::Hz,
            "iso-2022-kr" | "csiso2022kr" => Self::Iso2022Kr,
            // The Web's rule: GB2312 and GBK are read as GB18030's subset.
            _ => Self::Web(Encoding::for_label_no_replacement(label.as_bytes())?),
        })
    }

    /// Whether it writes everything in ASCII, and bytes show that this is it.
    pub(super) fn is_shown_in_ascii(self, bytes: &[u8]) -> bool {
        let holds = |is_sign: fn(&[u8]) -> bool| bytes.windows(2).any(is_sign);
        match self {
            Self::Web(encoding) if encoding == ISO_2022_JP => {
                holds(|pair| matches!(pair, [0x1b, b'$' | b'(']))
            }
            Self::Hz => holds(|pair| pair == b"~{"),
            Self::Iso2022Kr => holds(|pair| pair == b"\x1b$"),
            Self::Web(_) | Self::Dos(_) => false,
        }
    }

    /// What cannot be read becomes U+FFFD. No copy is made of UTF-8; other text ends at `most` bytes.
    pub(super) fn read(self, bytes: &[u8], most: usize) -> Cow<'_, str> {
        match self {
            Self::Web(encoding) => decoded(encoding, bytes, most),
            Self::Dos(table) => Cow::Owned(looked_up(table, bytes, most)),
            Self::Hz => Cow::Owned(decoded(GBK, &from_hz(bytes), most).into_owned()),
            Self::Iso2022Kr => Cow::Owned(decoded(EUC_KR, &from_iso_2022_kr(bytes), most).into_owned()),
        }
    }
}

fn decoded<'a>(encoding: &'static Encoding, bytes: &'a [u8], most: usize) -> Cow<'a, str> {
    if encoding == UTF_8
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        return Cow::Borrowed(text.strip_prefix('\u{feff}').unwrap_or(text));
    }
    let mut decoder = encoding.new_decoder();
    let length = decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(most);
    let mut text = String::with_capacity(length.min(most));
    // It fills the room that there is, and stops.
    let (_, _, _) = decoder.decode_to_string(bytes, &mut text, true);
    Cow::Owned(text)
}

fn looked_up(table: &str, bytes: &[u8], most: usize) -> String {
    let upper: Vec<char> = table.chars().collect();
    let mut text = String::new();
    for byte in bytes {
        let above = byte.checked_sub(128).and_then(|at| upper.get(usize::from(at)));
        let character = above.copied().unwrap_or(char::from(*byte));
        if text.len() + character.len_utf8() > most {
            break;
        }
        text.push(character);
    }
    text
}

/// The same in GBK. A line that begins is ASCII.
fn from_hz(mut bytes: &[u8]) -> Vec<u8> {
    let (mut out, mut is_chinese) = (Vec::with_capacity(bytes.len()), false);
    loop {
        bytes = match bytes {
            [] => return out,
            [b'~', b'{', rest @ ..] => {
                is_chinese = true;
                rest
            }
            [b'~', b'}', rest @ ..] => {
                is_chinese = false;
                rest
            }
            [b'~', b'\n', rest @ ..] => rest,
            [b'~', b'~', rest @ ..] => {
                out.push(b'~');
                rest
            }
            [first @ 0x21..0x7e, second @ 0x21..0x7f, rest @ ..] if is_chinese => {
                out.extend([first | 0x80, second | 0x80]);
                rest
            }
            [byte, rest @ ..] => {
                is_chinese &= *byte != b'\n';
                out.push(*byte);
                rest
            }
        };
    }
}

/// The same in EUC-KR. A line that begins is ASCII.
fn from_iso_2022_kr(mut bytes: &[u8]) -> Vec<u8> {
    let (mut out, mut is_korean) = (Vec::with_capacity(bytes.len()), false);
    loop {
        bytes = match bytes {
            [] => return out,
            [0x1b, b'$', b')', b'C', rest @ ..] => rest,
            [0x0e, rest @ ..] => {
                is_korean = true;
                rest
            }
            [0x0f, rest @ ..] => {
                is_korean = false;
                rest
            }
            [byte, rest @ ..] => {
                is_korean &= *byte != b'\n';
                out.push(if is_korean && byte.is_ascii_graphic() { byte | 0x80 } else { *byte });
                rest
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(label: &str, bytes: &[u8]) -> String {
        Charset::of(label).unwrap().read(bytes, usize::MAX).into_owned()
    }

    #[test]
    fn code_pages_of_dos_are_read() {
        for table in [CP437, CP850, CP852, CP855] {
            assert_eq!(table.chars().count(), 128);
        }
        assert_eq!(read("ibm855", b"\xa3\xa0\xd4\xc6"), "Банк");
        assert_eq!(read("cp437", b"Z\x81rich \x9c5 \xfb"), "Zürich £5 √");
        assert_eq!(read("cp850", b"Gen\x8ave \xb8 \xff"), "Genève © \u{a0}");
        assert_eq!(read("cp852", b"\x9d\xa2d\xab"), "Łódź");
        assert_eq!(read("cp866", b"\x81\xa0\xad\xaa"), "Банк");
    }

    #[test]
    fn names_that_the_web_does_not_know_are_those_of_its_charsets() {
        assert_eq!(read("maccyrillic", b"\x81\xe0\xed\xea"), "Банк");
        assert_eq!(read("x-mac-cyrillic", b"\x81\xe0\xed\xea"), "Банк");
        assert_eq!(read("macroman", b"Z\x9frich"), "Zürich");
        for label in ["cp936", "ms936", "gb-2312"] {
            assert_eq!(read(label, b"\xd2\xf8\xd0\xd0"), "银行", "{label}");
        }
        assert_eq!(Charset::of("utf-7"), None);
    }

    #[test]
    fn chinese_and_korean_in_ascii_are_read() {
        assert_eq!(read("hz-gb-2312", b"<a>~{RxPP~}</a> ~~1~\n ~{Rx\n</a>"), "<a>银行</a> ~1 银\n</a>");
        assert_eq!(read("iso-2022-kr", b"\x1b$)C<a>\x0e@:G`\x0f</a>\x0e@:\n<b>"), "<a>은행</a>은\n<b>");
    }

    #[test]
    fn what_is_no_utf8_ends_where_it_may() {
        assert_eq!(Charset::of("utf-8").unwrap().read("银行".as_bytes(), 4), "银行");
        let texts: [(&str, &[u8]); 3] =
            [("gbk", b"\xd2\xf8\xd0\xd0"), ("ibm855", b"\xa3\xa0\xd4\xc6"), ("hz", b"~{RxPP~}")];
        for (label, bytes) in texts {
            let text = Charset::of(label).unwrap().read(bytes, 4);
            assert!(text.len() <= 4 && read(label, bytes).starts_with(&*text), "{label}: {text}");
        }
    }
}
