//! Clients of librdkafka end slowly, and some hang when their queue is not served:
//! they never end on an async thread.

use std::fmt;
use std::ops::Deref;

/// A value that is dropped on a thread of its own.
pub(super) struct OffThread<T: Send + 'static>(Option<T>);

impl<T: Send + 'static> OffThread<T> {
    pub(super) fn new(value: T) -> Self {
        Self(Some(value))
    }
}

impl<T: Send + 'static> Deref for OffThread<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            Some(value) => value,
            None => unreachable!("taken in drop only"),
        }
    }
}

impl<T: Send + 'static> Drop for OffThread<T> {
    fn drop(&mut self) {
        let value = self.0.take();
        let ending = std::thread::Builder::new().name("kafka-ending".into()).spawn(move || drop(value));
        if let Err(error) = ending {
            tracing::warn!("a kafka client ended on the thread that used it: {error}");
        }
    }
}

impl<T: Send + 'static> fmt::Debug for OffThread<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OffThread")
    }
}
