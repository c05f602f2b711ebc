//! What an error of Postgres means for a bus.

use crate::StreamError;

/// `attempted`: what was being done, with coordinates.
pub(super) fn failed(attempted: impl Into<String>, error: sqlx::Error) -> StreamError {
    let attempted = attempted.into();
    let code = error.as_database_error().and_then(|e| e.code()).unwrap_or_default().into_owned();
    match (code.get(..2).unwrap_or_default(), code.as_str()) {
        (_, "3F000" | "42P01" | "42883" | "42703") => StreamError::Configuration(
            "schema stream is missing in this database, or older than this program: run `tocsin migrate`"
                .into(),
        ),
        (_, "42501") => StreamError::Configuration(format!("{attempted}: {error}: grant it")),
        ("22" | "23" | "54", _) => StreamError::unfit(attempted, error),
        ("", _) if matches!(error, sqlx::Error::PoolClosed) => {
            StreamError::Left(format!("{attempted}: the connection pool is closed"))
        }
        ("" | "08" | "25" | "40" | "53" | "55" | "57", _) => StreamError::unavailable(attempted, error),
        _ => StreamError::Configuration(format!("{attempted}: {error}")),
    }
}

/// No table of the log takes this day: it must be made first.
pub(super) fn is_day_missing(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|e| e.code().as_deref() == Some("23514"))
}
