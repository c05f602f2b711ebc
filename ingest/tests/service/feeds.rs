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
async fn a_page_in_gb18030_that_claims_gb2312_is_read() {
    let (site, world) = (Site::start().await, World::new().await);
    let text = "海港银行周五表示，一周内存款下降了一成，此前该行亏本出售了债券。朱镕基曾谈及此事。".repeat(4);
    let page = format!(
        "<html><head><meta charset=\"gb2312\"><title>银行</title></head><body><article><p>{text}</p></article></body></html>"
    );
    site.set("/feed", rss(&[("银行存款下降", "/zh", "短。")]));
    site.set(
        "/zh",
        Reply::ok("text/html; charset=gb2312", encoding_rs::GB18030.encode(&page).0.into_owned()),
    );
    let running = world.start(&feed_of(&site)).await;
    let documents = world.wait_for_documents(1).await;
    running.stop().await;
    assert!(documents[0].body.contains("朱镕基曾谈及此事"), "{}", documents[0].body);
    assert_eq!(documents[0].lang, "zh");
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

/// Little text among many links.
fn list(title: &str) -> String {
    let text = "<p>The lender said on Friday that deposits had fallen by a tenth in a week, after it sold bonds at a loss.</p>";
    let links: String = (0..60)
        .map(|n| {
            format!("<li><a href=\"/{n}\">Shares of bank {n} fell and those of the others followed</a></li>")
        })
        .collect();
    format!(
        "<html><head><title>{title}</title></head><body><h1>{title}</h1>{text}<ul>{links}</ul></body></html>"
    )
}

#[tokio::test]
async fn a_front_page_or_a_list_in_place_of_an_entry_leaves_the_feed_s_text() {
    let (site, world) = (Site::start().await, World::new().await);
    let entries = [
        ("Bank falls", "/gone", "The first is gone."),
        ("Bank rises", "/list", "The second became a list."),
        ("Bank waits", "/short", "The third is short."),
    ];
    site.set("/feed", rss(&entries));
    site.set("/gone", Reply::status(302).with("location", "/"));
    site.set("/", Reply::ok("text/html", article("The front page.")));
    site.set("/list", Reply::ok("text/html", list("Markets")));
    site.set("/short", Reply::ok("text/html", list("Bank waits")));
    let running = world.start(&feed_of(&site)).await;
    let documents = world.wait_for_documents(3).await;
    running.stop().await;
    let body = |title: &str| documents.iter().find(|document| document.title == title).unwrap().body.as_str();
    assert_eq!(body("Bank falls"), "The first is gone.");
    assert_eq!(body("Bank rises"), "The second became a list.");
    assert!(body("Bank waits").contains("deposits had fallen by a tenth"), "{}", body("Bank waits"));
    let reasons: Vec<String> =
        sqlx::query_scalar("SELECT reason FROM report.crawl_items WHERE fate = 'published' ORDER BY reason")
            .fetch_all(&world.database.pool)
            .await
            .unwrap();
    assert_eq!(reasons, ["no article on the page", "no article on the page", "page"]);
}

/// The feed's entry with a page that answers so at first.
async fn with_page(site: &Site, world: &World, date: &str, reply: Reply) -> crate::support::Running {
    let feed = rss(&[("Bank falls", "/a", "Short.")]).body;
    let feed = String::from_utf8_lossy(&feed).replace("Fri, 10 Mar 2023 15:30:00 GMT", date);
    site.set("/feed", Reply::ok("application/rss+xml", feed));
    site.set("/a", reply);
    world.start(&feed_of(site)).await
}

#[tokio::test]
async fn a_page_that_was_away_when_its_entry_was_seen_is_asked_for_again_however_old_it_is() {
    for away in [Reply::status(500), Reply::status(429).with("retry-after", "600")] {
        let (site, world) = (Site::start().await, World::new().await);
        let running = with_page(&site, &world, "Thu, 09 Mar 2023 15:30:00 GMT", away).await;
        wait_until("the page is asked for", async || site.asked("/a").len() == 1).await;
        site.set("/a", Reply::ok("text/html", article("Queues formed.")));
        let documents = world.wait_for_documents_as_time_passes(1, 61).await;
        running.stop().await;
        assert!(documents[0].body.contains("Queues formed."), "{}", documents[0].body);
    }
}

#[tokio::test]
async fn a_page_that_stays_away_is_asked_for_a_few_times_and_then_the_feed_s_text_must_do() {
    let (site, world) = (Site::start().await, World::new().await);
    let running = with_page(&site, &world, "", Reply::status(500)).await;
    let documents = world.wait_for_documents_as_time_passes(1, 3600).await;
    running.stop().await;
    assert_eq!(documents[0].body, "Short.");
    assert_eq!(site.asked("/a").len(), 4);
}

#[tokio::test]
async fn what_a_feed_says_waits_an_hour_at_most_for_a_host_that_asks_for_silence() {
    let (site, world) = (Site::start().await, World::new().await);
    let running = with_page(&site, &world, "", Reply::status(429).with("retry-after", "86400")).await;
    let documents = world.wait_for_documents_as_time_passes(1, 600).await;
    running.stop().await;
    assert_eq!(documents[0].body, "Short.");
    assert_eq!(site.asked("/a").len(), 1);
}

#[tokio::test]
async fn while_a_host_asks_for_silence_no_try_of_its_pages_counts() {
    let (site, world) = (Site::start().await, World::new().await);
    let entries = [("Bank falls", "/a", "Short."), ("Bank rises", "/b", "Also short.")];
    site.set("/feed", rss(&entries));
    for page in ["/a", "/b"] {
        site.set(page, Reply::status(429).with("retry-after", "2400"));
    }
    let running = world.start(&feed_of(&site)).await;
    let tries = async || {
        let query = "SELECT attempts FROM ingest.item WHERE not_before IS NOT NULL ORDER BY 1";
        sqlx::query_scalar::<_, i32>(query).fetch_all(&world.database.pool).await.unwrap()
    };
    wait_until("both wait", async || tries().await == [0, 1]).await;
    for page in ["/a", "/b"] {
        site.set(page, Reply::ok("text/html", article("Queues formed.")));
    }
    let documents = world.wait_for_documents_as_time_passes(2, 600).await;
    running.stop().await;
    assert!(documents.iter().all(|document| document.body.contains("Queues formed.")), "{documents:#?}");
}

#[tokio::test]
async fn a_page_that_is_away_leaves_the_text_that_it_had_before() {
    let (site, world) = (Site::start().await, World::new().await);
    let page = Reply::ok("text/html", article("Queues formed."));
    let running = with_page(&site, &world, "Fri, 10 Mar 2023 15:30:00 GMT", page).await;
    world.wait_for_documents(1).await;
    site.set("/a", Reply::status(500));
    site.set("/feed", rss(&[("Bank falls", "/a", "Short, and corrected.")]));
    let fate = async || {
        let query = "SELECT fate, reason FROM report.crawl_items";
        sqlx::query_as::<_, (String, String)>(query).fetch_one(&world.database.pool).await.unwrap()
    };
    wait_until("the page is given up", async || {
        world.pass(1200);
        fate().await == ("duplicate".to_owned(), "page not read".to_owned())
    })
    .await;
    running.stop().await;
    assert_eq!(world.documents().await.len(), 1, "the feed's short text does not take its place");
}

#[tokio::test]
async fn a_stub_in_place_of_a_page_leaves_the_feed_s_full_text() {
    let (site, world) = (Site::start().await, World::new().await);
    let full = "The lender said on Friday that deposits had fallen by a tenth in a week. ".repeat(30);
    site.set("/feed", rss(&[("Bank falls", "/a", full.as_str())]));
    site.set("/a", Reply::ok("text/html", article("Subscribe to read on.")));
    let running = world.start(&feed_of(&site)).await;
    let documents = world.wait_for_documents(1).await;
    running.stop().await;
    assert_eq!(documents[0].body.trim(), full.trim());
}
