//! The thread that polls librdkafka for one consumer, from joining to leaving.
//!
//! It never stops polling while it lives, so the group never loses it silently:
//! when the sink is slow, partitions are paused. When nobody takes what it brings
//! for too long, it leaves the group and says so.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::DateTime;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::oneshot;

use super::cluster::{Cluster, Need};
use super::context::{Context, logged};
use super::state::Shared;
use crate::names::{Names, number};
use crate::{ConsumerOptions, Record, StreamError, TopicPartition, metric};

/// Longest wait for a message; orders wait as long.
const TICK: Duration = Duration::from_millis(50);
/// Records that wait for the sink at most, however small: a pause throws away what
/// librdkafka has fetched, so it should be rare.
const QUEUE: usize = 20_000;
const SEEK: Duration = Duration::from_secs(10);

pub(super) type Reply = oneshot::Sender<Result<(), StreamError>>;

/// What a consumer asks of its pump. Hanging up means: leave without committing.
#[derive(Debug)]
pub(super) enum Order {
    Seek(TopicPartition, i64, Reply),
    Close(Reply),
}

/// Who this consumer is; for callbacks and errors.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) group: String,
    pub(super) topics: Vec<String>,
    pub(super) names: Names,
    pub(super) cluster: Arc<Cluster>,
}

impl Identity {
    fn explain(&self, attempted: &str, error: &KafkaError) -> StreamError {
        let topics = self.topics.join(", ");
        let attempted = format!("{attempted} as group {}", self.group);
        match error.rdkafka_error_code() {
            Some(Code::TopicAuthorizationFailed) => {
                self.cluster.explain(attempted, Need::Read(&topics), error)
            }
            _ => self.cluster.explain(attempted, Need::Join(&self.group), error),
        }
    }

    pub(super) fn list(&self, offsets: &[(TopicPartition, i64)]) -> TopicPartitionList {
        let mut list = TopicPartitionList::with_capacity(offsets.len());
        for (at, offset) in offsets {
            let name = self.names.on_bus(&at.topic);
            if let Err(error) =
                list.add_partition_offset(&name, number(at.partition), Offset::Offset(*offset))
            {
                tracing::warn!("cannot commit offset {offset} of {at}: {error}");
            }
        }
        list
    }

    fn places(&self, list: &TopicPartitionList) -> Vec<TopicPartition> {
        list.elements().iter().map(|e| self.names.place(e.topic(), e.partition())).collect()
    }
}

/// librdkafka's callbacks. They run on the pump's thread within `poll` and only
/// note what happened.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) me: Identity,
    pub(super) state: Shared,
    pub(super) context: Context,
}

impl ClientContext for Member {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        logged(level, facility, message);
    }

    fn stats_raw(&self, _statistics: &[u8]) {}

    fn error(&self, error: KafkaError, reason: &str) {
        self.context.noted(&error, reason);
    }
}

impl ConsumerContext for Member {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Revoke(list) = rebalance else { return };
        let lost = self.me.places(list);
        let mut state = self.state.lock();
        let due: Vec<(TopicPartition, i64)> =
            state.ledger.due().into_iter().filter(|(at, _)| lost.contains(at)).collect();
        if !state.closing && !due.is_empty() && !consumer.assignment_lost() {
            // Sent before the partitions are given back; nobody waits for it.
            if let Err(error) = consumer.commit(&self.me.list(&due), CommitMode::Async) {
                tracing::debug!("finished work is delivered again: {error}");
            }
        }
        metrics::counter!(metric::REVOKED).increment(lost.len() as u64);
        state.revoke(lost);
        drop(state);
        self.state.wake();
    }

    fn post_rebalance(&self, _consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(list) => {
                let taken = self.me.places(list);
                metrics::counter!(metric::ASSIGNED).increment(taken.len() as u64);
                self.state.lock().assign(taken);
                self.state.wake();
            }
            Rebalance::Revoke(_) => {}
            Rebalance::Error(error) => tracing::warn!("group {}: {error}", self.me.group),
        }
    }
}

