//! The newsroom as a reader configures it, in the form of ingest's section.

use super::Shelf;

/// One machine serves all, and its time runs quickly: no pause between requests.
const PACE: &str = "min_delay = \"0s\"\n";
/// Of the newsroom's time.
const EVERY: &str = "5m";

/// One feed a publisher, and the social endpoint, served under `base`.
pub(super) fn render(shelves: &[Shelf], base: &str) -> String {
    let feeds: String = shelves.iter().map(|shelf| feed(shelf, base)).collect();
    format!("{PACE}\n{feeds}{}", social(base))
}

fn feed(shelf: &Shelf, base: &str) -> String {
    let (id, family) = (shelf.publisher.slug, shelf.publisher.family);
    let path = shelf.publisher.feed_path();
    format!(
        "[[sources]]\nid = \"{id}\"\nurl = \"{base}{path}\"\nkind = \"news\"\n\
         publisher_family = \"{family}\"\nevery = \"{EVERY}\"\n\n"
    )
}

fn social(base: &str) -> String {
    format!(
        "[[sources]]\nid = \"pulse\"\nurl = \"{base}/pulse/api/posts\"\nformat = \"json\"\nkind = \"social\"\n\
         publisher_family = \"pulse\"\nevery = \"{EVERY}\"\n\n\
         [sources.json]\nitems = \"posts\"\nauthor = \"author.handle\"\nlikes = \"metrics.likes\"\n\
         reposts = \"metrics.reposts\"\nsince_param = \"since_id\"\n"
    )
}
