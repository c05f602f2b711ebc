//! Which times a message may hold.

use chrono::{DateTime, Datelike, TimeDelta, Utc};

use crate::ContractError;

/// Times in this year and later are refused.
pub const YEAR_LIMIT: i32 = 2200;

/// Refuses a time in or after [`YEAR_LIMIT`]; the error names topic, field and year. Event time never goes
/// back: had it once followed such a time, everything that waits for it would wait for ever.
pub fn check_time(topic: &'static str, field: &'static str, at: DateTime<Utc>) -> Result<(), ContractError> {
    let year = at.year();
    if year < YEAR_LIMIT { Ok(()) } else { Err(ContractError::NeverReached { topic, field, year }) }
}

/// How far a clock may be ahead of the time at which the bus wrote the record that carries it.
const AHEAD: TimeDelta = TimeDelta::days(1);

/// Whether the clock that says `as_of` must be wrong: the bus wrote the record that carries it at `written`,
/// more than a day earlier. Event time never goes back, so following such a clock would stop all alerts until
/// the world has caught up. A `written` of 1970-01-01 means that the bus did not say when; then nothing is
/// wrong. Both times are part of the log, so that reading it again decides the same.
pub fn runs_ahead(as_of: DateTime<Utc>, written: DateTime<Utc>) -> bool {
    written > DateTime::UNIX_EPOCH && as_of - written > AHEAD
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_never_comes_is_refused_with_its_field() {
        let at = |text: &str| check_time("signals", "as_of", text.parse().unwrap());
        assert!(at("2199-12-31T23:59:59Z").is_ok());
        assert!(at("0001-01-01T00:00:00Z").is_ok(), "what is old is only late");
        let refused = at("2200-01-01T00:00:00Z").unwrap_err().to_string();
        assert_eq!(refused, "signals message: as_of lies in the year 2200");
    }

    #[test]
    fn a_clock_is_held_against_the_time_of_writing() {
        let ahead = |as_of: &str, written: &str| runs_ahead(as_of.parse().unwrap(), written.parse().unwrap());
        let now = "2026-03-10T12:00:00Z";
        assert!(ahead("2090-03-10T12:00:00Z", now) && ahead("2026-03-11T12:00:01Z", now));
        assert!(!ahead("2026-03-11T12:00:00Z", now) && !ahead(now, now));
        assert!(!ahead("2023-03-10T12:00:00Z", now), "a replay");
        assert!(!ahead(now, "1970-01-01T00:00:00Z"), "nobody knows when it was written");
    }
}
