//! One partition of `signals` as this instance holds it: the detector, the right to
//! write it, and what happened since the last transaction.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool, Row as _};
use tocsin_contract::{Alert, Signal, SignalRecord, Subject};
use tocsin_stream::{Advance, Claim, Fence, TopicPartition};
use tracing::warn;

use crate::detect::{Course, Detector, Place, Rules, SubjectState};
use crate::outbox::Outbox;
use crate::{AlertingError, form};

#[derive(Debug)]
pub(crate) struct Shard {
    at: TopicPartition,
    fence: Fence,
    claim: Claim,
    pub(crate) detector: Detector,
    /// The offset after the last record taken, and records since the last transaction.
    next: i64,
    /// No record was taken yet.
    is_fresh: bool,
    taken: Vec<i64>,
    alerts: Vec<Alert>,
}

impl Shard {
    /// Claims the partition and restores it as it was when it was last written.
    pub(crate) async fn load(
        pool: &PgPool,
        group: &str,
        at: &TopicPartition,
        rules: &Rules,
        partitions: u32,
        now: DateTime<Utc>,
    ) -> Result<Self, AlertingError> {
        let mut transaction = pool.begin().await.map_err(AlertingError::database("begin a transaction"))?;
        let fence = Fence::new("alerting", group);
        let claim = fence.claim(&mut transaction, at, now).await?;
        let course = course(&mut transaction, at).await?;
        let subjects = subjects(&mut transaction, at).await?;
        let waiting = waiting(&mut transaction, at).await?;
        transaction.commit().await.map_err(AlertingError::database("claim a partition of signals"))?;
        let detector = Detector::restore(rules.clone(), partitions, course, subjects, waiting);
        let (at, next) = (at.clone(), claim.next_offset);
        let (taken, alerts) = (Vec::new(), Vec::new());
        Ok(Self { at, fence, claim, detector, next, is_fresh: true, taken, alerts })
    }

    /// Where to read on.
    pub(crate) const fn next(&self) -> i64 {
        self.next
    }

    /// Takes the record at `offset`; nothing where it could not be read.
    pub(crate) fn take(&mut self, offset: i64, record: Option<SignalRecord>) {
        self.taken.push(offset);
        // The consumer was sent to `next`. A first record before that is from another log.
        if std::mem::take(&mut self.is_fresh) && offset < self.next {
            warn!(topic = %self.at, "{} begins at offset {offset}, before {}: the topic was made anew", self.at, self.next);
            self.next = offset;
        }
        // Delivered again: its effects are in the state.
        if offset < self.next {
            return;
        }
        self.next = offset + 1;
        if let Some(record) = record {
            self.alerts.extend(self.detector.feed(record));
        }
    }

    pub(crate) fn pending(&self) -> usize {
        self.taken.len()
    }

    /// Writes all that changed in one transaction; gives the offsets that are done
    /// and the alerts written. After an error the shard must be loaded again.
    pub(crate) async fn save(
        &mut self,
        pool: &PgPool,
        outbox: &Outbox,
        now: DateTime<Utc>,
    ) -> Result<(Vec<i64>, Vec<Alert>), AlertingError> {
        let mut transaction = pool.begin().await.map_err(AlertingError::database("begin a transaction"))?;
        let step = self.claim.step(&self.at, self.next);
        if self.fence.advance(&mut transaction, &[step], now).await? == Advance::Moved {
            self.save_course(&mut transaction, now).await?;
            self.save_subjects(&mut transaction).await?;
            self.save_waiting(&mut transaction).await?;
            for alert in &self.alerts {
                outbox.put(&mut transaction, alert, now).await?;
            }
            transaction.commit().await.map_err(AlertingError::database("commit the state of a partition"))?;
        }
        // Never back: the database keeps the furthest of a log that was made anew.
        self.claim.next_offset = self.claim.next_offset.max(self.next);
        Ok((std::mem::take(&mut self.taken), std::mem::take(&mut self.alerts)))
    }

    async fn save_course(
        &self,
        connection: &mut PgConnection,
        now: DateTime<Utc>,
    ) -> Result<(), AlertingError> {
        sqlx::query(
            "INSERT INTO alerting.course (partition, state, evaluated, updated_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (partition) DO UPDATE
             SET state = excluded.state, evaluated = excluded.evaluated, updated_at = excluded.updated_at",
        )
        .bind(self.at.number())
        .bind(write(&self.at, self.detector.course())?)
        .bind(self.detector.evaluated())
        .bind(now)
        .execute(connection)
        .await
        .map_err(AlertingError::database("write the course of a partition"))?;
        Ok(())
    }

