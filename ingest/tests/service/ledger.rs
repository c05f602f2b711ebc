//! The completeness ledger: every item that was seen is accounted for.

use std::collections::BTreeSet;

use crate::support::{Reply, Site, World, article, feed_of, process, rss, time, wait_until};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use tocsin_ingest::Register;
use tocsin_runtime::Clock;

async fn fates(pool: &PgPool) -> Vec<(String, String, String, i64)> {
    sqlx::query_as(
        "SELECT source_id, fate, reason, sum(items)::bigint FROM report.crawl_fates
         GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}

/// (seen, settled in whatever way, pending, repeats) of all sources and hours.
async fn sums(pool: &PgPool) -> (i64, i64, i64, i64) {
    sqlx::query_as(
        "SELECT coalesce(sum(seen), 0)::bigint,
                coalesce(sum(published + revised + duplicate + refused + failed + superseded), 0)::bigint,
                coalesce(sum(pending), 0)::bigint, coalesce(sum(repeats), 0)::bigint
         FROM report.crawl_hours",
    )
    .fetch_one(pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn every_item_gets_a_fate_and_a_reason() {
    let (site, world) = (Site::start().await, World::new().await);
    let pool = &world.database.pool;
    site.set("/robots.txt", Reply::ok("text/plain", "User-agent: *\nDisallow: /closed\n"));
    let first = [
        ("Open", "/open", "Text."),
        ("Closed", "/closed", "Text."),
        ("", "/empty", ""),
        ("Gone", "/gone", "Text."),
    ];
    site.set("/feed", rss(&first));
    site.set("/open", Reply::ok("text/html", article("Open.")));
    let running = world.start(&feed_of(&site)).await;
    wait_until("four items are settled", async || sums(pool).await == (4, 4, 0, 0)).await;
    running.stop().await;
    let fate = |source: &str, fate: &str, reason: &str, items: i64| {
        (source.to_owned(), fate.to_owned(), reason.to_owned(), items)
    };
    let mut expected = vec![
        fate("paper", "published", "gone", 1),
        fate("paper", "published", "page", 1),
        fate("paper", "published", "robots.txt", 1),
        fate("paper", "refused", "no text", 1),
    ];
    assert_eq!(fates(pool).await, expected);

    // Another source with two of the stories, and the first with one corrected.
    let mut config = feed_of(&site);
    let mut wire = config.sources[0].clone();
    (wire.id, wire.url) = ("wire".into(), site.url("/wire"));
    config.sources.push(wire);
    site.set("/wire", rss(&[("Open", "/open?utm_source=wire", "Wire."), ("Gone", "/gone", "Wire.")]));
    site.set("/feed", rss(&[("Open", "/open", "Text."), ("Gone", "/gone", "Another text.")]));
    world.pass(61);
    let running = world.start(&config).await;
    wait_until("three more are settled", async || sums(pool).await == (7, 7, 0, 1)).await;
    running.stop().await;
    expected.insert(4, fate("paper", "revised", "gone", 1));
    expected.push(fate("wire", "duplicate", "another source", 2));
    assert_eq!(fates(pool).await, expected);
    assert_eq!(world.documents().await.len(), 4);
}

#[tokio::test]
async fn a_post_that_is_gone_when_it_is_first_seen_is_accounted_for_once() {
    let (site, world) = (Site::start().await, World::new().await);
    let pool = &world.database.pool;
    let post = |id: u32, gone: bool| {
        format!(r#"{{"id":{id},"text":"Bank falls {id}","created_at":"2023-03-10T15:30:00Z","gone":{gone}}}"#)
    };
    let list = |posts: [String; 2]| Reply::ok("application/json", format!("[{}]", posts.join(",")));
    site.set("/posts", list([post(1, false), post(2, true)]));
    let mut config = feed_of(&site);
    let source = format!(
        "id = 'posts'\nurl = '{}'\nformat = 'json'\nkind = 'social'\nevery = '1m'\njson.deleted = 'gone'",
        site.url("/posts")
    );
    config.sources = vec![toml::from_str(&source).unwrap()];
    let running = world.start(&config).await;
    wait_until("both are settled", async || sums(pool).await == (2, 2, 0, 0)).await;
    // It is shown again, and so is the other, which is gone by now.
    site.set("/posts", list([post(1, true), post(2, true)]));
    wait_until("the bus is told", async || {
        world.pass(61);
        world.tombstones().await.len() == 1
    })
    .await;
    running.stop().await;
    assert_eq!(sums(pool).await, (2, 2, 0, 0));
    let fate = |fate: &str, reason: &str| ("posts".to_owned(), fate.to_owned(), reason.to_owned(), 1_i64);
    assert_eq!(fates(pool).await, [fate("published", ""), fate("refused", "deleted by its source")]);
}

#[tokio::test]
async fn an_item_that_changed_as_it_waited_is_superseded_in_the_hour_in_which_it_was_seen() {
    let (site, world) = (Site::start().await, World::new().await);
    let pool = &world.database.pool;
    world.clock.set(time("2023-03-10T15:50:00Z"));
    site.set("/feed", rss(&[("Bank falls", "/a", "By a third.")]));
    site.set("/a", Reply::status(500));
    let running = world.start(&feed_of(&site)).await;
    wait_until("it waits for its page", async || sums(pool).await == (1, 0, 1, 0)).await;
    site.set("/feed", rss(&[("Bank falls", "/a", "By a half.")]));
    world.pass(15 * 60);
    wait_until("its change is seen", async || sums(pool).await.0 == 2).await;
    site.set("/a", Reply::ok("text/html", article("By a half.")));
    wait_until("it is settled", async || {
        world.pass(61);
        sums(pool).await.2 == 0
    })
    .await;
    running.stop().await;
    let hours: Vec<(String, i64, i64, i64, i64)> = sqlx::query_as(
        "SELECT to_char(hour AT TIME ZONE 'UTC', 'HH24:MI'), seen, superseded, published, pending
         FROM report.crawl_hours WHERE seen > 0 ORDER BY hour",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    assert_eq!(hours, [("15:00".to_owned(), 1, 1, 0, 0), ("16:00".to_owned(), 1, 0, 1, 0)]);
}

#[tokio::test]
async fn a_post_that_cannot_be_read_is_counted_once() {
    let (site, world) = (Site::start().await, World::new().await);
    let text = format!(
        "allow = [\"{}\"]\nmin_delay = \"0s\"\n[[sources]]\nid = \"pulse\"\nurl = \"{}\"\nformat = \"json\"\n\
         every = \"1m\"\n[sources.json]\nitems = \"posts\"\n",
        site.at,
        site.url("/posts")
    );
    let bad = r#"{"posts": [{"id": 1, "created_at": "soon", "text": "Bad"}, {"id": 2, "created_at": 1678463940, "text": "Good"}]}"#;
    site.set("/posts", Reply::ok("application/json", bad));
    let running = world.start(&toml::from_str(&text).unwrap()).await;
    for polls in 2..4 {
        wait_until("it is asked again", async || {
            world.pass(61);
            site.asked("/posts").len() >= polls
        })
        .await;
    }
    running.stop().await;
    let reason = "no usable \"created_at\"".to_owned();
    assert_eq!(
        fates(&world.database.pool).await,
        [
            ("pulse".to_owned(), "failed".to_owned(), reason, 1),
            ("pulse".to_owned(), "published".to_owned(), String::new(), 1)
        ]
    );
}

/// An item an hour until `newest`, a dozen of them.
fn hourly(newest: DateTime<Utc>) -> Reply {
    let item = |n: i32| {
        let at = newest - TimeDelta::hours(n.into());
        let (date, id) = (at.to_rfc2822(), at.timestamp());
        format!(
            "<item><title>At {id}</title><guid>{id}</guid><link>/{id}</link><pubDate>{date}</pubDate></item>"
        )
    };
    let items: String = (0..12).map(item).collect();
    Reply::ok("application/rss+xml", format!("<rss version=\"2.0\"><channel>{items}</channel></rss>"))
}

async fn silences(pool: &PgPool) -> Vec<(String, bool)> {
    sqlx::query_as("SELECT kind, ended_at IS NOT NULL FROM report.crawl_silences ORDER BY raised_at")
        .fetch_all(pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_source_that_falls_silent_or_dies_is_told_and_its_return_too() {
    let (site, world) = (Site::start().await, World::new().await);
    let pool = &world.database.pool;
    let mut config = feed_of(&site);
    (config.sources[0].every, config.sources[0].fetch_pages) = (None, false);
    site.set("/feed", hourly(world.clock.now()).with("etag", "\"1\""));
    let running = world.start(&config).await;
    let wait = async |what: &str, expected: &[(&str, bool)]| {
        wait_until(what, async || {
            world.pass(1200);
            let now: Vec<(String, bool)> = silences(pool).await;
            now.iter().map(|(kind, ended)| (kind.as_str(), *ended)).eq(expected.iter().copied())
        })
        .await;
    };
    wait_until("it is read", async || sums(pool).await.0 == 12).await;
    assert!(silences(pool).await.is_empty());
    let read_at = world.clock.now();
    wait("it is called silent", &[("silent", false)]).await;
    assert!(world.clock.now() - read_at > TimeDelta::hours(6), "not before six of its gaps");
    site.set("/feed", hourly(world.clock.now()).with("etag", "\"2\""));
    wait("its silence has ended", &[("silent", true)]).await;
    site.set("/feed", Reply::status(500));
    let failed_at = world.clock.now();
    wait("it is called dead", &[("silent", true), ("dead", false)]).await;
    assert!(world.clock.now() - failed_at > TimeDelta::hours(24));
    site.set("/feed", hourly(world.clock.now()).with("etag", "\"3\""));
    wait("it is back", &[("silent", true), ("dead", true)]).await;
    running.stop().await;
}

#[tokio::test]
async fn a_silent_source_that_fails_and_answers_again_is_not_called_silent_anew() {
    let (site, world) = (Site::start().await, World::new().await);
    let pool = &world.database.pool;
    let mut config = feed_of(&site);
    (config.sources[0].every, config.sources[0].fetch_pages) = (None, false);
    let shown = hourly(world.clock.now()).with("etag", "\"1\"");
    site.set("/feed", shown.clone());
    let running = world.start(&config).await;
    wait_until("it is read", async || sums(pool).await.0 == 12).await;
    let wait = async |what: &str, fails: bool| {
        wait_until(what, async || {
            world.pass(1200);
            let query = "SELECT silence, last_error IS NOT NULL FROM report.sources";
            let told: (Option<String>, bool) = sqlx::query_as(query).fetch_one(pool).await.unwrap();
            told == (Some("silent".to_owned()), fails)
        })
        .await;
    };
    wait("it is called silent", false).await;
    // Another process does not know how the source did.
    running.stop().await;
    site.set("/feed", Reply::status(500));
    let running = world.start(&config).await;
    wait("it fails, and is silent", true).await;
    site.set("/feed", shown);
    wait("it answers, and is silent", false).await;
    running.stop().await;
    assert_eq!(silences(pool).await, [("silent".to_owned(), false)]);
}

#[tokio::test]
async fn the_reason_why_a_source_is_disabled_outlives_the_poll_that_is_in_work() {
    let (site, world) = (Site::start().await, World::new().await);
    let pool = &world.database.pool;
    site.set("/feed", rss(&[]));
    let mut lock = pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE ingest.silence IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.unwrap();
    let running = world.start(&feed_of(&site)).await;
    let waits =
        "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'ingest.silence'::regclass
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
    wait_until("the end of the poll waits for the table", async || {
        sqlx::query_scalar::<_, bool>(waits).fetch_one(pool).await.unwrap()
    })
    .await;
    assert!(Register::new(pool.clone()).disable("paper", "too loud").await.unwrap());
    lock.rollback().await.unwrap();
    let told = async || {
        let query = "SELECT robots, refusal FROM ingest.source";
        let told: (String, String) = sqlx::query_as(query).fetch_one(pool).await.unwrap();
        told
    };
    wait_until("the poll has ended", async || told().await.0 == "allowed").await;
    assert_eq!(told().await.1, "too loud");
    running.stop().await;
}

/// The farm shows every story so far.
#[tokio::test]
async fn an_ingest_that_is_killed_again_and_again_accounts_for_every_item_once() {
    let (site, world) = (Site::start().await, World::new().await);
    let pool = &world.database.pool;
    let config = format!(
        "lease = \"3s\"\nallow = [\"{}\"]\nmin_delay = \"40ms\"\n[[sources]]\nid = \"paper\"\nurl = \"{}\"\nevery = \"1s\"\n",
        site.at,
        site.url("/feed")
    );
    let stories: Vec<(String, String)> = (0..90).map(|n| (format!("Story {n}"), format!("/{n}"))).collect();
    for (title, link) in &stories {
        site.set(link, Reply::ok("text/html", article(title)));
    }
    let show = |until: usize| {
        let shown: Vec<_> = stories
            .iter()
            .take(until)
            .map(|(title, link)| (title.as_str(), link.as_str(), "Text."))
            .collect();
        site.set("/feed", rss(&shown).with("etag", &format!("\"{until}\"")));
    };
    let mut interrupted = 0;
    for round in 1..=9 {
        show(round * 10);
        let asked = site.asked("/feed").len();
        let mut child = process(&world, &config);
        // In turns as soon as the feed is asked for, and between two of the new pages.
        let page = format!("/{}", round * 10 - 8);
        wait_until("it is at work", async || {
            site.asked("/feed").len() > asked && (round % 2 == 0 || !site.asked(&page).is_empty())
        })
        .await;
        child.kill().unwrap();
        child.wait().unwrap();
        interrupted += i64::from(sums(pool).await.2 > 0);
    }
    let mut child = process(&world, &config);
    wait_until("everything is settled", async || {
        let (seen, settled, pending, _) = sums(pool).await;
        pending == 0 && seen == settled && seen >= 90
    })
    .await;
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(sums(pool).await.0, 90, "each item is seen once, however often it was shown");
    assert!(interrupted > 0, "no kill found an item in work");
    let items: Vec<String> =
        sqlx::query_scalar("SELECT doc_id FROM report.crawl_items WHERE fate = 'published'")
            .fetch_all(pool)
            .await
            .unwrap();
    let published: BTreeSet<String> = world.documents().await.iter().map(|d| d.id.to_string()).collect();
    assert_eq!(items.into_iter().collect::<BTreeSet<_>>(), published);
    assert_eq!(published.len(), 90);
}
