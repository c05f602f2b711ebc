//! The alert message of a change: event time only, and one sentence for people.

use chrono::{DateTime, Utc};
use tocsin_contract::{Alert, AlertState, Subject, Window};

use super::bin::{BINS_PER_HOUR, Bin};
use super::subject::{Change, episode_id};

/// Characters of a name that are quoted.
const NAME: usize = 200;

pub(crate) fn message(subject: &Subject, name: &str, at: Bin, change: Change) -> Alert {
    let name: String = name.chars().filter(|c| *c != '\0').take(NAME).collect();
    let Change { state, episode, finding } = change;
    let window = Window {
        from: at.plus(-BINS_PER_HOUR).start(),
        to: at.start(),
        observed: finding.observed,
        expected: finding.expected,
        documents: finding.documents,
        publishers: finding.publishers,
    };
    Alert {
        alert_id: episode_id(subject, episode.opened),
        sequence: episode.sequence,
        state,
        severity: episode.severity,
        kind: episode.kind,
        subject: subject.clone(),
        summary: summary(state, &name, episode.opened.start(), &window, finding.p),
        name,
        opened_at: episode.opened.start(),
        at: at.start(),
        resolved_at: (state == AlertState::Resolved).then(|| at.start()),
        window,
        p_value: finding.p,
        threshold: finding.threshold,
        stories: episode.stories,
    }
}

fn summary(state: AlertState, name: &str, opened: DateTime<Utc>, window: &Window, p: f64) -> String {
    let time = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M UTC");
    match state {
        AlertState::Resolved => format!(
            "Negative news about {name} is back to normal at {}; it had surged since {}",
            time(window.to),
            time(opened)
        ),
        AlertState::Open | AlertState::Updated | AlertState::Acknowledged => format!(
            "{} of {} documents about {name} in the hour to {} are negative, {} were expected (p = {p:.1e}); {}",
            count(window.observed),
            count(window.documents),
            time(window.to),
            count(window.expected),
            if window.publishers == 1 {
                "1 publisher".into()
            } else {
                format!("{} publishers", window.publishers)
            },
        ),
    }
}

/// Copies weigh parts of a document: one digit where it says something.
fn count(documents: f64) -> String {
    if documents.fract() == 0.0 { format!("{documents:.0}") } else { format!("{documents:.1}") }
}