    async fn save_subjects(&mut self, connection: &mut PgConnection) -> Result<(), AlertingError> {
        let (mut ids, mut states, mut forgotten) = (Vec::new(), Vec::new(), Vec::new());
        for (subject, state) in self.detector.take_changed() {
            match state {
                Some(state) => {
                    ids.push(subject.to_string());
                    states.push(write(&self.at, &(&subject, state))?);
                }
                None => forgotten.push(subject.to_string()),
            }
        }
        sqlx::query(
            "INSERT INTO alerting.subject_state (partition, subject, state)
             SELECT $1, * FROM UNNEST($2::text[], $3::bytea[])
             ON CONFLICT (partition, subject) DO UPDATE SET state = excluded.state",
        )
        .bind(self.at.number())
        .bind(ids)
        .bind(states)
        .execute(&mut *connection)
        .await
        .map_err(AlertingError::database("write the state of subjects"))?;
        sqlx::query("DELETE FROM alerting.subject_state WHERE partition = $1 AND subject = ANY($2)")
            .bind(self.at.number())
            .bind(forgotten)
            .execute(connection)
            .await
            .map_err(AlertingError::database("forget subjects"))?;
        Ok(())
    }

    /// Signals that event time has not passed are kept, so that their records are done.
    async fn save_waiting(&mut self, connection: &mut PgConnection) -> Result<(), AlertingError> {
        if let Some(evaluated) = self.detector.course().evaluated {
            sqlx::query("DELETE FROM alerting.waiting WHERE partition = $1 AND step <= $2")
                .bind(self.at.number())
                .bind(evaluated.0)
                .execute(&mut *connection)
                .await
                .map_err(AlertingError::database("clear signals away"))?;
        }
        let (mut steps, mut times, mut documents, mut subjects, mut signals) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (place, signal) in self.detector.take_held() {
            steps.push(place.step.0);
            times.push(nanoseconds(place.event_time));
            documents.push(place.document.to_string());
            subjects.push(place.subject.to_string());
            signals.push(write(&self.at, signal)?);
        }
        sqlx::query(
            "INSERT INTO alerting.waiting (partition, step, event_ns, document_id, subject, signal)
             SELECT $1, * FROM UNNEST($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bytea[])
             ON CONFLICT DO NOTHING",
        )
        .bind(self.at.number())
        .bind(steps)
        .bind(times)
        .bind(documents)
        .bind(subjects)
        .bind(signals)
        .execute(connection)
        .await
        .map_err(AlertingError::database("keep signals"))?;
        Ok(())
    }
}

async fn course(connection: &mut PgConnection, at: &TopicPartition) -> Result<Course, AlertingError> {
    let state: Option<Vec<u8>> = sqlx::query_scalar("SELECT state FROM alerting.course WHERE partition = $1")
        .bind(at.number())
        .fetch_optional(connection)
        .await
        .map_err(AlertingError::database("read the course of a partition"))?;
    state.map_or(Ok(Course::default()), |state| read(at, &state))
}

async fn subjects(
    connection: &mut PgConnection,
    at: &TopicPartition,
) -> Result<BTreeMap<Subject, SubjectState>, AlertingError> {
    let rows: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT state FROM alerting.subject_state WHERE partition = $1")
            .bind(at.number())
            .fetch_all(connection)
            .await
            .map_err(AlertingError::database("read the state of subjects"))?;
    rows.iter().map(|state| read(at, state)).collect()
}

async fn waiting(
    connection: &mut PgConnection,
    at: &TopicPartition,
) -> Result<BTreeMap<Place, Signal>, AlertingError> {
    let rows = sqlx::query("SELECT step, signal FROM alerting.waiting WHERE partition = $1")
        .bind(at.number())
        .fetch_all(connection)
        .await
        .map_err(AlertingError::database("read signals that wait"))?;
    rows.iter()
        .map(|row| {
            let signal: Signal = read(at, &row.get::<Vec<u8>, _>(1))?;
            Ok((Place::at(row.get(0), &signal), signal))
        })
        .collect()
}

fn nanoseconds(at: DateTime<Utc>) -> i64 {
    at.timestamp_nanos_opt().unwrap_or_else(|| at.timestamp_micros())
}

fn write<T: serde::Serialize>(at: &TopicPartition, value: &T) -> Result<Vec<u8>, AlertingError> {
    form::write(value).map_err(|cause| AlertingError::State {
        attempted: "write the state",
        at: at.clone(),
        cause,
    })
}

fn read<T: serde::de::DeserializeOwned>(at: &TopicPartition, bytes: &[u8]) -> Result<T, AlertingError> {
    form::read(bytes).map_err(|cause| AlertingError::State {
        attempted: "read the state",
        at: at.clone(),
        cause,
    })
}

#[cfg(test)]
mod tests;
