//! One turn of one source: it is asked if it is time, and what waits is settled. What
//! listens to a source ([`crate::live`]) uses the parts.

use std::time::{Duration, Instant};

use tocsin_stream::Verdict;

use crate::config::SourceConfig;
use crate::error::{FetchError, IngestError};
use crate::poll::Poller;
use crate::queue::Watched;
use crate::settle::Found;
use crate::silence::{self, Ended};
use crate::{metric, moves, schedule};

/// A source that takes longer to answer is a slow one; a pause that was agreed on is not its answer.
const SLOW: Duration = Duration::from_secs(10);

/// Fails only where nothing will work until a person acts. `cap`: longest wait after
/// repeated failures.
pub(crate) async fn take(poller: &Poller, cap: Duration, watched: &mut Watched) -> Result<(), IngestError> {
    let is_due = watched.state.next_poll_at.is_none_or(|at| at <= poller.clock.now());
    let mut may_wait = watched.waiting.is_some();
    if is_due && watched.source.format.is_asked() {
        let started = Instant::now();
        may_wait |= ask(poller, cap, watched).await?;
        watched.is_slow = started.elapsed().saturating_sub(poller.client.rested()) > SLOW;
    }
    if may_wait { settle(poller, watched).await } else { Ok(()) }
}

/// Settles what waits. Fails as [`take`] does.
pub(crate) async fn settle(poller: &Poller, watched: &mut Watched) -> Result<(), IngestError> {
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
    Ok(())
}

/// True: items of the source may wait now that did not before.
async fn ask(poller: &Poller, cap: Duration, watched: &mut Watched) -> Result<bool, IngestError> {
    let Watched { source, state, .. } = watched;
    let (now, rules) = (poller.clock.now(), &poller.schedule);
    // Should the process die from here on, its successor does not ask again at once.
    state.watched_since = state.watched_since.or(Some(now));
    let next = schedule::interval(source, state, Duration::ZERO, rules, now);
    state.next_poll_at = Some(now + schedule::delta(next));
    let outcome = match poller.state.save_source(&source.id, &source.url, state).await {
        Ok(()) => poller.ask(source, state).await,
        Err(error) => Err(error),
    };
    let (error, may_wait) = match outcome {
        Ok(fresh) => (None, fresh > 0),
        // What the database was told before it went away is not known; of files, those that can be read
        // were taken in.
        Err(error) => {
            let may_wait = error.is_ours() || source.format.is_file();
            (Some(error), may_wait)
        }
    };
    if error.is_some() {
        metric::polled("failed");
    }
    end(poller, cap, watched, next, error).await?;
    Ok(may_wait)
}

/// Writes down how asking the source ended, or how listening to it goes. `interval`: the
/// usual time in which nothing is heard of it. Fails as [`take`] does.
pub(crate) async fn end(
    poller: &Poller,
    cap: Duration,
    watched: &mut Watched,
    interval: Duration,
    mut error: Option<IngestError>,
) -> Result<(), IngestError> {
    let Watched { source, state, standing, .. } = watched;
    let now = poller.clock.now();
    if let Some(error) = error.take_if(|error| error.verdict() == Verdict::Halt) {
        return Err(error);
    }
    if let Some(error) = &error {
        schedule::failed(source, state, error, &poller.schedule, cap, now);
        if !matches!(error, IngestError::Fetch(FetchError::Silence { .. })) && !error.is_ours() {
            moves::forget(state);
        }
        let (failures, next) = (state.failures, state.next_poll_at.map(|at| at.to_rfc3339()));
        tracing::warn!(source.id, failures, next_poll_at = next, "{} failed: {error}", source.id);
        if let Err(error) = poller.state.save_source(&source.id, &source.url, state).await {
            tracing::warn!(source.id, "state of {} not saved: {error}", source.id);
        }
    }
    let robots = robots(error.as_ref()).filter(|_| !source.format.is_file());
    let error = error.map(|error| error.to_string());
    *standing = silence::standing(*standing, state, interval, now);
    let ended = Ended { standing: *standing, error: error.as_deref(), robots };
    if let Err(error) = silence::tell(&poller.state, &source.id, state, ended, now).await {
        tracing::warn!(source.id, "end of the poll of {} not written down: {error}", source.id);
    }
    Ok(())
}

/// What a poll learned of the source's robots.txt.
const fn robots(error: Option<&IngestError>) -> Option<&'static str> {
    match error {
        None => Some("allowed"),
        Some(IngestError::Fetch(FetchError::Robots { .. })) => Some("disallowed"),
        Some(IngestError::Fetch(FetchError::NoRobots { .. })) => Some("unreachable"),
        // It was asked all the same, and answered.
        Some(IngestError::Unreadable { .. } | IngestError::Fetch(FetchError::Status { .. })) => {
            Some("allowed")
        }
        Some(_) => None,
    }
}

fn report(source: &SourceConfig, found: Found) {
    let Found { new, revised, others, postponed } = found;
    if new + revised > 0 {
        tracing::info!(
            source.id,
            new,
            revised,
            others,
            postponed,
            "{new} new and {revised} revised documents from {}",
            source.id
        );
    }
}
