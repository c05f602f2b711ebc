//! What must hold for any bytes, for the fuzz targets and for `tests/fuzz.rs`.

use tocsin_ingest::robots::Rules;
use tocsin_ingest::sitemap::{self, Sitemap};
use tocsin_ingest::{charset, feed, page};

pub fn feed(bytes: &[u8]) {
    if let Ok(items) = feed::items(bytes, None, Some("https://example.com/feed")) {
        assert!(items.iter().all(|item| !item.id.is_empty()));
    }
}

pub fn page(bytes: &[u8]) {
    let page = page::read(&charset::decode(bytes, None), "https://example.com/2024/05/06/a");
    assert!(page.published.is_none_or(|dated| (0.0..=1.0).contains(&dated.confidence)));
    assert!(!page.text.contains('\0'));
}

/// What an agent may not fetch is decided by a line that exists.
pub fn robots(bytes: &[u8]) {
    let decision = Rules::parse(bytes).decide("TocsinBot", "https://example.com/a/b?c=d");
    assert!(decision.allowed || decision.line.is_some_and(|line| line > 0));
}

pub fn sitemap(bytes: &[u8]) {
    if let Ok(Sitemap::Pages(listed) | Sitemap::Index(listed)) =
        sitemap::read(bytes, "https://example.com/sitemap.xml")
    {
        assert!(listed.iter().all(|listed| listed.url.starts_with("http")) && listed.len() <= 50_000);
    }
}
