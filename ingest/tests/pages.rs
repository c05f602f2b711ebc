//! Pages behind entries that are not the entries'.

mod support;

use support::{Reply, Site, World, article, feed_of, rss};

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
