//! Delivery against a real receiver on loopback and a real Postgres.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use tocsin_contract::{Alert, AlertState, Alerts};
use tocsin_runtime::guard::Guard;
use tocsin_runtime::{Clock as _, ManualClock};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::sign::Secret;
use super::{Endpoint, Sweeper, Worker, register};
use crate::WebhookConfig;
use crate::outbox::{Outbox, webhooks_pending};
use crate::samples::{at, subject};

mod dropped;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A call as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Call {
    id: String,
    timestamp: i64,
    signature: String,
    body: String,
}

/// Status and headers of an answer.
type Prepared = (u16, Vec<(&'static str, String)>);

/// A webhook that answers what it is told, and remembers the calls.
#[derive(Debug, Clone, Default)]
struct Receiver {
    answers: Arc<Mutex<Vec<Prepared>>>,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Receiver {
    fn answer(&self, status: u16, headers: &[(&'static str, &str)]) {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.answers.lock().unwrap().push((status, headers));
    }

    fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }
}

async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    let text = |name: &str| headers[name].to_str().unwrap().to_owned();
    assert_eq!(text(header::CONTENT_TYPE.as_str()), "application/json");
    receiver.calls.lock().unwrap().push(Call {
        id: text("webhook-id"),
        timestamp: text("webhook-timestamp").parse().unwrap(),
        signature: text("webhook-signature"),
        body: String::from_utf8(body.to_vec()).unwrap(),
    });
    let mut answers = receiver.answers.lock().unwrap();
    let (status, headers) = if answers.is_empty() { (200, Vec::new()) } else { answers.remove(0) };
    let mut response = (StatusCode::from_u16(status).unwrap(), "x".repeat(100_000)).into_response();
    for (name, value) in headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

/// A receiver, a database with its endpoint, and a worker whose clock stands.
struct Stage {
    receiver: Receiver,
    pool: PgPool,
    outbox: Outbox,
    worker: Worker,
    clock: ManualClock,
    _server: JoinSet<()>,
}

impl Stage {
    async fn set() -> Self {
        Self::with_allow(|address| vec![address]).await
    }

    async fn with_allow(allow: impl FnOnce(String) -> Vec<String>) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let receiver = Receiver::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let router = Router::new().route("/hook", post(receive)).with_state(receiver.clone());
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        let webhook = WebhookConfig {
            name: "desk".into(),
            url: format!("http://{address}/hook"),
            secret: SECRET.into(),
            ..WebhookConfig::default()
        };
        let endpoint = Endpoint::of(&webhook).unwrap();
        let pool = tocsin_runtime::database::testing::database().await.pool;
        register(&pool, std::slice::from_ref(&endpoint)).await.unwrap();
        let clock = ManualClock::at(at("2023-03-10T12:00:00Z"));
        let worker = Worker {
            pool: pool.clone(),
            endpoints: Arc::new([("desk".to_owned(), endpoint)].into()),
            guard: Arc::new(Guard::new(&allow(address)).unwrap()),
            timeout: Duration::from_secs(60),
            clock: Arc::new(clock.clone()),
            filled: Arc::new(Notify::new()),
        };
        Self { receiver, pool, outbox: Outbox::new(&[webhook]), worker, clock, _server: server }
    }

    async fn put(&self, alert: &Alert) {
        let mut transaction = self.pool.begin().await.unwrap();
        self.outbox.put(&mut transaction, alert, self.clock.now()).await.unwrap();
        transaction.commit().await.unwrap();
    }

    /// Delivers what is due; gives the number of attempts.
    async fn work(&self) -> usize {
        let mut attempts = 0;
        while self.worker.deliver_next().await.unwrap() {
            attempts += 1;
        }
        attempts
    }

    /// Ends what no worker will take, as an instance does that has these webhooks; gives the number.
    async fn sweep(&self, names: &[&str]) -> u64 {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let clock = Arc::new(self.clock.clone());
        Sweeper { pool: self.pool.clone(), names, clock }.sweep().await.unwrap()
    }

    fn pass(&self, time: TimeDelta) {
        self.clock.set(self.clock.now() + time);
    }

    async fn states(&self) -> Vec<(i64, String, i32)> {
        sqlx::query_as("SELECT sequence, state, attempts FROM alerting.delivery ORDER BY alert_id, sequence")
            .fetch_all(&self.pool)
            .await
            .unwrap()
    }

    async fn log(&self) -> Vec<(Option<i32>, String, Option<String>)> {
        sqlx::query_as(
            "SELECT status, response, error FROM alerting.delivery_attempt ORDER BY delivery_id, attempt",
        )
        .fetch_all(&self.pool)
        .await
        .unwrap()
    }
}

fn alert(id: &str, sequence: u32) -> Alert {
    let records = crate::samples::log(
        (0..14).map(|n| crate::samples::signal("bank", n, minute(n as i64), true)).collect(),
        minute(60),
    );
    let opened = crate::detect::replay(crate::detect::Rules::default(), records).remove(0);
    let state = if sequence == 1 { AlertState::Open } else { AlertState::Updated };
    Alert { alert_id: id.to_owned(), sequence, state, subject: subject("bank"), ..opened }
}

fn minute(n: i64) -> DateTime<Utc> {
    at("2023-03-10T10:00:00Z") + TimeDelta::minutes(n)
}

#[tokio::test]
async fn a_receiver_can_verify_the_signature_of_the_published_bytes() {
    let stage = Stage::set().await;
    let alert = alert("a", 1);
    stage.put(&alert).await;
    assert_eq!(stage.work().await, 1);
    let call = stage.receiver.calls().remove(0);
    let expected = Secret::parse(SECRET).unwrap().sign(&call.id, call.timestamp, &call.body).unwrap();
    assert_eq!(call.signature, expected);
    assert_eq!(call.timestamp, stage.clock.now().timestamp());
    assert_eq!(Alerts::decode(call.body.as_bytes()).unwrap(), Alerts::V1(alert));
    assert_eq!(stage.states().await, [(1, "delivered".to_owned(), 1)]);
    assert_eq!(stage.log().await, [(Some(200), "x".repeat(512), None)]);
    assert_eq!(webhooks_pending(&stage.pool).await.unwrap(), 0);
}

#[tokio::test]
async fn failures_are_retried_on_schedule_under_the_same_id() {
    let stage = Stage::set().await;
    stage.receiver.answer(500, &[]);
    stage.receiver.answer(503, &[]);
    stage.put(&alert("a", 1)).await;
    assert_eq!(stage.work().await, 1);
    stage.pass(TimeDelta::seconds(3));
    assert_eq!(stage.work().await, 0, "too early");
    assert_eq!(webhooks_pending(&stage.pool).await.unwrap(), 1);
    stage.pass(TimeDelta::seconds(3));
    assert_eq!(stage.work().await, 1);
    stage.pass(TimeDelta::minutes(6));
    assert_eq!(stage.work().await, 1);
    let calls = stage.receiver.calls();
    assert!(calls.iter().all(|call| call.id == calls[0].id && call.body == calls[0].body));
    assert!(calls[0].timestamp < calls[1].timestamp && calls[1].timestamp < calls[2].timestamp);
    assert_eq!(stage.states().await, [(1, "delivered".to_owned(), 3)]);
}

#[tokio::test]
async fn a_receiver_that_asks_for_time_gets_it() {
    let stage = Stage::set().await;
    stage.receiver.answer(429, &[("retry-after", "3600")]);
    stage.put(&alert("a", 1)).await;
    stage.work().await;
    stage.pass(TimeDelta::minutes(59));
    assert_eq!(stage.work().await, 0);
    stage.pass(TimeDelta::minutes(2));
    assert_eq!(stage.work().await, 1);
}

#[tokio::test]
async fn a_delivery_is_given_up_after_ten_attempts() {
    let stage = Stage::set().await;
    (0..10).for_each(|_| stage.receiver.answer(500, &[]));
    stage.put(&alert("a", 1)).await;
    for _ in 0..12 {
        stage.work().await;
        stage.pass(TimeDelta::hours(30));
    }
    assert_eq!(stage.receiver.calls().len(), 10);
    assert_eq!(stage.states().await, [(1, "failed".to_owned(), 10)]);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let stage = Stage::set().await;
    stage.receiver.answer(307, &[("location", "/hook")]);
    stage.put(&alert("a", 1)).await;
    assert_eq!(stage.work().await, 1);
    assert_eq!(stage.receiver.calls().len(), 1);
    let (status, _, error) = stage.log().await.remove(0);
    assert_eq!(status, Some(307));
    assert!(error.unwrap().contains("not followed"));
}

#[tokio::test]
async fn an_address_that_is_not_public_is_not_called_unless_listed() {
    let stage = Stage::with_allow(|_| Vec::new()).await;
    stage.put(&alert("a", 1)).await;
    assert_eq!(stage.work().await, 1);
    assert_eq!(stage.receiver.calls(), []);
    let (status, _, error) = stage.log().await.remove(0);
    assert_eq!(status, None);
    assert!(error.unwrap().ends_with("is not a public address, and `alerting.allow` does not list it"));
}

#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_not_called() {
    let stage = Stage::with_allow(|_| Vec::new()).await;
    let mut worker = stage.worker.clone();
    let mut endpoint = worker.endpoints["desk"].clone();
    let port = endpoint.url.port().unwrap();
    endpoint.url = format!("http://localhost:{port}/hook").parse().unwrap();
    worker.endpoints = Arc::new([("desk".to_owned(), endpoint)].into());
    stage.put(&alert("a", 1)).await;
    assert!(worker.deliver_next().await.unwrap());
    assert_eq!(stage.receiver.calls(), []);
    assert!(stage.log().await.remove(0).2.unwrap().contains("not a public address"));
}

#[tokio::test]
async fn messages_of_an_episode_arrive_in_order_and_other_episodes_do_not_wait() {
    let stage = Stage::set().await;
    stage.receiver.answer(500, &[]);
    for message in [alert("a", 1), alert("a", 2), alert("b", 1)] {
        stage.put(&message).await;
    }
    assert_eq!(stage.work().await, 2);
    let ids = |calls: Vec<Call>| calls.into_iter().map(|call| call.id).collect::<Vec<_>>();
    assert_eq!(ids(stage.receiver.calls()), ["msg_a_1", "msg_b_1"]);
    stage.pass(TimeDelta::seconds(7));
    stage.work().await;
    assert_eq!(ids(stage.receiver.calls()), ["msg_a_1", "msg_b_1", "msg_a_1", "msg_a_2"]);
}

#[tokio::test]
async fn workers_side_by_side_deliver_each_message_once() {
    let stage = Stage::set().await;
    for n in 0..20 {
        stage.put(&alert(&format!("a{n}"), 1)).await;
    }
    let workers = futures_of(&stage, 4).await;
    assert_eq!(workers.iter().sum::<usize>(), 20);
    let mut ids: Vec<_> = stage.receiver.calls().into_iter().map(|call| call.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 20);
}

/// Attempts that each of `count` workers made.
async fn futures_of(stage: &Stage, count: usize) -> Vec<usize> {
    let mut workers = JoinSet::new();
    for _ in 0..count {
        let worker = stage.worker.clone();
        workers.spawn(async move {
            let mut attempts = 0;
            while worker.deliver_next().await.unwrap() {
                attempts += 1;
            }
            attempts
        });
    }
    workers.join_all().await
}
