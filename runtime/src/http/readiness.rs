//! What has to work before a process says that it is ready.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};

use crate::Shutdown;

type Checks = BTreeMap<&'static str, String>;
const READY: &str = "ready";

/// Named checks that services set; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<Mutex<Checks>>);

/// One of them.
#[derive(Debug, Clone)]
pub struct Check {
    name: &'static str,
    all: Readiness,
}

impl Readiness {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a check, which is not ready until its service says so.
    pub fn check(&self, name: &'static str) -> Check {
        let check = Check { name, all: self.clone() };
        check.not_ready("starting");
        check
    }

    pub fn is_ready(&self) -> bool {
        self.checks().values().all(|state| state == READY)
    }

    /// `/readyz`: 200 when every check is ready and shutdown was not requested.
    pub(super) fn route(&self, shutdown: Shutdown) -> Router {
        let all = self.clone();
        let answer = async move || {
            let ready = all.is_ready() && !shutdown.is_requested();
            let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            (status, Json(all.checks().clone()))
        };
        Router::new().route("/readyz", get(answer))
    }

    fn checks(&self) -> MutexGuard<'_, Checks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Check {
    pub fn ready(&self) {
        self.set(READY);
    }

    /// `reason` is shown to whoever asks; no secrets.
    pub fn not_ready(&self, reason: &str) {
        self.set(reason);
    }

    fn set(&self, state: &str) {
        self.all.checks().insert(self.name, state.to_owned());
    }
}
