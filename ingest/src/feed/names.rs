//! What the elements of feeds are called, in which namespaces, and which field of an item each is;
//! and what their types say.

use std::collections::HashMap;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::bounds::{MAX_NAME, start_of};
use crate::page::markup::Attributes;

/// Most prefixes of a feed that are learned.
const MOST_SPACES: usize = 100;

/// What of an item is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Title,
    Link,
    Id,
    Published,
    Updated,
    Author,
    Summary,
    Content,
    /// The text of an entry that has no other.
    Caption,
    Lang,
}

impl Field {
    /// `name` is local; `space` as [`Spaces::meaning`] says.
    pub(super) fn of(space: &str, name: &str) -> Option<Self> {
        Some(match (space, name) {
            ("" | "dc" | "news", "title") => Self::Title,
            ("", "link" | "loc") | ("feedburner", "origlink") => Self::Link,
            ("", "id" | "guid") | ("dc", "identifier") => Self::Id,
            ("", "pubdate" | "published" | "issued" | "created") | ("dc", "date" | "created" | "issued") => {
                Self::Published
            }
            ("news", "publication_date") => Self::Published,
            ("", "updated" | "modified" | "lastmod") | ("dc", "modified") => Self::Updated,
            ("", "author") | ("dc", "creator" | "author") | ("itunes", "author") => Self::Author,
            ("", "description" | "summary" | "abstract" | "tagline") | ("dc", "description") => Self::Summary,
            ("itunes", "summary") => Self::Summary,
            ("", "content" | "body" | "fullitem") | ("content", "encoded") => Self::Content,
            ("media", "description") | ("itunes", "subtitle") => Self::Caption,
            ("dc" | "news", "language") => Self::Lang,
            _ => return None,
        })
    }

    /// Whether markup may stand in it.
    pub(super) fn is_text(self) -> bool {
        matches!(self, Self::Summary | Self::Content | Self::Caption)
    }
}

/// Which of two dates of an item is that of its publication: the one of the lower rank. Named as [`Field::of`] has it.
pub(super) fn rank(space: &str, name: &str) -> u8 {
    match (space, name) {
        ("", "published") => 0,
        ("", "issued") => 1,
        ("", "pubdate") => 2,
        ("news", _) => 3,
        ("dc", "date" | "issued") => 4,
        // When it was begun.
        _ => 5,
    }
}

/// What a document of entries begins with.
pub(super) fn is_root(local: &str) -> bool {
    matches!(local, "rss" | "rdf" | "feed" | "channel" | "urlset" | "sitemapindex")
}

/// Elements within an item that hold fields of something else. Those that hold nothing are none of them: their
/// end is often forgotten.
pub(super) fn is_foreign(space: &str, local: &str) -> bool {
    match space {
        "" => matches!(local, "source" | "image" | "textinput" | "cloud"),
        "media" => !matches!(local, "content" | "thumbnail"),
        _ => false,
    }
}

/// Whether a type is of nothing that can be read, by the rules of Atom.
pub(super) fn is_binary(kind: &str) -> bool {
    let is_text = kind.starts_with("text/") || kind.ends_with("xml") || kind.contains("html");
    kind.contains('/') && !is_text
}

/// Whether it can be Base64; words that are no sentence can be, too.
pub(super) fn is_base64(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || b"+/=".contains(&byte))
}

/// The text that Base64 carries; empty where it carries none. Padding is often lost.
pub(super) fn from_base64(text: &str) -> String {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    let signs: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let carried = String::from_utf8(LENIENT.decode(signs).unwrap_or_default());
    carried.ok().filter(|text| !text.contains('\0')).unwrap_or_default()
}

/// Whether an element says that it, and what stands in it, is of a namespace that no feed has.
pub(super) fn is_of_others(attributes: &str) -> bool {
    attributes.contains("xmlns")
        && Attributes(attributes).any(|(name, uri)| name == "xmlns" && space_of(uri) == "other")
}

/// What the prefixes of a feed stand for.
#[derive(Debug, Default)]
pub(super) struct Spaces {
    meanings: HashMap<String, &'static str>,
    /// What those meant before that an item declares: it does so for itself only.
    before_item: HashMap<String, Option<&'static str>>,
}

impl Spaces {
    /// `is_within`: within an item.
    pub(super) fn learn(&mut self, attributes: &str, is_within: bool) {
        if !attributes.contains("xmlns:") {
            return;
        }
        for (name, uri) in Attributes(attributes) {
            let prefix = name.strip_prefix("xmlns:").filter(|prefix| prefix.len() <= MAX_NAME);
            let Some(prefix) = prefix.filter(|_| self.meanings.len() < MOST_SPACES) else { continue };
            let prefix = prefix.to_ascii_lowercase();
            let before = self.meanings.insert(prefix.clone(), space_of(uri));
            if is_within {
                self.before_item.entry(prefix).or_insert(before);
            }
        }
    }

    /// Forgets what the item declared.
    pub(super) fn end_item(&mut self) {
        for (prefix, before) in self.before_item.drain() {
            match before {
                Some(space) => self.meanings.insert(prefix, space),
                None => self.meanings.remove(&prefix),
            };
        }
    }

    /// What the prefix of a name stands for, and the name without it, in lower case.
    pub(super) fn meaning(&self, name: &str) -> (&'static str, String) {
        let name = start_of(name, MAX_NAME).to_ascii_lowercase();
        let Some((prefix, local)) = name.split_once(':') else { return ("", name) };
        let space = self.meanings.get(prefix).copied().unwrap_or_else(|| usual_space(prefix));
        (space, local.to_owned())
    }
}

/// What a namespace stands for; those of feeds themselves are "".
fn space_of(uri: &str) -> &'static str {
    let uri = uri.trim().to_ascii_lowercase();
    let is = |part: &str| uri.contains(part);
    if is("purl.org/dc/") {
        "dc"
    } else if is("modules/content") {
        "content"
    } else if is("sitemap-news") {
        "news"
    } else if is("itunes") {
        "itunes"
    } else if is("search.yahoo.com/mrss") {
        "media"
    } else if is("feedburner") {
        "feedburner"
    } else if is("2005/atom")
        || is("purl.org/atom")
        || is("purl.org/rss")
        || is("netscape.com/rdf")
        || is("22-rdf-syntax")
        || is("backend.userland.com/rss")
        || is("schemas/sitemap/")
        || is("my.netscape.com")
    {
        ""
    } else {
        "other"
    }
}

/// What a prefix stands for that the feed does not explain.
fn usual_space(prefix: &str) -> &'static str {
    let known = ["dc", "content", "news", "itunes", "media", "feedburner"];
    known.into_iter().find(|known| *known == prefix).unwrap_or(match prefix {
        "atom" | "atom10" | "a10" | "rss" | "rdf" | "sm" | "ns0" => "",
        _ => "other",
    })
}
