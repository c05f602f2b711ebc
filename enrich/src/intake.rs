//! Records as they arrive: decoded, and stamped with the clock of their partition.
//! After a start the clock is unknown; the records before the first unfinished one
//! are then read again, for their progress only, until it is known.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use tocsin_contract::{Document, DocumentsRaw, Raw, RawProgress, Tombstone, check_time, runs_ahead};
use tocsin_stream::{Record, TopicPartition};
use tracing::warn;

/// A record and what is to be done about it.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) record: Record,
    pub(crate) content: Content,
}

#[derive(Debug)]
pub(crate) enum Content {
    Document {
        document: Box<Document>,
        known_at: DateTime<Utc>,
    },
    Tombstone(Box<Tombstone>),
    /// The clock of the partition moved to here.
    Progress(DateTime<Utc>),
    /// Progress that moves no clock: its producer is behind, or its clock must be wrong.
    Nothing,
    /// It can never be enriched, and why.
    Unfit(String),
}

/// What the caller has to do with a record.
#[derive(Debug)]
pub(crate) enum Step {
    Take(Waiting),
    /// Read before the restart: mark it as done and go on.
    Skip,
    /// Read on from this earlier offset.
    Seek(i64),
    /// The record comes again after a seek, or is not ours: forget it.
    Ignore,
}

#[derive(Debug)]
enum Phase {
    /// Just assigned: the next record says where the group stands.
    Assigned,
    /// Reading again, from `from`, what lies before `resume`.
    Scanning {
        from: i64,
        resume: i64,
    },
    Live,
}

#[derive(Debug)]
struct Partition {
    phase: Phase,
    clock: Option<DateTime<Utc>>,
    /// The producer that the last warning of a clock that runs ahead was about.
    doubted: Option<String>,
}

/// The partitions of this instance with their clocks.
#[derive(Debug)]
pub(crate) struct Intake {
    lookback: i64,
    partitions: BTreeMap<TopicPartition, Partition>,
}

impl Intake {
    pub(crate) fn new(lookback: u32) -> Self {
        Self { lookback: i64::from(lookback), partitions: BTreeMap::new() }
    }

    pub(crate) fn assigned(&mut self, taken: Vec<TopicPartition>) {
        for at in taken {
            self.partitions.insert(at, Partition { phase: Phase::Assigned, clock: None, doubted: None });
        }
    }

    pub(crate) fn revoked(&mut self, lost: &[TopicPartition]) {
        self.partitions.retain(|at, _| !lost.contains(at));
    }

    pub(crate) fn owns(&self, at: &TopicPartition) -> bool {
        self.partitions.contains_key(at)
    }

    /// What to do with the next record of a delivery. `sought` holds the partitions
    /// that this delivery's earlier records made us seek: the rest of it comes again.
    pub(crate) fn next(&mut self, record: Record, sought: &mut BTreeSet<TopicPartition>) -> Step {
        let lookback = self.lookback;
        let Some(partition) = self.partitions.get_mut(&record.at) else { return Step::Ignore };
        if sought.contains(&record.at) {
            return Step::Ignore;
        }
        if let Some(from) = partition.look_further_back(record.offset, lookback) {
            sought.insert(record.at);
            return Step::Seek(from);
        }
        partition.read(record)
    }
}

impl Partition {
    /// Where to read from when `offset` is as far as we are and the clock is unknown.
    fn look_further_back(&mut self, offset: i64, lookback: i64) -> Option<i64> {
        let (from, resume) = match self.phase {
            Phase::Assigned if offset > 0 => ((offset - lookback).max(0), offset),
            Phase::Scanning { from, resume } if offset >= resume && self.clock.is_none() && from > 0 => {
                // Ten times as far: the log's beginning is a few steps away.
                ((resume - (resume - from).saturating_mul(10)).max(0), resume)
            }
            Phase::Scanning { resume, .. } if offset < resume => return None,
            Phase::Assigned | Phase::Scanning { .. } | Phase::Live => {
                self.phase = Phase::Live;
                return None;
            }
        };
        self.phase = Phase::Scanning { from, resume };
        Some(from)
    }

    fn read(&mut self, record: Record) -> Step {
        let scanning = matches!(self.phase, Phase::Scanning { .. });
        let content = match DocumentsRaw::decode(&record.value) {
            Ok(DocumentsRaw::V1(raw)) => self.content(raw, &record),
            Err(cause) => Content::Unfit(cause.to_string()),
        };
        if scanning { Step::Skip } else { Step::Take(Waiting { record, content }) }
    }

    fn content(&mut self, raw: Raw, record: &Record) -> Content {
        match raw {
            Raw::Progress(progress) => match check_time(DocumentsRaw::TOPIC, "as_of", progress.as_of) {
                Err(cause) => Content::Unfit(cause.to_string()),
                Ok(()) if runs_ahead(progress.as_of, record.timestamp) => self.pass_over(progress, record),
                Ok(()) => self.progress(progress.as_of),
            },
            Raw::Document(document) => {
                let known_at = self.clock.unwrap_or(document.first_seen_at);
                match check_time(DocumentsRaw::TOPIC, "first_seen_at", document.first_seen_at) {
                    Err(cause) => Content::Unfit(cause.to_string()),
                    Ok(()) => Content::Document { document: Box::new(document), known_at },
                }
            }
            Raw::Tombstone(tombstone) => Content::Tombstone(Box::new(tombstone)),
        }
    }

    /// The clock must be wrong, and following it would stop all alerts until that time has come. Warns, unless
    /// the last warning was about the same producer.
    fn pass_over(&mut self, progress: RawProgress, record: &Record) -> Content {
        if self.doubted.as_ref() != Some(&progress.producer) {
            warn!(topic = %record.at, offset = record.offset,
                "the clock of {} runs ahead: progress to {} that was written at {} is passed over",
                progress.producer, progress.as_of, record.timestamp);
            self.doubted = Some(progress.producer);
        }
        Content::Nothing
    }

    fn progress(&mut self, as_of: DateTime<Utc>) -> Content {
        if self.clock.is_some_and(|clock| clock >= as_of) {
            return Content::Nothing;
        }
        self.clock = Some(as_of);
        Content::Progress(as_of)
    }
}

#[cfg(test)]
mod tests;
