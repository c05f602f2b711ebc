//! The consumer as a sink sees it: takes what the pump has brought.

use std::fmt;
use std::sync::{Weak, mpsc};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use tokio::sync::oneshot;

use super::context::Context;
use super::pump::{Identity, Member, Order, Pump, commit_failed};
use super::settings::Role;
use super::state::Shared;
use super::{KafkaBus, off_thread};
use crate::{ConsumerOptions, Delivery, StreamError, TopicPartition, metric};

/// How long a commit, a seek or a close may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long, and at what pace, a commit is tried again that a rebalance cut off.
const REBALANCE: Duration = Duration::from_secs(5);
const REBALANCE_PAUSE: Duration = Duration::from_millis(100);

pub(crate) struct Consumer {
    me: Identity,
    state: Shared,
    options: ConsumerOptions,
    orders: mpsc::Sender<Order>,
    /// Owned by the pump, which ends it on its own thread.
    client: Weak<BaseConsumer<Member>>,
}

impl Consumer {
    pub(super) async fn join(
        bus: &KafkaBus,
        group: &str,
        topics: &[&str],
        options: ConsumerOptions,
    ) -> Result<Self, StreamError> {
        let topics: Vec<String> = topics.iter().map(|topic| (*topic).to_owned()).collect();
        let (names, cluster) = (bus.names.clone(), bus.cluster.clone());
        let me = Identity { group: group.to_owned(), topics, names, cluster };
        let state = Shared::default();
        let member =
            Member { me: me.clone(), state: state.clone(), context: Context::new(bus.cluster.clone()) };
        let config = bus.settings.for_role(&Role::Member(bus.names.on_bus(group)));
        let (orders, asked) = mpsc::channel();
        let (subscribed, polling) = (me.clone(), options.clone());
        let client = off_thread(move || {
            let client: BaseConsumer<Member> =
                config.create_with_context(member).map_err(|error| subscribed.cluster.refused(&error))?;
            let topics: Vec<String> = subscribed.topics.iter().map(|t| subscribed.names.on_bus(t)).collect();
            let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
            client.subscribe(&topics).map_err(|error| subscribed.cluster.refused(&error))?;
            Pump::start(client, polling, asked).map_err(|e| StreamError::unavailable("start a consumer", e))
        })
        .await??;
        Ok(Self { me, state, options, orders, client })
    }

    pub(crate) async fn poll(&mut self, max_wait: Duration) -> Result<Delivery, StreamError> {
        let deadline = Instant::now() + max_wait;
        loop {
            if let Some(delivery) = self.next()? {
                return Ok(delivery);
            }
            if tokio::time::timeout_at(deadline.into(), self.state.woken()).await.is_err() {
                return Ok(self.next()?.unwrap_or(Delivery::Quiet));
            }
        }
    }

    fn next(&self) -> Result<Option<Delivery>, StreamError> {
        let mut state = self.state.lock();
        state.polled = Instant::now();
        let delivery = state.next(self.options.max_records);
        if let Some(Delivery::Records(records)) = &delivery {
            metrics::counter!(metric::READ).increment(records.len() as u64);
        }
        match (delivery, &state.failure) {
            (None, Some(failure)) => Err(failure.clone()),
            (delivery, _) => Ok(delivery),
        }
    }

    pub(crate) fn finished(&mut self, at: &TopicPartition, offset: i64) {
        self.state.lock().ledger.finished(at, offset);
    }

    pub(crate) async fn seek(&mut self, at: &TopicPartition, offset: i64) -> Result<(), StreamError> {
        let (reply, answer) = oneshot::channel();
        self.order(Order::Seek(at.clone(), offset, reply))?;
        self.wait(&format!("go to offset {offset} of {at}"), answer).await
    }

    /// Commits what is due. A commit that a rebalance cut off is tried again while the
    /// partitions are ours: if no record followed, nobody else would. What another
    /// consumer has by now is no longer due.
    pub(crate) async fn commit(&mut self) -> Result<(), StreamError> {
        let patience = Instant::now() + REBALANCE;
        while !self.try_commit().await? && Instant::now() < patience {
            tokio::time::sleep(REBALANCE_PAUSE).await;
        }
        Ok(())
    }

    /// False: it came in the middle of a rebalance. Waits for the broker's answer:
    /// librdkafka drops the results of commits that nobody waits for. The pump polls on
    /// meanwhile.
    async fn try_commit(&self) -> Result<bool, StreamError> {
        let (due, failure) = {
            let state = self.state.lock();
            (state.ledger.due(), state.failure.clone())
        };
        if due.is_empty() {
            return Ok(true);
        }
        let Some(client) = self.client.upgrade() else { return Err(self.gone(failure)) };
        let list = self.me.list(&due);
        let commit = off_thread(move || client.commit(&list, CommitMode::Sync));
        match tokio::time::timeout(PATIENCE, commit).await {
            Ok(Ok(Ok(()))) => {
                let mut state = self.state.lock();
                due.iter().for_each(|(at, offset)| state.ledger.committed(at, *offset));
                Ok(true)
            }
            Ok(Ok(Err(error))) => commit_failed(&self.me, &error).map(|()| false),
            Ok(Err(error)) => Err(error),
            Err(_) => {
                let attempted = format!("commit for group {}", self.me.group);
                Err(StreamError::unavailable(attempted, format!("no answer within {PATIENCE:?}")))
            }
        }
    }

    pub(crate) async fn close(self) -> Result<(), StreamError> {
        let (reply, answer) = oneshot::channel();
        if self.order(Order::Close(reply)).is_err() {
            return Ok(()); // It has left already; poll has said why.
        }
        self.wait(&format!("leave group {}", self.me.group), answer).await
    }

    fn order(&self, order: Order) -> Result<(), StreamError> {
        self.orders.send(order).map_err(|_| self.gone(self.state.lock().failure.clone()))
    }

    async fn wait(
        &self,
        attempted: &str,
        answer: oneshot::Receiver<Result<(), StreamError>>,
    ) -> Result<(), StreamError> {
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(self.gone(self.state.lock().failure.clone())),
            Err(_) => Err(StreamError::unavailable(attempted, format!("no answer within {PATIENCE:?}"))),
        }
    }

    fn gone(&self, failure: Option<StreamError>) -> StreamError {
        failure
            .unwrap_or_else(|| StreamError::Left(format!("a consumer of group {} has ended", self.me.group)))
    }
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").field("group", &self.me.group).finish_non_exhaustive()
    }
}
