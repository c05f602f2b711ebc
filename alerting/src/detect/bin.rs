//! Event time in steps of five minutes.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

const SECONDS: i64 = 300;
pub(crate) const BINS_PER_HOUR: i64 = 12;
pub(crate) const BINS_PER_DAY: i64 = 288;

/// The five minutes that begin `300 · n` seconds after 1970. As a boundary it
/// stands for the instant at which it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Bin(pub i64);

impl Bin {
    /// The bin that holds `at`.
    pub fn of(at: DateTime<Utc>) -> Self {
        Self(at.timestamp().div_euclid(SECONDS))
    }

    /// The first boundary that lies strictly after `at`.
    pub fn boundary_after(at: DateTime<Utc>) -> Self {
        Self::of(at).plus(1)
    }

    pub fn start(self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.0.saturating_mul(SECONDS), 0).unwrap_or_default()
    }

    #[must_use]
    pub const fn plus(self, bins: i64) -> Self {
        Self(self.0.saturating_add(bins))
    }

    pub(crate) const fn is_midnight(self) -> bool {
        self.0.rem_euclid(BINS_PER_DAY) == 0
    }

    pub(crate) const fn ends_an_hour(self) -> bool {
        self.0.rem_euclid(BINS_PER_HOUR) == BINS_PER_HOUR - 1
    }

    /// Hour of the day on weekdays (0–23) or weekends (24–47), UTC.
    pub(crate) const fn season(self) -> usize {
        let hour = self.0.rem_euclid(BINS_PER_DAY) / BINS_PER_HOUR;
        // 1970-01-01 was a Thursday.
        let weekday = (self.0.div_euclid(BINS_PER_DAY) + 3).rem_euclid(7);
        (if weekday >= 5 { hour + 24 } else { hour }) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_boundary_is_strictly_after_its_instant() {
        let nine = at("2023-03-10T09:00:00Z");
        assert_eq!(Bin::of(nine).start(), nine);
        assert_eq!(Bin::boundary_after(nine).start(), at("2023-03-10T09:05:00Z"));
        assert_eq!(Bin::boundary_after(at("2023-03-10T08:59:59Z")).start(), nine);
    }

    #[test]
    fn seasons_tell_weekends_from_weekdays() {
        assert_eq!(Bin::of(at("2023-03-10T09:30:00Z")).season(), 9);
        assert_eq!(Bin::of(at("2023-03-11T09:30:00Z")).season(), 33);
        assert_eq!(Bin::of(at("2023-03-12T23:59:59Z")).season(), 47);
        assert_eq!(Bin::of(at("2023-03-13T00:00:00Z")).season(), 0);
        assert_eq!(Bin::of(at("1969-12-31T23:59:59Z")).season(), 23);
    }

    #[test]
    fn a_day_begins_at_midnight() {
        assert!(Bin::of(at("2023-03-10T00:04:00Z")).is_midnight());
        assert!(Bin::of(at("2023-03-10T09:59:59Z")).ends_an_hour());
    }
}
