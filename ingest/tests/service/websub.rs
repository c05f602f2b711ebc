//! WebSub against a hub on loopback that does what real ones do: confirms by a call of its
//! own, signs what it delivers, and, where a test wants it, does neither.

mod hub;
mod stage;

use std::time::Duration;

use crate::support::wait_until;
use hub::{LEASE, call, deliver};
use stage::Stage;
use tocsin_ingest::Register;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

#[tokio::test]
async fn what_a_hub_delivers_is_taken_in_once_also_after_a_restart_and_the_feed_rests() {
    let stage = Stage::new().await;
    let playing = stage.subscribe().await;
    let request = stage.hub.asked("subscribe").remove(0);
    assert_eq!(request["hub.topic"], stage.site.url("/feed"));
    assert!(request["hub.callback"].len() > format!("http://{}/v1/websub/", stage.callback).len() + 60);
    assert_eq!((request["hub.lease_seconds"].as_str(), request["hub.secret"].len()), ("864000", 64));
    stage.world.wait_for_documents(1).await;

    assert_eq!(stage.hub.deliver(&stage.feed(1..2, true), None).await, 202);
    stage.world.wait_for_documents(2).await;
    playing.stop().await;

    let playing = stage.start().await;
    assert_eq!(stage.hub.deliver(&stage.feed(1..3, true), None).await, 202);
    stage.world.wait_for_documents(3).await;
    // The poll of its old plan, and then the one of the backup.
    stage.show(3, true);
    stage.world.pass(61);
    wait_until("the feed is asked once more", async || stage.site.asked("/feed").len() == 2).await;
    assert_eq!(stage.asked_within(20).await, 0, "the hub tells what is new");
    assert!(stage.is_asked(1, 24, 600).await, "once a day it is asked all the same");
    assert_eq!(stage.asked_within(2).await, 0, "and not more often");
    playing.stop().await;
    stage.world.wait_for_documents(3).await;
    let repeats: i64 = sqlx::query_scalar("SELECT sum(repeats)::bigint FROM report.crawl_hours")
        .fetch_one(&stage.world.database.pool)
        .await
        .unwrap();
    assert!(repeats >= 4, "what was delivered and is shown again is known: {repeats}");
}

#[tokio::test]
async fn what_is_not_signed_by_the_hub_is_answered_and_ignored() {
    let stage = Stage::new().await;
    let playing = stage.subscribe().await;
    stage.world.wait_for_documents(1).await;
    let (callback, _) = stage.hub.members().pop().unwrap();
    let forged = stage.feed(5..7, true);
    assert_eq!(stage.hub.deliver(&forged, Some("guessed")).await, 202);
    assert_eq!(deliver(&callback, &forged, None).await, 202);
    assert_eq!(deliver(&format!("http://{}/v1/websub/guessed", stage.callback), &forged, None).await, 410);
    assert_eq!(stage.hub.deliver("no feed at all", None).await, 202, "the hub need not try again");
    let topic = stage.site.url("/feed");
    for (mode, topic) in
        [("subscribe", "http://other/"), ("unsubscribe", topic.as_str()), ("", topic.as_str())]
    {
        let pairs = [("hub.mode", mode), ("hub.topic", topic), ("hub.challenge", "x")];
        assert_eq!(call(&callback, &pairs).await.0, 404, "{mode} {topic} was not asked for");
    }
    assert_eq!(stage.hub.deliver(&stage.feed(1..2, true), None).await, 202);
    stage.world.wait_for_documents(2).await;
    playing.stop().await;
}

#[tokio::test]
async fn a_hub_that_never_confirms_changes_nothing_and_is_asked_again() {
    let stage = Stage::new().await;
    *stage.hub.confirms.lock().unwrap() = false;
    let playing = stage.start().await;
    wait_until("it is asked", async || stage.hub.asked("subscribe").len() == 1).await;
    assert!(stage.is_asked_as_before().await, "a hub that says nothing changes nothing");
    wait_until("it is asked again", async || {
        stage.world.pass(600);
        stage.hub.asked("subscribe").len() >= 3
    })
    .await;
    assert_eq!(stage.subscription().await.0, "wanted");
    *stage.hub.confirms.lock().unwrap() = true;
    wait_until("at last it confirms", async || {
        stage.world.pass(3600);
        stage.subscription().await == ("active".to_owned(), 0)
    })
    .await;
    playing.stop().await;
}

