//! Sitemaps: lists of a site's pages, news among them, and lists of such lists; packed by
//! gzip or not, up to the 50,000 entries that the protocol allows.

use chrono::{DateTime, Utc};

use crate::{feed, gzip};

/// What a sitemap lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sitemap {
    /// Other sitemaps.
    Index(Vec<Listed>),
    Pages(Vec<Listed>),
}

/// One line of a sitemap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub url: String,
    pub modified: Option<DateTime<Utc>>,
    /// Of news: title and date of publication.
    pub title: Option<String>,
    pub published: Option<DateTime<Utc>>,
}

/// Reads a sitemap, or says why it is none. Entries without an address on the Web are left out.
pub fn read(bytes: &[u8], url: &str) -> Result<Sitemap, String> {
    let bytes = gzip::unpacked(bytes)?;
    let items = feed::items(&bytes, None, Some(url))?;
    let is_index = is_index(&bytes)?;
    let listed = items.into_iter().filter_map(listed).collect();
    Ok(if is_index { Sitemap::Index(listed) } else { Sitemap::Pages(listed) })
}

/// Told by its first element, whose name may have a prefix.
fn is_index(bytes: &[u8]) -> Result<bool, String> {
    let head = String::from_utf8_lossy(bytes.get(..4096).unwrap_or(bytes)).replace('\0', "").to_lowercase();
    let names = head.split('<').filter_map(|tag| tag.split(|c: char| c.is_whitespace() || c == '>').next());
    let mut names = names.map(|name| name.rsplit(':').next().unwrap_or(name));
    match names.find(|name| matches!(*name, "sitemapindex" | "urlset")) {
        Some(name) => Ok(name == "sitemapindex"),
        None => Err("no sitemap: neither <urlset> nor <sitemapindex>".to_owned()),
    }
}

fn listed(item: feed::Item) -> Option<Listed> {
    let url = item.links.into_iter().next()?;
    crate::canonical_url(&url)?;
    let title = Some(item.title).filter(|title| !title.is_empty());
    Some(Listed { url, modified: item.updated, title, published: item.published })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_indexes_are_told_apart() {
        let index = "<sitemapindex><sitemap><loc>https://e.com/news.xml.gz</loc><lastmod>2024-05-06</lastmod></sitemap></sitemapindex>";
        let Sitemap::Index(listed) = read(index.as_bytes(), "https://e.com/sitemap.xml").unwrap() else {
            panic!("an index is no list of pages")
        };
        assert_eq!(listed[0].url, "https://e.com/news.xml.gz");
        assert_eq!(listed[0].modified.unwrap().to_rfc3339(), "2024-05-06T00:00:00+00:00");
        let pages = "<urlset><url><loc> /a </loc></url><url><loc>mailto:x@e.com</loc></url></urlset>";
        let Sitemap::Pages(listed) = read(pages.as_bytes(), "https://e.com/sitemap.xml").unwrap() else {
            panic!("a list of pages is no index")
        };
        assert_eq!(listed.iter().map(|listed| listed.url.as_str()).collect::<Vec<_>>(), ["https://e.com/a"]);
        assert!(read(b"<rss><channel/></rss>", "https://e.com/").is_err());
    }

    #[test]
    fn elements_may_have_a_prefix() {
        let space = "xmlns:sm='http://www.sitemaps.org/schemas/sitemap/0.9'";
        for (list, entry, is_index) in [("sitemapindex", "sitemap", true), ("urlset", "url", false)] {
            let map = format!(
                "<?xml version='1.0'?><!-- a list --><sm:{list} {space}><sm:{entry}><sm:loc>https://e.com/a</sm:loc></sm:{entry}></sm:{list}>"
            );
            let (was_index, listed) = match read(map.as_bytes(), "https://e.com/").unwrap() {
                Sitemap::Index(listed) => (true, listed),
                Sitemap::Pages(listed) => (false, listed),
            };
            assert_eq!((was_index, listed[0].url.as_str()), (is_index, "https://e.com/a"), "{list}");
        }
    }

    #[test]
    fn fifty_thousand_entries_are_read_and_no_more() {
        let entry = "<url><loc>https://e.com/a</loc></url>";
        let map = format!("<urlset>{}</urlset>", entry.repeat(50_010));
        let Sitemap::Pages(listed) = read(map.as_bytes(), "https://e.com/").unwrap() else {
            panic!("no pages")
        };
        assert_eq!(listed.len(), 50_000);
    }
}
