//! What a command ends with: whether another start can succeed before a person changed something.

use std::error::Error;
use std::io;
use std::process::ExitCode;

use tocsin_alerting::AlertingError;
use tocsin_classifier::ClassifierError;
use tocsin_enrich::EnrichError;
use tocsin_ingest::IngestError;
use tocsin_runtime::{EXIT_CONFIG, Refusal};
use tocsin_store::StoreError;
use tocsin_stream::StreamError;

use crate::services::Ended;

/// 64 when a person must change something before a start can succeed, else 1.
pub(crate) fn code_of(cause: &anyhow::Error) -> u8 {
    let by_service = cause.downcast_ref::<Ended>().and_then(|ended| ended.error.as_deref());
    let wants = cause.chain().any(wants_a_person) || by_service.is_some_and(|error| wants_a_person(error));
    if wants { EXIT_CONFIG } else { 1 }
}

/// The outcome of a filter, which ends well where whoever read it wants no more, as `head` does.
pub(crate) fn unless_unread(outcome: anyhow::Result<ExitCode>) -> anyhow::Result<ExitCode> {
    match outcome {
        Err(cause) if cause.chain().any(is_closed) => Ok(ExitCode::SUCCESS),
        outcome => outcome,
    }
}

fn is_closed(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref().is_some_and(|error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn wants_a_person(error: &(dyn Error + 'static)) -> bool {
    let model = |error: &ClassifierError| error.verdict() == tocsin_classifier::Verdict::Halt;
    error.is::<Refusal>()
        || error.downcast_ref().is_some_and(model)
        || error.downcast_ref().is_some_and(is_refusal)
        || error.downcast_ref().is_some_and(of_ingest)
        || error.downcast_ref().is_some_and(of_enrich)
        || error.downcast_ref().is_some_and(of_store)
        || error.downcast_ref().is_some_and(of_alerting)
}

/// Settings, rights or names; not a consumer that left its group, which a new one replaces.
const fn is_refusal(error: &StreamError) -> bool {
    matches!(error, StreamError::Configuration(_))
}

/// A table that is missing, or may not be used: SQLSTATE class 42.
fn is_forbidden(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| code.starts_with("42"))
}

fn of_ingest(error: &IngestError) -> bool {
    match error {
        IngestError::Configuration(_) => true,
        IngestError::Stream(error) => is_refusal(error),
        IngestError::Database { cause, .. } => is_forbidden(cause),
        IngestError::Fetch(_) | IngestError::Poll(_) | IngestError::Unreadable { .. } => false,
    }
}

const fn of_enrich(error: &EnrichError) -> bool {
    matches!(error, EnrichError::Stream(error) if is_refusal(error))
}

fn of_store(error: &StoreError) -> bool {
    match error {
        StoreError::Stream(error) => is_refusal(error),
        StoreError::Database { cause, .. } => is_forbidden(cause),
        StoreError::Fenced { .. } | StoreError::NothingFits { .. } => false,
    }
}

fn of_alerting(error: &AlertingError) -> bool {
    match error {
        AlertingError::Configuration(_) => true,
        AlertingError::Stream(error) => is_refusal(error),
        AlertingError::Database { cause, .. } => is_forbidden(cause),
        AlertingError::Fenced { .. }
        | AlertingError::State { .. }
        | AlertingError::NothingFits { .. }
        | AlertingError::Task(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_service_ended_with_decides_as_what_kept_it_from_starting() {
        let rights = || StreamError::Configuration("grant it Read".to_owned());
        let gone = || StreamError::Left("group enrich".to_owned());
        let ended = |error: EnrichError| anyhow::Error::from(Ended::new("enrich", error));
        assert_eq!(code_of(&ended(EnrichError::Stream(rights()))), EXIT_CONFIG);
        assert_eq!(code_of(&ended(EnrichError::Stream(gone()))), 1);
        assert_eq!(code_of(&rights().into()), EXIT_CONFIG);
        assert_eq!(code_of(&anyhow::Error::from(Refusal("no".to_owned())).context("start")), EXIT_CONFIG);
        assert_eq!(code_of(&anyhow::anyhow!("no answer")), 1);
    }
}
