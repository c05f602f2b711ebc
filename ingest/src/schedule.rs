//! When which source is asked again: by its habit, by what it says itself, and by
//! what a failure does to that.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::IngestError;
use crate::config::{Schedule, SourceConfig};
use crate::draft::hash_of;
use crate::error::FetchError;
use crate::state::SourceState;

/// How many of the newest items tell a source's habit.
const NEWEST: usize = 20;
/// In so many seconds the memory of a long gap halves: a quiet summer is no habit for ever.
const HALF_LIFE: f64 = 30.0 * 86_400.0;

/// Learns from the times of the items that the source shows now, in any order.
pub(crate) fn learn(state: &mut SourceState, times: impl Iterator<Item = DateTime<Utc>>, now: DateTime<Utc>) {
    let mut times: Vec<_> = times.filter(|at| *at <= now).collect();
    times.sort_unstable_by(|a, b| b.cmp(a));
    times.dedup();
    times.truncate(NEWEST);
    let gaps = times.windows(2).map(|pair| seconds(pair[0] - pair[1]));
    if let (Some(newest), Some(longest)) = (times.first(), gaps.clone().max_by(f64::total_cmp)) {
        state.newest_at = Some(*newest);
        state.mean_gap_s = Some(gaps.sum::<f64>() / (times.len() - 1) as f64);
        let since = state.learned_at.map_or(0.0, |at| seconds(now - at));
        let before = state.longest_gap_s.unwrap_or(0.0) * 0.5_f64.powf(since / HALF_LIFE);
        state.longest_gap_s = Some(longest.max(before));
        state.learned_at = Some(now);
    }
}

/// What may be asked of the source after now, at the soonest, if it answers.
pub(crate) fn interval(
    source: &SourceConfig,
    state: &SourceState,
    fresh_for: Duration,
    rules: &Schedule,
    now: DateTime<Utc>,
) -> Duration {
    if let Some(every) = agreed(source) {
        return every;
    }
    // Half the habit finds an item after a quarter of a gap on average; a source that
    // fell silent is asked less and less.
    let silent = state.newest_at.map_or(0.0, |newest| seconds(now - newest) / 3.0);
    let habit = state.mean_gap_s.map_or(0.0, |gap| gap.max(silent) / 2.0);
    let habit = Duration::try_from_secs_f64(habit).unwrap_or(rules.max);
    let floor = if state.has_validators() { rules.min } else { rules.unconditional };
    let pause = habit.max(fresh_for).clamp(rules.min, rules.max.max(rules.min)).max(floor);
    pause.mul_f64(1.0 + 0.05 * spread(&source.id, now.timestamp()))
}

/// What operator and publisher agreed on. A JSON interface is there to be asked, nobody is
/// disturbed by a look at a file, and a stream is there to be listened to without a break.
fn agreed(source: &SourceConfig) -> Option<Duration> {
    const JSON: Duration = Duration::from_secs(900);
    const FILES: Duration = Duration::from_secs(60);
    /// The pause before a connection is opened again.
    const LIVE: Duration = Duration::from_secs(5);
    let usual = match source.format {
        format if format.is_file() => Some(FILES),
        format if !format.is_asked() => Some(LIVE),
        format => format.is_json().then_some(JSON),
    };
    source.every.or(usual)
}

/// Sets the next poll after a success.
pub(crate) fn succeeded(state: &mut SourceState, interval: Duration, now: DateTime<Utc>) {
    state.failures = 0;
    state.failing_since = None;
    state.last_success_at = Some(now);
    state.next_poll_at = Some(now + delta(interval));
}

/// Pause after a failure of the bus or the database, which is not the source's.
pub(crate) const OURS: Duration = Duration::from_secs(30);
/// What the pause of a source that was never read doubles from: the network may not be up yet, or the host.
const SOON: Duration = Duration::from_secs(60);

/// Sets the next poll after a failure: the pause doubles up to `cap` (that of files stays as it
/// is; that of a source that was never read begins with minutes), is spread by ±10 %, is never
/// shorter than the server asked for, and never becomes "never".
pub(crate) fn failed(
    source: &SourceConfig,
    state: &mut SourceState,
    error: &IngestError,
    rules: &Schedule,
    cap: Duration,
    now: DateTime<Utc>,
) {
    let every = agreed(source).unwrap_or(rules.min);
    // One bad file must not slow down the others of its source.
    let cap = if source.format.is_file() { every } else { cap };
    if error.is_ours() {
        state.next_poll_at = Some(now + delta(OURS.min(every)));
        return;
    }
    if let IngestError::Fetch(FetchError::Silence { until, .. }) = error {
        // Nothing was asked, so nothing failed.
        state.next_poll_at = Some(*until);
        return;
    }
    state.failures = state.failures.saturating_add(1);
    state.failing_since = state.failing_since.or(Some(now));
    let failures = i64::from(state.failures);
    let usual = doubled(every, state.failures, cap.max(every));
    let is_soon = is_starting(source, state, error);
    let pause = if is_soon { doubled(SOON, state.failures, usual) } else { usual };
    let pause = pause.mul_f64(0.9 + 0.2 * spread(&source.id, failures));
    state.next_poll_at = Some(now + delta(pause.max(asked_for(error).unwrap_or_default().min(cap))));
}

