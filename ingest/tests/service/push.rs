//! `POST /v1/documents`, over real HTTP.

use std::net::SocketAddr;
use std::time::Duration;

use crate::support::{World, wait_until};
use serde_json::{Value, json};
use sqlx::{Postgres, Transaction};
use tocsin_ingest::IngestConfig;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

fn config() -> IngestConfig {
    toml::from_str("[push]\ntokens = [\"one\", \"two\"]\nqueue = 1\nbody_bytes = 2000\n").unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the server ends with the test's runtime")]
async fn serve(world: &World, config: &IngestConfig) -> SocketAddr {
    let router = world.ingest(config).await.router();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    at
}

fn client() -> reqwest::Client {
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().no_proxy().build().unwrap()
}

async fn push(at: SocketAddr, token: &str, body: impl Into<String>) -> (u16, Value) {
    let request = client().post(format!("http://{at}/v1/documents")).bearer_auth(token).body(body.into());
    let response = request.timeout(Duration::from_secs(60)).send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or_default())
}

async fn push_with_key(at: SocketAddr, body: Value) -> u16 {
    let request = client().post(format!("http://{at}/v1/documents")).bearer_auth("one");
    let response = request.header("idempotency-key", "k").body(body.to_string()).send().await.unwrap();
    response.status().as_u16()
}

/// A request of which only the head arrives.
async fn begin(at: SocketAddr, token: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(at).await.unwrap();
    let head = format!(
        "POST /v1/documents HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-length: 1000\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    BufReader::new(stream)
}

/// The first line of the answer to it.
async fn answer_of_begun(at: SocketAddr, token: &str) -> String {
    let (mut stream, mut line) = (begin(at, token).await, String::new());
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read_line(&mut line)).await;
    read.expect("an answer before the body is there").unwrap();
    line
}

/// Holds every document back until it is rolled back.
async fn lock(world: &World) -> Transaction<'static, Postgres> {
    let mut lock = world.database.pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE ingest.seen IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.unwrap();
    lock
}

