//! Items found on listing pages and in sitemaps.

use std::io::Write;

use crate::support::{Reply, Site, World, article, feed_of, wait_until};
use chrono::TimeDelta;
use tocsin_ingest::IngestConfig;
use tocsin_runtime::Clock;

fn config(site: &Site, path: &str, more: &str) -> IngestConfig {
    let mut config = feed_of(site);
    let text = format!("id = 'paper'\nurl = '{}'\nevery = '1m'\n{more}", site.url(path));
    config.sources = vec![toml::from_str(&text).unwrap()];
    config.check().unwrap();
    config
}

const LISTING: &str = "format = 'listing'\n[listing]\nitem = 'li'\nnext = 'a.next'\n\
     date = { selector = 'time', format = '%Y-%m-%d %H:%M', offset = '+08:00' }";

fn page(items: &[(&str, &str)], next: &str) -> Reply {
    let item = |(title, link): &(&str, &str)| {
        format!("<li><a href=\"{link}\">{title}</a> <time>2023-03-10 23:30</time></li>")
    };
    let items: String = items.iter().map(item).collect();
    Reply::ok(
        "text/html; charset=utf-8",
        format!("<ul>{items}</ul><a class=\"next\" href=\"{next}\">更多</a>"),
    )
}

#[tokio::test]
async fn a_listing_page_is_read_like_a_feed_and_on_to_where_nothing_is_new() {
    let (site, world) = (Site::start().await, World::new().await);
    site.set("/list", page(&[("Bank falls", "/a"), ("央行降息", "/b")], "/list2").with("etag", "\"1\""));
    site.set("/list2", page(&[("Bank rises", "/c")], "/list3"));
    site.set("/list3", page(&[("Older", "/d")], "/list4"));
    site.set("/list4", page(&[("Oldest", "/e")], ""));
    site.set("/a", Reply::ok("text/html", article("Queues formed.")));
    let running = world.start(&config(&site, "/list", LISTING)).await;
    let documents = world.wait_for_documents(4).await;
    let first = documents.iter().find(|document| document.title == "Bank falls").unwrap();
    assert!(first.body.contains("Queues formed."), "{}", first.body);
    assert_eq!(first.published_at, Some(crate::support::time("2023-03-10T15:30:00Z")));
    assert_eq!(site.asked("/list4").len(), 0, "three pages a poll unless said otherwise");
    world.pass(61);
    wait_until("it is asked again", async || site.asked("/list").len() == 2).await;
    assert_eq!(site.asked("/list")[1]["if-none-match"], "\"1\"");
    site.set("/list", page(&[("New", "/n"), ("Bank falls", "/a"), ("央行降息", "/b")], "/list2"));
    world.wait_for_documents_as_time_passes(5, 61).await;
    running.stop().await;
    assert_eq!(
        (site.asked("/list2").len(), site.asked("/list3").len()),
        (2, 1),
        "behind what is known is nothing new"
    );
}

#[tokio::test]
async fn a_page_behind_the_first_that_cannot_be_read_holds_up_no_other() {
    for bad in [Reply::status(404), Reply::ok("text/html", "<div>Nothing</div>")] {
        let (site, world) = (Site::start().await, World::new().await);
        site.set("/list", page(&[("Bank falls", "/a")], "/list2"));
        site.set("/list2", page(&[("Bank rises", "/b")], "/list3"));
        site.set("/list3", bad);
        let running = world.start(&config(&site, "/list", LISTING)).await;
        world.wait_for_documents(2).await;
        running.stop().await;
    }
}

#[tokio::test]
async fn a_page_behind_the_first_that_may_come_back_is_waited_for_twice() {
    let (site, world) = (Site::start().await, World::new().await);
    site.set("/list", page(&[("Bank falls", "/a")], "/list2"));
    site.set("/list2", Reply::status(500));
    let running = world.start(&config(&site, "/list", LISTING)).await;
    world.wait_for_documents_as_time_passes(1, 3600).await;
    running.stop().await;
    assert_eq!(site.asked("/list2").len(), 3);
}

