//! The detector of one partition of `signals`: holds signals back until event time
//! has passed them, then moves all subjects through it in steps of one bin.
//!
//! Steps depend on the records alone, not on how raw partitions interleave: what
//! became known before a boundary is all there once the watermark has reached it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tocsin_contract::{Alert, DocumentId, Signal, SignalRecord, Subject};

use super::bin::{BINS_PER_DAY, Bin};
use super::message::message;
use super::pool::Pool;
use super::rules::Rules;
use super::subject::{Outcome, SubjectState};
use crate::watermark::Watermark;

/// The step that a signal takes part in, and its place in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) step: Bin,
    pub(crate) event_time: DateTime<Utc>,
    pub(crate) document: DocumentId,
    pub(crate) subject: Subject,
}

impl Place {
    pub(crate) fn at(step: i64, signal: &Signal) -> Self {
        Self { step: Bin(step), ..Self::of(signal) }
    }

    /// The first boundary after the signal happened and became known.
    fn of(signal: &Signal) -> Self {
        Self {
            step: Bin::boundary_after(signal.known_at.max(signal.event_time)),
            event_time: signal.event_time,
            document: signal.document_id,
            subject: signal.subject.clone(),
        }
    }
}

/// What the partition remembers beside its subjects.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Course {
    pub(crate) watermark: Watermark,
    /// The last boundary that was evaluated, and the first.
    pub(crate) evaluated: Option<Bin>,
    since: Option<Bin>,
    pub(super) pool: Pool,
}

/// What became of the signals that were applied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Applied {
    pub counted: u64,
    pub duplicates: u64,
    pub late: u64,
}

#[derive(Debug, Clone)]
pub struct Detector {
    rules: Rules,
    /// The part of the budget that falls to this partition.
    budget: f64,
    pub(super) course: Course,
    pub(super) subjects: BTreeMap<Subject, SubjectState>,
    /// Subjects with documents in their last hour or an open episode.
    awake: BTreeSet<Subject>,
    pub(super) waiting: BTreeMap<Place, Signal>,
    /// Places that came to wait since [`Self::take_held`].
    held: BTreeSet<Place>,
    /// Subjects changed or forgotten since [`Self::take_changed`].
    changed: BTreeSet<Subject>,
    applied: Applied,
}

impl Detector {
    /// One of `partitions` detectors among which the budget is divided.
    pub fn new(rules: Rules, partitions: u32) -> Self {
        Self::restore(rules, partitions, Course::default(), BTreeMap::new(), BTreeMap::new())
    }

    /// As it was when its parts were saved.
    pub(crate) fn restore(
        rules: Rules,
        partitions: u32,
        course: Course,
        subjects: BTreeMap<Subject, SubjectState>,
        waiting: BTreeMap<Place, Signal>,
    ) -> Self {
        let budget = rules.false_alerts_per_day / f64::from(partitions.max(1));
        let awake = subjects.iter().filter(|(_, s)| !s.is_silent()).map(|(id, _)| id.clone()).collect();
        let (held, changed, applied) = (BTreeSet::new(), BTreeSet::new(), Applied::default());
        Self { rules, budget, course, subjects, awake, waiting, held, changed, applied }
    }

    /// Takes the next record of the partition; gives the alerts that it brings about.
    pub fn feed(&mut self, record: SignalRecord) -> Vec<Alert> {
        match record {
            SignalRecord::Signal(signal) => {
                self.hold(signal);
                Vec::new()
            }
            SignalRecord::Progress(progress) => {
                self.course.watermark.hear(&progress);
                self.catch_up()
            }
        }
    }

    fn hold(&mut self, signal: Signal) {
        let mut place = Place::of(&signal);
        // Known later than its clock said, against the contract: counted at once.
        if let Some(evaluated) = self.course.evaluated {
            place.step = place.step.max(evaluated.plus(1));
        }
        self.held.insert(place.clone());
        self.waiting.entry(place).or_insert(signal);
    }

    /// Evaluates every boundary that the watermark has reached.
    fn catch_up(&mut self) -> Vec<Alert> {
        let mut alerts = Vec::new();
        let Some(reached) = self.course.watermark.now().map(Bin::of) else { return alerts };
        while let Some(step) = self.next_step().filter(|step| *step <= reached) {
            self.step(step, &mut alerts);
        }
        alerts
    }

