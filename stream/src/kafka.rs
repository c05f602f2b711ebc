//! Apache Kafka through rdkafka: the only module that knows it.
//!
//! Each call that blocks in librdkafka runs off the async threads, and so does the
//! end of each client. Offsets are committed from a frontier and from nothing else.

mod cluster;
mod consumer;
mod context;
mod offthread;
mod producer;
mod pump;
mod settings;
mod state;
mod topics;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{Offset, TopicPartitionList};

use crate::names::{Names, number};
use crate::{ConsumerOptions, StreamConfig, StreamError, TopicSpec};
use cluster::Cluster;
pub(crate) use cluster::Need;
pub(crate) use consumer::Consumer;
use context::Context;
use offthread::OffThread;
pub(crate) use producer::Producer;
use settings::{Role, Settings};

/// How long one question to the cluster may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a cluster that does not answer is waited for.
const CONNECT: Duration = Duration::from_secs(8);
/// Before a lag that could not be counted is counted again.
const LAG_PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];

type Probe = OffThread<BaseConsumer<Context>>;

/// A connection to a cluster.
#[derive(Debug)]
pub(crate) struct KafkaBus {
    settings: Settings,
    cluster: Arc<Cluster>,
    names: Names,
    replication: u16,
    /// Asks about topics; a consumer, because asking as a producer creates topics.
    probe: Arc<Probe>,
    /// Ask about the offsets of a group, one for each group.
    groups: Mutex<HashMap<String, Arc<Probe>>>,
}

impl KafkaBus {
    pub(crate) async fn connect(config: &StreamConfig, names: Names) -> Result<Arc<Self>, StreamError> {
        let settings = Settings::new(config);
        let cluster = Arc::new(Cluster::new(config));
        let probe = open_probe(&settings, &cluster, Role::Probe).await?;
        let waiting = Arc::clone(&cluster);
        ask(&probe, move |probe| reach(probe, &waiting)).await??;
        tracing::info!("connected to kafka at {}", config.brokers);
        let (replication, groups) = (config.replication, Mutex::default());
        Ok(Arc::new(Self { settings, cluster, names, replication, probe, groups }))
    }

    pub(crate) async fn ensure_topics(&self, topics: &[TopicSpec]) -> Result<(), StreamError> {
        topics::ensure(self, topics).await
    }

    /// None: there is no such topic.
    pub(crate) async fn partitions(&self, topic: &str, need: Need<'_>) -> Result<Option<u32>, StreamError> {
        topics::partitions(self, topic, need).await
    }

    /// Fails where the cluster does not answer within a few seconds, or `topic` or the leader of one of its
    /// partitions is gone.
    pub(crate) async fn check(&self, topic: &str) -> Result<(), StreamError> {
        topics::check(self, topic).await
    }

    pub(crate) async fn producer(&self) -> Result<Producer, StreamError> {
        Producer::open(&self.settings, Arc::clone(&self.cluster), self.names.clone()).await
    }

    pub(crate) async fn consumer(
        &self,
        group: &str,
        topics: &[&str],
        options: ConsumerOptions,
    ) -> Result<Consumer, StreamError> {
        Consumer::join(self, group, topics, options).await
    }

    /// A partition that is just getting a leader is waited for.
    pub(crate) async fn lag(&self, group: &str, topic: &str, partitions: u32) -> Result<u64, StreamError> {
        for pause in LAG_PAUSES {
            match self.count_lag(group, topic, partitions).await {
                Err(StreamError::Unavailable { .. }) => tokio::time::sleep(pause).await,
                outcome => return outcome,
            }
        }
        self.count_lag(group, topic, partitions).await
    }

    async fn count_lag(&self, group: &str, topic: &str, partitions: u32) -> Result<u64, StreamError> {
        let probe = self.group_probe(group).await?;
        let name = self.names.on_bus(topic);
        let counted = ask(&probe, move |probe| lag(probe, &name, number(partitions))).await?;
        counted.map_err(|error| {
            let attempted = format!("measure the lag of group {group} on topic {topic}");
            self.cluster.explain(attempted, Need::Join(group), &error)
        })
    }

    async fn group_probe(&self, group: &str) -> Result<Arc<Probe>, StreamError> {
        let known = self.groups.lock().unwrap_or_else(PoisonError::into_inner).get(group).cloned();
        if let Some(probe) = known {
            return Ok(probe);
        }
        let role = Role::Offsets(self.names.on_bus(group));
        let probe = open_probe(&self.settings, &self.cluster, role).await?;
        self.groups
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(group.to_owned(), Arc::clone(&probe));
        Ok(probe)
    }
}

async fn open_probe(
    settings: &Settings,
    cluster: &Arc<Cluster>,
    role: Role,
) -> Result<Arc<Probe>, StreamError> {
    let (config, context) = (settings.for_role(&role), Context::new(Arc::clone(cluster)));
    let opened = off_thread(move || config.create_with_context(context)).await?;
    let probe: BaseConsumer<Context> = opened.map_err(|error| cluster.refused(&error))?;
    Ok(Arc::new(OffThread::new(probe)))
}

/// Asks `probe` off the async threads, and serves what it has to report.
async fn ask<T: Send + 'static>(
    probe: &Arc<Probe>,
    question: impl FnOnce(&BaseConsumer<Context>) -> T + Send + 'static,
) -> Result<T, StreamError> {
    let probe = Arc::clone(probe);
    off_thread(move || {
        let answer = question(&probe);
        serve(&probe);
        answer
    })
    .await
}

async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, StreamError> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.map_err(|error| StreamError::unavailable("ask kafka", error))
}

/// Errors and log lines wait in a queue; nobody else takes them out.
fn serve(probe: &BaseConsumer<Context>) {
    for _ in 0..100 {
        drop(probe.poll(Duration::ZERO));
    }
}

/// Waits until the cluster answers, or says why it does not.
fn reach(probe: &BaseConsumer<Context>, cluster: &Cluster) -> Result<(), StreamError> {
    let start = Instant::now();
    loop {
        let Err(error) = probe.fetch_metadata(None, Duration::from_secs(1)) else { return Ok(()) };
        serve(probe);
        let hopeless = cluster.is_refusing() && start.elapsed() > Duration::from_secs(2);
        if hopeless || start.elapsed() > CONNECT {
            return Err(cluster.unreachable(&error));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Records between what is committed (or kept) and the end.
fn lag(probe: &BaseConsumer<Context>, topic: &str, partitions: i32) -> rdkafka::error::KafkaResult<u64> {
    let mut wanted = TopicPartitionList::new();
    wanted.add_partition_range(topic, 0, partitions - 1);
    let committed = probe.committed_offsets(wanted, PATIENCE)?;
    let mut lag = 0;
    for element in committed.elements() {
        element.error()?;
        let (low, high) = probe.fetch_watermarks(topic, element.partition(), PATIENCE)?;
        let next = match element.offset() {
            Offset::Offset(next) => next.max(low),
            Offset::Beginning | Offset::End | Offset::Stored | Offset::Invalid | Offset::OffsetTail(_) => low,
        };
        lag += (high - next).max(0).unsigned_abs();
    }
    Ok(lag)
}
