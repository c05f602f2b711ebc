//! What each origin's robots.txt said, across restarts and instances (`ingest.robots`). By
//! RFC 9309: what was read holds for a day; one that cannot be had forbids everything,
//! unless an older copy is there, which then goes on to hold for a month; and after a month
//! without any it is as if there were none.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::Rules;
use super::lines::within_bounds;
use crate::IngestError;
use crate::error::database;
use crate::schedule::{delta, doubled};
use crate::state::State;

/// How long a robots.txt is believed, and how long a server is left alone that answered 5xx.
const DAY: Duration = Duration::from_secs(24 * 3600);
/// The pause after no answer at all, doubled each time up to a day.
const PAUSE: Duration = Duration::from_secs(60);
/// "A reasonably long period of time (for example, 30 days)" of RFC 9309, 2.3.1.4.
const MONTH: TimeDelta = TimeDelta::days(30);

/// How asking for a robots.txt ended.
#[derive(Debug)]
pub(crate) enum Answer {
    /// 2xx.
    Rules(Vec<u8>),
    /// 4xx: everything is allowed.
    None,
    /// 5xx.
    ServerError(String),
    /// No answer, or one that asks for patience.
    Away(String),
}

/// Row of `ingest.robots`.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Memory {
    read_at: Option<DateTime<Utc>>,
    rules: Option<Vec<u8>>,
    failures: i32,
    failing_since: Option<DateTime<Utc>>,
    cause: String,
    /// Until then nothing is asked.
    pub(crate) next_at: DateTime<Utc>,
}

impl Memory {
    /// What is known after `answer`, where `before` was known.
    pub(crate) fn after(before: Option<Self>, answer: Answer, now: DateTime<Utc>) -> Self {
        let (cause, pause) = match answer {
            Answer::Rules(mut rules) => {
                rules.truncate(within_bounds(&rules).len());
                return Self::read(Some(rules), now);
            }
            Answer::None => return Self::read(None, now),
            Answer::ServerError(cause) => (cause, Some(DAY)),
            Answer::Away(cause) => (cause, None),
        };
        let known = before.unwrap_or_else(|| Self { read_at: None, ..Self::read(None, now) });
        let pause = pause.unwrap_or_else(|| doubled(PAUSE, known.failures, DAY));
        Self {
            failures: known.failures.saturating_add(1),
            failing_since: known.failing_since.or(Some(now)),
            cause,
            next_at: now + delta(pause),
            ..known
        }
    }

    fn read(rules: Option<Vec<u8>>, now: DateTime<Utc>) -> Self {
        let (read_at, cause) = (Some(now), String::new());
        Self { read_at, rules, failures: 0, failing_since: None, cause, next_at: now + delta(DAY) }
    }

    /// The rules that hold now; `Err`: none can be had, and everything is forbidden.
    pub(crate) fn rules(&self, now: DateTime<Utc>) -> Result<Arc<Rules>, String> {
        let is_held = |since: Option<DateTime<Utc>>| since.is_some_and(|since| now - since < MONTH);
        let rules = match &self.rules {
            _ if self.failures > 0 && !is_held(self.read_at) && is_held(self.failing_since) => {
                return Err(self.cause.clone());
            }
            Some(rules) if self.failures == 0 || is_held(self.read_at) => Rules::parse(rules),
            Some(_) | None => Rules::allow_all(),
        };
        Ok(Arc::new(rules))
    }
}

impl State {
    pub(crate) async fn robots(&self, origin: &str) -> Result<Option<Memory>, IngestError> {
        sqlx::query_as(
            "SELECT read_at, rules, failures, failing_since, cause, next_at FROM ingest.robots WHERE origin = $1",
        )
        .bind(origin)
        .fetch_optional(&self.pool)
        .await
        .map_err(database("read what is known of a robots.txt"))
    }

    pub(crate) async fn save_robots(&self, origin: &str, memory: &Memory) -> Result<(), IngestError> {
        sqlx::query(
            "INSERT INTO ingest.robots (origin, read_at, rules, failures, failing_since, cause, next_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (origin) DO UPDATE SET read_at = excluded.read_at, rules = excluded.rules,
                 failures = excluded.failures, failing_since = excluded.failing_since,
                 cause = excluded.cause, next_at = excluded.next_at",
        )
        .bind(origin)
        .bind(memory.read_at)
        .bind(&memory.rules)
        .bind(memory.failures)
        .bind(memory.failing_since)
        .bind(&memory.cause)
        .bind(memory.next_at)
        .execute(&self.pool)
        .await
        .map(drop)
        .map_err(database("write down what is known of a robots.txt"))
    }

    /// Forgets origins that nobody asked for in two months.
    pub(crate) async fn forget_robots(&self, now: DateTime<Utc>) -> Result<(), IngestError> {
        sqlx::query("DELETE FROM ingest.robots WHERE next_at < $1")
            .bind(now - MONTH * 2)
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(database("forget old robots.txt"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://e.com/a";

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
    }

    fn closed() -> Answer {
        Answer::Rules(b"User-agent: *\nDisallow: /a\n".to_vec())
    }

    fn broken() -> Answer {
        Answer::ServerError("answered 500".into())
    }

    fn away() -> Answer {
        Answer::Away("refused".into())
    }

    #[test]
    fn what_was_read_holds_for_a_day() {
        for (answer, allowed) in [(closed(), false), (Answer::None, true)] {
            let memory = Memory::after(None, answer, at(0));
            assert_eq!(memory.next_at, at(24));
            assert_eq!(memory.rules(at(23)).unwrap().allows("x", URL), allowed);
        }
    }

    #[test]
    fn a_server_error_forbids_for_a_day_and_no_answer_for_less_at_first() {
        let memory = Memory::after(None, broken(), at(0));
        assert_eq!((memory.next_at, memory.rules(at(1)).unwrap_err().as_str()), (at(24), "answered 500"));
        let mut memory = Memory::after(None, away(), at(0));
        assert_eq!(memory.next_at, at(0) + TimeDelta::minutes(1));
        for _ in 0..20 {
            memory = Memory::after(Some(memory), away(), at(9));
        }
        assert_eq!(memory.next_at, at(33));
    }

    #[test]
    fn an_older_copy_goes_on_to_hold_for_a_month() {
        let memory = Memory::after(Some(Memory::after(None, closed(), at(0))), broken(), at(30));
        let rules = memory.rules(at(29 * 24)).unwrap();
        assert!(!rules.allows("x", URL) && rules.allows("x", "https://e.com/b"));
        assert!(memory.rules(at(30 * 24 + 1)).is_err(), "then nothing is known");
    }

    #[test]
    fn after_a_month_without_any_it_is_as_if_there_were_none() {
        let memory = Memory::after(None, broken(), at(0));
        assert!(memory.rules(at(30 * 24 - 1)).is_err());
        assert!(memory.rules(at(30 * 24)).unwrap().allows("x", URL));
    }

    #[test]
    fn of_a_file_that_is_too_long_no_piece_of_a_line_is_kept() {
        let long = [b"User-agent: *\nDisallow: /a".to_vec(), vec![b'a'; 600 << 10]].concat();
        let memory = Memory::after(None, Answer::Rules(long), at(0));
        assert_eq!(memory.rules.as_deref(), Some(b"User-agent: *".as_slice()));
    }

    #[test]
    fn an_answer_ends_the_failures() {
        let memory = Memory::after(Some(Memory::after(None, broken(), at(0))), Answer::None, at(24));
        assert!(memory.rules(at(25)).unwrap().allows("x", URL));
        assert_eq!(memory, Memory::after(None, Answer::None, at(24)));
    }
}
