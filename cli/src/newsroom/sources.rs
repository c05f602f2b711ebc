//! The newsroom's entries in the configuration of ingest.

use super::Shelf;

/// One feed a publisher, and the social endpoint, in the form of `[ingest]`.
pub(super) fn render(shelves: &[Shelf], base: &str) -> String {
    let feed = |shelf: &Shelf| {
        let publisher = shelf.publisher;
        format!(
            "[[sources]]\nid = \"{}\"\nkind = \"news\"\npublisher_family = \"{}\"\nfeed = \"{base}{}\"\n\n",
            publisher.slug,
            publisher.family,
            publisher.feed_path(),
        )
    };
    let feeds: String = shelves.iter().map(feed).collect();
    format!("{feeds}{}", social(base))
}

fn social(base: &str) -> String {
    format!(
        "[[sources]]\nid = \"pulse\"\nkind = \"social\"\npublisher_family = \"pulse\"\nurl = \"{base}/pulse/api/posts\"\n"
    )
}
