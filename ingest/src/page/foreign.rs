//! Bytes that hold no page though a server gave them for one: told by how they begin, and by
//! what they are once they are decoded.

/// How files that are no page begin, and what they are.
const FILES: [(&[u8], &str); 24] = [
    (b"%PDF-", "a PDF file"),
    (b"%!PS", "a PostScript file"),
    (b"{\\rtf", "an RTF file"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office file"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"OggS", "an Ogg sound or film"),
    (b"ID3\x03", "an MP3 sound"),
    (b"ID3\x04", "an MP3 sound"),
    (b"\x1aE\xdf\xa3", "a Matroska film"),
    (b"wOFF", "a font"),
    (b"wOF2", "a font"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\xfd7zXZ\0", "an XZ archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"BZh91AY&SY", "a bzip2 archive"),
    (b"\x7fELF", "a program"),
];

/// What bytes without a known beginning are that decode to no text.
pub(super) const GARBLED: &str = "bytes that are no text";
/// Characters that are looked at for that.
const HEAD: usize = 16_000;
/// Characters that no text holds: so many, and one in so many, are too many.
const MOST: usize = 8;
const SHARE: usize = 20;

/// What the bytes are instead of a page; `None` where they may be one.
pub(super) fn name(bytes: &[u8]) -> Option<&'static str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let known = FILES.iter().find(|(beginning, _)| bytes.starts_with(beginning));
    known.map(|(_, name)| *name).or_else(|| is_media(bytes).then_some("an image, sound or film"))
}

/// Containers that begin with their length, or with a word and it.
fn is_media(bytes: &[u8]) -> bool {
    let stands = |at: usize, mark: &[u8; 4]| bytes.get(at..at + 4).is_some_and(|found| found == mark);
    stands(4, b"ftyp")
        || (stands(0, b"RIFF") && [b"WEBP", b"WAVE", b"AVI "].into_iter().any(|mark| stands(8, mark)))
}

/// Whether hardly anything was decoded, or what was decoded are bytes of another kind.
pub(super) fn is_garbled(text: &str) -> bool {
    let (mut read, mut foreign) = (0_usize, 0_usize);
    for c in text.chars().take(HEAD) {
        read += 1;
        foreign += usize::from(is_foreign(c));
    }
    foreign > MOST && foreign * SHARE > read
}

fn is_foreign(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}');
    }
    c == char::REPLACEMENT_CHARACTER || (c.is_control() && c != '\u{85}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_how_they_begin() {
        let files: [(&[u8], &str); 9] = [
            (b"%PDF-1.5\n%\xe2\xe3", "a PDF file"),
            (b"\xef\xbb\xbf\r\n%PDF-1.4", "a PDF file"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG image"),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG image"),
            (b"GIF89a\x01\0", "a GIF image"),
            (b"PK\x03\x04\x14\0", "a ZIP archive"),
            (b"\x1f\x8b\x08\0", "a gzip archive"),
            (b"\0\0\0\x20ftypisom", "an image, sound or film"),
            (b"RIFF\x10\0\0\0WEBPVP8 ", "an image, sound or film"),
        ];
        for (bytes, named) in files {
            assert_eq!(name(bytes), Some(named));
        }
        for page in ["", "<html>", "\n<!doctype html>", "RIFF-raff sells its shares.", "{\"a\":1}", "银行"]
        {
            assert_eq!(name(page.as_bytes()), None, "{page}");
        }
    }

    #[test]
    fn bytes_of_another_kind_decode_to_no_text() {
        let bytes: Vec<u8> =
            (1..1000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        assert!(is_garbled(&crate::charset::decode(&bytes, None)));
        assert!(is_garbled(&"\u{fffd}\u{fffd}a".repeat(20)));
        let broken =
            format!("<p>Z\u{fffd}rich, Gen\u{fffd}ve\0</p>{}", "<p>Shares fell.\r\n\t</p>".repeat(20));
        for page in [broken.as_str(), "", "\0\0\0", "银行股下跌"] {
            assert!(!is_garbled(page), "{page}");
        }
    }
}
