//! How a record that can never be processed is put aside: same key and value, its
//! coordinates and the cause as headers, on `<topic>.parked`.

use bytes::Bytes;

use crate::record::Draft;
use crate::{Headers, Record};

const SUFFIX: &str = ".parked";
const PREFIX: &str = "parked-";
/// Longest cause that is kept, in characters.
const CAUSE: usize = 2000;

pub(crate) fn topic(topic: &str) -> String {
    format!("{topic}{SUFFIX}")
}

/// `partitions`: of the parking topic.
pub(crate) fn parked(record: &Record, partitions: u32, group: &str, cause: &str) -> Draft {
    let mut headers: Headers =
        record.headers.iter().filter(|(name, _)| !name.starts_with(PREFIX)).cloned().collect();
    let cause: String = cause.chars().take(CAUSE).collect();
    for (name, value) in [
        ("topic", record.at.topic.clone()),
        ("partition", record.at.partition.to_string()),
        ("offset", record.offset.to_string()),
        ("cause", cause),
        ("group", group.to_owned()),
    ] {
        headers.push((format!("{PREFIX}{name}"), Bytes::from(value)));
    }
    Draft {
        topic: topic(&record.at.topic),
        partition: record.at.partition % partitions.max(1),
        key: record.key.clone(),
        headers,
        value: record.value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::TopicPartition;

    #[test]
    fn a_parked_record_keeps_its_bytes_and_says_where_it_was() {
        let record = Record {
            at: TopicPartition { topic: "signals".into(), partition: 5 },
            offset: 77,
            key: None,
            headers: vec![
                ("content-type".into(), Bytes::from_static(b"application/json")),
                ("parked-offset".into(), Bytes::from_static(b"1")),
            ],
            value: Bytes::from_static(b"\xff\x00{"),
            timestamp: DateTime::UNIX_EPOCH,
        };
        let draft = parked(&record, 3, "store", "not UTF-8");
        assert_eq!((draft.topic.as_str(), draft.partition), ("signals.parked", 2));
        assert_eq!((draft.key, draft.value), (None, record.value));
        let text: Vec<(String, String)> = draft
            .headers
            .into_iter()
            .map(|(name, value)| (name, String::from_utf8(value.to_vec()).unwrap()))
            .collect();
        let expected = [
            ("content-type", "application/json"),
            ("parked-topic", "signals"),
            ("parked-partition", "5"),
            ("parked-offset", "77"),
            ("parked-cause", "not UTF-8"),
            ("parked-group", "store"),
        ];
        assert_eq!(text, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