#[tokio::test]
async fn a_listing_page_that_was_rebuilt_is_a_failure_that_is_told() {
    let (site, world) = (Site::start().await, World::new().await);
    site.set("/list", Reply::ok("text/html", "<div>A new design</div>"));
    let running = world.start(&config(&site, "/list", LISTING)).await;
    wait_until("the failure is told", async || {
        let error: Option<Option<String>> =
            sqlx::query_scalar("SELECT last_error FROM report.sources WHERE source_id = 'paper'")
                .fetch_optional(&world.database.pool)
                .await
                .unwrap();
        error.flatten().is_some_and(|error| error.contains("matches listing.item"))
    })
    .await;
    running.stop().await;
}

fn sitemap(pages: &[(&str, &str)]) -> String {
    let page =
        |(url, modified): &(&str, &str)| format!("<url><loc>{url}</loc><lastmod>{modified}</lastmod></url>");
    format!("<urlset>{}</urlset>", pages.iter().map(page).collect::<String>())
}

fn index(parts: &[(&str, &str)]) -> Reply {
    let part = |(url, modified): &(&str, &str)| {
        format!("<sitemap><loc>{url}</loc><lastmod>{modified}</lastmod></sitemap>")
    };
    let parts: String = parts.iter().map(part).collect();
    Reply::ok("application/xml", format!("<sitemapindex>{parts}</sitemapindex>"))
}

fn packed(text: &str) -> Reply {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    Reply::ok("application/octet-stream", encoder.finish().unwrap())
}

async fn part(world: &World, like: &str) -> (i32, bool) {
    sqlx::query_as("SELECT failures, retired_at IS NOT NULL FROM report.crawl_sitemaps WHERE url LIKE $1")
        .bind(like)
        .fetch_optional(&world.database.pool)
        .await
        .unwrap()
        .unwrap_or_default()
}

#[tokio::test]
async fn of_a_sitemap_index_only_what_changed_is_asked_for_and_the_dead_are_retired() {
    let (site, world) = (Site::start().await, World::new().await);
    let (news, old, gone) = (site.url("/news.xml.gz"), site.url("/old.xml"), site.url("/gone.xml"));
    let noon = "2023-03-10T12:00:00Z";
    let list = |changed: &str| index(&[(&news, changed), (&old, "2023-02-01T01:00:00Z"), (&gone, noon)]);
    site.set("/sitemap.xml", list(noon));
    site.set("/news.xml.gz", packed(&sitemap(&[(&site.url("/a"), noon), (&site.url("/x"), "2022-01-01")])));
    site.set("/old.xml", Reply::ok("application/xml", sitemap(&[(&site.url("/o"), "2023-02-01")])));
    for (path, words) in [("/a", "Queues formed."), ("/b", "Branches closed."), ("/x", "Long ago.")] {
        site.set(path, Reply::ok("text/html", article(words)));
    }
    let running = world.start(&config(&site, "/sitemap.xml", "format = 'sitemap'")).await;
    let documents = world.wait_for_documents(1).await;
    assert!(documents[0].body.contains("Queues formed."), "{:?}", documents[0]);
    assert_eq!((site.asked("/x").len(), site.asked("/o").len()), (0, 0), "what is old is no part of it");

    wait_until("the part that is gone is retired", async || {
        world.pass(3600);
        part(&world, "%/gone.xml").await == (3, true)
    })
    .await;
    let asked = site.asked("/gone.xml").len();
    // New however long that took, and at no midnight, which would stand for a whole day.
    let late = (world.clock.now() - TimeDelta::minutes(30)).to_rfc3339();
    let two = sitemap(&[(&site.url("/a"), noon), (&site.url("/b"), late.as_str())]);
    site.set("/news.xml.gz", packed(&two));
    site.set("/sitemap.xml", list(&late));
    world.wait_for_documents_as_time_passes(2, 61).await;
    running.stop().await;
    assert_eq!((site.asked("/news.xml.gz").len(), site.asked("/old.xml").len()), (2, 1));
    assert_eq!((site.asked("/gone.xml").len(), asked), (3, 3), "retired, it is left alone");
    assert_eq!(site.asked("/a").len(), 1, "a page whose date did not change is not fetched again");
}

