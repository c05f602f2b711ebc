//! What is read of rows of every form, and what is refused.

use serde_json::json;

use super::*;
use crate::taxonomy::{NONE, index};

fn taxonomy() -> Taxonomy {
    Taxonomy::read(Path::new("../config/taxonomy.toml")).unwrap()
}

/// What is scored of a file in the folder `folder` with these rows.
fn scored(folder: &str, rows: &[Value]) -> Result<Vec<Example>> {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join(folder).join("dev.jsonl");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let lines: Vec<String> = rows.iter().map(ToString::to_string).collect();
    std::fs::write(&file, format!("\u{feff}{}\n", lines.join("\n\n"))).unwrap();
    to_score(&[file], &taxonomy())
}

fn one(row: Value) -> Example {
    scored("made", &[row]).unwrap().remove(0)
}

/// The ids of a goal that are told, and those that are known.
fn told(goal: &Goal, ids: impl Iterator<Item = String>) -> (Vec<String>, usize) {
    let on = ids.zip(&goal.labels).filter(|(_, y)| **y > 0.5).map(|(id, _)| id);
    (on.collect(), goal.covered().iter().filter(|known| **known).count())
}

fn topics(example: &Example) -> (Vec<String>, usize) {
    told(example.topics.as_ref().unwrap(), taxonomy().topics.into_iter().map(|topic| topic.id))
}

fn events(example: &Example) -> (Vec<String>, usize) {
    told(example.events.as_ref().unwrap(), taxonomy().events.into_iter().map(|event| event.id))
}

#[test]
fn what_nobody_knows_is_refused_with_file_line_and_value() {
    let good = || json!({ "text": "a", "sentiment": "neutral", "set": "made" });
    let table = [
        (
            json!({ "text": "a", "sentiment": "bad" }),
            "sentiment \"bad\" is none of negative, neutral, positive",
        ),
        (json!({ "text": "a", "sentiment": 1 }), "sentiment 1 is none of"),
        (json!({ "text": "a", "label": "up" }), "sentiment \"up\" is none of"),
        (json!({ "text": "a", "topics": ["energy", "enrgy"] }), "\"enrgy\" among its topics"),
        (json!({ "text": "a", "topics": "energy" }), "topics is \"energy\", and no list"),
        (json!({ "text": "a", "events": ["lawsuits"] }), "\"lawsuits\" among its events"),
        (json!({ "text": "a", "labels": ["财经"], "set": "finnl" }), "\"财经\" is neither an id"),
        (json!({ "text": "a", "labels": "energy", "set": "made" }), "labels is \"energy\", and no list"),
        (json!({ "text": "a", "event": "涨", "set": "finese" }), "\"涨\" is neither an id"),
        (json!({ "text": "a", "negative": "yes" }), "negative is \"yes\""),
        (
            json!({ "text": "a", "sentiment": "neutral", "entities": [{ "name": "A", "sentiment": "x" }] }),
            "sentiment \"x\" is none of",
        ),
        (json!({ "text": "a", "sentiment": "neutral", "entities": [{ "kind": "A" }] }), "has no name"),
        (json!({ "text": "a", "lang": "en" }), "none of sentiment, topics, events"),
        (json!({ "sentiment": "neutral" }), "no text"),
        (json!(["a", "neutral"]), "not a JSON object"),
        (json!({ "text": "a", "event": "lawsuit", "set": "mine" }), "event \"lawsuit\" without a subject"),
    ];
    for (row, told) in table {
        let error = scored("made", &[good(), row]).unwrap_err().to_string();
        assert!(error.contains("dev.jsonl") && error.contains("line 3: ") && error.contains(told), "{error}");
    }
    let broken = tempfile::tempdir().unwrap();
    let file = broken.path().join("dev.jsonl");
    std::fs::write(&file, "\n{\"text\": a}\n").unwrap();
    let error = to_score(&[file], &taxonomy()).unwrap_err().to_string();
    assert!(error.contains("line 2: expected value, column "), "{error}");
}

#[test]
fn a_task_that_a_row_has_no_field_for_is_not_supervised_by_it() {
    let entity = json!({ "name": "Acme", "sentiment": "negative", "role": "subject" });
    let row =
        one(json!({ "text": "Acme falls", "sentiment": "negative", "set": "made", "entities": [entity] }));
    assert_eq!((row.sentiment, row.topics, row.events), (Some(0), None, None));
    assert_eq!((row.targets[0].sentiment, row.targets[0].event), (Some(0), None));
    let none = one(json!({ "text": "a", "sentiment": null, "topics": [], "events": [] }));
    assert_eq!((none.sentiment, none.targets.len()), (None, 0));
    assert_eq!((topics(&none), events(&none)), ((vec![], 30), (vec![NONE.to_owned()], 32)));
    let event = one(json!({ "text": "a", "events": ["lawsuit"], "entities": [entity] }));
    assert_eq!((event.topics.is_none(), events(&event).0), (true, vec!["lawsuit".to_owned()]));
    assert_eq!(event.targets[0].event, index(&taxonomy().events, "lawsuit"));
}

