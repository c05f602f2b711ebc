//! Records that wait for the model, and how they are cut into batches: by number, by
//! tokens, and by how long the first of them has waited.

use std::collections::VecDeque;
use std::time::Duration;

use tocsin_stream::TopicPartition;
use tokio::time::Instant;

use crate::intake::{Content, Waiting};
use crate::{Classify, EnrichConfig, metric};

/// In the order of their arrival.
#[derive(Debug)]
pub(crate) struct Queue {
    max_batch: usize,
    max_batch_tokens: usize,
    max_wait: Duration,
    waiting: VecDeque<Queued>,
    /// Of all that wait.
    tokens: usize,
}

#[derive(Debug)]
struct Queued {
    waiting: Waiting,
    tokens: usize,
    since: Instant,
}

impl Queue {
    pub(crate) const fn new(config: &EnrichConfig) -> Self {
        let EnrichConfig { max_batch, max_batch_tokens, max_wait, .. } = *config;
        Self { max_batch, max_batch_tokens, max_wait, waiting: VecDeque::new(), tokens: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn push(&mut self, waiting: Waiting, model: &dyn Classify) {
        let tokens = match &waiting.content {
            Content::Document { document, .. } => model.tokens(document),
            Content::Tombstone(_) | Content::Progress(_) | Content::Nothing | Content::Unfit(_) => 0,
        };
        self.tokens += tokens;
        self.waiting.push_back(Queued { waiting, tokens, since: Instant::now() });
    }

    /// Forgets the records of these partitions.
    pub(crate) fn forget(&mut self, partitions: &[TopicPartition]) {
        self.waiting.retain(|queued| !partitions.contains(&queued.waiting.record.at));
        self.tokens = self.waiting.iter().map(|queued| queued.tokens).sum();
    }

    /// When the next batch goes though it is not full; `None` while nothing waits.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.waiting.front().map(|first| first.since + self.max_wait)
    }

    /// Whether a batch is full, or the first record has waited long enough.
    pub(crate) fn is_due(&self) -> bool {
        let full = self.waiting.len() >= self.max_batch || self.tokens >= self.max_batch_tokens;
        full || self.due().is_some_and(|due| due <= Instant::now())
    }

    /// The first records, as many as fit a batch; one at least.
    pub(crate) fn next_batch(&mut self) -> Vec<Waiting> {
        let (mut batch, mut tokens) = (Vec::new(), 0);
        while let Some(next) = self.waiting.front().map(|queued| queued.tokens) {
            let full = batch.len() >= self.max_batch || tokens + next > self.max_batch_tokens;
            if full && !batch.is_empty() {
                break;
            }
            let Some(Queued { waiting, since, .. }) = self.waiting.pop_front() else { break };
            metrics::histogram!(metric::QUEUE_SECONDS).record(since.elapsed().as_secs_f64());
            tokens += next;
            batch.push(waiting);
        }
        self.tokens -= tokens;
        if let Some(fill) = self.fill(tokens) {
            metrics::histogram!(metric::BATCH_FILL).record(fill);
        }
        batch
    }

    /// The share of a batch that `tokens` fill; `None` where it has no document for the model.
    fn fill(&self, tokens: usize) -> Option<f64> {
        (tokens > 0).then(|| tokens as f64 / self.max_batch_tokens as f64)
    }
}

#[cfg(test)]
mod tests {
    use tocsin_contract::Document;
    use tocsin_stream::Record;

    use super::*;
    use crate::samples::{WordList, document, seen};

    fn queue(max_batch: usize, max_batch_tokens: usize) -> Queue {
        let max_wait = Duration::from_secs(3600);
        Queue::new(&EnrichConfig { max_batch, max_batch_tokens, max_wait, ..EnrichConfig::default() })
    }

    fn waiting(partition: u32, offset: i64, content: Content) -> Waiting {
        let at = TopicPartition { topic: "documents.raw".into(), partition };
        let value = Vec::new().into();
        let record = Record { at, offset, key: None, headers: Vec::new(), value, timestamp: seen(0) };
        Waiting { record, content }
    }

    /// A document of so many words; the model of the samples takes one for a token.
    fn words(partition: u32, offset: i64, count: usize) -> Waiting {
        let document = Document { title: "word ".repeat(count), ..document(1) };
        waiting(partition, offset, Content::Document { document: Box::new(document), known_at: seen(0) })
    }

    fn offsets(batch: &[Waiting]) -> Vec<i64> {
        batch.iter().map(|waiting| waiting.record.offset).collect()
    }

    #[test]
    fn a_batch_holds_no_more_tokens_than_it_may_and_no_record_is_passed_over() {
        let model = WordList::default();
        let mut queue = queue(100, 10);
        for (offset, count) in [4, 4, 4, 30, 1, 9].into_iter().enumerate() {
            assert_eq!(queue.is_due(), offset > 2, "{offset}");
            queue.push(words(0, offset as i64, count), &model);
        }
        queue.push(waiting(0, 6, Content::Nothing), &model);
        assert_eq!(offsets(&queue.next_batch()), [0, 1]);
        assert_eq!(offsets(&queue.next_batch()), [2]);
        assert_eq!(offsets(&queue.next_batch()), [3], "longer than a batch: it goes alone");
        assert_eq!(offsets(&queue.next_batch()), [4, 5, 6]);
        assert_eq!((queue.len(), queue.tokens, queue.is_due(), queue.due()), (0, 0, false, None));
    }

    #[test]
    fn a_batch_holds_no_more_records_than_it_may() {
        let mut queue = queue(2, 1000);
        (0..3).for_each(|offset| queue.push(words(0, offset, 1), &WordList::default()));
        assert!(queue.is_due());
        assert_eq!(offsets(&queue.next_batch()), [0, 1]);
        assert!(!queue.is_due());
    }

    #[test]
    fn a_batch_without_a_document_says_nothing_of_how_full_batches_are() {
        assert_eq!([0, 5, 10].map(|tokens| queue(100, 10).fill(tokens)), [None, Some(0.5), Some(1.0)]);
    }

    #[test]
    fn a_record_that_waited_long_enough_goes_alone() {
        let mut queue = queue(100, 1000);
        queue.push(words(0, 0, 1), &WordList::default());
        assert!(!queue.is_due());
        queue.max_wait = Duration::ZERO;
        assert!(queue.is_due());
        assert_eq!(offsets(&queue.next_batch()), [0]);
    }

    #[test]
    fn records_of_a_lost_partition_count_no_more() {
        let mut queue = queue(100, 10);
        queue.push(words(0, 7, 8), &WordList::default());
        queue.push(words(1, 3, 8), &WordList::default());
        queue.forget(&[TopicPartition { topic: "documents.raw".into(), partition: 0 }]);
        assert!(!queue.is_due());
        assert_eq!(offsets(&queue.next_batch()), [3]);
    }
}
