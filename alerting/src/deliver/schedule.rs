//! When a failed delivery is tried again: ten attempts over 75 hours and a half.

use chrono::{DateTime, TimeDelta, Utc};

const SECOND: i64 = 1;
const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
/// Pauses after the first, second, … failed attempt.
const PAUSES: [i64; 9] =
    [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];
/// A receiver cannot put us off for longer.
const LONGEST: i64 = 24 * HOUR;

/// When to try again after `attempts` failed ones, or `None` to give up. `jitter` in
/// 0..1 spreads the pause by ±20 %; `asked` is what the receiver's `Retry-After` said.
pub(crate) fn next(
    attempts: u32,
    now: DateTime<Utc>,
    asked: Option<TimeDelta>,
    jitter: f64,
) -> Option<DateTime<Utc>> {
    let pause = PAUSES.get(usize::try_from(attempts.checked_sub(1)?).ok()?)?;
    let spread = (*pause as f64 * 1000.0 * (0.8 + 0.4 * jitter)).round() as i64;
    let asked = asked.unwrap_or_default().min(TimeDelta::seconds(LONGEST));
    now.checked_add_signed(TimeDelta::milliseconds(spread).max(asked))
}

/// The value of a `Retry-After` header: seconds, or a date.
pub(crate) fn retry_after(value: &str, now: DateTime<Utc>) -> Option<TimeDelta> {
    match value.trim().parse::<u32>() {
        Ok(seconds) => Some(TimeDelta::seconds(seconds.into())),
        Err(_) => {
            let date = DateTime::parse_from_rfc2822(value.trim()).ok()?;
            Some(date.with_timezone(&Utc).signed_duration_since(now).max(TimeDelta::zero()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    #[test]
    fn ten_attempts_take_seventy_five_hours_and_a_half() {
        let pauses: Vec<i64> =
            (1..).map_while(|n| next(n, NOW, None, 0.5)).map(|at| at.timestamp()).collect();
        assert_eq!(pauses.len(), 9);
        assert_eq!(pauses.iter().sum::<i64>(), 75 * HOUR + 35 * MINUTE + 5);
        assert_eq!(next(0, NOW, None, 0.5), None);
    }

    #[test]
    fn pauses_are_spread_by_a_fifth() {
        assert_eq!(next(2, NOW, None, 0.0).unwrap().timestamp(), 240);
        assert_eq!(next(2, NOW, None, 1.0).unwrap().timestamp(), 360);
    }

    #[test]
    fn a_receiver_is_given_the_time_it_asks_for_up_to_a_day() {
        let hour = Some(TimeDelta::hours(1));
        assert_eq!(next(1, NOW, hour, 0.5).unwrap().timestamp(), HOUR);
        assert_eq!(next(1, NOW, Some(TimeDelta::days(9)), 0.5).unwrap().timestamp(), LONGEST);
        assert_eq!(next(9, NOW, hour, 0.5).unwrap().timestamp(), 24 * HOUR);
    }

    #[test]
    fn retry_after_is_read_in_seconds_and_as_a_date() {
        assert_eq!(retry_after(" 120 ", NOW), Some(TimeDelta::seconds(120)));
        assert_eq!(retry_after("Thu, 01 Jan 1970 00:01:00 GMT", NOW), Some(TimeDelta::seconds(60)));
        assert_eq!(retry_after("Wed, 31 Dec 1969 00:00:00 GMT", NOW), Some(TimeDelta::zero()));
        assert_eq!(retry_after("soon", NOW), None);
    }
}
