use std::time::Duration;

use tocsin_runtime::database::testing::database;

use super::*;
use crate::state::SourceState;

fn source(id: &str, settings: &str) -> SourceConfig {
    toml::from_str(&format!("id = '{id}'\n{settings}")).unwrap()
}

#[tokio::test]
async fn a_source_that_may_not_be_asked_is_refused_with_the_reason_until_its_address_is_listed() {
    let database = database().await;
    let register = Register::new(database.pool.clone());
    let sources = [
        source("cloud", "url = 'http://169.254.169.254/latest'"),
        source("mail", "url = 'https://example.com:25/rss'"),
        source("paper", "url = 'https://example.com/rss'"),
        source("posts", "url = 'ws://10.0.0.1/subscribe'\nformat = 'jetstream'"),
        source(
            "toots",
            "url = 'https://example.com/api/v1/timelines/public'\nformat = 'mastodon'\n\
             stream = 'https://127.0.0.1/api/v1/streaming/public'",
        ),
    ];
    let standing = async || {
        let listed = register.list().await.unwrap();
        listed.into_iter().map(|entry| (entry.source_id, entry.state, entry.refusal)).collect::<Vec<_>>()
    };
    let mut config = IngestConfig::default();
    let refused = register.add(&sources, &config).await.unwrap();
    let ids: Vec<&str> = refused.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["cloud", "mail", "posts", "toots"]);
    for (id, state, refusal) in standing().await {
        let reason = refused.iter().find(|(refused, _)| *refused == id).map(|(_, reason)| reason.as_str());
        let expected = if reason.is_some() { "refused" } else { "active" };
        assert_eq!((state.as_str(), refusal.as_str()), (expected, reason.unwrap_or_default()), "{id}");
    }
    assert!(refused[0].1.contains("not a public address") && refused[1].1.contains("port 25"));

    config.allow = ["169.254.169.254", "example.com:25", "10.0.0.1", "127.0.0.1"].map(str::to_owned).into();
    assert!(register.add(&sources, &config).await.unwrap().is_empty());
    assert!(standing().await.iter().all(|(_, state, refusal)| state == "active" && refusal.is_empty()));
}

#[tokio::test]
async fn a_source_of_a_configuration_file_is_changed_there_and_may_be_added_again_when_disabled() {
    let database = database().await;
    let register = Register::new(database.pool.clone());
    let own = source("own", "url = 'https://example.com/rss'");
    State::new(database.pool.clone()).enroll_file("north", std::slice::from_ref(&own)).await.unwrap();
    let moved = source("own", "url = 'https://example.com/new'");
    let other = source("other", "url = 'https://example.com/other'");
    let told = register.refuse_those_of_files(&[other.clone(), moved.clone()]).await.unwrap_err().to_string();
    assert!(told.contains("source own is in the configuration file of instance \"north\""), "{told}");
    register.refuse_those_of_files(std::slice::from_ref(&other)).await.unwrap();

    assert!(register.disable("own", "too loud").await.unwrap());
    register.refuse_those_of_files(&[own]).await.unwrap();
    assert!(register.refuse_those_of_files(std::slice::from_ref(&moved)).await.is_err());

    register.add(&[other], &IngestConfig::default()).await.unwrap();
    register.refuse_those_of_files(&[source("other", "url = 'https://example.com/new'")]).await.unwrap();
}

#[tokio::test]
async fn what_is_agreed_anew_does_not_wait_for_the_poll_that_was_planned_before() {
    let database = database().await;
    let state = State::new(database.pool.clone());
    let paper = source("paper", "url = 'https://example.com/rss'");
    state.enroll_file("north", std::slice::from_ref(&paper)).await.unwrap();
    let at: DateTime<Utc> = "2024-05-07T00:00:00Z".parse().unwrap();
    let planned = SourceState { next_poll_at: Some(at), ..SourceState::default() };
    state.save_source("paper", &paper.url, &planned).await.unwrap();
    let next = async || {
        let mut known = state.sources(&["paper".to_owned()]).await.unwrap();
        known.remove("paper").unwrap().of(&paper.url).next_poll_at
    };
    state.enroll_file("north", &[SourceConfig { tier: Some(1), ..paper.clone() }]).await.unwrap();
    assert_eq!(next().await, Some(at));
    let agreed = SourceConfig { every: Some(Duration::from_secs(300)), ..paper.clone() };
    state.enroll_file("north", &[agreed]).await.unwrap();
    assert_eq!(next().await, None, "it is due");
}
