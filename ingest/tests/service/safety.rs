//! What a hostile or unwilling site cannot make ingest do.

use crate::support::{Reply, Site, World, article, feed_of, rss, wait_until};

#[tokio::test]
async fn a_redirect_to_a_place_that_is_not_public_is_refused_at_the_hop() {
    let (site, inside, world) = (Site::start().await, Site::start().await, World::new().await);
    inside.set("/secret", Reply::ok("text/html", article("Secret.")));
    site.set("/feed", rss(&[("One", "/one", "Feed text one."), ("Two", "/two", "Feed text two.")]));
    site.set("/one", Reply::status(302).with("location", &inside.url("/secret")));
    site.set("/two", Reply::status(307).with("location", "/three"));
    site.set(
        "/three",
        Reply::status(301).with("location", "http://[::ffff:169.254.169.254]/latest/meta-data/"),
    );
    let running = world.start(&feed_of(&site)).await;
    let documents = world.wait_for_documents(2).await;
    running.stop().await;
    assert!(documents.iter().all(|document| document.body.starts_with("Feed text")), "{documents:#?}");
    assert_eq!(site.asked("/three").len(), 1, "the hop before was followed");
    assert!(inside.asked("/secret").is_empty() && inside.asked("/robots.txt").is_empty());
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused() {
    let (site, inside, world) = (Site::start().await, Site::start().await, World::new().await);
    let link = format!("http://localhost:{}/secret", inside.at.port());
    site.set("/feed", rss(&[("One", &link, "Feed text.")]));
    let running = world.start(&feed_of(&site)).await;
    world.wait_for_documents(1).await;
    running.stop().await;
    assert!(inside.asked("/secret").is_empty());
}

#[tokio::test]
async fn redirects_without_end_and_bodies_without_end_are_given_up() {
    let (site, world) = (Site::start().await, World::new().await);
    site.set("/feed", rss(&[("One", "/loop", "Feed text."), ("Two", "/endless", "Feed text.")]));
    site.set("/loop", Reply::status(302).with("location", "/loop"));
    site.set("/endless", Reply { endless: true, ..Reply::ok("text/html", "") });
    let running = world.start(&feed_of(&site)).await;
    let documents = world.wait_for_documents(2).await;
    running.stop().await;
    assert!(documents.iter().all(|document| document.body == "Feed text."));
    assert_eq!(site.asked("/loop").len(), 6);
}

#[tokio::test]
async fn what_robots_txt_disallows_is_not_asked_for() {
    let (site, world) = (Site::start().await, World::new().await);
    site.set(
        "/robots.txt",
        Reply::ok("text/plain", "User-agent: tocsin\nDisallow: /private\n\nUser-agent: *\nDisallow: /\n"),
    );
    site.set("/feed", rss(&[("One", "/private/a", "Feed text."), ("Two", "/open", "Feed text.")]));
    site.set("/private/a", Reply::ok("text/html", article("Private.")));
    site.set("/open", Reply::ok("text/html", article("Open.")));
    let running = world.start(&feed_of(&site)).await;
    let documents = world.wait_for_documents(2).await;
    running.stop().await;
    assert!(site.asked("/private/a").is_empty());
    assert!(documents.iter().any(|document| document.body.contains("Open.")));
    assert_eq!(site.asked("/robots.txt").len(), 1, "it is remembered");
}

#[tokio::test]
async fn a_site_that_cannot_say_what_is_allowed_is_left_alone() {
    let (site, world) = (Site::start().await, World::new().await);
    site.set("/robots.txt", Reply::status(503));
    site.set("/feed", rss(&[("One", "/a", "Feed text.")]));
    let running = world.start(&feed_of(&site)).await;
    wait_until("robots.txt is asked for", async || !site.asked("/robots.txt").is_empty()).await;
    wait_until("the failure is written down", async || {
        let error: Option<String> = sqlx::query_scalar("SELECT last_error FROM ingest.source")
            .fetch_optional(&world.database.pool)
            .await
            .unwrap()
            .flatten();
        error.is_some_and(|error| error.contains("robots.txt"))
    })
    .await;
    running.stop().await;
    assert!(site.asked("/feed").is_empty());

    site.set("/robots.txt", Reply::status(404));
    world.pass(23 * 3600);
    let running = world.start(&feed_of(&site)).await;
    wait_until("the source is tried again", async || {
        let failures: i32 = sqlx::query_scalar("SELECT failures FROM ingest.source")
            .fetch_one(&world.database.pool)
            .await
            .unwrap();
        failures > 1
    })
    .await;
    assert_eq!(site.asked("/robots.txt").len(), 1, "what a server error says holds for a day");
    world.pass(3600);
    wait_until("after a day the feed is read", async || {
        world.pass(600);
        !site.asked("/feed").is_empty()
    })
    .await;
    running.stop().await;
}

#[tokio::test]
async fn a_host_that_asks_for_silence_gets_it_for_all_its_pages() {
    let (site, world) = (Site::start().await, World::new().await);
    site.set("/feed", rss(&[("One", "/a", "Feed text."), ("Two", "/b", "Feed text.")]));
    site.set("/a", Reply::status(429).with("retry-after", "3600"));
    site.set("/b", Reply::status(429).with("retry-after", "3600"));
    let running = world.start(&feed_of(&site)).await;
    let waiting = "SELECT count(*) FROM ingest.item WHERE fate = 'pending' AND not_before IS NOT NULL";
    wait_until("both pages are left for later", async || {
        sqlx::query_scalar::<_, i64>(waiting).fetch_one(&world.database.pool).await.unwrap() == 2
    })
    .await;
    running.stop().await;
    assert_eq!(site.asked("/a").len() + site.asked("/b").len(), 1, "after the first 429 nothing is asked");
}

#[tokio::test]
async fn a_server_that_drips_is_given_up_and_holds_up_nobody() {
    let (slow, good, world) = (Site::start().await, Site::start().await, World::new().await);
    slow.set("/feed", Reply { drips: true, ..Reply::ok("application/rss+xml", "") });
    good.set("/feed", rss(&[("One", "/one", "Feed text.")]));
    let mut config = feed_of(&slow);
    config.concurrency = 1;
    config.limits.total = std::time::Duration::from_secs(8);
    let mut other = feed_of(&good).sources.remove(0);
    (other.id, other.fetch_pages) = ("zeitung".into(), false);
    config.sources.push(other);
    config.allow.push(good.at.to_string());
    let running = world.start(&config).await;
    wait_until("the slow one is asked", async || !slow.asked("/feed").is_empty()).await;
    world.wait_for_documents(1).await;
    wait_until("the slow one is given up", async || {
        let error: Option<String> =
            sqlx::query_scalar("SELECT last_error FROM ingest.source WHERE source_id = 'paper'")
                .fetch_one(&world.database.pool)
                .await
                .unwrap();
        error.is_some_and(|error| error.contains("no complete answer"))
    })
    .await;
    running.stop().await;
}

#[tokio::test]
async fn what_an_answer_is_called_does_not_matter() {
    let (site, world) = (Site::start().await, World::new().await);
    let feed = rss(&[("One", "/one", "Feed text.")]);
    site.set("/feed", Reply::ok("image/png", feed.body));
    site.set("/one", Reply::ok("application/pdf", article("Called a PDF.")));
    let running = world.start(&feed_of(&site)).await;
    let documents = world.wait_for_documents(1).await;
    running.stop().await;
    assert!(documents[0].body.contains("Called a PDF."), "{}", documents[0].body);
}
