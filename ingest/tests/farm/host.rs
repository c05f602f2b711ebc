//! What one host of the farm publishes, and how it behaves.

use std::io::Write as _;

use chrono::{DateTime, TimeDelta, Utc};

/// How a host behaves; in turns, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Plain,
    /// Its feed is elsewhere for now, and called a web page.
    Elsewhere,
    /// Its feed has moved for good.
    Moved,
    /// robots.txt closes every other page.
    Closed,
    /// Every other item is corrected at the end.
    Corrected,
    /// Every other item is taken back at the end.
    TakenBack,
    /// Links to the items of the plain host before it.
    Copy,
    /// Says 429 to the first requests.
    Busy,
    /// Its pages are captchas, bombs, endless, gone, or called a picture.
    Sick,
    /// Never serves an item: an error, silence, drops, a body without end, no robots.txt.
    Broken,
}

const ROLES: [Role; 10] = [
    Role::Plain,
    Role::Elsewhere,
    Role::Moved,
    Role::Closed,
    Role::Corrected,
    Role::TakenBack,
    Role::Copy,
    Role::Busy,
    Role::Sick,
    Role::Broken,
];

#[derive(Debug, Clone, Copy)]
pub(crate) struct Host {
    pub(crate) number: usize,
    pub(crate) port: u16,
    /// So many items in an hour.
    pub(crate) items: usize,
    pub(crate) start: DateTime<Utc>,
}

impl Host {
    pub(crate) fn role(&self) -> Role {
        ROLES[self.number % ROLES.len()]
    }

    pub(crate) fn source(&self) -> String {
        format!("h{}", self.number)
    }

    fn origin(&self) -> String {
        format!("http://127.1.{}.{}:{}", self.number / 250, 1 + self.number % 250, self.port)
    }

    /// The host with this name and port, as a request has it.
    pub(crate) fn named(name: &str) -> Option<usize> {
        let mut parts = name.split(':').next()?.split('.').skip(2).map(|part| part.parse::<usize>().ok());
        Some(parts.next()?? * 250 + parts.next()?? - 1)
    }

    pub(crate) fn configuration(&self) -> String {
        let has_pages = !matches!(self.role(), Role::Corrected | Role::TakenBack);
        let (id, origin) = (self.source(), self.origin());
        format!(
            "[[sources]]\nid = \"{id}\"\nurl = \"{origin}/feed\"\nevery = \"5m\"\nfetch_pages = {has_pages}\n"
        )
    }

    pub(crate) fn is_second(&self, item: usize) -> bool {
        item % 2 == 1
    }

    /// Where an item is; that of a copy at the host that wrote it.
    pub(crate) fn link(&self, item: usize) -> String {
        let number = if self.role() == Role::Copy { self.number - 6 } else { self.number };
        let owner = Self { number, ..*self };
        let folder = if self.role() == Role::Closed && self.is_second(item) { "closed" } else { "open" };
        format!("{}/{folder}/{item}", owner.origin())
    }

    /// Spread over the hour, on no full minute.
    fn published(&self, item: usize) -> DateTime<Utc> {
        let gap = 3600 / (self.items + 1);
        let seconds = gap * (item + 1) - (self.number * 7 + item * 3) % gap.min(60);
        self.start + TimeDelta::seconds(i64::try_from(seconds).unwrap_or_default())
    }

    /// The items that the feed shows, and the feed. `is_over`: the hour is, and corrections are made.
    pub(crate) fn feed(&self, now: DateTime<Utc>, is_over: bool) -> (Vec<usize>, String) {
        let is_gone = |item: usize| self.role() == Role::TakenBack && is_over && self.is_second(item);
        let shown: Vec<usize> =
            (0..self.items).filter(|item| self.published(*item) <= now && !is_gone(*item)).collect();
        let mut entries: String = shown.iter().map(|item| self.entry(*item, is_over)).collect();
        for item in (0..self.items).filter(|item| is_gone(*item)) {
            let id = self.id(item);
            entries += &format!("<at:deleted-entry ref=\"{id}\" when=\"2023-03-10T17:00:00Z\"/>");
        }
        let feed = format!(
            "<feed xmlns=\"http://www.w3.org/2005/Atom\" xmlns:at=\"http://purl.org/atompub/tombstones/1.0\">\
             <title>{0}</title><id>{0}</id><updated>2023-03-10T16:00:00Z</updated>{entries}</feed>",
            self.source()
        );
        (shown, feed)
    }

    fn id(&self, item: usize) -> String {
        format!("tag:{},{item}", self.number)
    }

    fn entry(&self, item: usize, is_over: bool) -> String {
        let (id, link, at) = (self.id(item), self.link(item), self.published(item).to_rfc3339());
        let title = self.title(item, is_over);
        format!(
            "<entry><id>{id}</id><title>{title}</title><link href=\"{link}\"/><updated>{at}</updated>\
             <published>{at}</published><summary>What the feed says.</summary></entry>"
        )
    }

    fn title(&self, item: usize, is_over: bool) -> String {
        let is_corrected = self.role() == Role::Corrected && is_over && self.is_second(item);
        let corrected = if is_corrected { ", corrected" } else { "" };
        format!("Story {item} of host {}{corrected}", self.number)
    }

    pub(crate) fn page(&self, item: usize) -> String {
        crate::support::article(&format!("{}.", self.title(item, false)))
    }
}

/// Forty megabytes of spaces, packed by gzip.
pub(crate) fn bomb() -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..40 {
        encoder.write_all(&[b' '; 1 << 20]).unwrap();
    }
    encoder.finish().unwrap()
}
