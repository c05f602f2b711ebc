//! `POST /v1/documents`: pushing documents in, as JSON, a JSON array or NDJSON; described
//! by `GET /v1/openapi.json`.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures::StreamExt;
use futures::stream::FuturesOrdered;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sha2::{Digest, Sha256};
use tocsin_runtime::Clock;
use tocsin_stream::Verdict;
use tokio::sync::Semaphore;

use crate::IngestError;
use crate::config::PushConfig;
use crate::draft::Rough;
use crate::items::Fate;
use crate::metric;
use crate::publish::Publisher;

mod body;
mod keys;

use keys::{Before, Key};

const OPENAPI: &str = include_str!("push/openapi.json");
/// Whoever takes longer for a body is given up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// Documents of one request that are on their way to the bus at once.
const AT_ONCE: usize = 8;

#[derive(Debug)]
struct Push {
    tokens: Vec<SecretString>,
    free: Semaphore,
    publisher: Publisher,
    memory: crate::state::State,
    clock: Arc<dyn Clock>,
}

/// What became of the documents of a request.
enum Outcome {
    /// All are durable: their ids.
    Taken(Vec<String>),
    /// None was taken: its key came with another body.
    OtherBody,
    /// Those before the one of this number were taken.
    TooLarge(usize),
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
/// and then none was taken; 413 names the first document that is too large for the bus; 415 when the
/// body is packed; 422 when its key came with another body; 429 when too many requests are in work. A body is
/// read of those only who have a token and a place.
async fn take(State(push): State<Arc<Push>>, request: Request) -> Response {
    let headers = request.headers().clone();
    let Some(token) = push.token(&headers) else {
        let unknown = "a bearer token is needed that ingest.push.tokens lists";
        let unknown = refuse(StatusCode::UNAUTHORIZED, unknown);
        return ([(WWW_AUTHENTICATE, "Bearer realm=\"tocsin\"")], unknown).into_response();
    };
    let Ok(_turn) = push.free.try_acquire() else {
        let busy = refuse(StatusCode::TOO_MANY_REQUESTS, "too many requests in work; try again");
        return ([(RETRY_AFTER, "1")], busy).into_response();
    };
    if headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "a packed body is not unpacked; send it as it is");
    }
    let bytes = match body_of(request, PATIENCE).await {
        Ok(bytes) => bytes,
        Err((status, cause)) => return refuse(status, &cause),
    };
    let roughs = match body::roughs(&bytes) {
        Ok(roughs) => roughs,
        Err(cause) => return refuse(StatusCode::BAD_REQUEST, &cause),
    };
    let key = match Key::of(&headers, token.expose_secret(), &bytes) {
        Ok(key) => key,
        Err(cause) => return refuse(StatusCode::BAD_REQUEST, cause),
    };
    answer(push.publish(roughs, key).await)
}

fn answer(outcome: Result<Outcome, IngestError>) -> Response {
    match outcome {
        Ok(Outcome::Taken(ids)) => {
            metric::pushed("accepted");
            (StatusCode::ACCEPTED, Json(json!({ "ids": ids }))).into_response()
        }
        Ok(Outcome::OtherBody) => refuse(
            StatusCode::UNPROCESSABLE_ENTITY,
            "this Idempotency-Key came with another body within the last day",
        ),
        Ok(Outcome::TooLarge(number)) => refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            &format!("document {number}: it is too large to be kept; those before it were taken"),
        ),
        Err(cause) => {
            tracing::warn!("pushed documents not taken: {cause}");
            refuse(
                StatusCode::SERVICE_UNAVAILABLE,
                "not all of the documents could be kept; send them again, each counts once",
            )
        }
    }
}

/// The body of a request, within the limit of its route. `Err`: what to answer, and why.
pub(crate) async fn body_of(request: Request, patience: Duration) -> Result<Bytes, (StatusCode, String)> {
    match tokio::time::timeout(patience, Bytes::from_request(request, &())).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Err((rejection.status(), "the body is longer than bodies may be here".to_owned()))
        }
        Ok(Err(rejection)) => Err((rejection.status(), rejection.body_text())),
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, format!("the body did not come within {patience:?}"))),
    }
}

impl Push {
    /// The token that came along, if it is one of ours. Compares digests, so that the time
    /// says nothing about a token.
    fn token(&self, headers: &HeaderMap) -> Option<&SecretString> {
        let (scheme, given) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("Bearer") {
            return None;
        }
        let digest = Sha256::digest(given.trim());
        self.tokens.iter().find(|token| Sha256::digest(token.expose_secret()) == digest)
    }

    /// With a key nothing is published before the key is that of this body.
    async fn publish(&self, roughs: Vec<Rough>, key: Option<Key>) -> Result<Outcome, IngestError> {
        let Some(key) = key else { return self.keep_all(roughs).await };
        let now = self.clock.now();
        match self.memory.claim_push(&key, now).await? {
            Before::Taken(ids) => return Ok(Outcome::Taken(ids)),
            Before::Other => return Ok(Outcome::OtherBody),
            Before::Nothing => {}
        }
        match self.keep_all(roughs).await {
            Ok(Outcome::Taken(ids)) => {
                self.memory.remember_push(&key, &ids).await?;
                Ok(Outcome::Taken(ids))
            }
            outcome => {
                if let Err(error) = self.memory.release_push(&key, now).await {
                    tracing::warn!("an idempotency key stays with its body: {error}");
                }
                outcome
            }
        }
    }

    /// A few at a time, begun in their order, until one cannot be kept: each waits for the bus.
    async fn keep_all(&self, roughs: Vec<Rough>) -> Result<Outcome, IngestError> {
        let ids = roughs.iter().map(|rough| rough.id.to_string()).collect();
        let (mut waiting, mut working) = (roughs.into_iter(), FuturesOrdered::new());
        let mut number = 0;
        loop {
            while working.len() < AT_ONCE
                && let Some(rough) = waiting.next()
            {
                working.push_back(self.keep(rough));
            }
            let Some(is_kept) = working.next().await else { return Ok(Outcome::Taken(ids)) };
            number += 1;
            if !is_kept? {
                return Ok(Outcome::TooLarge(number));
            }
        }
    }

    /// False: it never can be kept. What is wrong with a text was told before, so it is its size.
    async fn keep(&self, rough: Rough) -> Result<bool, IngestError> {
        let draft = self.publisher.finisher().clean(rough);
        match self.publisher.publish(draft, None, "pushed").await {
            Ok(fate) => Ok(fate != Fate::Failed),
            Err(error) if error.verdict() == Verdict::Park => {
                tracing::warn!("a pushed document cannot be kept: {error}");
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

fn refuse(status: StatusCode, error: &str) -> Response {
    metric::pushed("refused");
    (status, Json(json!({ "error": error }))).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[tokio::test]
    async fn a_body_that_does_not_come_is_given_up() {
        let never = futures::stream::pending::<Result<Bytes, std::io::Error>>();
        let request = Request::new(Body::from_stream(never));
        let (status, cause) = body_of(request, Duration::from_millis(20)).await.unwrap_err();
        assert_eq!((status.as_u16(), cause.as_str()), (408, "the body did not come within 20ms"));
    }

    #[tokio::test]
    async fn a_body_that_is_too_long_is_told_so() {
        // Where no route says otherwise 2 MiB are allowed.
        let request = Request::new(Body::from(vec![b'x'; 3 << 20]));
        let (status, cause) = body_of(request, Duration::from_secs(9)).await.unwrap_err();
        assert_eq!((status.as_u16(), cause.as_str()), (413, "the body is longer than bodies may be here"));
    }
}