/// Ok: the partitions have another reader by now; their work is delivered there again.
pub(super) fn commit_failed(me: &Identity, error: &KafkaError) -> Result<(), StreamError> {
    metrics::counter!(metric::COMMITS_FAILED).increment(1);
    match error.rdkafka_error_code() {
        Some(
            Code::RebalanceInProgress
            | Code::IllegalGeneration
            | Code::UnknownMemberId
            | Code::StaleMemberEpoch
            | Code::FencedMemberEpoch
            | Code::NoOffset
            | Code::AssignmentLost,
        ) => {
            tracing::info!("group {}: a commit came too late: {error}", me.group);
            Ok(())
        }
        _ => Err(me.explain("commit", error)),
    }
}

pub(super) struct Pump {
    consumer: Arc<BaseConsumer<Member>>,
    me: Identity,
    state: Shared,
    options: ConsumerOptions,
    orders: Receiver<Order>,
    /// Where partitions shall go on, until when to try, and who waits for it.
    seeks: BTreeMap<TopicPartition, (i64, Instant, Reply)>,
    full: bool,
}

impl Pump {
    /// Starts the thread; it ends by itself when the consumer is closed, dropped or fails.
    pub(super) fn start(
        consumer: BaseConsumer<Member>,
        options: ConsumerOptions,
        orders: Receiver<Order>,
    ) -> std::io::Result<Weak<BaseConsumer<Member>>> {
        let consumer = Arc::new(consumer);
        let handle = Arc::downgrade(&consumer);
        let member = consumer.context();
        let (me, state) = (member.me.clone(), member.state.clone());
        let seeks = BTreeMap::new();
        let pump = Self { me, state, consumer, options, orders, seeks, full: false };
        std::thread::Builder::new().name("tocsin-consumer".into()).spawn(move || pump.run())?;
        Ok(handle)
    }

    fn run(mut self) {
        loop {
            match self.orders.try_recv() {
                Ok(Order::Seek(at, offset, reply)) => self.aim(at, offset, reply),
                Ok(Order::Close(reply)) => return self.close(reply),
                Err(TryRecvError::Disconnected) => return self.leave(),
                Err(TryRecvError::Empty) => {}
            }
            self.seek();
            self.balance();
            let fatal = match self.consumer.poll(TICK) {
                Some(Ok(message)) => {
                    self.deliver(&message);
                    None
                }
                Some(Err(error)) => self.judge(&error),
                None => None,
            };
            if let Some(error) = fatal.or_else(|| self.stalled()) {
                let failed = self.state.clone();
                self.leave();
                return failed.fail(error);
            }
        }
    }

    fn deliver(&self, message: &BorrowedMessage<'_>) {
        let record = record(&self.me.names, message);
        if self.seeks.contains_key(&record.at) {
            return;
        }
        self.state.lock().deliver(record);
        self.state.wake();
    }

    /// Pauses everything held while there is too much unfinished, and resumes what
    /// we have paused (and nothing else) when half of it is done.
    fn balance(&mut self) {
        let most = self.options.max_unfinished_bytes;
        let queue = self.options.max_records.saturating_mul(8).max(QUEUE);
        let mut state = self.state.lock();
        let (bytes, queued) = (state.ledger.open_bytes(), state.queued());
        self.full =
            if self.full { bytes > most / 2 || queued > queue / 2 } else { bytes >= most || queued >= queue };
        let (held, paused) = (state.ledger.partitions(), &state.paused);
        let change: Vec<TopicPartition> =
            held.filter(|at| paused.contains(at) != self.full).cloned().collect();
        if change.is_empty() {
            return;
        }
        if self.full {
            metrics::counter!(metric::PAUSES).increment(1);
            state.paused.extend(change.iter().cloned());
        } else {
            state.paused.retain(|at| !change.contains(at));
        }
        drop(state);
        let mut list = TopicPartitionList::with_capacity(change.len());
        for at in &change {
            list.add_partition(&self.me.names.on_bus(&at.topic), number(at.partition));
        }
        let done = if self.full { self.consumer.pause(&list) } else { self.consumer.resume(&list) };
        if let Err(error) = done {
            tracing::warn!("group {}: {error}", self.me.group);
        }
    }

