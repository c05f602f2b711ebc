//! Telling that a source fell silent (it answers, and shows nothing new for longer
//! than its habit) or died (it fails for a day): a row, a metric and a line of log.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::IngestError;
use crate::error::database;
use crate::metric;
use crate::schedule::{delta, seconds};
use crate::state::{SourceState, State};

/// Failures over so long, and so many, make a source a dead one.
const DEAD_AFTER: TimeDelta = TimeDelta::days(1);
const DEAD_FAILURES: i32 = 3;
/// No source is called silent sooner.
const LEAST_SILENCE: TimeDelta = TimeDelta::hours(1);
/// After so long, a source is silent of which no habit is known.
const NO_HABIT: TimeDelta = TimeDelta::days(7);

/// How a source does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Good,
    /// It answers and has shown nothing new since.
    Silent(DateTime<Utc>),
    /// It has failed since.
    Dead(DateTime<Utc>),
}

impl Standing {
    pub(crate) const ALL: [&str; 3] = ["good", "silent", "dead"];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Silent(_) => "silent",
            Self::Dead(_) => "dead",
        }
    }
}

/// `before`: how it did so far. `interval`: the usual time between two polls, within which
/// nothing can be known.
pub(crate) fn standing(
    before: Standing,
    state: &SourceState,
    interval: Duration,
    now: DateTime<Utc>,
) -> Standing {
    let shown = state.newest_at.max(state.last_new_at).or(state.watched_since);
    if let Some(since) = state.failing_since {
        if state.failures >= DEAD_FAILURES && now - since >= DEAD_AFTER {
            return Standing::Dead(since);
        }
        let is_silent = shown.is_some_and(|shown| before == Standing::Silent(shown));
        return if is_silent { before } else { Standing::Good };
    }
    let Some(since) = shown else { return Standing::Good };
    let patience = habit(state).map_or(NO_HABIT, |habit| habit.max(LEAST_SILENCE)) + delta(interval);
    if now - since > patience { Standing::Silent(since) } else { Standing::Good }
}

/// The longest that the source may be expected to show nothing new.
fn habit(state: &SourceState) -> Option<TimeDelta> {
    let (mean, longest) = state.mean_gap_s.zip(state.longest_gap_s)?;
    Some(TimeDelta::milliseconds(((2.0 * longest).max(6.0 * mean) * 1000.0) as i64))
}

/// How a poll ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended<'a> {
    pub(crate) standing: Standing,
    pub(crate) error: Option<&'a str>,
    /// What robots.txt said, where it was asked.
    pub(crate) robots: Option<&'static str>,
}

/// Writes down the end of a poll, and opens and closes the silences of its source.
pub(crate) async fn tell(
    state: &State,
    id: &str,
    of: &SourceState,
    ended: Ended<'_>,
    now: DateTime<Utc>,
) -> Result<(), IngestError> {
    let is_told = state.ended(id, ended, habit(of).map(seconds), now).await?;
    if let (true, Standing::Silent(since) | Standing::Dead(since)) = (is_told, ended.standing) {
        let kind = ended.standing.as_str();
        metric::silence(kind);
        tracing::warn!(source.id = id, kind, since = %since, "source {id} is {kind} since {since}");
    }
    Ok(())
}

impl State {
    /// True: a silence that was not known yet.
    async fn ended(
        &self,
        id: &str,
        ended: Ended<'_>,
        habit_s: Option<f64>,
        now: DateTime<Utc>,
    ) -> Result<bool, IngestError> {
        let since = match ended.standing {
            Standing::Good => None,
            Standing::Silent(since) | Standing::Dead(since) => Some(since),
        };
        let made = sqlx::query(ENDED)
            .bind(id)
            .bind(ended.error)
            .bind(now)
            .bind(ended.robots)
            .bind(ended.standing.as_str())
            .bind(since)
            .bind(habit_s)
            .execute(&self.pool)
            .await
            .map_err(database("write down the end of a poll"))?;
        Ok(made.rows_affected() > 0)
    }
}

