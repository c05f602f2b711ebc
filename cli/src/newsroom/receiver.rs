//! The webhook receiver of the demo: what a user of Tocsin would write.
//!
//! It takes an alert only when its Standard Webhooks signature is right, and
//! passes it on through a channel. It prints nothing.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tocsin_contract::{Alert, Alerts};
use tokio::sync::mpsc;

/// Why a secret cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("read webhook secret: it is not \"whsec_\" and base64")]
pub(crate) struct BadSecret;

#[derive(Clone)]
struct Receiver {
    key: Vec<u8>,
    alerts: mpsc::Sender<Alert>,
}

/// Takes alerts on `POST /webhook`, signed with `secret` (`whsec_` and base64),
/// and sends each to `alerts`. Answers 401 to a wrong signature, 503 when
/// nobody takes the alerts any more.
pub(crate) fn router(secret: &str, alerts: mpsc::Sender<Alert>) -> Result<Router, BadSecret> {
    let encoded = secret.strip_prefix("whsec_").ok_or(BadSecret)?;
    let key = STANDARD.decode(encoded).map_err(|_| BadSecret)?;
    Ok(Router::new().route("/webhook", post(receive)).with_state(Receiver { key, alerts }))
}

async fn receive(
    State(receiver): State<Receiver>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, StatusCode> {
    if !is_signed(&receiver.key, &headers, &body) {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let Alerts::V1(alert) = Alerts::decode(&body).map_err(|_| StatusCode::UNPROCESSABLE_ENTITY)?;
    receiver.alerts.send(alert).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether one of the `v1` signatures is HMAC-SHA256 of `id.timestamp.body`.
/// The time is not compared with a clock: the demo's runs faster than the sender's.
fn is_signed(key: &[u8], headers: &HeaderMap, body: &[u8]) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(id), Some(timestamp), Some(signatures)) =
        (text("webhook-id"), text("webhook-timestamp"), text("webhook-signature"))
    else {
        return false;
    };
    signatures
        .split(' ')
        .filter_map(|signature| signature.strip_prefix("v1,"))
        .filter_map(|signature| STANDARD.decode(signature).ok())
        .any(|signature| matches(key, &[id.as_bytes(), timestamp.as_bytes(), body], &signature))
}

fn matches(key: &[u8], parts: &[&[u8]; 3], signature: &[u8]) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return false };
    let [id, timestamp, body] = parts;
    for part in [*id, b".", *timestamp, b".", *body] {
        mac.update(part);
    }
    mac.verify_slice(signature).is_ok()
}

#[cfg(test)]
mod tests;
