//! Ordered shutdown: every task is owned, a task that ends early stops the rest.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// A token to watch, and the way to start a task that somebody awaits; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    token: CancellationToken,
}

impl Shutdown {
    pub fn new() -> Self {
        Self::default()
    }
    /// Resolves when the process should stop taking work.
    pub async fn requested(&self) {
        self.token.cancelled().await;
    }
    pub fn is_requested(&self) -> bool {
        self.token.is_cancelled()
    }
    /// Asks every task to stop.
    pub fn request(&self) {
        self.token.cancel();
    }
    /// Starts an owned task. One that returns an error, or ends before shutdown
    /// was requested, requests it.
    pub fn spawn<F, E>(&self, name: &'static str, task: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: std::fmt::Display + Send + 'static,
    {
        let (_, _) = (name, task);
        todo!()
    }
    /// Waits for all tasks, at most `deadline` after shutdown was requested. Says
    /// whether the end was clean, and the first error a task ended with.
    pub async fn drained(&self, deadline: Duration) -> Drained {
        let _ = deadline;
        todo!()
    }
}

/// How a process ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Drained {
    Clean,
    /// A task failed: its name and error.
    Failed(&'static str, String),
    /// The deadline passed with these tasks still running.
    Forced(Vec<&'static str>),
}
