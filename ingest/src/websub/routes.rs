//! What hubs call: `GET` to have a request confirmed, `POST` to deliver. The token in the
//! path is known to the hub alone.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::Semaphore;

use super::ledger::{Intent, Subscribed};
use super::signature::is_signed;
use crate::config::WebSubConfig;
use crate::poll::Poller;
use crate::push::{PATIENCE, body_of};
use crate::{IngestError, metric};

/// The longest lease that is believed.
const LONGEST_LEASE: i64 = 365 * 24 * 3600;

/// Whether something was delivered that waits to be settled; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Deliveries(Arc<AtomicBool>);

impl Deliveries {
    fn arrived(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// True once after each arrival.
    pub(crate) fn take(&self) -> bool {
        self.0.swap(false, Ordering::AcqRel)
    }
}

struct Receiver {
    poller: Poller,
    deliveries: Deliveries,
    free: Semaphore,
    /// In seconds, where a hub does not say how long it will tell.
    lease: i64,
}

/// The routes; none where no callback is configured.
pub(crate) fn router(
    config: &WebSubConfig,
    poller: Poller,
    deliveries: Deliveries,
    body_bytes: usize,
) -> Router {
    if config.callback.is_none() {
        return Router::new();
    }
    let lease = i64::try_from(config.lease.as_secs()).unwrap_or(LONGEST_LEASE);
    let receiver = Receiver { poller, deliveries, free: Semaphore::new(config.queue), lease };
    Router::new()
        .route("/v1/websub/{token}", get(confirm).post(deliver))
        .layer(DefaultBodyLimit::max(body_bytes))
        .with_state(Arc::new(receiver))
}

type Pairs = HashMap<String, String>;

/// 200 with the challenge where we asked for it, else 404.
async fn confirm(
    State(receiver): State<Arc<Receiver>>,
    Path(token): Path<String>,
    Query(pairs): Query<Pairs>,
) -> Response {
    match receiver.confirm(&token, &pairs).await {
        Ok(Some(challenge)) => challenge.into_response(),
        Ok(None) => {
            metric::websub("refused");
            StatusCode::NOT_FOUND.into_response()
        }
        Err(error) => unavailable(&error),
    }
}

/// 202 when what was delivered is durable, and also when its signature is wrong and it is
/// ignored, as the standard has it; 410 where nothing is subscribed to. A body is read of
/// those only who know a token.
async fn deliver(
    State(receiver): State<Arc<Receiver>>,
    Path(token): Path<String>,
    request: Request,
) -> Response {
    let Ok(_turn) = receiver.free.try_acquire() else {
        return (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "1")]).into_response();
    };
    let subscribed = match receiver.poller.state.subscribed(&token).await {
        Ok(Some(subscribed)) => subscribed,
        Ok(None) => {
            metric::websub("unknown");
            return StatusCode::GONE.into_response();
        }
        Err(error) => return unavailable(&error),
    };
    let headers = request.headers().clone();
    let body = match body_of(request, PATIENCE).await {
        Ok(body) => body,
        Err(refusal) => return refusal.into_response(),
    };
    match receiver.deliver(&subscribed, &headers, body).await {
        Ok(outcome) => {
            metric::websub(outcome);
            StatusCode::ACCEPTED.into_response()
        }
        Err(error) => unavailable(&error),
    }
}

fn unavailable(error: &IngestError) -> Response {
    tracing::warn!("a hub was turned away: {error}");
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}

impl Receiver {
    /// What to answer with; `None`: nobody asked for this.
    async fn confirm(&self, token: &str, pairs: &Pairs) -> Result<Option<String>, IngestError> {
        let said = |name: &str| pairs.get(name).map(String::as_str).unwrap_or_default();
        let (state, now) = (&self.poller.state, self.poller.clock.now());
        let lease = || said("hub.lease_seconds").parse().ok().filter(|seconds| *seconds > 0);
        let intent = match said("hub.mode") {
            "subscribe" => Intent::Subscribe(lease().unwrap_or(self.lease).min(LONGEST_LEASE)),
            "unsubscribe" => Intent::Unsubscribe,
            "denied" => {
                let is_known = state.denied(token, said("hub.reason"), now).await?;
                if is_known {
                    metric::websub("denied");
                }
                return Ok(is_known.then(String::new));
            }
            _ => return Ok(None),
        };
        if !state.confirm(token, said("hub.topic"), intent, now).await? {
            return Ok(None);
        }
        metric::websub("confirmed");
        Ok(Some(said("hub.challenge").to_owned()))
    }

    /// What became of it, in a word.
    async fn deliver(
        &self,
        subscribed: &Subscribed,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<&'static str, IngestError> {
        let id = &subscribed.source.id;
        let signature = headers.get("x-hub-signature").and_then(|value| value.to_str().ok());
        if !signature.is_some_and(|signature| is_signed(signature, &body, &subscribed.secret)) {
            tracing::warn!(source.id = id, "a delivery for {id} is not signed by its hub, and ignored");
            return Ok("bad_signature");
        }
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let taken =
            self.poller.take_delivery(&subscribed.source, body, content_type, &subscribed.topic).await;
        match taken {
            Ok(_) => {
                self.deliveries.arrived();
                Ok("delivered")
            }
            Err(error) if error.is_ours() => Err(error),
            Err(error) => {
                tracing::warn!(source.id = id, "a delivery for {id} cannot be read: {error}");
                Ok("unreadable")
            }
        }
    }
}
