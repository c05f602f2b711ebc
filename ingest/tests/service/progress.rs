//! The clock on `documents.raw`: nothing after it was first seen before it.

use std::collections::HashMap;

use crate::support::{Site, World, feed_of, rss, wait_until};
use chrono::{DateTime, Utc};
use tocsin_contract::Raw;

#[tokio::test]
async fn no_document_was_first_seen_before_a_progress_that_stands_before_it() {
    let (site, world) = (Site::start().await, World::new().await);
    let mut config = feed_of(&site);
    config.sources[0].fetch_pages = false;
    let stories: Vec<(String, String)> = (0..60).map(|n| (format!("Story {n}"), format!("/{n}"))).collect();
    let running = world.start(&config).await;
    for round in 1..=6 {
        let shown: Vec<(&str, &str, &str)> = stories
            .iter()
            .take(round * 10)
            .map(|(title, link)| (title.as_str(), link.as_str(), "Text."))
            .collect();
        site.set("/feed", rss(&shown));
        wait_until("the round is published", async || {
            world.pass(61);
            world.documents().await.len() == round * 10
        })
        .await;
    }
    running.stop().await;
    let (mut latest, mut kept) = (HashMap::<u32, DateTime<Utc>>::new(), 0);
    for (partition, raw) in world.log().await {
        match raw {
            Raw::Progress(progress) => {
                assert_eq!(progress.producer, "ingest");
                let last = latest.insert(partition, progress.as_of);
                assert!(last.is_none_or(|last| last <= progress.as_of));
            }
            Raw::Tombstone(tombstone) => panic!("nothing was taken back: {tombstone:?}"),
            Raw::Document(document) => {
                if let Some(as_of) = latest.get(&partition) {
                    assert!(document.first_seen_at >= *as_of, "{partition}: {document:?}");
                    kept += 1;
                }
            }
        }
    }
    assert!(kept > 20, "only {kept} documents stood behind a progress");
    assert_eq!(latest.len(), 3, "every partition is told");
}

#[tokio::test]
async fn the_clock_is_written_without_any_document_too() {
    let world = World::new().await;
    let running = world.start(&Default::default()).await;
    for count in 1..4 {
        wait_until("the clock is written to each partition", async || {
            world.progress().await.len() == count * 3
        })
        .await;
        world.pass(15);
    }
    running.stop().await;
}
