//! Where a source's address leads. A redirect is remembered only when every hop says
//! it is permanent, and when it led to the same place again and again for a day.

use chrono::{DateTime, TimeDelta, Utc};
use url::Url;

use crate::state::SourceState;

/// How often, and for how long, a permanent redirect must have led to one place.
const OFTEN: i32 = 3;
const LONG: TimeDelta = TimeDelta::days(1);

/// The address to ask: the remembered one, else the configured one.
pub(crate) fn address(state: &SourceState, configured: &Url, now: DateTime<Utc>) -> Url {
    let stable = state.moved_seen >= OFTEN && state.moved_since.is_some_and(|since| now - since >= LONG);
    let moved = state.moved_to.as_deref().filter(|_| stable).and_then(|to| Url::parse(to).ok());
    moved.unwrap_or_else(|| configured.clone())
}

/// What an answer says about the move; `moved`: it came by permanent redirects only.
pub(crate) fn answered(
    state: &mut SourceState,
    asked: &Url,
    answered: &Url,
    moved: bool,
    now: DateTime<Utc>,
) {
    let remembered = state.moved_to.as_deref();
    if moved && remembered == Some(answered.as_str()) {
        state.moved_seen = state.moved_seen.saturating_add(1);
    } else if moved {
        state.moved_to = Some(answered.to_string());
        (state.moved_since, state.moved_seen) = (Some(now), 1);
    } else if !(answered == asked && remembered == Some(asked.as_str())) {
        forget(state);
    }
}

/// The remembered place gave nothing: the configured address is asked again.
pub(crate) fn forget(state: &mut SourceState) {
    (state.moved_to, state.moved_since, state.moved_seen) = (None, None, 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
    }

    #[test]
    fn a_permanent_move_is_believed_after_three_answers_and_a_day() {
        let (old, new) = (url("https://e.com/old"), url("https://e.com/new"));
        let mut state = SourceState::default();
        for hour in [0, 1, 2] {
            answered(&mut state, &old, &new, true, at(hour));
            assert_eq!(address(&state, &old, at(hour)), old);
        }
        assert_eq!(address(&state, &old, at(24)), new);
        answered(&mut state, &new, &new, false, at(24));
        assert_eq!(address(&state, &old, at(25)), new, "asked directly, it stays remembered");
        forget(&mut state);
        assert_eq!(address(&state, &old, at(26)), old);
    }

    #[test]
    fn a_temporary_redirect_or_another_place_begins_anew() {
        let (old, new, other) = (url("https://e.com/old"), url("https://e.com/new"), url("https://e.com/x"));
        let mut state = SourceState::default();
        for hour in [0, 10, 20] {
            answered(&mut state, &old, &new, true, at(hour));
        }
        answered(&mut state, &old, &other, true, at(30));
        assert_eq!(address(&state, &old, at(40)), old);
        answered(&mut state, &old, &other, false, at(60));
        assert_eq!(state.moved_to, None);
    }
}
