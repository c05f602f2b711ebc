//! One document stays one, whatever its source does to the entry.

use std::time::Duration;

use crate::support::{Reply, Running, Site, World, article, feed_of, wait_until};
use chrono::TimeDelta;
use tocsin_contract::{Raw, SourceKind};
use tocsin_ingest::{IngestConfig, Register, SourceConfig};
use tocsin_runtime::Clock;

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

/// A feed that can say what was taken back (RFC 6721).
fn atom(inside: &str) -> Reply {
    let feed = format!(
        "<feed xmlns=\"http://www.w3.org/2005/Atom\" xmlns:at=\"http://purl.org/atompub/tombstones/1.0\">\
         <title>P</title><id>p</id><updated>2023-03-10T15:30:00Z</updated>{inside}</feed>"
    );
    Reply::ok("application/atom+xml", feed)
}

const ENTRY: &str = "<entry><id>tag:e,1</id><title>Deposits fell</title><link href=\"/a\"/>\
    <updated>2023-03-10T15:30:00Z</updated></entry>";
const DELETED: &str = "<at:deleted-entry ref=\"tag:e,1\" when=\"2023-03-10T16:00:00Z\"/>";

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
        feed(&[("1", "/deposits-fell", DATE, TEXT)]),
    ];
    for edit in edits {
        site.set("/feed", edit);
        world.wait_for_polls(&site).await;
    }
    running.stop().await;
    assert_eq!(world.documents().await.len(), 2);
}

#[tokio::test]
async fn an_entry_whose_address_changed_is_revised_under_its_id() {
    let (site, world) = (Site::start().await, World::new().await);
    let mut config = feed_of(&site);
    config.sources[0].fetch_pages = false;
    site.set("/feed", feed(&[("1", "/a", DATE, TEXT)]));
    let running = world.start(&config).await;
    world.wait_for_documents(1).await;
    site.set("/feed", feed(&[("1", "/b", DATE, TEXT)]));
    let moved = "SELECT count(*) FROM report.crawl_items WHERE reason = 'same text'";
    wait_until("its new address is seen", async || {
        world.pass(61);
        sqlx::query_scalar::<_, i64>(moved).fetch_one(&world.database.pool).await.unwrap() == 1
    })
    .await;
    site.set("/feed", feed(&[("1", "/b", DATE, "The lender said that deposits had fallen by a half.")]));
    let documents = world.wait_for_documents_as_time_passes(2, 61).await;
    running.stop().await;
    assert_eq!(documents[0].id, documents[1].id);
}

#[tokio::test]
async fn entries_with_one_id_and_other_words_are_documents_of_their_own_wherever_they_lead() {
    let (site, world) = (Site::start().await, World::new().await);
    let mut config = feed_of(&site);
    config.sources[0].fetch_pages = false;
    site.set("/feed", feed(&[("site", "/a", DATE, TEXT)]));
    let running = world.start(&config).await;
    world.wait_for_documents(1).await;
    site.set("/feed", feed(&[("site", "/b", DATE, "The regulator said that it was watching the lender.")]));
    let documents = world.wait_for_documents_as_time_passes(2, 61).await;
    running.stop().await;
    assert_ne!(documents[0].id, documents[1].id);
}

#[tokio::test]
async fn of_an_old_and_a_corrected_entry_in_one_feed_the_newer_is_published() {
    let (site, world) = (Site::start().await, World::new().await);
    let mut config = feed_of(&site);
    config.sources[0].fetch_pages = false;
    let corrected = "The lender said that deposits had fallen by a quarter, not by a third.";
    site.set("/feed", feed(&[("1", "/a", DATE, TEXT), ("1", "/a", LATER, corrected)]));
    let running = world.start(&config).await;
    let documents = world.wait_for_documents(1).await;
    running.stop().await;
    assert_eq!(documents[0].body, corrected);
}