/// A pause that doubles each of so many times, up to the longest.
pub(crate) fn doubled(pause: Duration, times: i32, longest: Duration) -> Duration {
    pause.saturating_mul(1 << times.clamp(0, 20)).min(longest)
}

/// Whether the host of a source that was never read is away: that is over soon where it, or the network, only
/// starts, and manners between two readings do not begin before the first. What was agreed holds all the same.
fn is_starting(source: &SourceConfig, state: &SourceState, error: &IngestError) -> bool {
    let is_away = matches!(error, IngestError::Fetch(error) if error.is_away());
    is_away && source.every.is_none() && state.last_success_at.is_none()
}

fn asked_for(error: &IngestError) -> Option<Duration> {
    match error {
        IngestError::Fetch(FetchError::Status { retry_after, .. }) => *retry_after,
        IngestError::Fetch(_)
        | IngestError::Configuration(_)
        | IngestError::Poll(_)
        | IngestError::Database { .. }
        | IngestError::Stream(_)
        | IngestError::Unreadable { .. } => None,
    }
}

/// 0 to 1, by source and occasion, so that sources that were asked together part.
fn spread(id: &str, occasion: i64) -> f64 {
    let hash = hash_of(&[id, &occasion.to_string()]).cast_unsigned();
    (hash % 1000) as f64 / 1000.0
}

pub(crate) fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

