//! The page behind an entry of a feed: what comes where it should, what of it is believed, and how
//! long one that is away is waited for.

use crate::support::{Reply, Running, Site, World, article, feed_of, rss, time, wait_until};

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
async fn with_page(site: &Site, world: &World, date: &str, reply: Reply) -> Running {
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
