//! What a consumer of the embedded bus and its membership task share.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::ledger::Ledger;
use crate::{Delivery, StreamError, TopicPartition};

#[derive(Debug, Clone)]
pub(super) struct Shared(Arc<Mutex<State>>);

#[derive(Debug)]
pub(super) struct State {
    pub(super) ledger: Ledger,
    /// Of the partitions held: a commit with another generation is refused.
    pub(super) generations: BTreeMap<TopicPartition, i64>,
    /// `Assigned` and `Revoked` that the next polls return.
    pub(super) events: VecDeque<Delivery>,
    /// Why this consumer is out of its group.
    pub(super) failure: Option<StreamError>,
    pub(super) polled: Instant,
}

/// A partition that was taken, and where it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) at: TopicPartition,
    pub(super) start: i64,
    pub(super) generation: i64,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            ledger: Ledger::default(),
            generations: BTreeMap::new(),
            events: VecDeque::new(),
            failure: None,
            polled: Instant::now(),
        })))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(super) fn revoke(&mut self, lost: Vec<TopicPartition>) {
        let held: Vec<TopicPartition> =
            lost.into_iter().filter(|at| self.generations.remove(at).is_some()).collect();
        for at in &held {
            self.ledger.revoke(at);
        }
        if !held.is_empty() {
            self.events.push_back(Delivery::Revoked(held));
        }
    }

    pub(super) fn assign(&mut self, taken: Vec<Taken>) {
        for one in &taken {
            self.generations.insert(one.at.clone(), one.generation);
            self.ledger.assign(one.at.clone(), Some(one.start));
        }
        if !taken.is_empty() {
            self.events.push_back(Delivery::Assigned(taken.into_iter().map(|one| one.at).collect()));
        }
    }

    /// What is due to be committed, with the generation that may commit it.
    pub(super) fn due(&self) -> Vec<Taken> {
        let due = self.ledger.due().into_iter();
        due.filter_map(|(at, start)| Some(Taken { generation: *self.generations.get(&at)?, at, start }))
            .collect()
    }
}
