//! Names as the services know them, and as the bus knows them (with the prefix).

use std::sync::Arc;

use crate::TopicPartition;

/// Puts the prefix before topics and groups, and takes it away again.
#[derive(Debug, Clone)]
pub(crate) struct Names(Arc<str>);

impl Names {
    pub(crate) fn new(prefix: &str) -> Self {
        Self(prefix.into())
    }

    pub(crate) fn on_bus(&self, name: &str) -> String {
        format!("{}{name}", self.0)
    }

    /// A name without the prefix is not ours and stays as it is.
    pub(crate) fn plain(&self, name: &str) -> String {
        name.strip_prefix(&*self.0).unwrap_or(name).to_owned()
    }

    pub(crate) fn place(&self, topic: &str, partition: i32) -> TopicPartition {
        TopicPartition { topic: self.plain(topic), partition: partition.unsigned_abs() }
    }
}

/// Partition numbers as Postgres and librdkafka write them.
pub(crate) fn number(partition: u32) -> i32 {
    i32::try_from(partition).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_put_before_and_taken_away_once() {
        let names = Names::new("a.");
        assert_eq!(names.on_bus("a.b"), "a.a.b");
        assert_eq!(names.plain("a.a.b"), "a.b");
    }
}
