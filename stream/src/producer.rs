//! Writing records, with delivery awaited.

use crate::bus::Backend;
use crate::kafka::{self, Need};
use crate::record::{Draft, MAX_RECORD_BYTES};
use crate::{Bus, Outgoing, Placed, Record, StreamError, TopicSpec, metric, parking, partition_for};

/// Writes records; cheap to clone. Idempotent on Kafka (`acks=all`).
#[derive(Debug, Clone)]
pub struct Producer {
    bus: Bus,
    /// Kafka's own connection; the embedded bus needs none.
    kafka: Option<kafka::Producer>,
}

impl Producer {
    pub(crate) async fn open(bus: Bus) -> Result<Self, StreamError> {
        let kafka = match &bus.backend {
            Backend::Embedded(_) => None,
            Backend::Kafka(kafka) => Some(kafka.producer().await?),
        };
        Ok(Self { bus, kafka })
    }

    /// Returns once every record is durable, in the order given. On an error some
    /// of the batch may have been written: send it all again (consumers know ids).
    pub async fn send(&self, batch: Vec<Outgoing>) -> Result<Vec<Placed>, StreamError> {
        let mut drafts = Vec::with_capacity(batch.len());
        for record in batch {
            drafts.push(self.draft(record).await?);
        }
        self.write(drafts).await
    }

    /// Puts a record that can never be processed on `<topic>.parked`, with its
    /// topic, partition, offset and cause as headers (`parked-topic`,
    /// `parked-partition`, `parked-offset`, `parked-cause`, `parked-group`).
    /// Its key and value stay as they are, unless they are larger than [`MAX_RECORD_BYTES`] (then
    /// `parked-size` tells); the topic is created when it is missing.
    pub async fn park(&self, record: &Record, group: &str, cause: &str) -> Result<Placed, StreamError> {
        let name = parking::topic(&record.at.topic);
        let partitions = match self.bus.find_partitions(&name, Need::Write(&name)).await? {
            Some(partitions) => partitions,
            None => self.create_parking(record, &name).await?,
        };
        let draft = parking::parked(record, partitions, group, cause);
        let placed = self.write(vec![draft]).await?;
        metrics::counter!(metric::PARKED).increment(1);
        let place = placed.into_iter().next();
        place.ok_or_else(|| {
            StreamError::unavailable(format!("park {}/{}", record.at, record.offset), "no reply")
        })
    }

    /// Waits until nothing is in flight.
    pub async fn flush(&self) -> Result<(), StreamError> {
        match &self.kafka {
            Some(kafka) => kafka.flush().await,
            None => Ok(()),
        }
    }

    async fn create_parking(&self, record: &Record, name: &str) -> Result<u32, StreamError> {
        let topic = &record.at.topic;
        let partitions = self.bus.find_partitions(topic, Need::Read(topic)).await?.unwrap_or(1);
        self.bus.ensure_topics(&[TopicSpec { name: name.to_owned(), partitions }]).await?;
        self.bus.needed_partitions(name, Need::Write(name)).await
    }

    async fn draft(&self, record: Outgoing) -> Result<Draft, StreamError> {
        let Outgoing { topic, partition, key, headers, value } = record;
        let partitions = self.bus.needed_partitions(&topic, Need::Write(&topic)).await?;
        let attempted = |draft: &Draft| format!("write a record to {}/{}", draft.topic, draft.partition);
        let partition = partition.unwrap_or_else(|| partition_for(&key, partitions));
        let draft = Draft { topic, partition, key: Some(key), headers, value };
        if partition >= partitions {
            let cause = format!("the topic has {partitions} partitions only");
            return Err(StreamError::unfit(attempted(&draft), cause));
        }
        if draft.size() > MAX_RECORD_BYTES {
            let cause = format!("{} bytes are more than {MAX_RECORD_BYTES}", draft.size());
            return Err(StreamError::unfit(attempted(&draft), cause));
        }
        Ok(draft)
    }

    async fn write(&self, drafts: Vec<Draft>) -> Result<Vec<Placed>, StreamError> {
        let placed = match (&self.kafka, &self.bus.backend) {
            (Some(kafka), _) => kafka.write(drafts).await?,
            (None, Backend::Embedded(bus)) => bus.append(&drafts).await?,
            (None, Backend::Kafka(bus)) => bus.producer().await?.write(drafts).await?,
        };
        metrics::counter!(metric::WRITTEN).increment(placed.len() as u64);
        Ok(placed)
    }
}
