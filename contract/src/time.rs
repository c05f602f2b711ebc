//! How far event time reaches.

use chrono::{DateTime, Datelike, Utc};

use crate::ContractError;

/// The first year that event time does not reach.
pub const NO_YEAR: i32 = 2200;

/// Refuses a time of a message that event time does not reach: a clock set to it stands for ever, and what
/// waits for it waits for ever.
pub fn check_time(topic: &'static str, field: &'static str, at: DateTime<Utc>) -> Result<(), ContractError> {
    let year = at.year();
    if year < NO_YEAR { Ok(()) } else { Err(ContractError::NeverReached { topic, field, year }) }
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
}
