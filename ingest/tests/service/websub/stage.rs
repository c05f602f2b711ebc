//! A site whose feed names the hub, and ingest that reads it.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

use tocsin_ingest::IngestConfig;
use tocsin_runtime::Shutdown;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::hub::{Hub, serve};
use crate::support::{Reply, Running, Site, World, feed_of, wait_until};

/// Site, hub and an address that hubs can call.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) site: Site,
    pub(crate) hub: Hub,
    hub_at: SocketAddr,
    pub(crate) callback: SocketAddr,
    /// Of `callback`: bound as long as the stage stands, so that nobody else takes its port.
    listener: std::net::TcpListener,
    config: IngestConfig,
}

pub(crate) struct Playing {
    running: Running,
    server: JoinHandle<()>,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let (site, world) = (Site::start().await, World::new().await);
        let (hub, hub_at) = Hub::start().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap().into_std().unwrap();
        let callback = listener.local_addr().unwrap();
        let mut config = feed_of(&site);
        config.allow.push(hub_at.to_string());
        config.websub.callback = Some(format!("http://{callback}/"));
        config.sources[0].fetch_pages = false;
        let stage = Self { world, site, hub, hub_at, callback, listener, config };
        stage.show(1, true);
        stage
    }

    /// Lets the feed show the first `count` items, with its hub or without.
    pub(crate) fn show(&self, count: usize, with_hub: bool) {
        self.site.set("/feed", Reply::ok("application/rss+xml", self.feed(0..count, with_hub)));
    }

    pub(crate) fn feed(&self, items: Range<usize>, with_hub: bool) -> String {
        let link = format!("<atom:link rel=\"hub\" href=\"http://{}/hub\"/>", self.hub_at);
        let item = |n| {
            format!(
                "<item><title>Story {n}</title><link>/{n}</link><guid>{n}</guid><description>Text {n}.</description></item>"
            )
        };
        let items: String = items.map(item).collect();
        format!("<rss version=\"2.0\"><channel>{}{items}</channel></rss>", if with_hub { &link } else { "" })
    }

    pub(crate) async fn start(&self) -> Playing {
        let ingest = self.world.ingest(&self.config).await;
        let listener = TcpListener::from_std(self.listener.try_clone().unwrap()).unwrap();
        let server = serve(listener, ingest.router()).await;
        let shutdown = Shutdown::new();
        let watch = shutdown.clone();
        shutdown.spawn("ingest", async move { ingest.run(watch).await });
        Playing { running: Running::of(shutdown), server }
    }

    pub(crate) async fn subscribe(&self) -> Playing {
        let playing = self.start().await;
        wait_until("the hub has a member", async || self.hub.members().len() == 1).await;
        playing
    }

    pub(crate) async fn subscription(&self) -> (String, i32) {
        sqlx::query_as("SELECT state, attempts FROM report.crawl_subscriptions")
            .fetch_optional(&self.world.database.pool)
            .await
            .unwrap()
            .unwrap_or_default()
    }

    /// How often the feed is asked while `hours` pass in steps of ten minutes.
    pub(crate) async fn asked_within(&self, hours: usize) -> usize {
        let before = self.site.asked("/feed").len();
        for _ in 0..hours * 6 {
            self.world.pass(600);
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
        self.site.asked("/feed").len() - before
    }

    /// Whether the feed is asked so many times before so many hours are over. They pass in steps of so many
    /// seconds: the shorter, the slower a machine may be.
    pub(crate) async fn is_asked(&self, times: usize, hours: i64, step: i64) -> bool {
        let before = self.site.asked("/feed").len();
        for _ in 0..hours * 3600 / step {
            self.world.pass(step);
            tokio::time::sleep(Duration::from_millis(60)).await;
            if self.site.asked("/feed").len() >= before + times {
                return true;
            }
        }
        false
    }

    /// Whether the feed is asked seven times in half a day; a hub leaves it at once a day.
    pub(crate) async fn is_asked_as_before(&self) -> bool {
        self.is_asked(7, 12, 120).await
    }
}

impl Playing {
    pub(crate) async fn stop(self) {
        self.running.stop().await;
        self.server.abort();
        assert!(self.server.await.unwrap_err().is_cancelled());
    }
}
