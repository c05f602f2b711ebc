//! Every topic has a card that people can rely on.

#[expect(dead_code, reason = "shared with other test binaries, which use other parts")]
mod support;

use std::collections::BTreeSet;
use std::fs;

use serde::Deserialize;
use support::root;
use tocsin_contract::topics;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Card {
    topic: String,
    what: String,
    key: String,
    producers: Vec<String>,
    consumers: Vec<String>,
    partitions: u32,
    retention: String,
    parking: String,
    notes: String,
}

const SERVICES: [&str; 5] = ["ingest", "replay", "enrich", "store", "alerting"];

fn card(topic: &str) -> Card {
    let path = root().join("topics").join(format!("{topic}.toml"));
    let text = fs::read_to_string(&path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()));
    toml::from_str(&text).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()))
}

#[test]
fn every_topic_has_a_card_that_names_itself_and_its_parking_topic() {
    for topic in topics::ALL {
        let card = card(topic);
        assert_eq!(card.topic, topic);
        assert_eq!(card.parking, topics::parked(topic));
        for text in [&card.what, &card.key, &card.retention, &card.notes] {
            assert!(!text.trim().is_empty(), "the card of {topic} has an empty field");
        }
        assert!(card.partitions > 0, "{topic}");
    }
}

#[test]
fn producers_and_consumers_are_known_services() {
    for topic in topics::ALL {
        let card = card(topic);
        assert!(!card.producers.is_empty(), "nobody writes {topic}");
        for name in card.producers.iter().chain(&card.consumers) {
            assert!(SERVICES.contains(&name.as_str()), "{topic} names {name}, which is no service");
        }
    }
}

#[test]
fn there_is_no_card_example_or_schema_of_a_topic_that_does_not_exist() {
    let known: BTreeSet<String> = topics::ALL.iter().map(|topic| (*topic).to_owned()).collect();
    for (folder, end) in [("topics", ".toml"), ("schemas", ".json"), ("examples", "")] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let stem = name.strip_suffix(end).unwrap_or_else(|| panic!("{folder}/{name} is out of place"));
            let topic = stem.rsplit_once(".v").map_or(stem, |(topic, _)| topic);
            assert!(known.contains(topic), "{folder}/{name} belongs to no topic");
        }
    }
}
