//! One document stays one, whatever its source does to the entry.

mod support;

use support::{Reply, Site, World, feed_of, wait_until};

/// An entry as RSS: guid, link, date and text.
fn feed(entries: &[(&str, &str, &str, &str)]) -> Reply {
    let item = |(guid, link, date, text): &(&str, &str, &str, &str)| {
        let link = if link.is_empty() { String::new() } else { format!("<link>{link}</link>") };
        format!(
            "<item><title>Deposits fell</title>{link}<guid isPermaLink=\"false\">{guid}</guid>\
             <description>{text}</description><pubDate>{date}</pubDate></item>"
        )
    };
    let items: String = entries.iter().map(item).collect();
    Reply::ok(
        "application/rss+xml",
        format!("<rss version=\"2.0\"><channel><title>P</title>{items}</channel></rss>"),
    )
}

const DATE: &str = "Fri, 10 Mar 2023 15:30:00 GMT";
const LATER: &str = "Fri, 10 Mar 2023 15:50:00 GMT";
const TEXT: &str = "The lender said that deposits had fallen by a third.";

#[tokio::test]
async fn an_edited_date_guid_or_address_publishes_nothing_again() {
    let (site, world) = (Site::start().await, World::new().await);
    let mut config = feed_of(&site);
    config.sources[0].fetch_pages = false;
    let other = "The regulator said that it was watching the lender closely.";
    site.set("/feed", feed(&[("1", "/a", DATE, TEXT), ("2", "", DATE, other)]));
    let running = world.start(&config).await;
    world.wait_for_documents(2).await;
    let edits = [
        feed(&[("1", "/a", LATER, TEXT), ("2", "", LATER, other)]),
        feed(&[("one", "/a", DATE, TEXT), ("two", "", DATE, other)]),
        feed(&[("1", "/a/", DATE, TEXT)]),
        feed(&[("1", "/a?utm_source=rss#top", DATE, TEXT)]),
    ];
    for (asked, edit) in (2..).zip(edits) {
        site.set("/feed", edit);
        wait_until("the edited feed is read", async || {
            world.pass(61);
            site.asked("/feed").len() > asked
        })
        .await;
    }
    running.stop().await;
    assert_eq!(world.documents().await.len(), 2);
}

#[tokio::test]
async fn what_a_source_takes_back_is_marked_and_not_published_again() {
    let (site, world) = (Site::start().await, World::new().await);
    let mut config = feed_of(&site);
    config.sources[0].fetch_pages = false;
    let atom = |inside: &str| {
        let feed = format!(
            "<feed xmlns=\"http://www.w3.org/2005/Atom\" xmlns:at=\"http://purl.org/atompub/tombstones/1.0\">\
             <title>P</title><id>p</id><updated>2023-03-10T15:30:00Z</updated>{inside}</feed>"
        );
        Reply::ok("application/atom+xml", feed)
    };
    let entry = "<entry><id>tag:e,1</id><title>Deposits fell</title><link href=\"/a\"/><updated>2023-03-10T15:30:00Z</updated></entry>";
    site.set("/feed", atom(entry));
    let running = world.start(&config).await;
    let id = world.wait_for_documents(1).await[0].id.to_string();
    site.set("/feed", atom("<at:deleted-entry ref=\"tag:e,1\" when=\"2023-03-10T16:00:00Z\"/>"));
    wait_until("the tombstone is written", async || {
        world.pass(61);
        let buried: Vec<String> = sqlx::query_scalar("SELECT doc_id FROM report.crawl_tombstones")
            .fetch_all(&world.database.pool)
            .await
            .unwrap();
        buried == [id.clone()]
    })
    .await;
    let asked = site.asked("/feed").len();
    site.set("/feed", atom(entry));
    wait_until("the entry is shown again", async || {
        world.pass(61);
        site.asked("/feed").len() > asked + 1
    })
    .await;
    running.stop().await;
    assert_eq!(world.documents().await.len(), 1);
}

#[tokio::test]
async fn items_are_forgotten_after_their_retention_and_not_published_again() {
    let (site, world) = (Site::start().await, World::new().await);
    let mut config = feed_of(&site);
    config.sources[0].fetch_pages = false;
    config.sources[0].retention = Some(std::time::Duration::from_secs(86_400));
    site.set("/feed", feed(&[("1", "/a", DATE, TEXT)]));
    let running = world.start(&config).await;
    world.wait_for_documents(1).await;
    site.set("/feed", feed(&[]));
    let items = async || {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM report.crawl_items")
            .fetch_one(&world.database.pool)
            .await
            .unwrap();
        count
    };
    assert_eq!(items().await, 1);
    wait_until("it is forgotten", async || {
        world.pass(7200);
        items().await == 0
    })
    .await;
    site.set("/feed", feed(&[("1", "/a", DATE, TEXT)]));
    wait_until("it is settled as known", async || {
        world.pass(61);
        items().await == 1
    })
    .await;
    running.stop().await;
    assert_eq!(world.documents().await.len(), 1);
}
