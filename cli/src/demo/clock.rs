//! The demo's time: two days in under a minute, then the present.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use tocsin_runtime::{Clock, SystemClock};

/// Simulated hours that pass in a stretch of real time.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    hours: f64,
    real: Duration,
}

/// A quiet day passes quickly, the hours of the surge slowly enough to watch.
const STRETCHES: [Stretch; 3] = [
    Stretch { hours: 33.0, real: Duration::from_secs(16) },
    Stretch { hours: 9.0, real: Duration::from_secs(30) },
    Stretch { hours: 6.0, real: Duration::from_secs(4) },
];

/// Stands two days ago until it is begun, then catches up with the system clock.
#[derive(Debug)]
pub(super) struct DemoClock {
    began: OnceLock<Instant>,
    start: DateTime<Utc>,
}

impl DemoClock {
    pub(super) fn stopped() -> Self {
        Self { began: OnceLock::new(), start: SystemClock.now() - simulated(Duration::MAX) }
    }

    pub(super) fn begin(&self) {
        self.began.get_or_init(Instant::now);
    }

    pub(super) fn start(&self) -> DateTime<Utc> {
        self.start
    }
}

impl Clock for DemoClock {
    fn now(&self) -> DateTime<Utc> {
        self.start + simulated(self.began.get().map_or(Duration::ZERO, Instant::elapsed))
    }
}

/// Simulated time after `real`; past the last stretch both run alike.
fn simulated(real: Duration) -> TimeDelta {
    let mut hours = 0.0;
    let mut left = real;
    for stretch in STRETCHES {
        let share = left.min(stretch.real).as_secs_f64() / stretch.real.as_secs_f64();
        hours += stretch.hours * share;
        left = left.saturating_sub(stretch.real);
    }
    let rest = if real == Duration::MAX { Duration::ZERO } else { left };
    TimeDelta::milliseconds((hours * 3_600_000.0) as i64) + TimeDelta::from_std(rest).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_days_pass_in_fifty_seconds() {
        assert_eq!(simulated(Duration::ZERO), TimeDelta::zero());
        assert_eq!(simulated(Duration::from_secs(50)), TimeDelta::hours(48));
        assert_eq!(simulated(Duration::MAX), TimeDelta::hours(48));
    }

    #[test]
    fn afterwards_the_clock_runs_like_any_other() {
        let after = |seconds| simulated(Duration::from_secs(seconds));
        assert_eq!(after(70) - after(60), TimeDelta::seconds(10));
    }

    #[test]
    fn time_never_goes_back() {
        let times: Vec<_> = (0..600).map(|tenths| simulated(Duration::from_millis(tenths * 100))).collect();
        assert!(times.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
