//! Sitemaps: lists of a site's pages, news among them, and lists of such lists, as XML or with an
//! address a line; packed by gzip or not, up to the 50,000 entries that the protocol allows.

use chrono::{DateTime, Utc};

use crate::{feed, gzip};

/// What a list of other sitemaps begins with.
const INDEX: &str = "sitemapindex";
/// How far into a document its first element is looked for, in bytes.
const HEAD: usize = 4096;
/// Most addresses of a list without markup, and most bytes of all of them; the rest is dropped.
const MOST: usize = 50_000;
const MAX_LIST: usize = 24 << 20;
/// Longest of these addresses, in bytes; what is longer is dropped.
const LONGEST: usize = 8 << 10;

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
    let Some(root) = root(&bytes) else {
        let lines =
            addresses(&bytes).ok_or("no sitemap: neither <urlset> nor <sitemapindex>, nor addresses")?;
        return Ok(Sitemap::Pages(lines));
    };
    let mut all = Vec::new();
    feed::each(&bytes, None, Some(url), &mut |item| all.extend(listed(item)))?;
    Ok(if root == INDEX { Sitemap::Index(all) } else { Sitemap::Pages(all) })
}

/// The first element of a sitemap, whose name may have a prefix; `None`: it is no sitemap.
pub(crate) fn root(bytes: &[u8]) -> Option<&'static str> {
    let head = String::from_utf8_lossy(bytes.get(..HEAD).unwrap_or(bytes)).replace('\0', "").to_lowercase();
    if head.trim_start_matches(|c: char| c == '\u{feff}' || c.is_whitespace()).starts_with('{') {
        return None;
    }
    let names = head.split('<').filter_map(|tag| tag.split(|c: char| c.is_whitespace() || c == '>').next());
    let mut names = names.map(|name| name.rsplit(':').next().unwrap_or(name));
    names.find_map(|name| [INDEX, "urlset"].into_iter().find(|root| *root == name))
}

/// What has an address on each line, but for those that have none; `None`: it begins with something else. Makes no
/// text of the whole, which may be a bomb.
fn addresses(bytes: &[u8]) -> Option<Vec<Listed>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let lines =
        bytes.split(|byte| matches!(byte, b'\n' | b'\r')).filter_map(|line| std::str::from_utf8(line).ok());
    let mut length = 0;
    let mut lines = lines.map(str::trim).filter(|line| !line.is_empty()).take(MOST).take_while(|line| {
        length += line.len();
        length <= MAX_LIST
    });
    let address = |line: &str| {
        let is_one = line.len() <= LONGEST && !line.contains(char::is_whitespace);
        let url = Some(line).filter(|line| is_one && crate::canonical_url(line).is_some())?.to_owned();
        Some(Listed { url, modified: None, title: None, published: None })
    };
    let first = address(lines.next()?)?;
    Some(std::iter::once(first).chain(lines.filter_map(address)).collect())
}

fn listed(item: feed::Item) -> Option<Listed> {
    let url = item.links.into_iter().next()?;
    crate::canonical_url(&url)?;
    let title = Some(item.title).filter(|title| !title.is_empty());
    Some(Listed { url, modified: item.updated, title, published: item.published })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

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
    fn a_list_without_markup_has_an_address_on_each_line() {
        let list = "\u{feff}https://e.com/a?x=1&y=2\r\n\r\n https://e.com/b \nabout us\nmailto:x@e.com\nhttp://e.com/银";
        let Sitemap::Pages(listed) = read(list.as_bytes(), "https://e.com/sitemap.txt").unwrap() else {
            panic!("no pages")
        };
        let urls: Vec<&str> = listed.iter().map(|listed| listed.url.as_str()).collect();
        assert_eq!(urls, ["https://e.com/a?x=1&y=2", "https://e.com/b", "http://e.com/银"]);
        for other in
            ["", "\n", "Not found", "not at https://e.com/a\nhttps://e.com/b", "{\"a\":\"https://e.com\"}"]
        {
            assert!(read(other.as_bytes(), "https://e.com/").is_err(), "{other}");
        }
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

    /// A sitemap of more than 24 and less than 50 MiB, packed.
    fn large(root: &str) -> std::io::Result<Vec<u8>> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        write!(encoder, "<{root}>")?;
        let padding = "x".repeat(560);
        for n in 0..50_000 {
            write!(encoder, "<url><!-- {padding} --><loc>https://e.com/{n}</loc></url>")?;
        }
        write!(encoder, "</{root}>")?;
        encoder.finish()
    }

    #[test]
    fn a_sitemap_may_be_as_long_as_its_protocol_allows_and_no_feed_that_long() {
        let map = large("urlset").unwrap();
        let Sitemap::Pages(listed) = read(&map, "https://e.com/").unwrap() else { panic!("no pages") };
        assert_eq!(listed.last().unwrap().url, "https://e.com/49999");
        assert_eq!(feed::entries(&map, None, "https://e.com/").unwrap().len(), 50_000);
        assert!(feed::items(&large("rss").unwrap(), None, None).unwrap_err().contains("longer than"));
        assert_eq!(root(b"\xef\xbb\xbf {\"<urlset>\":1}"), None);
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