/// How many wait for that.
async fn waiting(world: &World) -> i64 {
    sqlx::query_scalar(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'ingest.seen'::regclass
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    )
    .fetch_one(&world.database.pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn pushed_documents_are_on_the_bus_when_their_ids_are_answered() {
    let world = World::new().await;
    let at = serve(&world, &config()).await;
    let one = json!({"source": "crm", "id": "17", "body": "The app is down, call 13812345678", "author": "Jo", "kind": "feedback"});
    let two = json!({"source": "crm", "title": "Slow", "url": "https://example.com/t?utm_source=x", "published_at": "2023-03-10T15:00:00Z"});
    let (status, answer) = push(at, "two", format!("{one}\n{two}\n")).await;
    assert_eq!(status, 202, "{answer}");
    let documents = world.documents().await;
    assert_eq!(documents.len(), 2);
    let mut ids: Vec<String> = documents.iter().map(|document| document.id.to_string()).collect();
    let mut answered: Vec<String> = serde_json::from_value(answer["ids"].clone()).unwrap();
    ids.sort();
    answered.sort();
    assert_eq!(ids, answered);
    let first = documents.iter().find(|document| document.redactions == 1).unwrap();
    assert_eq!(first.body, "The app is down, call [phone]");

    let (status, again) = push(at, "one", format!("[{one}]")).await;
    assert_eq!((status, again["ids"][0].clone()), (202, answer["ids"][0].clone()));
    assert_eq!(world.documents().await.len(), 2, "the same document again is not published again");
}

#[tokio::test]
async fn what_is_not_taken_is_answered_with_the_reason() {
    let world = World::new().await;
    let at = serve(&world, &config()).await;
    let good = json!({"source": "crm", "text": "Good"}).to_string();
    assert_eq!(push(at, "three", good.clone()).await.0, 401);
    let (status, answer) = push(at, "one", format!("{good}\n{{\"source\":\"crm\",\"text\":7}}")).await;
    assert_eq!(status, 400);
    assert!(answer["error"].as_str().unwrap().starts_with("line 2: text: "), "{answer}");
    let (status, answer) = push(at, "one", r#"[{"source":"a\u0000","text":"x"}]"#).await;
    assert_eq!(status, 400);
    assert!(answer["error"].as_str().unwrap().starts_with("document 1: source: "), "{answer}");
    assert_eq!(push(at, "one", json!({"source": "crm", "text": "x".repeat(3000)}).to_string()).await.0, 413);
    assert!(world.documents().await.is_empty(), "of a body with an error nothing is taken");
    let closed = serve(&world, &IngestConfig::default()).await;
    assert_eq!(push(closed, "", good).await.0, 404, "without tokens there is no way in");
}

#[tokio::test]
async fn a_packed_body_is_refused_as_one() {
    let world = World::new().await;
    let at = serve(&world, &config()).await;
    let status = async |encoding: &str| {
        let request = client().post(format!("http://{at}/v1/documents")).bearer_auth("one");
        let request = request.header("content-encoding", encoding).body(r#"{"source":"crm","text":"x"}"#);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!((status("gzip").await, status("identity").await), (415, 202));
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the request is awaited below")]
async fn the_documents_of_a_request_wait_for_the_bus_together_and_are_answered_in_their_order() {
    let world = World::new().await;
    let at = serve(&world, &config()).await;
    let texts: Vec<String> = (0..8).map(|number| format!("Complaint {number}")).collect();
    let body: Vec<Value> = texts.iter().map(|text| json!({"source": "crm", "text": text})).collect();
    let lock = lock(&world).await;
    let pushed = tokio::spawn(push(at, "one", json!(body).to_string()));
    wait_until("several wait for the table", async || waiting(&world).await > 1).await;
    lock.rollback().await.unwrap();
    let (status, answer) = pushed.await.unwrap();
    assert_eq!(status, 202, "{answer}");
    let documents = world.documents().await;
    let id = |text: &String| documents.iter().find(|known| known.body == *text).unwrap().id.to_string();
    assert_eq!(answer["ids"], json!(texts.iter().map(id).collect::<Vec<_>>()));
}

#[tokio::test]
async fn a_token_may_be_called_bearer_in_any_case_and_without_one_it_is_said_what_is_missing() {
    let world = World::new().await;
    let at = serve(&world, &config()).await;
    let request =
        || client().post(format!("http://{at}/v1/documents")).body(r#"{"source":"crm","text":"x"}"#);
    let stranger = request().header("authorization", "Basic one").send().await.unwrap();
    assert_eq!(stranger.status().as_u16(), 401);
    assert_eq!(stranger.headers()["www-authenticate"], "Bearer realm=\"tocsin\"");
    for scheme in ["bearer", "BEARER"] {
        let response = request().header("authorization", format!("{scheme} one")).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 202, "{scheme}");
    }
}

#[tokio::test]
async fn a_body_is_read_of_those_only_who_have_a_token_and_a_place() {
    let world = World::new().await;
    let at = serve(&world, &config()).await;
    assert!(answer_of_begun(at, "three").await.starts_with("HTTP/1.1 401"));
    let first = begin(at, "one").await;
    let status = async || push(at, "one", json!({"source": "crm", "text": "Good"}).to_string()).await.0;
    wait_until("the only place is taken", async || status().await == 429).await;
    assert!(answer_of_begun(at, "one").await.starts_with("HTTP/1.1 429"));
    drop(first);
    wait_until("the place is free", async || status().await == 202).await;
}

#[tokio::test]
async fn a_document_that_is_too_large_for_the_bus_is_refused_by_its_number() {
    let world = World::new().await;
    let at =
        serve(&world, &toml::from_str("[push]\ntokens = [\"one\"]\nbody_bytes = 8000000\n").unwrap()).await;
    let good = json!({"source": "crm", "text": "Good"});
    let address = format!("https://example.com/{}", "x".repeat(5 << 20));
    let large = json!({"source": "crm", "text": "Large", "url": address});
    for _ in 0..2 {
        let (status, answer) = push(at, "one", json!([good, large, good]).to_string()).await;
        assert_eq!(status, 413, "{answer}");
        assert!(answer["error"].as_str().unwrap().starts_with("document 2: "), "{answer}");
        assert_eq!(world.documents().await.len(), 1, "the one before it was taken, and once");
    }
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the request is awaited below")]
async fn a_full_queue_answers_429_and_loses_nothing() {
    let world = World::new().await;
    let at = serve(&world, &config()).await;
    let lock = lock(&world).await;
    let first = tokio::spawn(push(at, "one", json!({"source": "crm", "text": "First"}).to_string()));
    wait_until("the first waits for the table", async || waiting(&world).await == 1).await;
    assert_eq!(push(at, "one", json!({"source": "crm", "text": "Second"}).to_string()).await.0, 429);
    lock.rollback().await.unwrap();
    assert_eq!(first.await.unwrap().0, 202);
    assert_eq!(push(at, "one", json!({"source": "crm", "text": "Second"}).to_string()).await.0, 202);
    assert_eq!(world.documents().await.len(), 2);
}

#[tokio::test]
async fn a_request_that_is_sent_again_with_its_key_is_answered_alike_and_another_is_refused() {
    let world = World::new().await;
    let at = serve(&world, &config()).await;
    let body = json!({"source": "crm", "text": "The app is down"}).to_string();
    let keyed = async |token: &'static str, key: &str, body: &str| {
        let request = client().post(format!("http://{at}/v1/documents")).bearer_auth(token);
        let response = request.header("idempotency-key", key).body(body.to_owned()).send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    let first = keyed("one", "k-1", &body).await;
    assert_eq!(first.0, 202, "{first:?}");
    assert_eq!(keyed("one", "k-1", &body).await, first);
    let other = json!({"source": "crm", "text": "It is up again"}).to_string();
    let (status, answer) = keyed("one", "k-1", &other).await;
    assert_eq!(status, 422, "{answer}");
    assert_eq!(world.documents().await.len(), 1, "nothing of a refused request is taken");
    assert_eq!(keyed("two", "k-1", &other).await.0, 202, "another token has keys of its own");
    assert_eq!(keyed("one", &"k".repeat(256), &body).await.0, 400);
    world.pass(86_401);
    assert_eq!(keyed("one", "k-1", &other).await.0, 202, "after a day the key is free");
    let keys: i64 = sqlx::query_scalar("SELECT count(*) FROM ingest.push_key")
        .fetch_one(&world.database.pool)
        .await
        .unwrap();
    assert_eq!(keys, 1, "keys that are too old are forgotten");
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the request is awaited below")]
async fn of_two_bodies_that_come_at_once_with_one_key_only_one_is_taken() {
    let world = World::new().await;
    let config = "[push]\ntokens = [\"one\"]\nqueue = 4\nbody_bytes = 8000000\n";
    let at = serve(&world, &toml::from_str(config).unwrap()).await;
    let address = format!("https://example.com/{}", "x".repeat(5 << 20));
    let large = json!({"source": "crm", "text": "Large", "url": address});
    assert_eq!(push_with_key(at, large).await, 413, "what cannot be kept leaves the key free");
    let lock = lock(&world).await;
    let first = tokio::spawn(push_with_key(at, json!({"source": "crm", "text": "First"})));
    wait_until("the first has the key", async || {
        let keys = "SELECT count(*) FROM ingest.push_key";
        sqlx::query_scalar::<_, i64>(keys).fetch_one(&world.database.pool).await.unwrap() == 1
    })
    .await;
    assert_eq!(push_with_key(at, json!({"source": "crm", "text": "Second"})).await, 422);
    lock.rollback().await.unwrap();
    assert_eq!(first.await.unwrap(), 202);
    assert_eq!(push_with_key(at, json!({"source": "crm", "text": "First"})).await, 202);
    assert_eq!(world.documents().await.len(), 1);
}

#[tokio::test]
async fn personal_details_in_an_address_are_blacked_out_and_its_document_stays_the_same() {
    let world = World::new().await;
    let at = serve(&world, &config()).await;
    let body = json!({"source": "crm", "text": "Down",
        "url": "https://example.com/t?email=jane.doe%40example.com&tel=13812345678"});
    let first = push(at, "one", body.to_string()).await;
    assert_eq!(first.0, 202, "{first:?}");
    assert_eq!(push(at, "one", body.to_string()).await, first);
    let documents = world.documents().await;
    let clean = Some("https://example.com/t?email=[email]&tel=[phone]");
    assert_eq!((documents[0].url.as_deref(), documents[0].canonical_url.as_deref()), (clean, clean));
    assert_eq!((documents.len(), documents[0].redactions), (1, 2));
}

#[tokio::test]
async fn what_is_served_is_what_its_description_says() {
    let world = World::new().await;
    let at = serve(&world, &config()).await;
    let described = client().get(format!("http://{at}/v1/openapi.json")).send().await.unwrap();
    let mut description: Value = described.json().await.unwrap();
    let mut schema = |name: &str| {
        description["$ref"] = json!(format!("#/components/schemas/{name}"));
        jsonschema::validator_for(&description).unwrap()
    };
    let (document, taken, refusal) = (schema("Document"), schema("Taken"), schema("Refusal"));
    let whole = json!({"source": "crm", "id": "1", "kind": "social", "publisher_family": "crm", "title": "Down",
        "url": "https://example.com/t", "text": "It is down", "author": "Jo", "lang": "en",
        "published_at": "2023-03-10T15:00:00Z"});
    let wrong = [
        json!({"text": "x"}),
        json!({"source": "s"}),
        json!({"source": "s", "text": 7}),
        json!({"source": "s", "text": "x", "sauce": 1}),
        json!({"source": "s", "text": "x", "id": ""}),
        json!({"source": "s", "text": "x", "lang": "jane@example.com"}),
        json!({"source": "s", "text": "x", "title": "x".repeat(1001)}),
        json!({"source": "x".repeat(201), "text": "x"}),
    ];
    for (body, fits) in wrong.iter().map(|body| (body, false)).chain([(&whole, true)]) {
        let (status, answer) = push(at, "one", body.to_string()).await;
        assert_eq!((document.is_valid(body), status == 202), (fits, fits), "{body}: {answer}");
        assert!(if fits { &taken } else { &refusal }.is_valid(&answer), "{answer}");
    }
}
