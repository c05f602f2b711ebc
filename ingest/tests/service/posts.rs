//! Posts from a JSON API.

use crate::support::{Reply, Site, World, wait_until};
use serde_json::json;
use tocsin_contract::SourceKind;
use tocsin_ingest::IngestConfig;

fn config(site: &Site) -> IngestConfig {
    toml::from_str(&format!(
        "allow = [\"{}\"]\nmin_delay = \"0s\"\n[[sources]]\nid = \"pulse\"\nurl = \"{}\"\nformat = \"json\"\nkind = \"social\"\n\
         every = \"1m\"\n[sources.json]\nitems = \"posts\"\nauthor = \"by\"\nsince_param = \"since_id\"\nauthorization = \"Bearer s3cret\"\n",
        site.at,
        site.url("/posts")
    ))
    .unwrap()
}

fn answer(ids: &[u64]) -> Reply {
    let post = |id: &u64| json!({"id": id, "created_at": "2023-03-10T15:59:00Z", "text": format!("Post {id}"), "by": "@jo"});
    let posts: Vec<_> = ids.iter().map(post).collect();
    Reply::ok("application/json", json!({ "posts": posts }).to_string())
}

#[tokio::test]
async fn posts_with_equal_times_are_all_taken_once() {
    let (site, world) = (Site::start().await, World::new().await);
    site.set("/posts", answer(&[10, 12]));
    let running = world.start(&config(&site)).await;
    world.wait_for_documents(2).await;
    running.stop().await;
    // A late post of the same second, with a smaller id, and the known ones again.
    site.set("/posts", answer(&[10, 11, 12]));
    let running = world.start(&config(&site)).await;
    world.pass(61);
    let documents = world.wait_for_documents(3).await;
    running.stop().await;
    let mut texts: Vec<&str> = documents.iter().map(|document| document.body.as_str()).collect();
    texts.sort_unstable();
    assert_eq!(texts, ["Post 10", "Post 11", "Post 12"]);
    assert_eq!(site.queries("/posts"), ["", "?since_id=12"]);
    assert!(documents.iter().all(|document| document.source.kind == SourceKind::Social));
    assert!(
        documents
            .iter()
            .all(|document| document.author_hash.as_ref().is_some_and(|hash| !hash.contains("jo")))
    );
}

#[tokio::test]
async fn addresses_stay_as_they_are_where_nothing_is_blacked_out() {
    let (site, world) = (Site::start().await, World::new().await);
    let mut config = config(&site);
    config.sources[0].json.as_mut().unwrap().url = Some("https://pulse.example/jo/{id}".to_owned());
    config.privacy.social.redact.clear();
    site.set("/posts", answer(&[1]));
    let running = world.start(&config).await;
    let documents = world.wait_for_documents(1).await;
    running.stop().await;
    assert_eq!(documents[0].url.as_deref(), Some("https://pulse.example/jo/1"));
}

#[tokio::test]
async fn the_secret_goes_to_its_own_site_only() {
    let (site, other, world) = (Site::start().await, Site::start().await, World::new().await);
    let mut config = config(&site);
    config.allow.push(other.at.to_string());
    site.set("/posts", Reply::status(302).with("location", &other.url("/posts")));
    other.set("/posts", answer(&[1]));
    let running = world.start(&config).await;
    world.wait_for_documents(1).await;
    running.stop().await;
    assert_eq!(site.asked("/posts")[0]["authorization"], "Bearer s3cret");
    assert!(other.asked("/posts")[0].get("authorization").is_none());
}

#[tokio::test]
async fn a_post_that_cannot_be_read_does_not_hold_up_the_others() {
    let (site, world) = (Site::start().await, World::new().await);
    let posts = json!({"posts": [{"id": 1, "created_at": "soon", "text": "Bad"}, {"id": 2, "created_at": 1_678_463_940, "text": "Good"}]});
    site.set("/posts", Reply::ok("application/json", posts.to_string()));
    let running = world.start(&config(&site)).await;
    assert_eq!(world.wait_for_documents(1).await[0].body, "Good");
    wait_until("it is asked once", async || site.asked("/posts").len() == 1).await;
    running.stop().await;
}
