//! `POST /v1/documents`: pushing documents in, as JSON, a JSON array or NDJSON.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{AUTHORIZATION, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::config::PushConfig;
use crate::draft::Rough;
use crate::metric;
use crate::publish::Publisher;

mod body;

#[derive(Debug)]
struct Push {
    tokens: Vec<SecretString>,
    free: Semaphore,
    publisher: Publisher,
}

/// The route; empty when no token is configured.
pub(crate) fn router(config: &PushConfig, publisher: Publisher) -> Router {
    if config.tokens.is_empty() {
        return Router::new();
    }
    let push = Push { tokens: config.tokens.clone(), free: Semaphore::new(config.queue), publisher };
    Router::new()
        .route("/v1/documents", post(take))
        .layer(DefaultBodyLimit::max(config.body_bytes))
        .with_state(Arc::new(push))
}

/// 202 with the ids once every document is durable; 400 names the line and field,
/// and then none was taken; 429 when too many requests are in work.
async fn take(State(push): State<Arc<Push>>, headers: HeaderMap, bytes: Bytes) -> Response {
    if !push.knows(&headers) {
        return refuse(StatusCode::UNAUTHORIZED, "a bearer token is needed that ingest.push.tokens lists");
    }
    let Ok(_turn) = push.free.try_acquire() else {
        let busy = refuse(StatusCode::TOO_MANY_REQUESTS, "too many requests in work; try again");
        return ([(RETRY_AFTER, "1")], busy).into_response();
    };
    let roughs = match body::roughs(&bytes) {
        Ok(roughs) => roughs,
        Err(cause) => return refuse(StatusCode::BAD_REQUEST, &cause),
    };
    match push.publish(roughs).await {
        Ok(ids) => {
            metric::pushed("accepted");
            (StatusCode::ACCEPTED, Json(json!({ "ids": ids }))).into_response()
        }
        Err(cause) => {
            tracing::warn!("pushed documents not taken: {cause}");
            refuse(StatusCode::SERVICE_UNAVAILABLE, "the documents could not be kept; send them again")
        }
    }
}

impl Push {
    /// Compares digests, so that the time says nothing about a token.
    fn knows(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some(given) = given.and_then(|text| text.strip_prefix("Bearer ")) else { return false };
        let digest = Sha256::digest(given.trim());
        self.tokens.iter().any(|token| Sha256::digest(token.expose_secret()) == digest)
    }

    async fn publish(&self, roughs: Vec<Rough>) -> Result<Vec<String>, crate::IngestError> {
        let mut ids = Vec::with_capacity(roughs.len());
        for rough in roughs {
            let id = rough.id.to_string();
            let draft = self.publisher.finisher().clean(rough);
            self.publisher.publish(draft, None, "pushed").await?;
            ids.push(id);
        }
        Ok(ids)
    }
}

fn refuse(status: StatusCode, error: &str) -> Response {
    metric::pushed("refused");
    (status, Json(json!({ "error": error }))).into_response()
}
