#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(tocsin_ingest::sitemap::Sitemap::Pages(listed) | tocsin_ingest::sitemap::Sitemap::Index(listed)) =
        tocsin_ingest::sitemap::read(bytes, "https://example.com/sitemap.xml")
    {
        assert!(listed.iter().all(|listed| listed.url.starts_with("http")) && listed.len() <= 50_000);
    }
});
