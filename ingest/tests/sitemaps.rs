//! Parts of sitemap indexes that fail, and come back.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use support::{Reply, Site, World, article, feed_of, wait_until};

/// Failures in a row, and whether it is retired.
async fn part(world: &World) -> (i32, bool) {
    sqlx::query_as("SELECT failures, retired_at IS NOT NULL FROM report.crawl_sitemaps")
        .fetch_optional(&world.database.pool)
        .await
        .unwrap()
        .unwrap_or_default()
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
        part(&world).await.0 >= 2
    })
    .await;
    let failed = site.asked("/part.xml").len();
    site.set("/part.xml", Reply::status(404));
    wait_until("it is retired", async || {
        world.pass(3600);
        part(&world).await.1
    })
    .await;
    assert!(site.asked("/part.xml").len() >= failed + 3, "{} after {failed}", site.asked("/part.xml").len());
    let pages = format!("<urlset><url><loc>{}</loc></url></urlset>", site.url("/a"));
    site.set("/part.xml", Reply::ok("application/xml", pages));
    let documents = world.wait_for_documents_as_time_passes(1, 86_400).await;
    assert!(documents[0].body.contains("Queues formed."), "{:?}", documents[0]);
    wait_until("it is retired no more", async || part(&world).await == (0, false)).await;
    running.stop().await;
}
