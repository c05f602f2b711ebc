//! The model in use, and how a newer one takes its place between two batches while the
//! service runs.

use std::convert::Infallible;
use std::fmt::Debug;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tocsin_runtime::Shutdown;
use tracing::{info, warn};

use crate::classify::Classify;
use crate::metric;

/// Where a newer model may come from. Blocks, so it is asked on a thread of its own.
pub trait Renew: Debug + Send + 'static {
    /// A newer model, or why the one that is there cannot be taken; `None` while
    /// nothing changed.
    fn renew(&mut self) -> Option<Result<Arc<dyn Classify>, String>>;
}

/// The model in use; shared by whoever reads it and whoever replaces it.
#[derive(Debug, Clone)]
pub(crate) struct Current(Arc<RwLock<Arc<dyn Classify>>>);

impl Current {
    pub(crate) fn new(model: Arc<dyn Classify>) -> Self {
        Self(Arc::new(RwLock::new(model)))
    }

    /// A batch asks once, so that all of its documents are read by one model.
    pub(crate) fn get(&self) -> Arc<dyn Classify> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace(&self, model: Arc<dyn Classify>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = model;
    }
}

/// Asks `source` again and again until shutdown; a model that cannot be taken leaves the
/// one in use where it is.
pub(crate) async fn watch(
    current: Current,
    mut source: Box<dyn Renew>,
    every: Duration,
    shutdown: Shutdown,
) -> Result<(), Infallible> {
    loop {
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = shutdown.requested() => return Ok(()),
        }
        let asked = tokio::task::spawn_blocking(move || {
            let answer = source.renew();
            (source, answer)
        });
        match asked.await {
            Ok((back, answer)) => {
                source = back;
                if let Some(answer) = answer {
                    take(&current, answer);
                }
            }
            Err(cause) => {
                warn!("the model folder is watched no more: {cause}");
                shutdown.requested().await;
                return Ok(());
            }
        }
    }
}

fn take(current: &Current, answer: Result<Arc<dyn Classify>, String>) {
    let old = current.get().model();
    match answer {
        Ok(model) => {
            let new = model.model();
            current.replace(model);
            metrics::counter!(metric::RELOADS, "outcome" => "taken").increment(1);
            info!(
                model.name = new.name,
                model.version = new.version,
                "model {} {} ({}) takes the place of {} {}",
                new.name,
                new.version,
                new.quantization,
                old.name,
                old.version
            );
        }
        Err(cause) => {
            metrics::counter!(metric::RELOADS, "outcome" => "refused").increment(1);
            warn!("the changed model is not taken, {} {} stays in use: {cause}", old.name, old.version);
        }
    }
}