#[tokio::test]
async fn a_page_that_changed_is_read_again_though_its_entry_only_says_that_it_did() {
    let (site, world) = (Site::start().await, World::new().await);
    let changed_now = || {
        let at = (world.clock.now() + TimeDelta::seconds(1)).to_rfc3339();
        site.set("/feed", atom(&ENTRY.replace("2023-03-10T15:30:00Z", &at)));
    };
    site.set("/feed", atom(ENTRY));
    site.set("/a", Reply::ok("text/html", article("Queues formed.")));
    let running = world.start(&feed_of(&site)).await;
    world.wait_for_documents(1).await;
    let same = "SELECT count(*) FROM report.crawl_items WHERE fate = 'duplicate' AND reason = 'same text'";
    changed_now();
    wait_until("its page is read, and says the same", async || {
        world.pass(61);
        sqlx::query_scalar::<_, i64>(same).fetch_one(&world.database.pool).await.unwrap() == 1
    })
    .await;
    world.wait_for_polls(&site).await;
    assert_eq!((world.documents().await.len(), site.asked("/a").len()), (1, 2));
    site.set("/a", Reply::ok("text/html", article("Queues formed, and a branch was closed.")));
    changed_now();
    let documents = world.wait_for_documents_as_time_passes(2, 61).await;
    running.stop().await;
    assert_eq!(documents[0].id, documents[1].id);
    assert_ne!(documents[0].revision, documents[1].revision);
}

#[tokio::test]
async fn a_known_document_whose_page_is_gone_for_good_is_taken_back_once() {
    let (site, world) = (Site::start().await, World::new().await);
    site.set("/feed", feed(&[("1", "/a", DATE, TEXT)]));
    site.set("/a", Reply::ok("text/html", article("Queues formed.")));
    let running = world.start(&feed_of(&site)).await;
    let id = world.wait_for_documents(1).await[0].id.to_string();
    site.set("/a", Reply::status(410));
    site.set("/feed", feed(&[("1", "/a", DATE, "This article was withdrawn.")]));
    wait_until("it is taken back", async || {
        world.pass(61);
        told_ids(&world).await == [id.clone()]
    })
    .await;
    world.wait_for_polls(&site).await;
    running.stop().await;
    assert_eq!((world.documents().await.len(), world.tombstones().await.len()), (1, 1));
    assert_eq!(site.asked("/a").len(), 2, "what is gone is not asked for again");
}

#[tokio::test]
async fn what_a_source_takes_back_is_marked_and_not_published_again() {
    let (site, world) = (Site::start().await, World::new().await);
    let running = taken_back(&site, &world).await;
    let log = world.log().await.into_iter().filter(|(_, raw)| !matches!(raw, Raw::Progress(_)));
    let log: Vec<_> = log.collect();
    let [(before, Raw::Document(document)), (after, Raw::Tombstone(tombstone))] = log.as_slice() else {
        panic!("{log:#?}")
    };
    assert_eq!((before, document.id, &document.source), (after, tombstone.id, &tombstone.source));
    assert!(tombstone.deleted_at >= document.fetched_at, "{tombstone:?}");
    site.set("/feed", atom(&[DELETED, ENTRY].concat()));
    world.wait_for_polls(&site).await;
    running.stop().await;
    assert_eq!((world.documents().await.len(), world.tombstones().await.len()), (1, 1));
}

#[tokio::test]
async fn what_is_shown_again_after_it_was_taken_back_is_published_again_under_its_id() {
    let (site, world) = (Site::start().await, World::new().await);
    let running = taken_back(&site, &world).await;
    site.set("/feed", atom(ENTRY));
    let documents = world.wait_for_documents_as_time_passes(2, 61).await;
    running.stop().await;
    assert_eq!(documents[0].id, documents[1].id);
    assert_eq!(documents[0].first_seen_at, documents[1].first_seen_at);
    assert!(documents[1].fetched_at > world.tombstones().await[0].deleted_at, "the text is back");
    let buried: i64 = sqlx::query_scalar("SELECT count(*) FROM report.crawl_tombstones")
        .fetch_one(&world.database.pool)
        .await
        .unwrap();
    assert_eq!(buried, 0);
}