#[test]
fn a_row_is_read_with_its_title_and_an_event_that_is_none_needs_no_subject() {
    let titled = one(json!({ "title": "Acme falls", "text": "It said why.", "sentiment": "negative" }));
    assert_eq!(titled.text, "Acme falls\nIt said why.");
    assert_eq!(one(json!({ "title": " Acme falls", "text": "", "label": "negative" })).text, "Acme falls");
    let none = one(json!({ "text": "a", "event": "其他", "subject": null, "set": "finese" }));
    assert_eq!(none.targets[0].event, index(&taxonomy().events, NONE));
}

#[test]
fn ids_of_the_taxonomy_are_taken_of_any_set() {
    let mine = one(json!({ "text": "a", "labels": ["energy", "legal"], "set": "mine" }));
    assert_eq!(topics(&mine), (vec!["energy".to_owned(), "legal".to_owned()], 30));
    let event = one(json!({ "text": "a", "event": "lawsuit", "subject": "Acme", "set": "mine" }));
    assert_eq!(event.targets[0].event, index(&taxonomy().events, "lawsuit"));
    // A set of names of its own tells of what it has names for.
    let (named, known) = topics(&one(json!({ "text": "a", "labels": ["energy"], "set": "finnl" })));
    assert!(named == ["energy"] && known < 30, "{named:?} {known}");
}

#[test]
fn a_row_under_the_guide_keeps_the_name_of_its_set() {
    let row = json!({ "text": "a", "sentiment": "neutral", "topics": [], "events": [], "entities": [], "set": "mine" });
    let mine = one(row.clone());
    assert_eq!((mine.set.as_str(), mine.named_set()), ("annotated", "mine"));
    let annotated = scored("annotated", &[row]).unwrap().remove(0);
    assert_eq!((annotated.set.as_str(), annotated.named_set()), ("annotated", "annotated"));
    assert_eq!(one(json!({ "text": "a", "label": "neutral", "set": "guba" })).named_set(), "guba");
}

#[test]
fn a_set_that_tells_only_what_is_negative_is_scored_on_both_and_teaches_half() {
    let row = |negative: bool, keys: &[&str]| {
        json!({ "text": "黄金佳涉非法集资，银行说", "negative": negative, "set": "bdci",
            "entities": ["金佳", "黄金佳", "银行", "别处"], "key_entities": keys })
    };
    let judged = |row: &Value| {
        let example = one(row.clone());
        let names: Vec<(String, Option<bool>)> =
            example.targets.into_iter().map(|target| (target.name, target.negative)).collect();
        (example.negative, example.sentiment, names)
    };
    let name = |name: &str, negative| (name.to_owned(), Some(negative));
    let bad = row(true, &["黄金佳"]);
    assert_eq!(judged(&bad), (Some(true), Some(0), vec![name("黄金佳", true), name("银行", false)]));
    let good = ["金佳", "黄金佳", "银行"].map(|of| name(of, false));
    assert_eq!(judged(&row(false, &[])), (Some(false), None, good.into()));
    assert_eq!(judged(&row(true, &[])), (Some(true), Some(0), vec![]));

    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("train.jsonl"), bad.to_string()).unwrap();
    let taught = read(&[home.path().to_owned()], &[], &taxonomy()).unwrap().remove(0);
    assert_eq!((taught.sentiment, taught.weight, taught.targets), (Some(0), 0.5, vec![]));
}

#[test]
fn a_folder_without_a_set_to_score_is_refused_by_name() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("phrases.jsonl"), "{\"text\":\"a\",\"label\":\"neutral\"}\n").unwrap();
    let roots = [home.path().to_owned()];
    let told = format!("{} is not a usable folder of data: neither train.jsonl nor", home.path().display());
    let error = to_score(&roots, &taxonomy()).unwrap_err().to_string();
    assert!(error.starts_with(&told), "{error}");
    assert_eq!(to_score(&[home.path().join("phrases.jsonl")], &taxonomy()).unwrap().len(), 1);
}

#[test]
fn a_file_of_another_name_teaches_nothing_and_the_names_that_do_are_told() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    std::fs::write(at("mine.jsonl"), "{\"text\":\"a\",\"label\":\"neutral\"}\n").unwrap();
    let required = |name: &str| {
        let examples = read(&[at(name)], &[], &taxonomy()).unwrap();
        require_training(&examples, "train on").map_err(|error| error.to_string())
    };
    let error = required("mine.jsonl").unwrap_err();
    assert!(error.starts_with("no texts to train on (dev texts that were read: 1)"), "{error}");
    let is_told = ["train.jsonl", "dev.jsonl", "name a folder"].iter().all(|part| error.contains(part));
    assert!(is_told, "{error}");
    std::fs::rename(at("mine.jsonl"), at("train.jsonl")).unwrap();
    assert_eq!(required("train.jsonl"), Ok(()));
}

#[test]
fn every_row_of_the_sets_is_read() {
    let data = Path::new("../../shared/data");
    if !data.is_dir() {
        eprintln!("skipped: no labelled texts at {}", data.display());
        return;
    }
    let all = to_score(&[data.to_owned()], &taxonomy()).unwrap();
    let is_told = |e: &Example| {
        let is_named = e.targets.iter().any(|t| t.sentiment.or(t.event).is_some());
        e.sentiment.is_some() || e.negative.is_some() || e.topics.is_some() || e.events.is_some() || is_named
    };
    assert!(all.len() > 9_000 && all.iter().all(is_told), "{} texts", all.len());
}
