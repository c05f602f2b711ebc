//! The pauses between requests to one domain, and how long they were waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// Slow answers cannot slow us further.
const LONGEST_DELAY: Duration = Duration::from_secs(60);
/// The pause after an answer, in the time that the answer took.
const DELAY_FACTOR: u32 = 5;

/// State of one registrable domain, held by whoever has the turn.
#[derive(Debug, Default)]
pub(super) struct Domain {
    /// No request before this.
    pause_until: Option<Instant>,
}

impl Domain {
    /// Until the pause is over.
    pub(super) async fn rest(&self) {
        if let Some(until) = self.pause_until {
            tokio::time::sleep_until(until).await;
        }
    }

    /// Makes a request, and begins a pause: a host that answers slowly is asked slowly.
    pub(super) async fn timed<T>(&mut self, least: Duration, request: impl Future<Output = T>) -> T {
        let started = Instant::now();
        let outcome = request.await;
        let pause = least.max((started.elapsed() * DELAY_FACTOR).min(LONGEST_DELAY));
        self.pause_until = Some(Instant::now() + pause);
        outcome
    }

    pub(super) fn is_rested(&self) -> bool {
        self.pause_until.is_none_or(|until| until <= Instant::now())
    }
}

/// How long was waited for turns and pauses, in milliseconds; clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Rested(Arc<AtomicU64>);

impl Rested {
    /// Waits for what manners ask for.
    pub(super) async fn wait<T>(&self, manners: impl Future<Output = T>) -> T {
        let started = Instant::now();
        let outcome = manners.await;
        let rested = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.fetch_add(rested, Ordering::Relaxed);
        outcome
    }

    pub(super) fn total(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_pause_is_rest_and_an_answer_is_not_however_long_it_takes() {
        let (rested, mut domain) = (Rested::default(), Domain::default());
        let pause = Duration::from_millis(300);
        domain.timed(pause, tokio::time::sleep(Duration::from_millis(20))).await;
        assert_eq!(rested.total(), Duration::ZERO);
        rested.wait(domain.rest()).await;
        let once = rested.total();
        assert!(once >= Duration::from_millis(200), "{once:?}");
        rested.clone().wait(domain.rest()).await;
        assert!(rested.total() < once + Duration::from_millis(200), "it is over");
    }
}
