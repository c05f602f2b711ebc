//! Topics of a cluster: which there are, and making those that are missing.

use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code};

use super::cluster::Need;
use super::context::Context;
use super::offthread::OffThread;
use super::settings::{MAX_MESSAGE_BYTES, Role};
use super::{KafkaBus, PATIENCE, ask};
use crate::names::number;
use crate::{StreamError, TopicSpec};

/// How long a cluster may take to say that it is there.
const CHECK: Duration = Duration::from_secs(3);

/// None: there is no such topic.
pub(super) async fn partitions(
    bus: &KafkaBus,
    topic: &str,
    need: Need<'_>,
) -> Result<Option<u32>, StreamError> {
    let start = Instant::now();
    loop {
        let name = bus.names.on_bus(topic);
        let found = ask(&bus.probe, move |probe| leaders(probe, &name, PATIENCE)).await?;
        match found {
            Ok(leaders) => return Ok(u32::try_from(leaders.len()).ok().filter(|count| *count > 0)),
            Err(KafkaError::MetadataFetch(Code::UnknownTopicOrPartition | Code::UnknownTopic)) => {
                return Ok(None);
            }
            // A topic that was just made has no leader for a moment.
            Err(KafkaError::MetadataFetch(Code::LeaderNotAvailable)) if start.elapsed() < PATIENCE => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(error) => return Err(bus.cluster.explain(format!("look up topic {topic}"), need, &error)),
        }
    }
}

/// The broker that leads each partition; -1 where there is none.
fn leaders(probe: &BaseConsumer<Context>, name: &str, patience: Duration) -> KafkaResult<Vec<i32>> {
    let metadata = probe.fetch_metadata(Some(name), patience)?;
    let topic = metadata.topics().iter().find(|topic| topic.name() == name);
    match topic.map(|topic| (topic.error().map(Code::from), topic.partitions())) {
        Some((Some(code), _)) => Err(KafkaError::MetadataFetch(code)),
        Some((None, partitions)) => Ok(partitions.iter().map(|partition| partition.leader()).collect()),
        None => Err(KafkaError::MetadataFetch(Code::UnknownTopicOrPartition)),
    }
}

/// Fails where the cluster does not answer, or `topic` or the leader of one of its partitions is gone.
pub(super) async fn check(bus: &KafkaBus, topic: &str) -> Result<(), StreamError> {
    let (name, attempted) = (bus.names.on_bus(topic), format!("look up topic {topic}"));
    match ask(&bus.probe, move |probe| leaders(probe, &name, CHECK)).await? {
        Ok(leaders) => match leaders.iter().filter(|leader| **leader < 0).count() {
            0 => Ok(()),
            gone => Err(StreamError::unavailable(attempted, format!("{gone} partitions have no leader"))),
        },
        Err(error) => Err(bus.cluster.explain(attempted, Need::Describe(topic), &error)),
    }
}

pub(super) async fn ensure(bus: &KafkaBus, topics: &[TopicSpec]) -> Result<(), StreamError> {
    let mut missing = Vec::new();
    for spec in topics {
        match partitions(bus, &spec.name, Need::Describe(&spec.name)).await {
            Ok(Some(_)) => {}
            Ok(None) => missing.push(spec),
            Err(StreamError::Configuration(reason)) => tracing::debug!("{reason}; left to others"),
            Err(error) => return Err(error),
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    create(bus, &missing).await?;
    for spec in missing {
        visible(bus, &spec.name).await?;
    }
    Ok(())
}

async fn create(bus: &KafkaBus, missing: &[&TopicSpec]) -> Result<(), StreamError> {
    let (config, context) = (bus.settings.for_role(&Role::Admin), Context::new(bus.cluster.clone()));
    let opened: Result<AdminClient<Context>, _> =
        super::off_thread(move || config.create_with_context(context)).await?;
    let admin = OffThread::new(opened.map_err(|error| bus.cluster.refused(&error))?);
    let names: Vec<String> = missing.iter().map(|spec| bus.names.on_bus(&spec.name)).collect();
    let limit = MAX_MESSAGE_BYTES.to_string();
    let replication = || TopicReplication::Fixed(i32::from(bus.replication));
    let wanted: Vec<NewTopic<'_>> = names
        .iter()
        .zip(missing)
        .map(|(name, spec)| {
            NewTopic::new(name, number(spec.partitions), replication()).set("max.message.bytes", &limit)
        })
        .collect();
    let options = AdminOptions::new().request_timeout(Some(PATIENCE)).operation_timeout(Some(PATIENCE));
    let results = admin.create_topics(&wanted, &options).await;
    let failed = |topic: &str, error: &KafkaError| {
        bus.cluster.explain(format!("create topic {topic}"), Need::Create(topic), error)
    };
    for result in results.map_err(|error| failed(&missing[0].name, &error))? {
        match result {
            Ok(name) => tracing::info!("created topic {}", bus.names.plain(&name)),
            // Another process was faster.
            Err((_, Code::TopicAlreadyExists)) => {}
            Err((name, code)) => return Err(failed(&bus.names.plain(&name), &KafkaError::AdminOp(code))),
        }
    }
    Ok(())
}

/// Brokers learn of a new topic one after the other.
async fn visible(bus: &KafkaBus, topic: &str) -> Result<(), StreamError> {
    let start = Instant::now();
    while partitions(bus, topic, Need::Describe(topic)).await?.is_none() {
        if start.elapsed() > PATIENCE {
            return Err(StreamError::unavailable(format!("create topic {topic}"), "it does not appear"));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
