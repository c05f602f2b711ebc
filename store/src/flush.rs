//! From waiting records to rows: takes a batch off the front of the queue, finds the
//! one record in it that Postgres refuses by halving, parks it, and stores the rest.

use std::collections::VecDeque;

use tocsin_stream::{Claims, Producer, TopicPartition, Verdict};
use tracing::warn;

use crate::incoming::{Content, Incoming};
use crate::writer::{Outcome, Writer};
use crate::{StoreConfig, StoreError, metric};

/// Stores batches and counts how many records in a row were of no use.
#[derive(Debug)]
pub(crate) struct Flusher {
    pub(crate) writer: Writer,
    producer: Producer,
    group: &'static str,
    halt_after_parked: u32,
    unfit_in_a_row: u32,
}

impl Flusher {
    pub(crate) fn new(writer: Writer, producer: Producer, group: &'static str, config: &StoreConfig) -> Self {
        Self { writer, producer, group, halt_after_parked: config.halt_after_parked, unfit_in_a_row: 0 }
    }

    /// Stores the first `count` of `queue` and takes them off, reporting each to
    /// `finished`. After an error the queue holds what is still to be done.
    pub(crate) async fn flush(
        &mut self,
        claims: &mut Claims,
        queue: &mut VecDeque<Incoming>,
        count: usize,
        mut finished: impl FnMut(&TopicPartition, i64),
    ) -> Result<Outcome, StoreError> {
        let mut total = Outcome::default();
        let mut lengths = if count > 0 { vec![count] } else { Vec::new() };
        while let Some(length) = lengths.pop() {
            let items = &mut queue.make_contiguous()[..length];
            self.park(items).await?;
            match self.writer.write(claims, items).await {
                Ok(outcome) => {
                    total += outcome;
                    for item in queue.drain(..length) {
                        self.unfit_in_a_row = run_after(self.unfit_in_a_row, &item.content);
                        finished(&item.record.at, item.record.offset);
                    }
                }
                Err(error) if error.verdict() == Verdict::Park && length > 1 => {
                    lengths.extend([length - length / 2, length / 2]);
                }
                Err(error) if error.verdict() == Verdict::Park && unfit(&mut items[0], &error) => {
                    lengths.push(1);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(total)
    }

    /// Parks what is unfit. Fails when too many records in a row are: then the fault lies elsewhere, and
    /// parking would empty the whole log.
    async fn park(&mut self, items: &mut [Incoming]) -> Result<(), StoreError> {
        let mut run = self.unfit_in_a_row;
        for item in items.iter() {
            run = run_after(run, &item.content);
            if let (true, Content::Unfit(cause) | Content::Parked(cause)) =
                (run >= self.halt_after_parked, &item.content)
            {
                let (at, offset, cause) = (item.record.at.clone(), item.record.offset, cause.clone());
                return Err(StoreError::NothingFits { count: run, at, offset, cause });
            }
        }
        for item in items {
            if let Content::Unfit(cause) = &item.content {
                let cause = cause.clone();
                self.producer.park(&item.record, self.group, &cause).await?;
                metrics::counter!(metric::PARKED).increment(1);
                warn!(topic = %item.record.at, offset = item.record.offset, "parked a record: {cause}");
                item.content = Content::Parked(cause);
            }
        }
        Ok(())
    }
}

const fn run_after(run: u32, content: &Content) -> u32 {
    match content {
        Content::Fine(_) => 0,
        Content::Unfit(_) | Content::Parked(_) => run + 1,
    }
}

/// Marks a document that Postgres refuses as unfit; false when the item held none.
fn unfit(item: &mut Incoming, error: &StoreError) -> bool {
    let fine = matches!(item.content, Content::Fine(_));
    if fine {
        item.content = Content::Unfit(error.to_string());
    }
    fine
}

#[cfg(test)]
mod tests;