pub(crate) fn seconds(delta: TimeDelta) -> f64 {
    delta.num_milliseconds() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SourceFormat;

    const DAY: Duration = Duration::from_secs(86_400);

    fn source() -> SourceConfig {
        toml::from_str("id = 's'\nurl = 'https://example.com/'\nevery = '10m'").unwrap()
    }

    fn adaptive() -> SourceConfig {
        SourceConfig { every: None, ..source() }
    }

    fn fail(state: &mut SourceState, error: &IngestError) -> i64 {
        failed(&source(), state, error, &Schedule::default(), DAY, DateTime::UNIX_EPOCH);
        state.next_poll_at.unwrap().timestamp()
    }

    fn status(status: u16, retry_after: Option<u64>) -> IngestError {
        let retry_after = retry_after.map(Duration::from_secs);
        FetchError::Status { url: "u".into(), status, retry_after }.into()
    }

    /// Hours until the next request of a feed with one item each `gap` hours.
    fn hours(gap: f64, etag: bool, fresh_for: u64, silent: f64) -> f64 {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(1000);
        let mut state = SourceState { etag: etag.then(|| "e".into()), ..SourceState::default() };
        let times =
            (0..50).map(|n| now - TimeDelta::seconds(((silent + gap * f64::from(n)) * 3600.0) as i64));
        learn(&mut state, times, now);
        let fresh_for = Duration::from_secs(fresh_for * 3600);
        interval(&adaptive(), &state, fresh_for, &Schedule::default(), now).as_secs_f64() / 3600.0
    }

    #[test]
    fn a_feed_is_asked_twice_a_gap_within_the_hour_and_the_day() {
        for (gap, expected) in [(0.1, 1.0), (1.0, 1.0), (8.0, 4.0), (100.0, 24.0)] {
            let got = hours(gap, true, 0, 0.0);
            assert!((expected..=expected * 1.05).contains(&got), "{gap}: {got}");
        }
    }

    #[test]
    fn a_long_gap_is_remembered_for_a_while() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(1000);
        let mut state = SourceState::default();
        learn(&mut state, [0, 60, 70].map(|hours| now - TimeDelta::hours(hours)).into_iter(), now);
        assert_eq!(state.longest_gap_s, Some(60.0 * 3600.0));
        for (days, hours) in [(0, 60.0), (30, 30.0), (300, 1.0)] {
            let later = now + TimeDelta::days(days);
            let mut state = state.clone();
            learn(&mut state, (0..3).map(|hours| later - TimeDelta::hours(hours)), later);
            assert_eq!(state.longest_gap_s, Some(hours * 3600.0), "{days}");
        }
    }

    #[test]
    fn without_validators_a_feed_is_asked_once_a_day() {
        assert!(hours(0.1, false, 0, 0.0) >= 24.0);
    }

    #[test]
    fn what_the_server_says_can_only_make_it_later() {
        assert!((5.0..=5.25).contains(&hours(0.1, true, 5, 0.0)));
        assert!((4.0..=4.2).contains(&hours(8.0, true, 2, 0.0)));
        assert!(hours(0.1, true, 500, 0.0) <= 25.2, "no server is left alone for more than a day");
    }

    #[test]
    fn a_source_that_fell_silent_is_asked_less_and_less() {
        let after = [0.0, 12.0, 48.0, 480.0].map(|silent| hours(1.0, true, 0, silent));
        assert!(after.windows(2).all(|pair| pair[0] < pair[1] + 0.06), "{after:?}");
        assert!(after[2] > 7.0 && after[3] <= 25.2, "{after:?}");
    }

    #[test]
    fn what_was_agreed_with_the_publisher_holds() {
        let state = SourceState::default();
        let rules = Schedule::default();
        let pause = interval(&source(), &state, DAY, &rules, DateTime::UNIX_EPOCH);
        assert_eq!(pause, Duration::from_secs(600));
    }

    #[test]
    fn a_source_that_fails_is_asked_less_often_but_always_again() {
        let mut state = SourceState::default();
        let pauses: Vec<i64> = (0..100).map(|_| fail(&mut state, &status(500, None))).collect();
        assert!((1080..=1320).contains(&pauses[0]), "{}", pauses[0]);
        assert!(pauses[1] > pauses[0] && pauses[2] > pauses[1]);
        assert!(pauses.iter().all(|pause| *pause <= 95_040), "never longer than the cap and its spread");
    }

    /// Seconds until the next request of a feed without `every`, after each of so many failures in a row.
    fn pauses(mut state: SourceState, error: &IngestError) -> Vec<i64> {
        let fail = |_| {
            let now = DateTime::UNIX_EPOCH;
            failed(&adaptive(), &mut state, error, &Schedule::default(), DAY, now);
            state.next_poll_at.unwrap().timestamp()
        };
        (0..15).map(fail).collect()
    }

    #[test]
    fn a_source_that_was_never_read_is_tried_again_within_minutes_while_its_host_is_away() {
        let (url, cause) = (|| "https://example.com/".to_owned(), || "connection refused".to_owned());
        let network: IngestError = FetchError::Network { url: url(), cause: cause() }.into();
        let host = "example.com".to_owned();
        let robots: IngestError = FetchError::NoRobots { url: url(), host, cause: cause() }.into();
        for error in [&network, &robots, &status(502, None)] {
            let pauses = pauses(SourceState::default(), error);
            assert!((108..=132).contains(&pauses[0]) && (216..=264).contains(&pauses[1]), "{pauses:?}");
            assert!((77_760..=95_040).contains(&pauses[14]), "up to the usual pause: {pauses:?}");
        }
        let asked = pauses(SourceState::default(), &status(503, Some(3600)));
        assert_eq!(asked[0], 3600, "the server asked for it");
        let read = SourceState { last_success_at: Some(DateTime::UNIX_EPOCH), ..SourceState::default() };
        for (state, error) in [(read, &network), (SourceState::default(), &status(404, None))] {
            assert!(pauses(state, error)[0] >= 6480, "twice the usual pause: {error}");
        }
    }

    #[test]
    fn the_server_may_ask_for_a_longer_pause() {
        assert_eq!(fail(&mut SourceState::default(), &status(429, Some(7200))), 7200);
    }

    #[test]
    fn a_bus_that_is_away_is_not_the_source_s_fault() {
        let mut state = SourceState::default();
        let away =
            tocsin_stream::StreamError::Unavailable { attempted: "write".into(), cause: "away".into() };
        assert_eq!((fail(&mut state, &away.into()), state.failures), (30, 0));
    }

    #[test]
    fn silence_that_the_host_asked_for_is_no_failure() {
        let mut state = SourceState::default();
        let until = DateTime::UNIX_EPOCH + TimeDelta::hours(5);
        let silence = FetchError::Silence { url: "u".into(), domain: "d".into(), until };
        assert_eq!((fail(&mut state, &silence.into()), state.failures), (18_000, 0));
    }

    #[test]
    fn one_bad_file_slows_down_none_of_the_others() {
        let files = SourceConfig { format: SourceFormat::Csv, ..source() };
        let bad = IngestError::Unreadable { url: "/a.csv".into(), cause: "line 1".into() };
        let mut state = SourceState { failures: 9, ..SourceState::default() };
        failed(&files, &mut state, &bad, &Schedule::default(), DAY, DateTime::UNIX_EPOCH);
        let pause = state.next_poll_at.unwrap().timestamp();
        assert!((540..=660).contains(&pause), "{pause}");
    }

    #[test]
    fn one_success_forgets_the_failures() {
        let mut state = SourceState { failures: 7, ..SourceState::default() };
        succeeded(&mut state, Duration::from_secs(600), DateTime::UNIX_EPOCH);
        assert_eq!((state.failures, state.next_poll_at.unwrap().timestamp()), (0, 600));
    }
}