/// A refusal stays that somebody gave while the poll was in work. A failure ends a silence
/// only where something new was shown all the same, or the source is dead.
const ENDED: &str = "
    WITH polled AS (
        UPDATE ingest.source SET last_error = $2, last_poll_at = $3,
            last_success_at = CASE WHEN $2 IS NULL THEN $3 ELSE last_success_at END,
            robots = coalesce($4, robots), robots_at = CASE WHEN $4 IS NULL THEN robots_at ELSE $3 END,
            refusal = CASE WHEN state <> 'active' THEN refusal WHEN $4 = 'allowed' THEN ''
                           WHEN $4 = 'disallowed' THEN 'robots.txt disallows it' ELSE refusal END
        WHERE source_id = $1),
    ended AS (
        UPDATE ingest.silence SET ended_at = $3 WHERE source_id = $1 AND kind <> $5 AND ended_at IS NULL
            AND (kind = 'dead' OR $5 = 'dead' OR $2 IS NULL
                 OR since < (SELECT last_new_at FROM ingest.source WHERE source_id = $1)))
    INSERT INTO ingest.silence (source_id, kind, since, habit_s, cause, raised_at)
    SELECT $1, $5, $6, $7, coalesce($2, ''), $3 WHERE $6 IS NOT NULL
    ON CONFLICT (source_id, kind) WHERE ended_at IS NULL DO NOTHING";

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
    }

    /// How a source does that did well before.
    fn standing_of(state: &SourceState, now: DateTime<Utc>) -> Standing {
        standing(Standing::Good, state, HOUR, now)
    }

    /// A source with an item an hour, and once a night of twelve hours.
    fn hourly() -> SourceState {
        SourceState {
            newest_at: Some(at(0)),
            mean_gap_s: Some(3600.0),
            longest_gap_s: Some(12.0 * 3600.0),
            ..SourceState::default()
        }
    }

    #[test]
    fn a_source_is_silent_when_it_shows_nothing_for_longer_than_its_habit() {
        assert_eq!(standing_of(&hourly(), at(25)), Standing::Good);
        assert_eq!(standing_of(&hourly(), at(26)), Standing::Silent(at(0)));
        let news = SourceState { last_new_at: Some(at(10)), ..hourly() };
        assert_eq!(standing_of(&news, at(26)), Standing::Good);
    }

    #[test]
    fn a_source_without_any_habit_is_silent_after_a_week() {
        let state = SourceState { watched_since: Some(at(0)), ..SourceState::default() };
        assert_eq!(standing_of(&state, at(7 * 24)), Standing::Good);
        assert_eq!(standing_of(&state, at(7 * 24 + 2)), Standing::Silent(at(0)));
        assert_eq!(standing_of(&SourceState::default(), at(9999)), Standing::Good);
    }

    #[test]
    fn a_source_is_dead_when_it_failed_often_and_for_a_day() {
        let failing = |failures| SourceState { failures, failing_since: Some(at(0)), ..hourly() };
        assert_eq!(standing_of(&failing(9), at(23)), Standing::Good, "one bad night is none");
        assert_eq!(standing_of(&failing(2), at(99)), Standing::Good);
        assert_eq!(standing_of(&failing(3), at(24)), Standing::Dead(at(0)));
    }

    #[test]
    fn a_silent_source_that_fails_is_silent_until_it_is_dead_or_shows_something_new() {
        let silent = Standing::Silent(at(0));
        let failing = |failures| SourceState { failures, failing_since: Some(at(30)), ..hourly() };
        assert_eq!(standing(silent, &failing(1), HOUR, at(31)), silent);
        assert_eq!(standing(silent, &failing(3), HOUR, at(54)), Standing::Dead(at(30)));
        assert_eq!(standing_of(&failing(1), at(31)), Standing::Good, "it was not silent before");
        for news in [hourly(), failing(1)] {
            let news = SourceState { last_new_at: Some(at(31)), ..news };
            assert_eq!(standing(silent, &news, HOUR, at(32)), Standing::Good);
        }
    }
}
