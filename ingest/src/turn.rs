//! One turn of one source: it is asked if it is time, and what waits is settled.

use std::time::{Duration, Instant};

use tocsin_stream::Verdict;

use crate::config::SourceConfig;
use crate::error::{FetchError, IngestError};
use crate::poll::Poller;
use crate::queue::Watched;
use crate::settle::Found;
use crate::{metric, moves, schedule, silence};

/// A source that takes longer to answer is a slow one.
const SLOW: Duration = Duration::from_secs(10);

/// Fails only where nothing will work until a person acts. `cap`: longest wait after
/// repeated failures.
pub(crate) async fn take(
    poller: &Poller,
    cap: Duration,
    mut watched: Watched,
) -> Result<Watched, IngestError> {
    if watched.state.next_poll_at.is_none_or(|at| at <= poller.clock.now()) {
        let started = Instant::now();
        ask(poller, cap, &mut watched).await?;
        watched.is_slow = started.elapsed() > SLOW;
    }
    let mut found = Found::default();
    let settled = poller.settle(&watched.source, &mut found).await;
    report(&watched.source, found);
    let waiting = match settled {
        Ok(()) => poller.state.waiting_of(&watched.source.id).await,
        Err(error) => Err(error),
    };
    watched.waiting = match waiting {
        Ok(waiting) => waiting,
        Err(error) if error.verdict() == Verdict::Halt => return Err(error),
        Err(error) => {
            let id = &watched.source.id;
            tracing::warn!(source.id = id, "items of {id} wait: {error}");
            Some(poller.clock.now() + schedule::delta(schedule::OURS))
        }
    };
    Ok(watched)
}

async fn ask(poller: &Poller, cap: Duration, watched: &mut Watched) -> Result<(), IngestError> {
    let Watched { source, state, standing, .. } = watched;
    let (now, rules) = (poller.clock.now(), &poller.schedule);
    // Should the process die from here on, its successor does not ask again at once.
    state.watched_since = state.watched_since.or(Some(now));
    let next = schedule::interval(source, state, Duration::ZERO, rules, now);
    state.next_poll_at = Some(now + schedule::delta(next));
    let outcome = match poller.state.save_source(&source.id, &source.url, state).await {
        Ok(()) => poller.ask(source, state).await,
        Err(error) => Err(error),
    };
    let now = poller.clock.now();
    let error = match outcome {
        Ok(_) => None,
        Err(error) if error.verdict() == Verdict::Halt => return Err(error),
        Err(error) => Some(error),
    };
    if let Some(error) = &error {
        schedule::failed(source, state, error, rules, cap, now);
        if !matches!(error, IngestError::Fetch(FetchError::Silence { .. })) && !error.is_ours() {
            moves::forget(state);
        }
        metric::polled("failed");
        let (failures, next) = (state.failures, state.next_poll_at);
        tracing::warn!(source.id, failures, next_poll_at = ?next, "poll of {} failed: {error}", source.id);
        if let Err(error) = poller.state.save_source(&source.id, &source.url, state).await {
            tracing::warn!(source.id, "state of {} not saved: {error}", source.id);
        }
    }
    let robots = robots(error.as_ref());
    let error = error.map(|error| error.to_string());
    if let Err(error) = poller.state.polled(&source.id, error.as_deref(), robots, now).await {
        tracing::warn!(source.id, "end of the poll of {} not written down: {error}", source.id);
    }
    *standing = silence::standing(state, next, now);
    let told = silence::tell(&poller.state, &source.id, state, *standing, error.as_deref(), now).await;
    if let Err(error) = told {
        tracing::warn!(source.id, "silence of {} not written down: {error}", source.id);
    }
    Ok(())
}

/// What a poll learned of the source's robots.txt.
const fn robots(error: Option<&IngestError>) -> Option<&'static str> {
    match error {
        None => Some("allowed"),
        Some(IngestError::Fetch(FetchError::Robots { .. })) => Some("disallowed"),
        Some(IngestError::Fetch(FetchError::NoRobots { .. })) => Some("unreachable"),
        Some(_) => None,
    }
}

fn report(source: &SourceConfig, found: Found) {
    let Found { new, revised, others, postponed } = found;
    if new + revised > 0 {
        tracing::info!(source.id, new, revised, others, postponed, "{new} new documents from {}", source.id);
    }
}
