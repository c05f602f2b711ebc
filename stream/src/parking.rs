//! How a record that can never be processed is put aside: same key and value, its
//! coordinates and the cause as headers, on `<topic>.parked`. One that is larger than a
//! record of ours may be is cut: it stands whole where its coordinates say.

use bytes::Bytes;

use crate::record::{Draft, MAX_RECORD_BYTES};
use crate::{Headers, Record};

const SUFFIX: &str = ".parked";
const PREFIX: &str = "parked-";
/// Longest cause that is kept, in characters.
const CAUSE: usize = 2000;
/// What is kept of the key and of the value of a record that is too large, in bytes.
const KEPT: usize = 64 << 10;

pub(crate) fn topic(topic: &str) -> String {
    format!("{topic}{SUFFIX}")
}

/// `partitions`: of the parking topic.
pub(crate) fn parked(record: &Record, partitions: u32, group: &str, cause: &str) -> Draft {
    let is_whole = record.size() <= MAX_RECORD_BYTES;
    let kept = |bytes: &Bytes| if is_whole { bytes.clone() } else { bytes.slice(..bytes.len().min(KEPT)) };
    let own = record.headers.iter().filter(|(name, _)| is_whole && !name.starts_with(PREFIX));
    let mut headers: Headers = own.cloned().collect();
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
    if !is_whole {
        headers.push((format!("{PREFIX}size"), Bytes::from(record.size().to_string())));
    }
    Draft {
        topic: topic(&record.at.topic),
        partition: record.at.partition % partitions.max(1),
        key: record.key.as_ref().map(kept),
        headers,
        value: kept(&record.value),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::TopicPartition;

    #[test]
    fn a_record_that_is_too_large_is_cut_and_its_size_told() {
        let at = TopicPartition { topic: "signals".into(), partition: 0 };
        let value = Bytes::from(vec![b'x'; 10 << 20]);
        let timestamp = DateTime::UNIX_EPOCH;
        let record = Record { at, offset: 1, key: Some("k".into()), headers: Vec::new(), value, timestamp };
        let draft = parked(&record, 1, "store", "too large");
        assert_eq!((draft.value.len(), draft.key.as_deref()), (KEPT, Some(&b"k"[..])));
        let size = draft.headers.iter().find(|(name, _)| name == "parked-size").unwrap();
        assert_eq!(size.1, record.size().to_string());
    }

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
