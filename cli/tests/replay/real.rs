//! The same promise on a real stream, which takes the better part of an hour: run by hand,
//! `TOCSIN_REPLAY=news.jsonl cargo test -p tocsin --test replay -- --ignored --nocapture real`.

use std::time::Instant;

use serde_json::Value;
use tocsin_stream::testing::KafkaBroker;

use crate::traces::{Traces, summary};
use crate::{Scene, kill_midway};

async fn run(what: &str, scene: &Scene) -> Traces {
    let started = Instant::now();
    let read = summary(&scene.replay().output().unwrap());
    eprintln!("{what}: {read} ({:.0} s in all)", started.elapsed().as_secs_f64());
    scene.traces().await
}

/// One line for each alert that was opened, in the order of event time.
fn opened(traces: &Traces) -> Vec<String> {
    let alerts = traces.alerts.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let open = alerts.filter(|alert| alert["state"] == "open");
    open.map(|alert| {
        format!("{} {} {}", alert["at"], alert["subject"], alert["summary"].as_str().unwrap_or_default())
    })
    .collect()
}

#[tokio::test]
#[ignore = "needs a real stream, named by TOCSIN_REPLAY, and most of an hour"]
async fn a_real_stream_ends_alike_on_both_buses_and_after_a_kill() {
    let file = std::env::var("TOCSIN_REPLAY").expect("TOCSIN_REPLAY names a file of news");
    let lines = std::fs::read_to_string(file).unwrap();

    let calm = Scene::of(&lines, "embedded").await;
    let expected = run("embedded", &calm).await;
    eprintln!("{} documents, alerts:\n{}", expected.documents, opened(&expected).join("\n"));

    let broker = KafkaBroker::start().await;
    let kafka = run("Apache Kafka", &Scene::of(&lines, &broker.bootstrap()).await).await;
    assert_eq!(kafka, expected, "Apache Kafka and the embedded bus differ");
    drop(broker);

    let killed = Scene::of(&lines, "embedded").await;
    let before = kill_midway(&killed, &[], expected.documents / 2).await;
    let after = run("embedded, after kill -9", &killed).await;
    assert!(before < after.documents, "killed at {before} documents: not midway");
    assert_eq!(after, expected, "a kill -9 after {before} documents changed the outcome");
}
