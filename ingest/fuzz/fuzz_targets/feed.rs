#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(items) = tocsin_ingest::feed::items(bytes, None, Some("https://example.com/feed")) {
        assert!(items.iter().all(|item| !item.id.is_empty()));
    }
});