    /// Notes where a partition shall go on; [`Self::seek`] takes it there.
    fn aim(&mut self, at: TopicPartition, offset: i64, reply: Reply) {
        self.state.lock().seek(&at, offset);
        self.seeks.insert(at, (offset, Instant::now() + SEEK, reply));
    }

    /// A partition that was just assigned cannot be moved for a moment: tries until it can.
    fn seek(&mut self) {
        for (at, (offset, deadline, reply)) in std::mem::take(&mut self.seeks) {
            if !self.state.lock().ledger.holds(&at) {
                drop(reply.send(Ok(()))); // Revoked; the consumer is about to be told.
                continue;
            }
            let topic = self.me.names.on_bus(&at.topic);
            let moved = self.consumer.seek(&topic, number(at.partition), Offset::Offset(offset), TICK * 20);
            match moved {
                Ok(()) => drop(reply.send(Ok(()))),
                Err(_) if Instant::now() < deadline => drop(self.seeks.insert(at, (offset, deadline, reply))),
                Err(error) => {
                    let attempted = format!("go to offset {offset} of {at}");
                    drop(reply.send(Err(StreamError::unavailable(attempted, error))));
                }
            }
        }
    }

    /// What librdkafka cannot mend by itself.
    fn judge(&self, error: &KafkaError) -> Option<StreamError> {
        match error.rdkafka_error_code() {
            Some(
                Code::TopicAuthorizationFailed
                | Code::GroupAuthorizationFailed
                | Code::Authentication
                | Code::SaslAuthenticationFailed,
            ) => Some(self.me.explain("read", error)),
            _ if matches!(error, KafkaError::MessageConsumptionFatal(_)) => {
                Some(StreamError::Left(format!("group {}: {error}", self.me.group)))
            }
            _ => {
                tracing::debug!("group {}: {error}", self.me.group);
                None
            }
        }
    }

    fn stalled(&self) -> Option<StreamError> {
        let silent = self.state.lock().polled.elapsed() > self.options.stall_after;
        silent.then(|| StreamError::stalled(&self.me.group, self.options.stall_after))
    }

    fn close(self, reply: Reply) {
        let due = self.state.lock().ledger.due();
        let result = if due.is_empty() {
            Ok(())
        } else {
            let committed = self.consumer.commit(&self.me.list(&due), CommitMode::Sync);
            committed.or_else(|error| commit_failed(&self.me, &error))
        };
        self.leave();
        drop(reply.send(result));
    }

    /// The end of a consumer of librdkafka answers the last revoke itself. It happens
    /// here, and not where a commit happens to hold the last reference.
    fn leave(self) {
        self.state.lock().closing = true;
        let mut shared = self.consumer;
        let own = loop {
            match Arc::try_unwrap(shared) {
                Ok(own) => break own,
                Err(busy) => shared = busy,
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        drop(own);
        self.state.wake();
    }
}

fn record(names: &Names, message: &BorrowedMessage<'_>) -> Record {
    let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
    Record {
        at: names.place(message.topic(), message.partition()),
        offset: message.offset(),
        key: message.key().map(Bytes::copy_from_slice),
        headers: headers
            .map(|header| (header.key.to_owned(), Bytes::copy_from_slice(header.value.unwrap_or_default())))
            .collect(),
        value: Bytes::copy_from_slice(message.payload().unwrap_or_default()),
        timestamp: message
            .timestamp()
            .to_millis()
            .and_then(DateTime::from_timestamp_millis)
            .unwrap_or_default(),
    }
}
