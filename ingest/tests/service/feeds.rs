//! Feeds: validators, identity, first sight and manners, across restarts.

use std::time::Duration;

use crate::support::{Reply, Site, World, article, bodies, feed_of, rss, time, wait_until};
use chrono::{DateTime, TimeDelta, Utc};
use tocsin_runtime::Clock;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

#[tokio::test]
async fn a_feed_and_its_pages_become_documents_once_across_a_restart() {
    let (site, world) = (Site::start().await, World::new().await);
    let feed = rss(&[("Bank falls", "/a?utm_source=rss", "Short."), ("Bank rises", "/b", "Also short.")]);
    site.set("/feed", feed.with("etag", "W/\"odd  tag\"").with("last-modified", "yesterday, more or less"));
    site.set("/a", Reply::ok("text/html", article("Queues formed.")));
    let running = world.start(&feed_of(&site)).await;
    let documents = world.wait_for_documents(2).await;
    let first = documents.iter().find(|document| document.title == "Bank falls").unwrap();
    assert!(first.body.contains("Queues formed.") && !first.body.contains("Home"), "{}", first.body);
    assert_eq!(first.canonical_url, Some(site.url("/a")));
    assert_eq!(first.first_seen_at, time("2023-03-10T16:00:00Z"));
    assert_eq!(first.published_at, Some(time("2023-03-10T15:30:00Z")));
    assert!(!first.is_backfill);
    let other = documents.iter().find(|document| document.title == "Bank rises").unwrap();
    assert_eq!(other.body, "Also short.", "a page that is not there leaves the feed's text");
    wait_until("validators are kept", async || {
        let etag: Option<String> =
            sqlx::query_scalar("SELECT etag FROM ingest.source WHERE source_id = 'paper'")
                .fetch_optional(&world.database.pool)
                .await
                .unwrap()
                .flatten();
        etag.is_some()
    })
    .await;
    running.stop().await;

    let running = world.start(&feed_of(&site)).await;
    world.pass(61);
    wait_until("the feed is asked again", async || site.asked("/feed").len() == 2).await;
    let again = &site.asked("/feed")[1];
    assert_eq!(again["if-none-match"], "W/\"odd  tag\"");
    assert_eq!(again["if-modified-since"], "yesterday, more or less");
    assert!(again.get("cookie").is_none() && again.get("referer").is_none());
    assert!(again["user-agent"].to_str().unwrap().starts_with("tocsin/"));
    running.stop().await;
    world.wait_for_documents(2).await;
    assert_eq!(site.asked("/a").len(), 1, "a page is not fetched again for nothing");
}

#[tokio::test]
async fn how_long_a_feed_stays_as_it_is_also_holds_where_it_did_not_change() {
    let (site, world) = (Site::start().await, World::new().await);
    let mut config = feed_of(&site);
    (config.sources[0].every, config.sources[0].fetch_pages) = (None, false);
    let feed = String::from_utf8(rss(&[("Bank falls", "/a", "By a third.")]).body).unwrap();
    let feed = feed.replace("<channel>", "<channel><ttl>600</ttl>");
    site.set("/feed", Reply::ok("application/rss+xml", feed).with("etag", "\"1\""));
    let running = world.start(&config).await;
    world.wait_for_documents(1).await;
    world.pass(11 * 3600);
    let polls = async || -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        let query = "SELECT last_poll_at, next_poll_at FROM ingest.source WHERE source_id = 'paper'";
        sqlx::query_as(query).fetch_one(&world.database.pool).await.unwrap()
    };
    wait_until("the feed was asked again", async || polls().await.0 == Some(world.clock.now())).await;
    running.stop().await;
    assert_eq!(site.asked("/feed").len(), 2);
    assert!(polls().await.1.unwrap() - world.clock.now() >= TimeDelta::hours(10));
}

#[tokio::test]
async fn a_corrected_text_is_a_new_revision_with_the_same_id_and_first_sight() {
    let (site, world) = (Site::start().await, World::new().await);
    let mut config = feed_of(&site);
    config.sources[0].fetch_pages = false;
    site.set("/feed", rss(&[("Bank falls", "/a", "By a third.")]));
    let running = world.start(&config).await;
    world.wait_for_documents(1).await;
    running.stop().await;
    site.set("/feed", rss(&[("Bank falls", "/a", "By a quarter, not a third.")]));
    let running = world.start(&config).await;
    world.pass(3600);
    let documents = world.wait_for_documents(2).await;
    running.stop().await;
    assert_eq!(documents[0].id, documents[1].id);
    assert_ne!(documents[0].revision, documents[1].revision);
    assert_eq!(documents[0].first_seen_at, documents[1].first_seen_at);
    assert_eq!(documents[1].fetched_at, time("2023-03-10T17:00:00Z"));
}

#[tokio::test]
async fn a_story_in_two_feeds_is_one_document() {
    let (site, world) = (Site::start().await, World::new().await);
    let mut config = feed_of(&site);
    config.sources[0].fetch_pages = false;
    let mut other = config.sources[0].clone();
    (other.id, other.url) = ("wire".into(), site.url("/wire"));
    site.set("/feed", rss(&[("Bank falls", "/a", "As the paper tells it.")]));
    let running = world.start(&config).await;
    world.wait_for_documents(1).await;
    running.stop().await;
    site.set(
        "/wire",
        rss(&[("Bank falls", "/a?utm_source=wire", "As the wire tells it."), ("Own", "/o", "Own.")]),
    );
    config.sources.push(other);
    let running = world.start(&config).await;
    let documents = world.wait_for_documents(2).await;
    for round in 2..5 {
        // Again and again: a poll that is just ending counts its pause from its end.
        wait_until("both are asked", async || {
            world.pass(61);
            site.asked("/wire").len() >= round && site.asked("/feed").len() >= round
        })
        .await;
    }
    running.stop().await;
    assert_eq!(world.documents().await.len(), 2, "two wordings of one story do not revise it in turns");
    assert!(documents.iter().any(|document| document.body == "As the paper tells it."));
}

