//! Feeds in the three formats that publishers use.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::page::escape;
use super::publisher::{Format, Publisher};

/// An article as its feed lists it.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) url: String,
    pub(super) title: &'a str,
    pub(super) summary: &'a str,
    pub(super) at: DateTime<Utc>,
}

/// The feed of `publisher` with `entries` (the newest first), served under `base`.
pub(super) fn render(publisher: &Publisher, base: &str, entries: &[Entry<'_>]) -> String {
    match publisher.format {
        Format::Rss => rss(publisher, base, entries),
        Format::Atom => atom(publisher, base, entries),
        Format::JsonFeed => json_feed(publisher, base, entries),
    }
}

fn rss(publisher: &Publisher, base: &str, entries: &[Entry<'_>]) -> String {
    let item = |entry: &Entry<'_>| {
        let (url, title, summary) = (escape(&entry.url), escape(entry.title), escape(entry.summary));
        let date = entry.at.to_rfc2822();
        format!(
            "<item><title>{title}</title><link>{url}</link><guid isPermaLink=\"true\">{url}</guid>\
             <pubDate>{date}</pubDate><description>{summary}</description></item>\n"
        )
    };
    let items: String = entries.iter().map(item).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\"><channel><title>{name}</title>\
         <link>{home}</link><description>{name}: a sample newsroom</description><language>{lang}</language>\n\
         {items}</channel></rss>\n",
        name = publisher.name,
        home = escape(&format!("{base}/{}/", publisher.slug)),
        lang = publisher.lang,
    )
}

fn atom(publisher: &Publisher, base: &str, entries: &[Entry<'_>]) -> String {
    let item = |entry: &Entry<'_>| {
        let (url, title, summary) = (escape(&entry.url), escape(entry.title), escape(entry.summary));
        let date = entry.at.to_rfc3339();
        format!(
            "<entry><id>{url}</id><title>{title}</title><link rel=\"alternate\" href=\"{url}\"/>\
             <published>{date}</published><updated>{date}</updated><summary>{summary}</summary></entry>\n"
        )
    };
    let items: String = entries.iter().map(item).collect();
    let updated = entries.first().map_or(DateTime::UNIX_EPOCH, |entry| entry.at).to_rfc3339();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\" \
         xml:lang=\"{lang}\"><id>{url}</id><title>{name}</title><link rel=\"self\" href=\"{url}\"/>\
         <author><name>{name}</name></author><updated>{updated}</updated>\n{items}</feed>\n",
        lang = publisher.lang,
        name = publisher.name,
        url = escape(&format!("{base}{}", publisher.feed_path())),
    )
}

fn json_feed(publisher: &Publisher, base: &str, entries: &[Entry<'_>]) -> String {
    let items: Vec<_> = entries
        .iter()
        .map(|entry| {
            json!({
                "id": entry.url, "url": entry.url, "title": entry.title, "summary": entry.summary,
                "content_text": entry.summary, "date_published": entry.at.to_rfc3339(),
            })
        })
        .collect();
    let feed = json!({
        "version": "https://jsonfeed.org/version/1.1", "title": publisher.name, "language": publisher.lang,
        "home_page_url": format!("{base}/{}/", publisher.slug),
        "feed_url": format!("{base}{}", publisher.feed_path()), "items": items,
    });
    feed.to_string()
}
