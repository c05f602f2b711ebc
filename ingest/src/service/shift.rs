//! What runs at the moment: turns of sources, and the places that they take.

use std::collections::HashMap;
use std::time::Instant;

use tocsin_runtime::Shutdown;
use tokio::task::JoinSet;

use super::listeners::Listeners;
use crate::error::IngestError;
use crate::queue::{Queue, Watched};
use crate::roster::Roster;

/// The end of a turn.
pub(super) struct Done {
    pub(super) id: String,
    pub(super) domain: String,
    pub(super) place: Place,
    /// `None`: its lease was lost.
    pub(super) outcome: Result<Option<Watched>, IngestError>,
}

/// What a turn takes up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    One,
    /// One of those for sources that fail or are slow.
    Suspect,
    /// None, and its domain is free for others: a connection is held open.
    Live,
}

pub(super) struct Shift {
    pub(super) roster: Roster,
    pub(super) queue: Queue,
    pub(super) turns: JoinSet<Done>,
    pub(super) suspects: usize,
    /// When the turns in work began that have a place, by source.
    pub(super) begun: HashMap<String, Instant>,
    pub(super) listeners: Listeners,
}

impl Shift {
    pub(super) fn new(roster: Roster) -> Self {
        Self {
            roster,
            queue: Queue::default(),
            turns: JoinSet::new(),
            suspects: 0,
            begun: HashMap::new(),
            listeners: Listeners::default(),
        }
    }

    /// Notes that the turn of a source begins, and gives what ends it if it is a live one. `None`:
    /// it is listened to as it was before, and has its turn when that has ended.
    pub(super) fn place(&mut self, watched: Watched, domain: &str) -> Option<(Watched, Place, Shutdown)> {
        if watched.source.is_live() {
            let Some((watched, leave)) = self.listeners.begin(watched) else {
                self.queue.rest(domain);
                return None;
            };
            self.queue.listen(domain);
            return Some((watched, Place::Live, leave));
        }
        self.begun.insert(watched.source.id.clone(), Instant::now());
        let place = if watched.is_suspect() { Place::Suspect } else { Place::One };
        self.suspects += usize::from(place == Place::Suspect);
        Some((watched, place, Shutdown::new()))
    }

    /// Nothing is heard any more of a source that is another's, changed or disabled.
    pub(super) fn leave_strangers(&self) {
        self.listeners.retain(|id, version| self.roster.has(id, version));
    }

    pub(super) fn end(&mut self, done: Done) -> Result<(), IngestError> {
        let mut next = None;
        if done.place == Place::Live {
            next = self.listeners.end(&done.id);
            self.queue.hang_up(&done.domain);
        } else {
            self.suspects -= usize::from(done.place == Place::Suspect);
            self.begun.remove(&done.id);
            self.queue.rest(&done.domain);
        }
        self.roster.rested(&done.domain, &self.queue);
        let back = done.outcome?;
        if back.is_none() {
            tracing::warn!(source.id = done.id, "the turn of {} ended with its lease", done.id);
            self.roster.forget(&done.id);
        }
        if let Some(watched) = next.or(back).filter(|watched| self.roster.watches(watched)) {
            self.queue.put(watched);
        }
        Ok(())
    }

    pub(super) async fn finish(&mut self) -> Result<(), IngestError> {
        while let Some(done) = self.turns.join_next().await {
            done?.outcome?;
        }
        Ok(())
    }
}
