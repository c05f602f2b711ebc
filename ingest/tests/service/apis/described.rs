//! Interfaces of no known format, described by the configuration.

use super::{config, cursor, list, texts};
use crate::support::{Site, World, time, wait_until};
use serde_json::{Value, json};
use tocsin_runtime::Clock;

/// Asks once more, at once.
async fn again(site: &Site, world: &World, path: &str) {
    let asked = site.asked(path).len();
    wait_until("it is asked again", async || {
        world.pass(61);
        site.asked(path).len() > asked
    })
    .await;
}

/// Messages of a symbol, as finance boards give them: a cursor in the answer, and whether
/// there is more.
const BOARD: &str = "format = 'json'\n[json]\nitems = '$.messages'\ntext = 'body'\nauthor = '$.user.username'\n\
    likes = '$.likes.total'\nsince_param = 'since'\nnext = { path = '$[?@.more == true].max', param = 'max' }\n\
    authorization = 's3cret'\nauthorization_header = 'x-api-key'";

#[tokio::test]
async fn a_board_is_described_by_configuration_and_asked_by_the_newest_id() {
    let (site, world) = (Site::start().await, World::new().await);
    let message = |id: u32| {
        json!({"id": id, "body": format!("Message {id}"), "created_at": "2023-03-10T15:58:00Z",
                                   "user": {"username": "pat"}, "likes": {"total": 2}})
    };
    let board = |ids: &[u32], more: bool| {
        let messages: Vec<Value> = ids.iter().map(|id| message(*id)).collect();
        list(
            &json!({"messages": messages, "cursor": {"more": more, "since": ids[0], "max": ids[ids.len() - 1]}}),
        )
    };
    site.set("/board/HRG.json", board(&[100, 99], true));
    site.set("/board/HRG.json?max=99", board(&[98], false));
    let config = config(&site, "/board/HRG.json", BOARD);
    let running = world.start(&config).await;
    world.wait_for_documents(3).await;
    running.stop().await;
    // 101 is the newest by number, though not by its first character.
    site.set("/board/HRG.json?since=100", board(&[101, 99], false));
    world.pass(61);
    let running = world.start(&config).await;
    let documents = world.wait_for_documents(4).await;
    assert_eq!(texts(&documents), ["Message 100", "Message 101", "Message 98", "Message 99"]);
    site.set("/board/HRG.json?since=101", board(&[101], false));
    again(&site, &world, "/board/HRG.json").await;
    running.stop().await;
    assert_eq!(site.queries("/board/HRG.json").last().unwrap(), "?since=101");
    assert!(site.asked("/board/HRG.json").iter().all(|headers| headers["x-api-key"] == "s3cret"));
}

/// Cards with a post in them, times as in `ctime`, texts with markup, counts as text.
const CARDS: &str = "format = 'json'\n[json]\nitems = '$.data.cards[*].mblog'\ntext = 'text'\n\
    time_format = '%a %b %d %H:%M:%S %z %Y'\nauthor = 'user.screen_name'\nlikes = 'attitudes_count'\n\
    url = 'https://m.blog.example/detail/{id}'\nnext = { path = 'data.cardlistInfo.since_id', param = 'since_id' }";

#[tokio::test]
async fn cards_of_a_microblog_are_described_by_configuration() {
    let (site, world) = (Site::start().await, World::new().await);
    let card = |id: &str, text: &str| {
        json!({"card_type": 9, "mblog": {"id": id, "text": text, "user": {"screen_name": "小河"},
        "created_at": "Fri Mar 10 23:58:00 +0800 2023", "attitudes_count": "17"}})
    };
    let cards = |cards: Value, since: Value| {
        list(&json!({"ok": 1, "data": {"cardlistInfo": {"since_id": since}, "cards": cards}}))
    };
    let first = json!([{"card_type": 11}, card("4877", "银行门口<br/>排起<a href='/n/x'>长队</a>")]);
    site.set("/api/container", cards(first, json!(4877)));
    site.set(
        "/api/container?containerid=100&since_id=4877",
        cards(json!([card("4876", "存款安全吗")]), Value::Null),
    );
    let running = world.start(&config(&site, "/api/container?containerid=100", CARDS)).await;
    let documents = world.wait_for_documents(2).await;
    running.stop().await;
    let first = documents.iter().find(|document| document.body.contains("长队")).unwrap();
    assert_eq!((first.published_at, first.lang.as_str()), (Some(time("2023-03-10T15:58:00Z")), "zh"));
    assert_eq!(first.url.as_deref(), Some("https://m.blog.example/detail/4877"));
    assert_eq!(first.engagement.unwrap().likes, Some(17));
}

#[tokio::test]
async fn a_post_of_tomorrow_hides_none_of_today() {
    let (site, world) = (Site::start().await, World::new().await);
    let board = |messages: Value| list(&json!({"messages": messages, "cursor": {"more": false}}));
    let message = |id: u32, at: &str| json!({"id": id, "body": format!("Message {id}"), "created_at": at});
    site.set("/b", board(json!([message(9, "2033-01-01T00:00:00Z"), message(1, "2023-03-10T15:00:00Z")])));
    let running = world.start(&config(&site, "/b", BOARD)).await;
    world.wait_for_documents(2).await;
    assert!(world.clock.now() < time("2033-01-01T00:00:00Z"));
    assert_eq!(cursor(&world).await.0.as_deref(), Some("1"));
    running.stop().await;
}
