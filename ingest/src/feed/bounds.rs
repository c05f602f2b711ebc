//! How much of a feed is kept, however it was made: what its entries inherit is written once and kept with each.

/// Entries after which the rest of a feed is dropped: as many as a sitemap may hold.
pub(super) const MAX_ENTRIES: usize = 50_000;
/// Bytes of the texts and addresses of all entries together after which the rest of a feed is dropped.
pub(super) const MAX_TEXTS: usize = 32 << 20;
/// Longest text of a field, in bytes; what is longer is cut.
pub(super) const MAX_FIELD: usize = 1 << 20;
/// The same of an author.
pub(super) const MAX_AUTHOR: usize = 1 << 10;
/// Longest address, in bytes; what is longer is dropped.
pub(super) const MAX_ADDRESS: usize = 8 << 10;
/// Longest name of an element that is told from others, in bytes.
pub(super) const MAX_NAME: usize = 200;
/// Longest name of a language, in bytes; what is longer is dropped.
const MAX_LANGUAGE: usize = 64;

/// As much of a text as a field holds.
pub(super) fn start_of(text: &str, most: usize) -> &str {
    text.split_at(text.floor_char_boundary(most)).0
}

/// The language that a text names; `None`: it names none.
pub(super) fn language(text: &str) -> Option<String> {
    Some(text.trim()).filter(|name| !name.is_empty() && name.len() <= MAX_LANGUAGE).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::super::items;

    #[test]
    fn a_language_that_is_too_long_to_be_one_is_dropped() {
        let long = "x".repeat(65);
        for feed in [
            format!("<rss xml:lang='{long}'><item/></rss>"),
            format!("<rss><channel><language>{long}</language><item/></channel></rss>"),
            format!("<rss><item xml:lang='{long}'/></rss>"),
            format!("<rss><item><dc:language>{long}</dc:language></item></rss>"),
            format!("{{\"language\":\"{long}\",\"items\":[{{}}]}}"),
            format!("{{\"items\":[{{\"language\":\"{long}\"}}]}}"),
        ] {
            assert_eq!(items(feed.as_bytes(), None, None).unwrap()[0].lang, None, "{feed}");
            let short = feed.replace(&long, " en-GB ");
            let lang = items(short.as_bytes(), None, None).unwrap().remove(0).lang;
            assert_eq!(lang.as_deref(), Some("en-GB"), "{short}");
        }
    }

    #[test]
    fn an_address_or_a_base_that_is_too_long_is_dropped() {
        let long = format!("https://e.com/{}/", "x".repeat(8 << 10));
        for entry in [
            format!("<entry><link href='{long}'/></entry>"),
            format!("<item><link>{long}</link></item>"),
            format!("<item><guid>{long}</guid><link rel='self' href='{}'/></item>", "&amp;".repeat(8 << 10)),
            format!("<item><link>{}</link></item>", "银".repeat(1 << 10)),
        ] {
            let item = items(format!("<rss>{entry}</rss>").as_bytes(), None, Some("https://e.com/")).unwrap();
            assert!(item[0].links.is_empty(), "{entry}");
        }
        let of_json = format!("{{\"items\":[{{\"url\":\"{long}\",\"external_url\":\"https://e.com/1\"}}]}}");
        assert_eq!(items(of_json.as_bytes(), None, None).unwrap()[0].links, ["https://e.com/1"]);
        for feed in [
            format!("<feed xml:base='{long}'><entry><link href='a'/></entry></feed>"),
            format!("<feed><entry xml:base='{long}'><link xml:base='{long}' href='a'/></entry></feed>"),
        ] {
            let item = items(feed.as_bytes(), None, Some("https://e.com/feed")).unwrap();
            assert_eq!(item[0].links, ["https://e.com/a"]);
        }
    }
}
