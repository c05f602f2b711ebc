//! The sample newsroom of the demo: five made-up publications and a made-up
//! social network, served over real HTTP on loopback.
//!
//! The companies, people and events do not exist. An item appears when the
//! newsroom's clock passes its time; nothing here knows who reads it.

mod feed;
mod page;
mod publisher;
mod pulse;
pub(crate) mod receiver;
mod routes;
mod sources;
mod story;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tocsin_runtime::Clock;

use publisher::{PUBLISHERS, Publisher};
use pulse::Post;
use story::Story;

/// Two simulated days of news; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Newsroom(Arc<Desk>);

/// What the newsroom will have published when its time is over.
#[derive(Debug)]
struct Desk {
    start: DateTime<Utc>,
    clock: Arc<dyn Clock>,
    shelves: Vec<Shelf>,
    posts: Vec<Post>,
}

/// One publication and its stories, the oldest first.
#[derive(Debug)]
struct Shelf {
    publisher: &'static Publisher,
    stories: Vec<Story>,
}

impl Newsroom {
    /// A newsroom whose first simulated day begins at `start`.
    pub(crate) fn new(start: DateTime<Utc>, clock: Arc<dyn Clock>) -> Self {
        let shelves = PUBLISHERS
            .iter()
            .map(|publisher| Shelf { publisher, stories: story::read(publisher.stories) })
            .collect();
        Self(Arc::new(Desk { start, clock, shelves, posts: pulse::posts() }))
    }

    /// Feeds, article pages, the social endpoint and `/robots.txt`.
    pub(crate) fn router(&self) -> axum::Router {
        routes::router(self.clone())
    }

    /// The newsroom as a reader configures it: ingest's sources in TOML, served under `base`.
    pub(crate) fn sources(&self, base: &str) -> String {
        sources::render(&self.0.shelves, base)
    }

    fn shelf(&self, slug: &str) -> Option<&Shelf> {
        self.0.shelves.iter().find(|shelf| shelf.publisher.slug == slug)
    }

    /// The instant of an item `offset` after the start.
    fn instant(&self, offset: TimeDelta) -> DateTime<Utc> {
        self.0.start + offset
    }

    fn is_out(&self, offset: TimeDelta) -> bool {
        self.instant(offset) <= self.0.clock.now()
    }
}

#[cfg(test)]
mod tests;
