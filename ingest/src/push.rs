//! `POST /v1/documents`: pushing documents in, as JSON, a JSON array or NDJSON; described
//! by `GET /v1/openapi.json`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sha2::{Digest, Sha256};
use tocsin_contract::DocumentId;
use tocsin_runtime::Clock;
use tokio::sync::Semaphore;

use crate::IngestError;
use crate::config::PushConfig;
use crate::draft::Rough;
use crate::metric;
use crate::publish::Publisher;

mod body;
mod keys;

use keys::{Before, Key};

const OPENAPI: &str = include_str!("push/openapi.json");

#[derive(Debug)]
struct Push {
    tokens: Vec<SecretString>,
    free: Semaphore,
    publisher: Publisher,
    memory: crate::state::State,
    clock: Arc<dyn Clock>,
}

/// The routes; empty when no token is configured.
pub(crate) fn router(
    config: &PushConfig,
    publisher: Publisher,
    memory: crate::state::State,
    clock: Arc<dyn Clock>,
) -> Router {
    if config.tokens.is_empty() {
        return Router::new();
    }
    let (tokens, free) = (config.tokens.clone(), Semaphore::new(config.queue));
    let push = Push { tokens, free, publisher, memory, clock };
    Router::new()
        .route("/v1/documents", post(take))
        .route("/v1/openapi.json", get(([(CONTENT_TYPE, "application/json")], OPENAPI)))
        .layer(DefaultBodyLimit::max(config.body_bytes))
        .with_state(Arc::new(push))
}

/// 202 with the ids once every document is durable; 400 names the line and field,
/// and then none was taken; 422 when its key came with another body; 429 when too many
/// requests are in work.
async fn take(State(push): State<Arc<Push>>, headers: HeaderMap, bytes: Bytes) -> Response {
    let Some(token) = push.token(&headers) else {
        return refuse(StatusCode::UNAUTHORIZED, "a bearer token is needed that ingest.push.tokens lists");
    };
    let Ok(_turn) = push.free.try_acquire() else {
        let busy = refuse(StatusCode::TOO_MANY_REQUESTS, "too many requests in work; try again");
        return ([(RETRY_AFTER, "1")], busy).into_response();
    };
    let roughs = match body::roughs(&bytes) {
        Ok(roughs) => roughs,
        Err(cause) => return refuse(StatusCode::BAD_REQUEST, &cause),
    };
    let key = match Key::of(&headers, token.expose_secret(), &bytes) {
        Ok(key) => key,
        Err(cause) => return refuse(StatusCode::BAD_REQUEST, cause),
    };
    match push.publish(roughs, key).await {
        Ok(Some(ids)) => {
            metric::pushed("accepted");
            (StatusCode::ACCEPTED, Json(json!({ "ids": ids }))).into_response()
        }
        Ok(None) => refuse(
            StatusCode::UNPROCESSABLE_ENTITY,
            "this Idempotency-Key came with another body within the last day",
        ),
        Err(cause) => {
            tracing::warn!("pushed documents not taken: {cause}");
            refuse(StatusCode::SERVICE_UNAVAILABLE, "the documents could not be kept; send them again")
        }
    }
}

impl Push {
    /// The token that came along, if it is one of ours. Compares digests, so that the time
    /// says nothing about a token.
    fn token(&self, headers: &HeaderMap) -> Option<&SecretString> {
        let given = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
        let digest = Sha256::digest(given.trim());
        self.tokens.iter().find(|token| Sha256::digest(token.expose_secret()) == digest)
    }

    /// The ids of the documents, once they are durable; `None`: the key is another request's.
    async fn publish(
        &self,
        roughs: Vec<Rough>,
        key: Option<Key>,
    ) -> Result<Option<Vec<String>>, IngestError> {
        if let Some(key) = &key {
            match self.memory.pushed_before(key, self.clock.now()).await? {
                Before::Taken(ids) => return Ok(Some(ids)),
                Before::Other => return Ok(None),
                Before::Nothing => {}
            }
        }
        let mut ids: Vec<DocumentId> = Vec::with_capacity(roughs.len());
        for rough in roughs {
            ids.push(rough.id);
            let draft = self.publisher.finisher().clean(rough);
            self.publisher.publish(draft, None, "pushed").await?;
        }
        if let Some(key) = &key {
            self.memory.remember_push(key, &ids, self.clock.now()).await?;
        }
        Ok(Some(ids.iter().map(ToString::to_string).collect()))
    }
}

fn refuse(status: StatusCode, error: &str) -> Response {
    metric::pushed("refused");
    (status, Json(json!({ "error": error }))).into_response()
}