#[tokio::test]
async fn a_part_without_a_date_is_asked_again_soon_though_it_did_not_change() {
    let (site, world) = (Site::start().await, World::new().await);
    let part = format!("<sitemap><loc>{}</loc></sitemap>", site.url("/news.xml"));
    site.set("/sitemap.xml", Reply::ok("application/xml", format!("<sitemapindex>{part}</sitemapindex>")));
    let news = sitemap(&[(&site.url("/a"), "2023-03-10T12:00:00Z")]);
    site.set("/news.xml", Reply::ok("application/xml", news).with("etag", "\"1\""));
    site.set("/a", Reply::ok("text/html", article("Queues formed.")));
    let running = world.start(&config(&site, "/sitemap.xml", "format = 'sitemap'")).await;
    world.wait_for_documents(1).await;
    let began = world.clock.now();
    wait_until("it is asked again and again", async || {
        world.pass(61);
        site.asked("/news.xml").len() >= 4
    })
    .await;
    running.stop().await;
    assert_eq!(site.asked("/news.xml")[1]["if-none-match"], "\"1\"");
    assert!(world.clock.now() - began < TimeDelta::hours(20));
}

#[tokio::test]
async fn a_page_that_its_sitemap_says_changed_is_fetched_again() {
    let (site, world) = (Site::start().await, World::new().await);
    let map = |changed: &str| Reply::ok("application/xml", sitemap(&[(&site.url("/a"), changed)]));
    site.set("/sitemap.xml", map("2023-03-10T12:00:00Z"));
    site.set("/a", Reply::ok("text/html", article("By a third.")));
    let running = world.start(&config(&site, "/sitemap.xml", "format = 'sitemap'")).await;
    world.wait_for_documents(1).await;
    site.set("/a", Reply::ok("text/html", article("By a quarter.")));
    site.set("/sitemap.xml", map("2023-03-10T16:00:00Z"));
    let documents = world.wait_for_documents_as_time_passes(2, 61).await;
    running.stop().await;
    assert_eq!(documents[0].id, documents[1].id);
    assert!(documents[1].body.contains("By a quarter."));
}

#[tokio::test]
async fn only_a_part_that_is_gone_three_times_in_a_row_is_retired_and_one_without_a_date_comes_back() {
    let (site, world) = (Site::start().await, World::new().await);
    let mut config = feed_of(&site);
    let text = format!(
        "id = 'paper'\nurl = '{}'\nevery = '1m'\nformat = 'sitemap'\n[sitemap]\nundated = true",
        site.url("/sitemap.xml")
    );
    config.sources = vec![toml::from_str(&text).unwrap()];
    let index =
        format!("<sitemapindex><sitemap><loc>{}</loc></sitemap></sitemapindex>", site.url("/part.xml"));
    site.set("/sitemap.xml", Reply::ok("application/xml", index));
    site.set("/part.xml", Reply::status(500));
    site.set("/a", Reply::ok("text/html", article("Queues formed.")));
    let running = world.start(&config).await;
    wait_until("it failed in another way", async || {
        world.pass(3600);
        part(&world, "%").await.0 >= 2
    })
    .await;
    let failed = site.asked("/part.xml").len();
    site.set("/part.xml", Reply::status(404));
    wait_until("it is retired", async || {
        world.pass(3600);
        part(&world, "%").await.1
    })
    .await;
    assert!(site.asked("/part.xml").len() >= failed + 3, "{} after {failed}", site.asked("/part.xml").len());
    let pages = format!("<urlset><url><loc>{}</loc></url></urlset>", site.url("/a"));
    site.set("/part.xml", Reply::ok("application/xml", pages));
    let documents = world.wait_for_documents_as_time_passes(1, 86_400).await;
    assert!(documents[0].body.contains("Queues formed."), "{:?}", documents[0]);
    wait_until("it is retired no more", async || part(&world, "%").await == (0, false)).await;
    running.stop().await;
}
