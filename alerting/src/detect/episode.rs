//! An episode of one subject: opened once, updated when it gets worse, resolved
//! after two quiet hours, and then not opened again for a day unless it is worse.

use serde::{Deserialize, Serialize};
use tocsin_contract::{AlertKind, AlertState, AlertStory, Severity};

use super::bin::{BINS_PER_DAY, BINS_PER_HOUR, Bin};
use super::judge::Finding;

/// A window is quiet above this p value; after so many quiet ones in a row an episode ends.
const QUIET: f64 = 0.05;
const QUIET_BINS: u32 = 2 * BINS_PER_HOUR as u32;

/// An episode that goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Episode {
    pub(crate) opened: Bin,
    pub(crate) sequence: u32,
    /// The worst so far.
    pub(crate) severity: Severity,
    pub(crate) kind: AlertKind,
    /// What carried it when it was worst.
    pub(crate) stories: Vec<AlertStory>,
    quiet: u32,
}

/// The episode of a subject, now or last.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Episodes {
    pub(crate) now: Option<Episode>,
    last: Option<(Bin, Severity)>,
}

impl Episodes {
    pub(crate) const fn is_open(&self) -> bool {
        self.now.is_some()
    }

    /// What the window that ends at `at` changes; the episode with it, as it is then.
    pub(crate) fn step(
        &mut self,
        at: Bin,
        finding: &Finding,
        stories: impl FnOnce() -> Vec<AlertStory>,
    ) -> Option<(AlertState, Episode)> {
        let severity = finding.severity();
        let Some(episode) = &mut self.now else {
            let severity = severity.filter(|severity| self.may_open(at, *severity))?;
            let kind = finding.kind();
            let opened = Episode { opened: at, sequence: 1, severity, kind, stories: stories(), quiet: 0 };
            return Some((AlertState::Open, self.now.insert(opened).clone()));
        };
        episode.quiet = if finding.p > QUIET { episode.quiet + 1 } else { 0 };
        if let Some(severity) = severity.filter(|severity| *severity > episode.severity) {
            episode.severity = severity;
            episode.kind = finding.kind();
            episode.stories = stories();
            episode.sequence += 1;
            return Some((AlertState::Updated, episode.clone()));
        }
        if episode.quiet < QUIET_BINS {
            return None;
        }
        self.last = Some((at, episode.severity));
        let mut ended = self.now.take()?;
        ended.sequence += 1;
        Some((AlertState::Resolved, ended))
    }

    fn may_open(&self, at: Bin, severity: Severity) -> bool {
        self.last.is_none_or(|(closed, worst)| severity > worst || closed.plus(BINS_PER_DAY) <= at)
    }
}

#[cfg(test)]
mod tests;
