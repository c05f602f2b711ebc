//! The tasks of a process: their names, how they ended, and the way to end them.

use std::collections::BTreeMap;
use std::error::Error;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::AbortHandle;
use tokio_util::task::TaskTracker;

/// Shared by all clones.
#[derive(Debug, Clone, Default)]
pub(super) struct Tasks {
    tracker: TaskTracker,
    ledger: Arc<Mutex<Ledger>>,
}

#[derive(Debug, Default)]
struct Ledger {
    started: u64,
    running: BTreeMap<u64, (&'static str, AbortHandle)>,
    first_failure: Option<(&'static str, Failure)>,
}

/// Why a task failed.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) text: String,
    /// What it returned, where it did not panic or end too early.
    pub(super) error: Option<Arc<dyn Error + Send + Sync>>,
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self { text, error: None }
    }
}

impl From<Box<dyn Error + Send + Sync>> for Failure {
    fn from(error: Box<dyn Error + Send + Sync>) -> Self {
        Self { text: error.to_string(), error: Some(error.into()) }
    }
}

impl Tasks {
    /// Starts `task`; `judge` sees its result (a panic is an error too) and says
    /// what is wrong with it, if anything.
    #[expect(clippy::disallowed_methods, reason = "the tracked task awaits it, so that a panic is seen")]
    pub(super) fn start<F, E>(
        &self,
        name: &'static str,
        task: F,
        judge: impl FnOnce(Result<(), Failure>) -> Option<Failure> + Send + 'static,
    ) where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
    {
        let running = tokio::spawn(async move { task.await.map_err(|error| Failure::from(error.into())) });
        let number = self.enter(name, running.abort_handle());
        let tasks = self.clone();
        self.tracker.spawn(async move {
            let result = match running.await {
                Ok(result) => result,
                Err(ended) => Err(why(ended).into()),
            };
            let failure = judge(result);
            if let Some(Failure { text, .. }) = &failure {
                tracing::error!(task = name, "task {name} failed: {text}");
            }
            tasks.leave(number, failure);
        });
    }

    /// Resolves when no task runs.
    pub(super) async fn all_ended(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    pub(super) fn first_failure(&self) -> Option<(&'static str, Failure)> {
        self.ledger().first_failure.clone()
    }

    /// Ends every task at its next await and gives their names.
    pub(super) fn abort(&self) -> Vec<&'static str> {
        let ledger = self.ledger();
        ledger.running.values().for_each(|(_, handle)| handle.abort());
        ledger.running.values().map(|(name, _)| *name).collect()
    }

    fn enter(&self, name: &'static str, handle: AbortHandle) -> u64 {
        let mut ledger = self.ledger();
        ledger.started += 1;
        let number = ledger.started;
        ledger.running.insert(number, (name, handle));
        number
    }

    fn leave(&self, number: u64, failure: Option<Failure>) {
        let mut ledger = self.ledger();
        let task = ledger.running.remove(&number);
        if let (Some((name, _)), Some(error), None) = (task, failure, &ledger.first_failure) {
            ledger.first_failure = Some((name, error));
        }
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a panic said, or that the task was ended from outside.
fn why(ended: tokio::task::JoinError) -> String {
    match ended.try_into_panic() {
        Ok(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            format!(
                "panicked: {}",
                text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text")
            )
        }
        Err(_) => "was aborted".to_owned(),
    }
}
