use tocsin_contract::AlertState;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::super::tests::client;
use super::*;

const SECRET: &str = "whsec_dG9jc2luLXRlc3Qtc2VjcmV0";
const ID: &str = "msg_1";
const TIMESTAMP: &str = "1772532000";

fn example() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../contract/examples/alerts/v1/open_both_high.json");
    std::fs::read(path).unwrap()
}

/// The signature as a sender computes it.
fn sign(secret: &str, body: &[u8]) -> String {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{ID}.{TIMESTAMP}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// Sends a webhook over real HTTP: the status of the answer, and the alert that came out.
async fn deliver(signature: Option<String>, body: Vec<u8>) -> (u16, Option<Alert>) {
    let (sender, mut alerts) = mpsc::channel(1);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/webhook", listener.local_addr().unwrap());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, router(SECRET, sender).unwrap()).await.unwrap() });
    let mut request = client().post(url).header("webhook-id", ID).header("webhook-timestamp", TIMESTAMP);
    if let Some(signature) = signature {
        request = request.header("webhook-signature", signature);
    }
    let status = request.body(body).send().await.unwrap().status().as_u16();
    (status, alerts.try_recv().ok())
}

#[tokio::test]
async fn a_signed_alert_is_taken_and_passed_on() {
    let (status, alert) = deliver(Some(sign(SECRET, &example())), example()).await;
    assert_eq!(status, 204);
    let alert = alert.unwrap();
    assert_eq!((alert.subject.id.as_str(), alert.state), ("harrowgate_bank", AlertState::Open));
}

#[tokio::test]
async fn one_right_signature_among_several_is_enough() {
    let rotated = format!("v1a,bm9wZQ== v1,AAAA {}", sign(SECRET, &example()));
    assert_eq!(deliver(Some(rotated), example()).await.0, 204);
}

#[tokio::test]
async fn a_body_that_was_changed_on_the_way_is_refused() {
    let mut changed = example();
    changed.push(b' ');
    let (status, alert) = deliver(Some(sign(SECRET, &example())), changed).await;
    assert_eq!((status, alert), (401, None));
}

#[tokio::test]
async fn another_secret_or_no_signature_is_refused() {
    assert_eq!(deliver(Some(sign("whsec_b3RoZXI=", &example())), example()).await, (401, None));
    assert_eq!(deliver(None, example()).await, (401, None));
}

#[tokio::test]
async fn signed_bytes_that_are_no_alert_are_refused() {
    let body = br#"{"v":99}"#.to_vec();
    assert_eq!(deliver(Some(sign(SECRET, &body)), body).await, (422, None));
}

#[test]
fn a_secret_in_another_form_is_refused_at_the_start() {
    for secret in ["", "dG9jc2lu", "whsec_***"] {
        assert!(router(secret, mpsc::channel(1).0).is_err(), "{secret}");
    }
}

/// The reference vector of Standard Webhooks' own libraries.
#[test]
fn the_reference_signature_is_right() {
    let mut headers = HeaderMap::new();
    headers.insert("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek".parse().unwrap());
    headers.insert("webhook-timestamp", "1614265330".parse().unwrap());
    headers.insert("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=".parse().unwrap());
    let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    assert!(is_signed(&key, &headers, br#"{"test": 2432232314}"#));
    assert!(!is_signed(&key, &headers, br#"{"test": 2432232315}"#));
}
