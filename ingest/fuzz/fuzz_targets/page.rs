#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let html = tocsin_ingest::charset::decode(bytes, None);
    let page = tocsin_ingest::page::read(&html, "https://example.com/2024/05/06/a");
    assert!(page.published.is_none_or(|dated| (0.0..=1.0).contains(&dated.confidence)));
});
