//! Every recorded example is read, and says the same after being written again.

mod support;

use std::collections::BTreeSet;

use serde_json::Value;
use support::{examples, reencode, schemas};
use tocsin_contract::{ContractError, topics};

#[test]
fn every_example_survives_being_read_and_written() {
    for topic in topics::ALL {
        for (v, _) in schemas(topic) {
            for example in examples(topic, v) {
                let written = reencode(topic, &example.bytes)
                    .unwrap_or_else(|cause| panic!("{}: {cause}", example.path.display()));
                let written: Value = serde_json::from_slice(&written).unwrap();
                assert_eq!(written, example.json(), "{}", example.path.display());
            }
        }
    }
}

/// All values of the field `key`, anywhere in the newest examples of `topic`.
fn values(topic: &str, key: &str) -> BTreeSet<String> {
    fn walk(value: &Value, key: &str, found: &mut BTreeSet<String>) {
        if let Some(fields) = value.as_object() {
            found.extend(fields.get(key).and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|inner| walk(inner, key, found));
        }
        value.as_array().into_iter().flatten().for_each(|inner| walk(inner, key, found));
    }
    let mut found = BTreeSet::new();
    let newest = schemas(topic).into_iter().map(|(v, _)| v).max().expect("every topic has a version");
    examples(topic, newest).iter().for_each(|example| walk(&example.json(), key, &mut found));
    found
}

#[test]
fn the_examples_show_every_variant() {
    let show = |topic, key, wanted: &[&str]| {
        let seen = values(topic, key);
        for variant in wanted {
            assert!(seen.contains(*variant), "no example of {topic} has {key} = {variant}: {seen:?}");
        }
    };
    show(topics::DOCUMENTS_RAW, "type", &["document", "tombstone", "progress"]);
    show(topics::DOCUMENTS_RAW, "kind", &["news", "social", "report", "feedback"]);
    show(topics::DOCUMENTS_RAW, "published_precision", &["exact", "day", "missing"]);
    show(topics::DOCUMENTS_RAW, "lang", &["en", "zh", "und"]);
    show(topics::DOCUMENTS_ENRICHED, "type", &["document", "tombstone"]);
    show(topics::DOCUMENTS_ENRICHED, "label", &["negative", "neutral", "positive"]);
    show(topics::DOCUMENTS_ENRICHED, "role", &["subject", "mention", "list"]);
    let kinds = ["company", "fund", "exchange", "central_bank", "regulator", "index", "crypto"];
    show(topics::DOCUMENTS_ENRICHED, "kind", &kinds);
    show(topics::SIGNALS, "type", &["signal", "progress"]);
    show(topics::SIGNALS, "kind", &["entity", "topic"]);
    show(topics::ALERTS, "state", &["open", "updated", "acknowledged", "resolved"]);
    show(topics::ALERTS, "severity", &["warning", "high", "critical"]);
    show(topics::ALERTS, "kind", &["volume", "tone", "both"]);
}

/// What reading `bytes` as a message of `topic` is refused with.
fn refusal(topic: &str, bytes: &[u8]) -> ContractError {
    reencode(topic, bytes).expect_err("the message must not be read")
}

#[test]
fn a_message_of_an_unknown_version_is_refused_with_topic_and_version() {
    for topic in topics::ALL {
        let error = refusal(topic, br#"{"v":99}"#);
        assert!(matches!(error, ContractError::UnknownVersion { version: 99, .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains(topic) && text.contains("99"), "{text}");
    }
}

#[test]
fn a_message_without_an_integer_version_is_refused_with_its_topic() {
    for topic in topics::ALL {
        for bytes in [&b"{}"[..], br#"{"v":"1"}"#, br#"{"v":-1}"#, b"[]", b"null", b"7"] {
            let error = refusal(topic, bytes);
            assert!(matches!(error, ContractError::NoVersion { .. }), "{error}");
            assert!(error.to_string().contains(topic), "{error}");
        }
    }
}

#[test]
fn bytes_that_are_not_json_are_refused_with_their_topic() {
    for topic in topics::ALL {
        for bytes in [&b""[..], b"{", b"\xff\xfe", br#"{"v":1} trailing"#, br#"{"v":NaN}"#] {
            let error = refusal(topic, bytes);
            assert!(matches!(error, ContractError::NotJson { .. }), "{error}");
            assert!(error.to_string().contains(topic), "{error}");
        }
    }
}

#[test]
fn a_known_version_with_the_wrong_fields_is_refused_with_topic_and_version() {
    for topic in topics::ALL {
        let error = refusal(topic, br#"{"v":1,"type":"surprise"}"#);
        assert!(matches!(error, ContractError::Unfit { version: 1, .. }), "{error}");
        assert!(error.to_string().contains(topic), "{error}");
    }
}
