//! Everything that is remembered of one subject, and how it moves through time.

use serde::{Deserialize, Serialize};
use tocsin_contract::{AlertState, Signal, Subject};

use super::baseline::Baseline;
use super::bin::{BINS_PER_DAY, Bin};
use super::copies::Copies;
use super::episode::{Episode, Episodes};
use super::evidence::Evidence;
use super::judge::{Finding, Least};
use super::pool::Pool;
use super::ring::Ring;
use super::rules::Rules;

const WEEK: i64 = 7 * BINS_PER_DAY;
/// Silence longer than four weeks says no more than four weeks of it.
const LONGEST_SILENCE: i64 = 4 * WEEK;
/// A subject without news for eight weeks is forgotten.
const FORGOTTEN_AFTER: i64 = 8 * WEEK;

/// What became of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    New,
    /// The document was counted before.
    Duplicate,
    /// It happened more than an hour before it became known.
    Late,
}

/// Serialises to a compact row: about 1.4 kB and 12 bytes a document of two days.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SubjectState {
    pub(crate) name: String,
    born: Bin,
    /// Bins before birth in which the subject could have been heard of.
    silent: u32,
    heard: Bin,
    ring: Ring,
    baseline: Baseline,
    copies: Copies,
    evidence: Evidence,
    episodes: Episodes,
}

/// A change of an episode, with the window that made it.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) state: AlertState,
    pub(crate) episode: Episode,
    pub(crate) finding: Finding,
}

impl SubjectState {
    /// First heard of at boundary `at`, in a partition watched since `since`.
    pub(crate) fn new(name: &str, at: Bin, since: Bin) -> Self {
        let ring = Ring::ending_at(at);
        let silent = (ring.start().0 - since.0).clamp(0, LONGEST_SILENCE) as u32;
        Self {
            name: name.to_owned(),
            born: at,
            silent,
            heard: at,
            ring,
            baseline: Baseline::after_silence(silent),
            copies: Copies::default(),
            evidence: Evidence::default(),
            episodes: Episodes::default(),
        }
    }

    pub(crate) const fn baseline(&self) -> &Baseline {
        &self.baseline
    }

    /// Moves the last hour to end at `at`, learning bin by bin from what falls out.
    pub(crate) fn advance(&mut self, at: Bin, pool: &Pool) {
        while self.ring.end() < at {
            let (bin, cell) = self.ring.shift();
            self.baseline.learn(bin, cell.negative(), cell.all(), pool);
        }
        self.evidence.forget_before(self.ring.start());
    }

    /// Adds a signal that became known before boundary `at`, to which the subject
    /// was advanced.
    pub(crate) fn count(&mut self, at: Bin, signal: &Signal) -> Outcome {
        if self.copies.knows(signal.document_id, at) {
            return Outcome::Duplicate;
        }
        let bin = Bin::of(signal.event_time);
        if !self.ring.holds(bin) {
            return Outcome::Late;
        }
        let weight = self.copies.weight(signal.document_id, &signal.story_id, at);
        self.ring.add(bin, weight, signal.negative);
        if signal.negative {
            self.evidence.add(bin, weight, signal);
        }
        self.name.clone_from(&signal.name);
        self.heard = at;
        Outcome::New
    }

    /// Judges the hour that ends at `at`; `threshold` is the subject's part of the budget.
    pub(crate) fn judge(&mut self, at: Bin, pool: &Pool, rules: &Rules, threshold: f64) -> Option<Change> {
        let least = self.least(at, rules);
        if !self.episodes.is_open() && self.ring.total().negative() < least.volume.min(least.tone) {
            return None;
        }
        let publishers = self.evidence.publishers();
        let finding = Finding::of(&self.ring, &self.baseline, pool, least, publishers, threshold);
        let evidence = &self.evidence;
        let (state, episode) = self.episodes.step(at, &finding, || evidence.stories())?;
        Some(Change { state, episode, finding })
    }

    fn least(&self, at: Bin, rules: &Rules) -> Least {
        let is_new = at < self.born.plus(BINS_PER_DAY);
        let floor = if !is_new {
            0.0
        } else if i64::from(self.silent) >= WEEK {
            rules.min_first_day_after_silence
        } else {
            rules.min_first_day
        };
        Least { volume: rules.min_volume.max(floor), tone: rules.min_tone.max(floor) }
    }

    /// Nothing in its last hour and no episode: it need not be looked at.
    pub(crate) fn is_silent(&self) -> bool {
        !self.episodes.is_open() && self.ring.total().all == 0
    }

    /// Heard of within the last week: it takes part of the budget.
    pub(crate) fn is_active(&self, at: Bin) -> bool {
        self.heard.plus(WEEK) > at
    }

    pub(crate) fn is_forgotten(&self, at: Bin) -> bool {
        !self.episodes.is_open() && self.heard.plus(FORGOTTEN_AFTER) <= at
    }

    pub(crate) fn forget_copies(&mut self, at: Bin) {
        self.copies.forget(at);
    }
}

/// The id of an episode: the same whenever the log is read again.
pub(crate) fn episode_id(subject: &Subject, opened: Bin) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(format!("{subject}\n{}", opened.0));
    hex::encode(digest.get(..16).unwrap_or_default())
}
