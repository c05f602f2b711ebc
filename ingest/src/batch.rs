//! Records that several turns publish at the same moment go to the bus together: one
//! transaction of the embedded bus instead of one each, which would wait for each other.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tocsin_stream::{Outgoing, Producer, StreamError};
use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::{Mutex as Turn, OwnedRwLockReadGuard, oneshot};

/// Most records that are written together.
const MOST: usize = 256;

/// Says that a document was dated and is not acknowledged yet.
pub(crate) type InFlight = Arc<OwnedRwLockReadGuard<()>>;

/// Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Batcher {
    producer: Producer,
    queue: Arc<Mutex<Queue>>,
    /// Whoever has it writes for all who wait.
    turn: Arc<Turn<()>>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    next: u64,
}

#[derive(Debug)]
struct Waiting {
    number: u64,
    record: Outgoing,
    in_flight: InFlight,
    /// Dropped unheard where the batch failed.
    done: oneshot::Sender<()>,
}

/// A record in the queue. Whoever gives up before its turn takes it out.
struct Place<'a> {
    batcher: &'a Batcher,
    number: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.batcher.queue().waiting.retain(|waiting| waiting.number != self.number);
    }
}

impl Batcher {
    pub(crate) fn new(producer: Producer) -> Self {
        Self { producer, queue: Arc::default(), turn: Arc::default() }
    }

    /// Returns once the record is durable. `in_flight` is held until then, also where the
    /// caller is gone by that time. What a batch cannot bring is tried by itself.
    pub(crate) async fn send(&self, record: Outgoing, in_flight: InFlight) -> Result<(), StreamError> {
        let (done, mut told) = oneshot::channel();
        let _place = self.queue_up(record.clone(), in_flight.clone(), done);
        let turn = self.turn.lock().await;
        loop {
            match told.try_recv() {
                Ok(()) => return Ok(()),
                Err(TryRecvError::Empty) => self.write().await,
                Err(TryRecvError::Closed) => break,
            }
        }
        drop(turn);
        self.producer.send(vec![record]).await.map(drop)
    }

    fn queue_up(&self, record: Outgoing, in_flight: InFlight, done: oneshot::Sender<()>) -> Place<'_> {
        let mut queue = self.queue();
        let number = queue.next;
        queue.next += 1;
        queue.waiting.push_back(Waiting { number, record, in_flight, done });
        Place { batcher: self, number }
    }

    async fn write(&self) {
        let batch: Vec<Waiting> = {
            let mut queue = self.queue();
            let count = queue.waiting.len().min(MOST);
            queue.waiting.drain(..count).collect()
        };
        let records = batch.iter().map(|waiting| waiting.record.clone()).collect();
        match self.producer.send(records).await {
            Ok(_) => batch.into_iter().for_each(Waiting::tell),
            Err(error) => {
                tracing::debug!(
                    records = batch.len(),
                    "{} records are tried one by one: {error}",
                    batch.len()
                );
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn tell(self) {
        drop(self.in_flight);
        // Whoever gave up does not hear it.
        self.done.send(()).unwrap_or_default();
    }
}