    /// Boundary after boundary; where nobody is known, the next that brings a signal.
    fn next_step(&self) -> Option<Bin> {
        match (self.course.evaluated, self.subjects.is_empty()) {
            (Some(evaluated), false) => Some(evaluated.plus(1)),
            (Some(_) | None, _) => self.waiting.first_key_value().map(|(place, _)| place.step),
        }
    }

    fn step(&mut self, at: Bin, alerts: &mut Vec<Alert>) {
        self.course.evaluated = Some(at);
        if at.is_midnight() {
            self.begin_day(at);
        }
        while let Some(entry) = self.waiting.first_entry().filter(|entry| entry.key().step <= at) {
            let signal = entry.remove();
            self.apply(at, &signal);
        }
        self.judge(at, alerts);
    }

    /// Brings every subject up to date, forgets the silent ones and freezes the pool.
    fn begin_day(&mut self, at: Bin) {
        for subject in self.subjects.values_mut() {
            subject.advance(at, &self.course.pool);
            subject.forget_copies(at);
        }
        self.changed.extend(self.subjects.keys().cloned());
        self.subjects.retain(|_, subject| !subject.is_forgotten(at));
        self.awake.retain(|id| self.subjects.contains_key(id));
        self.course.pool = Pool::of(self.subjects.values().map(SubjectState::baseline));
    }

    fn apply(&mut self, at: Bin, signal: &Signal) {
        let since = *self.course.since.get_or_insert(at);
        let counted = match self.subjects.get_mut(&signal.subject) {
            Some(subject) => {
                subject.advance(at, &self.course.pool);
                subject.count(at, signal)
            }
            None => {
                let mut subject = SubjectState::new(&signal.name, at, since);
                let counted = subject.count(at, signal);
                if counted == Outcome::New {
                    self.subjects.insert(signal.subject.clone(), subject);
                }
                counted
            }
        };
        match counted {
            Outcome::New => {
                self.applied.counted += 1;
                self.awake.insert(signal.subject.clone());
            }
            Outcome::Duplicate => self.applied.duplicates += 1,
            Outcome::Late => self.applied.late += 1,
        }
    }

    fn judge(&mut self, at: Bin, alerts: &mut Vec<Alert>) {
        // Counted once, and only where a subject is to be judged.
        let mut counted = None;
        for id in std::mem::take(&mut self.awake) {
            let active =
                *counted.get_or_insert_with(|| self.subjects.values().filter(|s| s.is_active(at)).count());
            let Some(subject) = self.subjects.get_mut(&id) else { continue };
            subject.advance(at, &self.course.pool);
            let threshold = self.budget / (BINS_PER_DAY as f64 * active.max(1) as f64);
            if let Some(change) = subject.judge(at, &self.course.pool, &self.rules, threshold) {
                alerts.push(message(&id, &subject.name, at, change));
            }
            self.changed.insert(id.clone());
            if !subject.is_silent() {
                self.awake.insert(id);
            }
        }
    }

    pub(crate) const fn course(&self) -> &Course {
        &self.course
    }

    /// Signals held back until event time passes them.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The signals that came since the last call and still wait.
    pub(crate) fn take_held(&mut self) -> Vec<(Place, &Signal)> {
        let held = std::mem::take(&mut self.held);
        held.into_iter()
            .filter_map(|place| self.waiting.get_key_value(&place))
            .map(|(p, s)| (p.clone(), s))
            .collect()
    }

    /// The subjects that changed since the last call; `None` for a forgotten one.
    pub(crate) fn take_changed(&mut self) -> Vec<(Subject, Option<&SubjectState>)> {
        let changed = std::mem::take(&mut self.changed);
        changed
            .into_iter()
            .map(|id| {
                let state = self.subjects.get(&id);
                (id, state)
            })
            .collect()
    }

    /// Counts since the last call.
    pub(crate) fn take_applied(&mut self) -> Applied {
        std::mem::take(&mut self.applied)
    }

    pub fn subjects(&self) -> usize {
        self.subjects.len()
    }

    /// How far event time has been evaluated.
    pub fn evaluated(&self) -> Option<DateTime<Utc>> {
        self.course.evaluated.map(Bin::start)
    }
}
