//! Entries that all lead to one page.

mod support;

use support::{Reply, Site, World, article, bodies, feed_of, wait_until};

fn feed(flashes: &[(&str, &str)]) -> Reply {
    let item = |(id, text): &(&str, &str)| {
        format!(
            "<item><guid isPermaLink=\"false\">{id}</guid><title>Flash {id}</title><link>/live</link>\
             <description>{text}</description><pubDate>Fri, 10 Mar 2023 15:30:00 GMT</pubDate></item>"
        )
    };
    let items: String = flashes.iter().map(item).collect();
    Reply::ok("application/rss+xml", format!("<rss version=\"2.0\"><channel>{items}</channel></rss>"))
}

#[tokio::test]
async fn flashes_that_lead_to_one_page_are_documents_of_their_own() {
    let (site, world) = (Site::start().await, World::new().await);
    site.set("/live", Reply::ok("text/html", article("The day so far.")));
    site.set("/feed", feed(&[("1", "The bank fell by a third."), ("2", "The bank was halted.")]));
    let running = world.start(&feed_of(&site)).await;
    world.wait_for_documents(2).await;
    site.set("/feed", feed(&[("2", "The bank was halted."), ("3", "The bank is closed.")]));
    let documents = world.wait_for_documents_as_time_passes(3, 61).await;
    let asked = site.asked("/feed").len();
    wait_until("the feed is asked again", async || {
        world.pass(61);
        site.asked("/feed").len() > asked + 1
    })
    .await;
    running.stop().await;
    assert_eq!(world.documents().await.len(), 3, "each is published once");
    assert_eq!(
        bodies(&documents),
        ["The bank fell by a third.", "The bank is closed.", "The bank was halted."]
    );
    assert_eq!(site.asked("/live").len(), 0, "the page of the day is not the text of any of them");
    assert!(documents.iter().all(|document| document.url == Some(site.url("/live"))), "{documents:#?}");
}
