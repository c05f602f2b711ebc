//! Writing to Kafka: idempotent, `acks=all`, every delivery awaited.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::future_producer::DeliveryFuture;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};

use super::cluster::{Cluster, Need};
use super::context::Context;
use super::offthread::OffThread;
use super::settings::{Role, Settings};
use crate::names::{Names, number};
use crate::record::Draft;
use crate::{Headers, Placed, StreamError, TopicPartition};

/// How long a record waits for room in librdkafka's queue, and a flush for the brokers.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub(crate) struct Producer {
    producer: Arc<OffThread<FutureProducer<Context>>>,
    cluster: Arc<Cluster>,
    names: Names,
}

impl Producer {
    pub(super) async fn open(
        settings: &Settings,
        cluster: Arc<Cluster>,
        names: Names,
    ) -> Result<Self, StreamError> {
        let (config, context) = (settings.for_role(&Role::Producer), Context::new(Arc::clone(&cluster)));
        let opened = super::off_thread(move || config.create_with_context(context)).await?;
        let producer: FutureProducer<Context> = opened.map_err(|error| cluster.refused(&error))?;
        Ok(Self { producer: Arc::new(OffThread::new(producer)), cluster, names })
    }

    /// Waits for the fate of every record, even after one failed.
    pub(crate) async fn write(&self, drafts: Vec<Draft>) -> Result<Vec<Placed>, StreamError> {
        let mut sent = Vec::with_capacity(drafts.len());
        let mut failure = None;
        for draft in drafts {
            match self.enqueue(&draft).await {
                Ok(delivery) => sent.push((draft.topic, delivery)),
                Err(error) => {
                    failure = Some(self.failed(&draft.topic, &error));
                    break;
                }
            }
        }
        let mut placed = Vec::with_capacity(sent.len());
        for (topic, delivery) in sent {
            match delivery.await {
                Ok(Ok(at)) => {
                    let partition = at.partition.unsigned_abs();
                    placed.push(Placed { at: TopicPartition { topic, partition }, offset: at.offset });
                }
                Ok(Err((error, _))) => failure = failure.or_else(|| Some(self.failed(&topic, &error))),
                Err(gone) => {
                    failure = failure.or_else(|| Some(StreamError::unavailable(attempt(&topic), gone)));
                }
            }
        }
        failure.map_or(Ok(placed), Err)
    }

    async fn enqueue(&self, draft: &Draft) -> Result<DeliveryFuture, KafkaError> {
        let topic = self.names.on_bus(&draft.topic);
        let start = Instant::now();
        loop {
            let record = FutureRecord {
                topic: &topic,
                partition: Some(number(draft.partition)),
                payload: Some(&draft.value[..]),
                key: draft.key.as_deref(),
                timestamp: None,
                headers: Some(headers(&draft.headers)),
            };
            match self.producer.send_result(record) {
                Ok(delivery) => return Ok(delivery),
                Err((KafkaError::MessageProduction(Code::QueueFull), _)) if start.elapsed() < PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Err((error, _)) => return Err(error),
            }
        }
    }

    fn failed(&self, topic: &str, error: &KafkaError) -> StreamError {
        let (attempted, need) = (attempt(topic), Need::Write(topic));
        // A producer that ended for good reports what it had queued as purged.
        match self.producer.client().fatal_error() {
            Some((Code::ClusterAuthorizationFailed, _)) => {
                let denied = KafkaError::MessageProduction(Code::ClusterAuthorizationFailed);
                self.cluster.explain(attempted, need, &denied)
            }
            Some((code, reason)) => StreamError::Left(format!("{attempted}: {code}: {reason}")),
            None => self.cluster.explain(attempted, need, error),
        }
    }

    pub(crate) async fn flush(&self) -> Result<(), StreamError> {
        let producer = Arc::clone(&self.producer);
        let failed = |cause: &dyn fmt::Display| StreamError::unavailable("flush the producer", cause);
        super::off_thread(move || producer.flush(PATIENCE)).await?.map_err(|error| failed(&error))?;
        // Statistics and log lines on their way count too, for a moment.
        let start = Instant::now();
        while self.producer.in_flight_count() > 0 {
            if start.elapsed() > PATIENCE {
                return Err(failed(&format!("{} records are in flight", self.producer.in_flight_count())));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }
}

fn attempt(topic: &str) -> String {
    format!("write a record to topic {topic}")
}

fn headers(headers: &Headers) -> OwnedHeaders {
    let empty = OwnedHeaders::new_with_capacity(headers.len());
    headers.iter().fold(empty, |all, (name, value)| all.insert(Header { key: name, value: Some(&value[..]) }))
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").finish_non_exhaustive()
    }
}