#[tokio::test]
async fn what_was_published_long_ago_is_backfill() {
    let (site, world) = (Site::start().await, World::new().await);
    world.pass(25 * 3600);
    site.set("/feed", rss(&[("Bank falls", "/a", "By a third.")]));
    let running = world.start(&feed_of(&site)).await;
    assert!(world.wait_for_documents(1).await[0].is_backfill);
    running.stop().await;
}

#[tokio::test]
async fn a_source_that_fails_is_tried_again_and_recovers() {
    let (site, world) = (Site::start().await, World::new().await);
    site.set("/feed", Reply::status(500));
    let running = world.start(&feed_of(&site)).await;
    for failures in 1..4 {
        wait_until("a failure is written down", async || {
            let count: Option<i32> =
                sqlx::query_scalar("SELECT failures FROM ingest.source WHERE source_id = 'paper'")
                    .fetch_optional(&world.database.pool)
                    .await
                    .unwrap();
            count == Some(failures)
        })
        .await;
        world.pass(3600);
    }
    site.set("/feed", rss(&[("Bank falls", "/a", "By a third.")]));
    world.pass(24 * 3600);
    world.wait_for_documents(1).await;
    running.stop().await;
}

#[tokio::test]
async fn a_source_that_was_never_read_is_tried_again_soon_and_one_that_was_is_not() {
    let (site, world) = (Site::start().await, World::new().await);
    let mut config = feed_of(&site);
    config.sources[0].every = None;
    site.set("/feed", Reply::status(502));
    let running = world.start(&config).await;
    assert!(pause_after_a_failure(&world).await < TimeDelta::minutes(3));
    running.stop().await;

    site.set("/feed", rss(&[("Bank falls", "/a", "By a third.")]));
    world.pass(180);
    let running = world.start(&config).await;
    world.wait_for_documents(1).await;
    running.stop().await;

    site.set("/feed", Reply::status(502));
    world.pass(26 * 3600);
    let running = world.start(&config).await;
    assert!(pause_after_a_failure(&world).await > TimeDelta::hours(1), "it was read, before a restart");
    running.stop().await;
}

/// When the one source is asked again, once its first failure in a row is written down.
async fn pause_after_a_failure(world: &World) -> TimeDelta {
    let planned = async || {
        let planned: Option<DateTime<Utc>> =
            sqlx::query_scalar("SELECT next_poll_at FROM ingest.source WHERE failures = 1")
                .fetch_optional(&world.database.pool)
                .await
                .unwrap();
        planned
    };
    wait_until("a failure is written down", async || planned().await.is_some()).await;
    planned().await.unwrap() - world.clock.now()
}

#[tokio::test]
async fn a_turn_leaves_no_connection_open() {
    let world = World::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let feed = rss(&[("Bank falls", "/a", "By a third.")]).body;
    let text = format!(
        "allow = ['{at}']\nmin_delay = '0s'\n[[sources]]\nid = 'paper'\nurl = 'http://{at}/feed'\nfetch_pages = false\n"
    );
    let running = world.start(&toml::from_str(&text).unwrap()).await;
    let serve = async || {
        let mut asked = 0;
        // robots.txt and the feed, over as many connections as it takes; each stays open on this side.
        while asked < 2 {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            let mut line = String::new();
            while stream.read_line(&mut line).await.unwrap() > 0 {
                if line == "\r\n" {
                    let body = if asked == 1 { feed.as_slice() } else { b"" };
                    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                    stream.get_mut().write_all(&[head.as_bytes(), body].concat()).await.unwrap();
                    asked += 1;
                }
                line.clear();
            }
        }
    };
    // It ends when the other side has closed the last connection.
    tokio::time::timeout(Duration::from_secs(15), serve()).await.expect("the connection was closed");
    world.wait_for_documents(1).await;
    running.stop().await;
}

/// Entries that all lead to one page.
fn flashes(all: &[(&str, &str)]) -> Reply {
    let item = |(id, text): &(&str, &str)| {
        format!(
            "<item><guid isPermaLink=\"false\">{id}</guid><title>Flash {id}</title><link>/live</link>\
             <description>{text}</description><pubDate>Fri, 10 Mar 2023 15:30:00 GMT</pubDate></item>"
        )
    };
    let items: String = all.iter().map(item).collect();
    Reply::ok("application/rss+xml", format!("<rss version=\"2.0\"><channel>{items}</channel></rss>"))
}

#[tokio::test]
async fn flashes_that_lead_to_one_page_are_documents_of_their_own() {
    let (site, world) = (Site::start().await, World::new().await);
    site.set("/live", Reply::ok("text/html", article("The day so far.")));
    site.set("/feed", flashes(&[("1", "The bank fell by a third."), ("2", "The bank was halted.")]));
    let running = world.start(&feed_of(&site)).await;
    world.wait_for_documents(2).await;
    site.set("/feed", flashes(&[("2", "The bank was halted."), ("3", "The bank is closed.")]));
    let documents = world.wait_for_documents_as_time_passes(3, 61).await;
    world.wait_for_polls(&site).await;
    running.stop().await;
    assert_eq!(world.documents().await.len(), 3, "each is published once");
    assert_eq!(
        bodies(&documents),
        ["The bank fell by a third.", "The bank is closed.", "The bank was halted."]
    );
    assert_eq!(site.asked("/live").len(), 0, "the page of the day is not the text of any of them");
    assert!(documents.iter().all(|document| document.url == Some(site.url("/live"))), "{documents:#?}");
}
