//! Public interfaces as `config/sources.example.toml` describes them: what each answers was
//! written by us in the form of its documentation.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use serde_json::{Value, json};
use support::{Reply, Site, World};
use tocsin_contract::{Document, Engagement};
use tocsin_ingest::{IngestConfig, SourceConfig};

fn answers() -> [(&'static str, Value); 5] {
    [
        (
            "hacker-news",
            json!({"nbHits": 2, "hits": [
                {"objectID": "39001", "title": "Harrowgate Bank stops withdrawals", "story_text": null, "author": "jo",
                 "url": "https://news.example/harrowgate", "points": 120, "num_comments": 45,
                 "created_at": "2023-03-10T15:31:00Z", "created_at_i": 1_678_462_260},
                {"objectID": "39000", "title": "Ask HN: which bank?", "story_text": "<p>Mine is &quot;closed&quot;.", "author": "ann",
                 "url": null, "points": 3, "num_comments": 0, "created_at": "2023-03-10T15:31:00Z"}]}),
        ),
        (
            "reddit-stocks",
            json!({"kind": "Listing", "data": {"after": "t3_b", "children": [
                {"kind": "t3", "data": {"name": "t3_a", "title": "Harrowgate halted", "selftext": "", "author": "jo",
                 "created_utc": 1_678_462_260.0, "permalink": "/r/stocks/comments/a/harrowgate_halted/", "score": 7, "num_comments": 2}},
                {"kind": "t3", "data": {"name": "t3_b", "title": "What now?", "selftext": "Ring me: 13812345678", "author": "ann",
                 "created_utc": 1_678_462_200.0, "permalink": "/r/stocks/comments/b/what_now/", "score": 1, "num_comments": 0}}]}}),
        ),
        (
            "mastodon-banking",
            json!([{"id": "110000000000000001", "created_at": "2023-03-10T15:31:00.123Z", "content": "<p>Harrowgate <b>closed</b> its doors</p>",
                "account": {"acct": "jo@mastodon.example"}, "url": "https://mastodon.example/@jo/110000000000000001",
                "favourites_count": 4, "reblogs_count": 2, "replies_count": 1}]),
        ),
        (
            "stock-messages",
            json!({"cursor": {"since": 5002}, "messages": [{"id": 5002, "body": "$HGRV going to zero", "created_at": "2023-03-10T15:31:00Z",
                "user": {"username": "jo"}, "likes": {"total": 9}}]}),
        ),
        (
            "weibo-like",
            json!({"statuses": [
                {"idstr": "487", "text": "哈罗盖特银行停止取款", "created_at": "Fri Mar 10 23:31:00 +0800 2023",
                 "user": {"screen_name": "小王"}, "attitudes_count": 5, "reposts_count": 1, "comments_count": 2},
                {"idstr": "486", "deleted": "1"}]}),
        ),
    ]
}

/// The sources of the example that are lists in JSON, asked at the site instead.
fn config(site: &Site) -> IngestConfig {
    let text = include_str!("../../config/sources.example.toml");
    let mut example: toml::Value = toml::from_str(text).unwrap();
    let sources: Vec<SourceConfig> = example["ingest"]["sources"].clone().try_into().unwrap();
    drop(example.as_table_mut().unwrap().remove("ingest"));
    let mut config: IngestConfig =
        toml::from_str(&format!("allow = [\"{}\"]\nmin_delay = \"0s\"\n", site.at)).unwrap();
    for (id, answer) in answers() {
        let mut source = sources.iter().find(|source| source.id == id).unwrap().clone();
        source.url = site.url(&format!("/{id}"));
        site.set(&format!("/{id}"), Reply::ok("application/json", answer.to_string()));
        config.sources.push(source);
    }
    config
}

fn of<'a>(documents: &'a [Document], source: &str, text: &str) -> &'a Document {
    let fits = |d: &&Document| d.source.id == source && (d.title.contains(text) || d.body.contains(text));
    documents.iter().find(fits).unwrap_or_else(|| panic!("no {text:?} of {source} in {documents:#?}"))
}

#[tokio::test]
async fn each_public_interface_is_read_as_the_example_describes_it() {
    let (site, world) = (Site::start().await, World::new().await);
    let config = config(&site);
    let running = world.start(&config).await;
    let documents = world.wait_for_documents(7).await;
    running.stop().await;
    let counts = |likes, reposts, replies| Some(Engagement { likes, reposts, replies, views: None });

    let story = of(&documents, "hacker-news", "stops withdrawals");
    assert_eq!((story.body.as_str(), story.url.as_deref()), ("", Some("https://news.example/harrowgate")));
    assert_eq!(story.engagement, counts(Some(120), None, Some(45)));
    assert_eq!(of(&documents, "hacker-news", "which bank").body, "Mine is \"closed\".");

    let post = of(&documents, "reddit-stocks", "What now");
    assert_eq!((post.body.as_str(), post.redactions), ("Ring me: [phone]", 1));
    assert_eq!(post.url, Some(site.url("/r/stocks/comments/b/what_now/")));
    assert_eq!(of(&documents, "reddit-stocks", "halted").published_at.unwrap().timestamp(), 1_678_462_260);

    let toot = of(&documents, "mastodon-banking", "closed");
    assert_eq!(toot.body, "Harrowgate closed its doors");
    assert_eq!(toot.engagement, counts(Some(4), Some(2), Some(1)));
    assert_eq!(of(&documents, "stock-messages", "$HGRV").engagement, counts(Some(9), None, None));

    let status = of(&documents, "weibo-like", "哈罗盖特");
    assert_eq!(status.published_at.unwrap().to_rfc3339(), "2023-03-10T15:31:00+00:00");
    assert_eq!(status.lang, "zh");
    for document in &documents {
        let author = document.author_hash.as_deref().unwrap();
        assert!(!author.contains("jo") && author.len() == 32, "{author}");
    }
}