#[tokio::test]
async fn a_lease_is_renewed_in_time_and_when_it_runs_out_the_feed_is_asked_as_before() {
    let stage = Stage::new().await;
    let playing = stage.subscribe().await;
    let (callback, _) = stage.hub.members().pop().unwrap();
    stage.world.pass(LEASE as i64 * 2 / 3 - 3600);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(stage.hub.asked("subscribe").len(), 1);
    stage.world.pass(7200);
    wait_until("it is renewed", async || stage.hub.asked("subscribe").len() == 2).await;
    assert_eq!(stage.hub.asked("subscribe")[1]["hub.callback"], callback);
    wait_until("and confirmed", async || stage.subscription().await.1 == 0).await;

    *stage.hub.confirms.lock().unwrap() = false;
    stage.world.pass(LEASE as i64);
    assert!(stage.is_asked_as_before().await, "without a lease no hub tells what is new");
    playing.stop().await;
}

#[tokio::test]
async fn a_feed_that_is_disabled_or_names_no_hub_any_more_is_unsubscribed() {
    let stage = Stage::new().await;
    let playing = stage.subscribe().await;
    stage.show(1, false);
    wait_until("the hub has no member", async || {
        stage.world.pass(24 * 3600);
        stage.hub.members().is_empty()
    })
    .await;
    assert_eq!(stage.subscription().await.0, "");
    stage.show(1, true);
    wait_until("it is a member again", async || {
        stage.world.pass(61);
        stage.hub.members().len() == 1
    })
    .await;
    let register = Register::new(stage.world.database.pool.clone());
    assert!(register.disable("paper", "too loud").await.unwrap());
    wait_until("the hub has no member", async || stage.hub.members().is_empty()).await;
    playing.stop().await;
}

#[tokio::test]
async fn a_hub_may_deny_and_is_left_alone_for_a_day() {
    let stage = Stage::new().await;
    *stage.hub.confirms.lock().unwrap() = false;
    let playing = stage.start().await;
    wait_until("it is asked", async || stage.hub.asked("subscribe").len() == 1).await;
    let callback = stage.hub.asked("subscribe")[0]["hub.callback"].clone();
    let denial = [("hub.mode", "denied"), ("hub.topic", &stage.site.url("/feed")), ("hub.reason", "full")];
    assert_eq!(call(&callback, &denial).await.0, 200);
    assert_eq!(stage.subscription().await.0, "denied");
    stage.asked_within(12).await;
    assert_eq!(stage.hub.asked("subscribe").len(), 1);
    wait_until("a day later it is asked again", async || {
        stage.world.pass(3600);
        stage.hub.asked("subscribe").len() == 2
    })
    .await;
    playing.stop().await;
}

#[tokio::test]
async fn what_a_hub_says_was_taken_back_is_told_without_a_poll() {
    let stage = Stage::new().await;
    let playing = stage.subscribe().await;
    stage.world.wait_for_documents(1).await;
    // The turn that published it may still look for what is to be told.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let deleted = "<feed xmlns=\"http://www.w3.org/2005/Atom\" xmlns:at=\"http://purl.org/atompub/tombstones/1.0\">\
        <title>P</title><id>p</id><updated>2023-03-10T16:00:00Z</updated>\
        <at:deleted-entry ref=\"0\" when=\"2023-03-10T16:00:00Z\"/></feed>";
    assert_eq!(stage.hub.deliver(deleted, None).await, 202);
    wait_until("the bus is told", async || stage.world.tombstones().await.len() == 1).await;
    assert_eq!(stage.site.asked("/feed").len(), 1, "the feed was not asked");
    playing.stop().await;
}

#[tokio::test]
async fn nobody_waits_for_the_body_of_a_stranger() {
    let stage = Stage::new().await;
    let playing = stage.start().await;
    let mut stream = BufReader::new(TcpStream::connect(stage.callback).await.unwrap());
    let head = "POST /v1/websub/guessed HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n";
    stream.get_mut().write_all(head.as_bytes()).await.unwrap();
    let mut line = String::new();
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read_line(&mut line)).await;
    read.expect("an answer before the body is there").unwrap();
    assert!(line.starts_with("HTTP/1.1 410"), "{line}");
    playing.stop().await;
}
