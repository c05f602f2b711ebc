//! What is known of the JSON interfaces of the world; a source's own `[json]` goes before it.

use std::time::Duration;

use crate::config::{Counts, JsonConfig, NextConfig, SourceFormat};

/// `None`: the format's items are not read by paths.
pub(crate) fn preset(format: SourceFormat) -> Option<JsonConfig> {
    match format {
        SourceFormat::Json => Some(plain()),
        SourceFormat::HackerNews => Some(hacker_news()),
        SourceFormat::Reddit => Some(reddit()),
        SourceFormat::Mastodon => Some(mastodon()),
        SourceFormat::MastodonSearch => Some(mastodon_search()),
        SourceFormat::Csv | SourceFormat::Ndjson => Some(rows()),
        SourceFormat::Feed | SourceFormat::Listing | SourceFormat::Sitemap | SourceFormat::Jetstream => None,
    }
}

/// The formats that a list may be tried as.
pub(crate) const KNOWN: [(SourceFormat, &str); 4] = [
    (SourceFormat::HackerNews, "hacker_news"),
    (SourceFormat::Reddit, "reddit"),
    (SourceFormat::MastodonSearch, "mastodon_search"),
    (SourceFormat::Mastodon, "mastodon"),
];

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn plain() -> JsonConfig {
    JsonConfig {
        items: text(""),
        id: text("id"),
        text: text("text"),
        created_at: text("created_at"),
        ..JsonConfig::default()
    }
}

/// Rows of a file: a column is a field.
fn rows() -> JsonConfig {
    JsonConfig {
        title: text("title"),
        author: text("author"),
        lang: text("lang"),
        url: text("url"),
        deleted: text("deleted"),
        ..plain()
    }
}

/// `search_by_date` of the Algolia interface (<https://hn.algolia.com/api>): stories,
/// comments, or both. A story's address is the one of its discussion: the page that it
/// leads to is another source's document.
fn hacker_news() -> JsonConfig {
    JsonConfig {
        items: text("hits"),
        id: text("objectID"),
        title: text("title"),
        text: text("$['comment_text', 'story_text']"),
        created_at: text("created_at_i"),
        author: text("author"),
        url: text("https://news.ycombinator.com/item?id={id}"),
        likes: text("points"),
        replies: text("num_comments"),
        since_param: text("numericFilters"),
        since_value: text("created_at_i>={time}"),
        // The index lags behind the site.
        overlap: Some(Duration::from_secs(600)),
        next: Some(NextConfig { param: text("page"), counts: Some(Counts::Pages), ..NextConfig::default() }),
        ..JsonConfig::default()
    }
}

/// A post or comment of Reddit that is gone. Of comments, and of posts whose account is gone, only their text says so.
const GONE: &str = "$[?@.body == '[removed]' || @.body == '[deleted]' || @.selftext == '[removed]' \
                    || @.selftext == '[deleted]' || (@.removed_by_category && @.removed_by_category != null)]";

/// A listing of Reddit, as `/r/NAME/new.json`.
fn reddit() -> JsonConfig {
    JsonConfig {
        items: text("data.children"),
        id: text("data.name"),
        title: text("data.title"),
        text: text("$.data['selftext', 'body']"),
        created_at: text("data.created_utc"),
        author: text("data.author"),
        url: text("data.permalink"),
        likes: text("data.ups"),
        replies: text("data.num_comments"),
        deleted: text(GONE),
        next: Some(NextConfig { path: text("data.after"), param: text("after"), ..NextConfig::default() }),
        ..JsonConfig::default()
    }
}

/// A timeline of Mastodon, as `/api/v1/timelines/tag/NAME`. Posts of other servers arrive
/// late under ids of their own time, so no newest id is asked for.
fn mastodon() -> JsonConfig {
    JsonConfig {
        items: text(""),
        id: text("id"),
        title: text("spoiler_text"),
        text: text("content"),
        created_at: text("created_at"),
        author: text("account.acct"),
        lang: text("language"),
        url: text("url"),
        likes: text("favourites_count"),
        reposts: text("reblogs_count"),
        replies: text("replies_count"),
        // In the timelines of accounts and lists; others repeat nothing.
        repeated: text("reblog"),
        captions: text("$.media_attachments[*].description"),
        next: Some(NextConfig { header: true, ..NextConfig::default() }),
        ..JsonConfig::default()
    }
}

/// `/api/v2/search?type=statuses&q=WORDS` of Mastodon.
fn mastodon_search() -> JsonConfig {
    JsonConfig {
        items: text("statuses"),
        next: Some(NextConfig {
            param: text("offset"),
            counts: Some(Counts::Items),
            ..NextConfig::default()
        }),
        ..mastodon()
    }
}