#[tokio::test]
async fn a_source_takes_back_only_what_it_published_itself() {
    let (site, world) = (Site::start().await, World::new().await);
    let mut config = feed_of(&site);
    config.sources[0].fetch_pages = false;
    site.set("/feed", atom(ENTRY));
    site.set("/copy", atom(""));
    let mut copy = config.sources[0].clone();
    (copy.id, copy.url) = ("copy".into(), config.sources[0].url.replace("/feed", "/copy"));
    config.sources.push(copy);
    let running = world.start(&config).await;
    world.wait_for_documents(1).await;
    site.set("/copy", atom(ENTRY));
    let duplicates =
        "SELECT count(*) FROM report.crawl_items WHERE source_id = 'copy' AND fate = 'duplicate'";
    wait_until("the copy is seen", async || {
        world.pass(61);
        sqlx::query_scalar::<_, i64>(duplicates).fetch_one(&world.database.pool).await.unwrap() == 1
    })
    .await;
    site.set("/copy", atom(DELETED));
    wait_until("the copy is taken back", async || {
        world.pass(61);
        told_ids(&world).await.len() == 1
    })
    .await;
    running.stop().await;
    assert_eq!(world.tombstones().await, []);
}

/// A feed showed an entry and took it back, and the bus was told.
async fn taken_back(site: &Site, world: &World) -> Running {
    let mut config = feed_of(site);
    config.sources[0].fetch_pages = false;
    site.set("/feed", atom(ENTRY));
    let running = world.start(&config).await;
    let id = world.wait_for_documents(1).await[0].id.to_string();
    site.set("/feed", atom(DELETED));
    wait_until("the tombstone is written", async || {
        world.pass(61);
        told_ids(world).await == [id.clone()]
    })
    .await;
    running
}

/// Ids of what was taken back, once the bus knows or needs not know.
async fn told_ids(world: &World) -> Vec<String> {
    sqlx::query_scalar("SELECT encode(doc_id, 'hex') FROM ingest.item WHERE told_at IS NOT NULL")
        .fetch_all(&world.database.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn items_are_forgotten_after_their_retention_and_not_published_again() {
    let (site, world) = (Site::start().await, World::new().await);
    let mut config = feed_of(&site);
    config.sources[0].fetch_pages = false;
    config.sources[0].retention = Some(Duration::from_secs(86_400));
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
    let known = "SELECT count(*) FROM report.crawl_items WHERE fate = 'duplicate' AND reason = 'same text'";
    wait_until("it is settled as known", async || {
        world.pass(61);
        sqlx::query_scalar::<_, i64>(known).fetch_one(&world.database.pool).await.unwrap() == 1
    })
    .await;
    running.stop().await;
    assert_eq!(world.documents().await.len(), 1);
}

#[tokio::test]
async fn a_source_that_is_added_by_command_has_the_retention_of_its_kind_or_its_own() {
    let world = World::new().await;
    let register = Register::new(world.database.pool.clone());
    let source = |id: &str, kind, retention| {
        let source = SourceConfig::of_url(id, &format!("https://example.com/{id}"));
        SourceConfig { kind, retention, ..source }
    };
    let sources = [
        source("a", SourceKind::Social, None),
        source("b", SourceKind::Social, Some(Duration::from_secs(3600))),
        source("c", SourceKind::News, None),
    ];
    let retentions = async |settings: &str| {
        let config: IngestConfig = toml::from_str(settings).unwrap();
        register.add(&sources, &config).await.unwrap();
        let listed = register.list().await.unwrap();
        listed.iter().map(|entry| entry.retention_s).collect::<Vec<_>>()
    };
    assert_eq!(
        retentions("[privacy.social]\nretention = \"1d\"\n").await,
        [Some(86_400.0), Some(3600.0), None]
    );
    let changed = retentions("[privacy.news]\nretention = \"1d\"\n").await;
    assert_eq!(changed, [None, Some(3600.0), Some(86_400.0)], "added again they have what holds now");
}
