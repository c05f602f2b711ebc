//! A system clock that is wrong for a moment: event time that was told is never taken back, and
//! one instant of the future would silence every alert until it has come.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

/// A clock that went further ahead than one that only counts is doubted ...
const LEAP: TimeDelta = TimeDelta::minutes(5);
/// ... until it has stayed there for so long.
const DOUBT: Duration = Duration::from_secs(600);

/// The system's clock as it was last believed.
#[derive(Debug)]
pub(super) struct Trust {
    at: Instant,
    time: DateTime<Utc>,
    doubted: Option<Instant>,
}

impl Trust {
    pub(super) const fn new(at: Instant, time: DateTime<Utc>) -> Self {
        Self { at, time, doubted: None }
    }

    /// Whether what the system's clock says at `at` is believed.
    pub(super) fn believes(&mut self, at: Instant, time: DateTime<Utc>) -> bool {
        let counted = TimeDelta::from_std(at.duration_since(self.at)).unwrap_or_default();
        if time - self.time - counted > LEAP {
            if self.doubted.is_none() {
                tracing::warn!(
                    "the system's clock leapt to {time}: believed when it stays there for {DOUBT:?}"
                );
            }
            let since = *self.doubted.get_or_insert(at);
            if at.duration_since(since) < DOUBT {
                return false;
            }
        }
        *self = Self::new(at, time);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_leaps_ahead_is_believed_once_it_has_stayed_there() {
        let (began, start) = (Instant::now(), DateTime::UNIX_EPOCH);
        let mut trust = Trust::new(began, start);
        let mut at = |seconds: u64, clock: i64| {
            trust.believes(began + Duration::from_secs(seconds), start + TimeDelta::seconds(clock))
        };
        assert!(at(1, 1));
        assert!(!at(2, 100_002) && !at(300, 100_300));
        assert!(at(301, 301), "it was wrong for a moment");
        assert!(!at(400, 100_400) && !at(999, 100_999));
        assert!(at(1000, 101_000) && at(1001, 101_001) && at(1002, 5));
    }
}
