//! When which source is polled, and what a failure does to that.

use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;

use crate::IngestError;
use crate::config::SourceConfig;
use crate::draft::hash_of;
use crate::error::FetchError;
use crate::state::SourceState;

/// Sets the next poll after a success.
pub(crate) fn succeeded(source: &SourceConfig, state: &mut SourceState, now: DateTime<Utc>) {
    state.failures = 0;
    state.next_poll_at = Some(now + delta(source.every));
}

/// Pause after a failure of the bus or the database, which is not the source's.
const OURS: Duration = Duration::from_secs(30);

/// Sets the next poll after a failure: the pause doubles up to `cap`, is spread by
/// ±10 %, is never shorter than the server asked for, and never becomes "never".
pub(crate) fn failed(
    source: &SourceConfig,
    state: &mut SourceState,
    error: &IngestError,
    cap: Duration,
    now: DateTime<Utc>,
) {
    if matches!(error, IngestError::Database { .. } | IngestError::Stream(_)) {
        state.next_poll_at = Some(now + delta(OURS.min(source.every)));
        return;
    }
    state.failures = state.failures.saturating_add(1);
    let doubled = source.every.saturating_mul(1 << state.failures.clamp(0, 20));
    let pause = doubled.min(cap.max(source.every)).mul_f64(spread(&source.id, state.failures));
    state.next_poll_at = Some(now + delta(pause.max(asked_for(error).unwrap_or_default().min(cap))));
}

fn asked_for(error: &IngestError) -> Option<Duration> {
    match error {
        IngestError::Fetch(FetchError::Status { retry_after, .. }) => retry_after.map(Duration::from_secs),
        IngestError::Fetch(_)
        | IngestError::Configuration(_)
        | IngestError::Poll(_)
        | IngestError::Database { .. }
        | IngestError::Stream(_)
        | IngestError::Unreadable { .. } => None,
    }
}

/// 0.9 to 1.1, by source and failure, so that sources that failed together part.
fn spread(id: &str, failures: i32) -> f64 {
    let hash = hash_of(&[id, &failures.to_string()]).cast_unsigned();
    0.9 + 0.2 * (hash % 1000) as f64 / 1000.0
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> SourceConfig {
        toml::from_str("id = 's'\nurl = 'https://example.com/'\nevery = '10m'").unwrap()
    }

    fn status(status: u16, retry_after: Option<u64>) -> IngestError {
        FetchError::Status { url: "u".into(), status, retry_after }.into()
    }

    #[test]
    fn a_source_that_fails_is_asked_less_often_but_always_again() {
        let (now, cap) = (DateTime::UNIX_EPOCH, Duration::from_secs(86_400));
        let mut state = SourceState::default();
        let mut pauses = Vec::new();
        for _ in 0..100 {
            failed(&source(), &mut state, &status(500, None), cap, now);
            pauses.push((state.next_poll_at.unwrap() - now).num_seconds());
        }
        assert!((1080..=1320).contains(&pauses[0]), "{}", pauses[0]);
        assert!(pauses[1] > pauses[0] && pauses[2] > pauses[1]);
        assert!(pauses.iter().all(|pause| *pause <= 95_040), "never longer than the cap and its spread");
    }

    #[test]
    fn the_server_may_ask_for_a_longer_pause() {
        let mut state = SourceState::default();
        let now = DateTime::UNIX_EPOCH;
        failed(&source(), &mut state, &status(429, Some(7200)), Duration::from_secs(86_400), now);
        assert_eq!(state.next_poll_at, Some(now + TimeDelta::seconds(7200)));
    }

    #[test]
    fn a_bus_that_is_away_is_not_the_source_s_fault() {
        let mut state = SourceState::default();
        let away =
            tocsin_stream::StreamError::Unavailable { attempted: "write".into(), cause: "away".into() };
        failed(&source(), &mut state, &away.into(), Duration::from_secs(86_400), DateTime::UNIX_EPOCH);
        assert_eq!((state.failures, state.next_poll_at.unwrap().timestamp()), (0, 30));
    }

    #[test]
    fn one_success_forgets_the_failures() {
        let mut state = SourceState { failures: 7, ..SourceState::default() };
        succeeded(&source(), &mut state, DateTime::UNIX_EPOCH);
        assert_eq!((state.failures, state.next_poll_at.unwrap().timestamp()), (0, 600));
    }
}
