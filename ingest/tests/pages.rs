//! What comes where a page should, and what a page says that cannot be.

mod support;

use support::{Reply, Site, World, article, feed_of, rss, time};

#[tokio::test]
async fn a_file_or_nothing_in_place_of_a_page_leaves_the_feed_s_text_and_the_ledger_says_what_it_was() {
    let (site, world) = (Site::start().await, World::new().await);
    site.set(
        "/feed",
        rss(&[
            ("Results", "/results.pdf", "The lender lost money."),
            ("Chart", "/chart", "Its shares fell."),
            ("Reports", "/reports", "They are packed."),
            ("Soon", "/soon", "It will say more."),
            ("Bank falls", "/a", "Short."),
        ]),
    );
    site.set("/results.pdf", Reply::ok("application/pdf", *b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n1 0 obj"));
    site.set("/chart", Reply::ok("text/html", *b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"));
    site.set("/reports", Reply::ok("text/html", *b"\x1f\x8b\x08\0\0\0\0\0\0\x03"));
    site.set("/soon", Reply::ok("text/html", "<html><head><title>Soon</title></head><body></body></html>"));
    site.set("/a", Reply::ok("text/html", article("Queues formed.")));
    let running = world.start(&feed_of(&site)).await;
    let documents = world.wait_for_documents(5).await;
    running.stop().await;
    let body = |title: &str| documents.iter().find(|document| document.title == title).unwrap().body.as_str();
    assert_eq!(
        ["Results", "Chart", "Reports", "Soon"].map(body),
        ["The lender lost money.", "Its shares fell.", "They are packed.", "It will say more."]
    );
    assert!(body("Bank falls").contains("Queues formed."), "{}", body("Bank falls"));
    let mut reasons: Vec<String> =
        sqlx::query_scalar("SELECT reason FROM report.crawl_items WHERE fate = 'published'")
            .fetch_all(&world.database.pool)
            .await
            .unwrap();
    reasons.sort();
    assert_eq!(reasons, ["a PDF file", "a PNG image", "a gzip archive", "no article on the page", "page"]);
}

#[tokio::test]
async fn a_date_that_has_yet_to_come_by_the_crawler_s_clock_leaves_the_feed_s() {
    let (site, world) = (Site::start().await, World::new().await);
    site.set("/feed", rss(&[("Bank falls", "/a", "Short."), ("Bank rises", "/b", "Short, too.")]));
    let dated = |at: &str| {
        let mark = format!("<head><meta property='article:published_time' content='{at}'>");
        Reply::ok("text/html", article("Queues formed.").replace("<head>", &mark))
    };
    site.set("/a", dated("2023-03-11T16:00:01Z"));
    site.set("/b", dated("2023-03-10T15:40:00Z"));
    let running = world.start(&feed_of(&site)).await;
    let documents = world.wait_for_documents(2).await;
    running.stop().await;
    let at = |title: &str| documents.iter().find(|document| document.title == title).unwrap().published_at;
    assert_eq!(at("Bank falls"), Some(time("2023-03-10T15:30:00Z")));
    assert_eq!(at("Bank rises"), Some(time("2023-03-10T15:40:00Z")));
}
