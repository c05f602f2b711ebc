//! Who publishes what, in which format.

/// A made-up publication. Each belongs to another owner (`family`).
#[derive(Debug)]
pub(super) struct Publisher {
    /// First part of the addresses of everything it publishes.
    pub(super) slug: &'static str,
    pub(super) name: &'static str,
    pub(super) lang: &'static str,
    pub(super) family: &'static str,
    pub(super) format: Format,
    pub(super) dateline: Dateline,
    pub(super) stories: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Rss,
    Atom,
    JsonFeed,
}

/// How an article page says when it was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dateline {
    JsonLd,
    Meta,
    Time,
    /// Not at all: only the feed knows.
    None,
}

impl Format {
    pub(super) const fn file(self) -> &'static str {
        match self {
            Self::Rss => "rss.xml",
            Self::Atom => "atom.xml",
            Self::JsonFeed => "feed.json",
        }
    }

    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Rss => "application/rss+xml; charset=utf-8",
            Self::Atom => "application/atom+xml; charset=utf-8",
            Self::JsonFeed => "application/feed+json",
        }
    }
}

impl Publisher {
    pub(super) fn feed_path(&self) -> String {
        format!("/{}/{}", self.slug, self.format.file())
    }

    pub(super) fn article_path(&self, story: &str) -> String {
        format!("/{}/articles/{story}", self.slug)
    }
}

pub(super) const PUBLISHERS: [Publisher; 5] = [
    Publisher {
        slug: "harbour-times",
        name: "Harbour Times",
        lang: "en",
        family: "harbour-media",
        format: Format::Rss,
        dateline: Dateline::JsonLd,
        stories: include_str!("stories/harbour-times.toml"),
    },
    Publisher {
        slug: "city-ledger",
        name: "City Ledger",
        lang: "en",
        family: "ledger-group",
        format: Format::Atom,
        dateline: Dateline::Meta,
        stories: include_str!("stories/city-ledger.toml"),
    },
    Publisher {
        slug: "morning-wire",
        name: "Morning Wire",
        lang: "en",
        family: "morning-wire",
        format: Format::JsonFeed,
        dateline: Dateline::Time,
        stories: include_str!("stories/morning-wire.toml"),
    },
    Publisher {
        slug: "jinrong-kuaibao",
        name: "金融快报",
        lang: "zh",
        family: "kuaibao",
        format: Format::Rss,
        dateline: Dateline::None,
        stories: include_str!("stories/jinrong-kuaibao.toml"),
    },
    Publisher {
        slug: "caijing-guancha",
        name: "财经观察",
        lang: "zh",
        family: "guancha",
        format: Format::Atom,
        dateline: Dateline::JsonLd,
        stories: include_str!("stories/caijing-guancha.toml"),
    },
];
