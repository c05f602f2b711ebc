//! Ordered shutdown: every task is owned, a task that ends early stops the rest.
//!
//! The order of a service is: stop taking, finish, commit, close. Tasks watch
//! [`Shutdown::requested`] and end by themselves; only the deadline, or a second
//! signal, ends them from outside.

mod tasks;

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::Refusal;
use tasks::Tasks;

/// A signal that follows the first within this time counts as the same one. It often arrives twice: `timeout`
/// sends it to a process and to its group, a terminal to a process and to the parent that passes it on.
const ECHO: Duration = Duration::from_millis(500);

/// A token to watch, and the way to start a task that somebody awaits; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    token: CancellationToken,
    /// Cancelled when there is no more time to be orderly.
    force: CancellationToken,
    tasks: Tasks,
    /// Held for its drop.
    _listener: Option<Arc<AbortOnDropHandle<()>>>,
}

impl Shutdown {
    pub fn new() -> Self {
        Self::default()
    }

    /// As [`Self::new`]; SIGINT or SIGTERM requests shutdown, and another one at least half a second later
    /// forces it.
    #[expect(clippy::disallowed_methods, reason = "the listener is owned by the handle and ends with it")]
    pub fn on_signals() -> Result<Self, Refusal> {
        let listen = |kind| {
            signal(kind)
                .map_err(|error| Refusal(format!("cannot listen to the signals of the system: {error}")))
        };
        let (interrupt, terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
        let shutdown = Self::default();
        let (token, force) = (shutdown.token.clone(), shutdown.force.clone());
        let listener = tokio::spawn(listen_to(interrupt, terminate, token, force));
        Ok(Self { _listener: Some(Arc::new(AbortOnDropHandle::new(listener))), ..shutdown })
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

    /// Starts an owned task. One that returns an error, panics, or ends before
    /// shutdown was requested, requests it and makes the end a failed one. A task
    /// with a natural end calls [`Self::request`] before it returns.
    pub fn spawn<F, E>(&self, name: &'static str, task: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
    {
        let token = self.token.clone();
        self.tasks.start(name, task, move |result| {
            let failure = match result {
                Ok(()) if token.is_cancelled() => None,
                Ok(()) => Some("ended before shutdown was requested".to_owned().into()),
                Err(error) => Some(error),
            };
            token.cancel();
            failure
        });
    }

    /// Waits for all tasks, at most `deadline` after shutdown was requested. Says
    /// whether the end was clean, and the first error a task ended with.
    pub async fn drained(&self, deadline: Duration) -> Drained {
        tokio::select! {
            biased;
            () = self.tasks.all_ended() => {}
            () = self.out_of_time(deadline) => return Drained::Forced(self.tasks.abort()),
        }
        match self.tasks.first_failure() {
            Some((name, failure)) => Drained::Failed(name, failure.text),
            None => Drained::Clean,
        }
    }

    /// Whether a second signal left no time to be orderly.
    pub fn is_forced(&self) -> bool {
        self.force.is_cancelled()
    }

    /// What the first task that failed returned; nothing where it panicked or ended too early.
    pub fn error(&self) -> Option<Arc<dyn Error + Send + Sync>> {
        self.tasks.first_failure()?.1.error
    }

    async fn out_of_time(&self, deadline: Duration) {
        self.requested().await;
        tokio::select! {
            () = tokio::time::sleep(deadline) => {}
            () = self.force.cancelled() => {}
        }
    }
}

async fn listen_to(
    mut interrupt: Signal,
    mut terminate: Signal,
    token: CancellationToken,
    force: CancellationToken,
) {
    let name = next_of(&mut interrupt, &mut terminate).await;
    tracing::info!("{name} received: finishing; once more to stop at once");
    token.cancel();
    let first = Instant::now();
    loop {
        let name = next_of(&mut interrupt, &mut terminate).await;
        if first.elapsed() > ECHO {
            tracing::info!("{name} received: stopping at once");
            return force.cancel();
        }
    }
}

async fn next_of(interrupt: &mut Signal, terminate: &mut Signal) -> &'static str {
    tokio::select! {
        _ = interrupt.recv() => "SIGINT",
        _ = terminate.recv() => "SIGTERM",
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

#[cfg(test)]
mod tests;
