//! Deliveries that end without having been made: of receivers that are gone, and of those that the
//! configuration has no longer.

use super::*;

/// The state of each delivery, by episode and sequence.
async fn ends(stage: &Stage) -> Vec<String> {
    stage.states().await.into_iter().map(|(_, state, _)| state).collect()
}

#[tokio::test]
async fn gone_disables_the_endpoint_until_its_url_changes() {
    let stage = Stage::set().await;
    stage.receiver.answer(410, &[]);
    stage.put(&alert("a", 1)).await;
    stage.put(&alert("b", 1)).await;
    assert_eq!(stage.work().await, 1);
    stage.put(&alert("c", 1)).await;
    assert_eq!(ends(&stage).await, ["dropped", "dropped"], "nothing is queued for an endpoint that is gone");
    let known: Vec<Endpoint> = stage.worker.endpoints.values().cloned().collect();
    register(&stage.pool, &known).await.unwrap();
    stage.put(&alert("d", 1)).await;
    assert_eq!(stage.work().await, 0, "the same URL stays disabled");
    let moved = Endpoint { url: "https://example.com/new".parse().unwrap(), ..known[0].clone() };
    register(&stage.pool, &[moved]).await.unwrap();
    stage.put(&alert("e", 1)).await;
    assert_eq!(webhooks_pending(&stage.pool).await.unwrap(), 1);
}

#[tokio::test]
async fn what_an_alert_brings_while_a_receiver_says_it_is_gone_is_dropped_too() {
    let stage = Stage::set().await;
    let mut late = stage.pool.begin().await.unwrap();
    stage.outbox.put(&mut late, &alert("late", 1), stage.clock.now()).await.unwrap();
    stage.receiver.answer(410, &[]);
    stage.put(&alert("a", 1)).await;
    assert_eq!(stage.work().await, 1);
    late.commit().await.unwrap();
    assert_eq!(stage.states().await[1].1, "pending");
    assert_eq!((stage.work().await, stage.sweep(&["desk"]).await), (0, 1));
    assert_eq!(ends(&stage).await, ["dropped", "dropped"]);
}

#[tokio::test]
async fn what_waits_for_a_webhook_that_was_taken_out_of_the_configuration_is_dropped_after_four_days() {
    let stage = Stage::set().await;
    for message in [alert("a", 1), alert("a", 2)] {
        stage.put(&message).await;
    }
    stage.pass(TimeDelta::days(3));
    assert_eq!(stage.sweep(&["other"]).await, 0, "it may come back");
    stage.pass(TimeDelta::days(2));
    assert_eq!(stage.sweep(&["desk", "other"]).await, 0, "it is ours");
    assert_eq!(ends(&stage).await, ["pending", "pending"]);
    assert_eq!(stage.sweep(&["other"]).await, 2);
    assert_eq!(ends(&stage).await, ["dropped", "dropped"]);
    assert_eq!((stage.work().await, stage.receiver.calls().len()), (0, 0));
}

#[tokio::test]
async fn what_another_instance_still_tries_is_not_dropped() {
    let stage = Stage::set().await;
    for message in [alert("a", 1), alert("a", 2)] {
        stage.put(&message).await;
    }
    stage.pass(TimeDelta::days(5));
    stage.receiver.answer(500, &[]);
    assert_eq!(stage.work().await, 1);
    assert_eq!(stage.sweep(&[]).await, 0);
    assert_eq!(ends(&stage).await, ["pending", "pending"]);
    stage.pass(TimeDelta::days(5));
    assert_eq!(stage.sweep(&[]).await, 2, "until it does no more");
}
