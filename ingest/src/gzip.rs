//! Documents that are served packed by gzip without saying so, as sitemaps are.

use std::borrow::Cow;
use std::io::Read;

/// Longest unpacked document, in bytes: what the protocol of sitemaps allows. A bomb ends here.
pub const MAX_UNPACKED: u64 = 50 << 20;

/// `bytes`, unpacked where they are gzip. `Err`: they are broken from the start, or too long.
pub fn unpacked(bytes: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut out = Vec::new();
    let mut reader = flate2::read::MultiGzDecoder::new(bytes).take(MAX_UNPACKED + 1);
    match reader.read_to_end(&mut out) {
        Err(cause) if out.is_empty() => Err(format!("unpack gzip: {cause}")),
        // What was cut off is still good up to there.
        Ok(_) | Err(_) if out.len() as u64 <= MAX_UNPACKED => {
            out.shrink_to_fit();
            Ok(Cow::Owned(out))
        }
        Ok(_) | Err(_) => Err(format!("longer than {MAX_UNPACKED} bytes when unpacked")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn packed_bytes_are_unpacked_and_others_left() {
        assert_eq!(unpacked(&packed(b"<rss/>")).unwrap().as_ref(), b"<rss/>");
        assert_eq!(unpacked(b"<rss/>").unwrap().as_ref(), b"<rss/>");
        let whole = packed(&b"abc".repeat(10_000));
        assert!(!unpacked(&whole[..whole.len() - 8]).unwrap().is_empty());
        assert!(unpacked(b"\x1f\x8bnonsense").is_err());
    }

    #[test]
    fn a_bomb_is_refused() {
        let bomb = packed(&vec![0; (50 << 20) + 1]);
        assert!(bomb.len() < 100_000);
        assert!(unpacked(&bomb).is_err());
    }
}
