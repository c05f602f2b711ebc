//! A hub on loopback, and what it says: its calls to confirm, its deliveries, and forged ones.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::routing::post;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

type Pairs = HashMap<String, String>;

#[derive(Debug, Clone, Default)]
pub(crate) struct Hub {
    /// Every request made of it, with its answer to `confirms` at that time.
    asked: Arc<Mutex<Vec<Pairs>>>,
    pub(crate) confirms: Arc<Mutex<bool>>,
    /// Secrets by callback, as confirmed.
    members: Arc<Mutex<HashMap<String, String>>>,
}

fn client() -> reqwest::Client {
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
pub(crate) async fn serve(listener: TcpListener, router: Router) -> JoinHandle<()> {
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() })
}

#[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
async fn take(State(hub): State<Hub>, Form(pairs): Form<Pairs>) -> StatusCode {
    hub.asked.lock().unwrap().push(pairs.clone());
    if *hub.confirms.lock().unwrap() {
        tokio::spawn(async move { hub.confirm(&pairs).await });
    }
    StatusCode::ACCEPTED
}

pub(crate) const LEASE: u64 = 6 * 24 * 3600;

pub(crate) async fn call(callback: &str, pairs: &[(&str, &str)]) -> (u16, String) {
    let mut url = url::Url::parse(callback).unwrap();
    url.query_pairs_mut().extend_pairs(pairs);
    let answer = client().get(url).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

impl Hub {
    pub(crate) async fn start() -> (Self, SocketAddr) {
        let hub = Self::default();
        *hub.confirms.lock().unwrap() = true;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        serve(listener, Router::new().route("/hub", post(take)).with_state(hub.clone())).await;
        (hub, at)
    }

    async fn confirm(&self, pairs: &Pairs) {
        let (mode, callback) = (&pairs["hub.mode"], &pairs["hub.callback"]);
        let lease = LEASE.to_string();
        let mut question =
            vec![("hub.mode", mode.as_str()), ("hub.topic", &pairs["hub.topic"]), ("hub.challenge", "c-1")];
        if mode == "subscribe" {
            question.push(("hub.lease_seconds", &lease));
        }
        if call(callback, &question).await != (200, "c-1".to_owned()) {
            return;
        }
        let mut members = self.members.lock().unwrap();
        if mode == "subscribe" {
            members.insert(callback.clone(), pairs["hub.secret"].clone());
        } else {
            members.remove(callback);
        }
    }

    pub(crate) fn asked(&self, mode: &str) -> Vec<Pairs> {
        self.asked.lock().unwrap().iter().filter(|pairs| pairs["hub.mode"] == mode).cloned().collect()
    }

    pub(crate) fn members(&self) -> Vec<(String, String)> {
        self.members.lock().unwrap().clone().into_iter().collect()
    }

    /// Delivers to its only member; the status it answers.
    pub(crate) async fn deliver(&self, body: &str, secret: Option<&str>) -> u16 {
        let (callback, own) = self.members().pop().unwrap();
        deliver(&callback, body, Some(secret.unwrap_or(&own))).await
    }
}

pub(crate) async fn deliver(callback: &str, body: &str, secret: Option<&str>) -> u16 {
    let mut request = client().post(callback).header("content-type", "application/rss+xml");
    if let Some(secret) = secret {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(body.as_bytes());
        request =
            request.header("x-hub-signature", format!("sha256={}", hex::encode(mac.finalize().into_bytes())));
    }
    request.body(body.to_owned()).send().await.unwrap().status().as_u16()
}
