//! `tocsin classify` as the README shows it, and field by field.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod support;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};
use support::tocsin;

/// The lines of standard output, and the exit code.
fn classify(arguments: &[&str], input: &str) -> (Vec<Value>, Option<i32>) {
    let mut child = tocsin()
        .arg("classify")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    (lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), output.status.code())
}

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

fn texts<'a>(list: &'a Value, field: &str) -> Vec<&'a str> {
    list.as_array().unwrap().iter().map(|item| item[field].as_str().unwrap()).collect()
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// An answer as the README abridges it.
fn abridged(answer: &Value) -> String {
    let entity = |entity: &Value| {
        format!("{} {}", entity["name"].as_str().unwrap(), entity["sentiment"]["label"].as_str().unwrap())
    };
    let entities: Vec<String> = answer["entities"].as_array().unwrap().iter().map(entity).collect();
    let labels =
        [texts(&answer["topics"], "topic").join(" "), texts(&answer["risk_events"], "event").join(" ")];
    let line = format!(
        "{:<6}{:<9}{:+.2}  {} | {} | {}",
        answer["id"].as_str().unwrap(),
        answer["sentiment"]["label"].as_str().unwrap(),
        answer["sentiment"]["score"].as_f64().unwrap(),
        labels[0],
        labels[1],
        entities.join(", "),
    );
    line.trim_end().to_owned()
}

#[test]
fn the_documents_of_the_readme_are_answered_as_it_shows() {
    let documents = read("config/documents.example.jsonl");
    let (answers, code) = classify(&[], &documents);
    assert_eq!((answers.len(), code), (20, Some(0)));
    let lines: Vec<String> = answers.iter().map(abridged).collect();
    let readme = read("README.md");
    for line in &lines {
        let shown = readme.lines().any(|shown| shown.trim_end() == line);
        assert!(shown, "the README does not show what comes out:\n{}", lines.join("\n"));
    }
    for language in ["en", "zh"] {
        let opposite = &answers.iter().find(|answer| answer["id"] == format!("{language}-2")).unwrap();
        let asked = texts(&opposite["targets"], "text");
        let labels: Vec<&Value> =
            opposite["targets"].as_array().unwrap().iter().map(|t| &t["sentiment"]["label"]).collect();
        assert_eq!(labels, ["positive", "negative"], "{asked:?}");
    }
}

#[test]
fn an_answer_has_every_field_and_no_other() {
    let input = json!({
        "id": {"any": [1, "json"]},
        "title": "🚀 Boeing shares plunge after crash",
        "text": "Airbus wins a record order. 贵州茅台（600519）净利润大幅增长。",
        "lang": "en",
        "targets": ["贵州茅台", "Nobody Inc", "Boeing", "Airbus"],
    });
    let (answers, code) = classify(&[], &format!("{input}\n"));
    assert_eq!((answers.len(), code), (1, Some(0)));
    let answer = &answers[0];
    let wanted = ["id", "sentiment", "topics", "risk_events", "entities", "targets", "model"];
    assert_eq!(keys(answer), wanted.into());
    assert_eq!(answer["id"], input["id"]);
    sentiment(&answer["sentiment"]);

    let whole: Vec<char> =
        format!("{}\n{}", input["title"].as_str().unwrap(), input["text"].as_str().unwrap())
            .chars()
            .collect();
    let fields = ["id", "symbol", "symbols", "name", "kind", "role", "relevance", "sentiment", "mentions"];
    let entities = answer["entities"].as_array().unwrap();
    for entity in entities {
        assert_eq!(keys(entity), fields.into());
        sentiment(&entity["sentiment"]);
        assert!(["subject", "mention", "list"].contains(&entity["role"].as_str().unwrap()));
        assert!(entity["relevance"].as_u64().unwrap() <= 100);
        let symbols = entity["symbols"].as_array().unwrap();
        assert!(symbols.contains(&entity["symbol"]) || (symbols.is_empty() && entity["symbol"] == "private"));
        for mention in entity["mentions"].as_array().unwrap() {
            assert_eq!(keys(mention), ["start", "end", "text"].into());
            let at = |name: &str| usize::try_from(mention[name].as_u64().unwrap()).unwrap();
            let cut: String = whole[at("start")..at("end")].iter().collect();
            assert_eq!(mention["text"], cut, "offsets count characters of title, line end, text");
        }
    }
    let symbol = |id: &str| entities.iter().find(|e| e["id"] == id).map(|e| e["symbol"].clone());
    assert_eq!(symbol("boeing"), Some("NYSE:BA".into()));
    assert!(entities.iter().any(|e| e["symbols"].as_array().unwrap().contains(&"SSE:600519".into())));

    let asked = texts(&answer["targets"], "text");
    assert_eq!(asked, ["贵州茅台", "Nobody Inc", "Boeing", "Airbus"], "in the order asked");
    for target in answer["targets"].as_array().unwrap() {
        assert_eq!(keys(target), ["text", "sentiment", "risk_event"].into());
        assert_eq!(keys(&target["risk_event"]), ["event", "p"].into());
        sentiment(&target["sentiment"]);
    }
    assert_eq!(keys(&answer["model"]), ["name", "version", "quantization"].into());
    assert_eq!(
        (&answer["model"]["name"], &answer["model"]["quantization"]),
        (&"tocsin-small".into(), &"int8".into())
    );
}

fn sentiment(sentiment: &Value) {
    let fields = ["label", "negative", "neutral", "positive", "score", "confidence", "abstain"];
    assert_eq!(keys(sentiment), fields.into());
    let p = |name: &str| sentiment[name].as_f64().unwrap();
    let (negative, neutral, positive) = (p("negative"), p("neutral"), p("positive"));
    assert!((negative + neutral + positive - 1.0).abs() < 1e-9, "{sentiment}");
    assert!((p("score") - (positive - negative)).abs() < 1e-9, "{sentiment}");
    let most = negative.max(neutral).max(positive);
    assert!(
        (p("confidence") - most).abs() < 1e-9
            && (p(sentiment["label"].as_str().unwrap()) - most).abs() < 1e-9
    );
    assert!(sentiment["abstain"].is_boolean());
}

#[test]
fn with_all_every_topic_and_event_is_listed_and_the_selected_are_those_listed_without() {
    let line = "{\"text\":\"Bank files for bankruptcy after a run on deposits\"}\n";
    let (all, few) = (classify(&["--all"], line).0.remove(0), classify(&[], line).0.remove(0));
    for (list, name, count) in [("topics", "topic", 30), ("risk_events", "event", 32)] {
        assert_eq!(all[list].as_array().unwrap().len(), count);
        for item in all[list].as_array().unwrap() {
            assert_eq!(keys(item), [name, "p", "selected"].into());
        }
        let chosen = all[list].as_array().unwrap().iter().filter(|item| item["selected"] == true);
        let chosen: BTreeSet<&str> = chosen.map(|item| item[name].as_str().unwrap()).collect();
        assert_eq!(texts(&few[list], name).into_iter().collect::<BTreeSet<_>>(), chosen);
        let p: Vec<f64> =
            few[list].as_array().unwrap().iter().map(|item| item["p"].as_f64().unwrap()).collect();
        assert!(!p.is_empty() && p.is_sorted_by(|a, b| a >= b), "the most probable first: {p:?}");
    }
}

#[test]
fn bad_and_empty_lines_are_answered_in_their_place_and_nothing_is_lost() {
    let input = "{\"id\":1,\"text\":\"Shares rise\"}\n\n   \n{\"text\":5}\n[\"a\",\"b\",\"c\",\"en\",[]]\n{\"id\":[2],\"txet\":\"b\"}\n{\"id\":3,\"text\":\"\"}";
    let (answers, code) = classify(&[], input);
    assert_eq!((answers.len(), code), (7, Some(1)));
    for (bad, told) in [(1, "empty line"), (2, "empty line"), (3, "text is not a string"), (4, "object")] {
        assert_eq!(keys(&answers[bad]), ["error", "line"].into());
        assert_eq!(answers[bad]["line"], bad + 1);
        assert!(answers[bad]["error"].as_str().unwrap().contains(told), "{}", answers[bad]);
    }
    assert_eq!(answers[5], json!({ "error": "it has no text", "id": [2], "line": 6 }));
    assert_eq!((&answers[0]["id"], &answers[6]["id"]), (&1.into(), &3.into()));
    assert_eq!(classify(&[], "").1, Some(0));
}

#[test]
fn a_row_of_a_labelled_set_is_classified_and_any_id_comes_back_to_the_letter() {
    let id = "{\"n\": 123456789012345678901234567890, \"n\": 0.10}";
    let row = format!(
        "{{\"id\":{id},\"set\":\"guba\",\"text\":\"Shares rise\",\"topics\":[],\"targets\":null,\"label\":\"positive\"}}\n"
    );
    let mut child = tocsin().arg("classify").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(row.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let line = String::from_utf8(output.stdout).unwrap();
    assert!(line.contains(&format!("\"id\":{id},")), "{line}");
    assert!(line.contains("\"targets\":[]"), "{line}");
}

#[test]
fn a_target_in_capitals_is_no_common_word() {
    let line = json!({
        "text": "Shares fell so far that you can go and buy on Monday at any price",
        "targets": ["ON", "CAN", "GO", "Shares"],
    });
    let answer = classify(&[], &format!("{line}\n")).0.remove(0);
    let abstains: Vec<&Value> =
        answer["targets"].as_array().unwrap().iter().map(|t| &t["sentiment"]["abstain"]).collect();
    assert_eq!(abstains[..3], [true, true, true], "{answer}");
}

#[test]
fn an_answer_does_not_wait_for_the_next_line() {
    let mut child = tocsin()
        .arg("classify")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (mut input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (answer, answers) = mpsc::channel();
    let listener = std::thread::spawn(move || {
        for line in BufReader::new(output).lines() {
            answer.send(line.unwrap()).unwrap();
        }
    });
    for id in ["first", "second"] {
        writeln!(input, "{}", json!({ "id": id, "text": "Shares rise" })).unwrap();
        let answer: Value =
            serde_json::from_str(&answers.recv_timeout(Duration::from_secs(120)).unwrap()).unwrap();
        assert_eq!(answer["id"], id);
    }
    drop(input);
    assert!(child.wait().unwrap().success());
    listener.join().unwrap();
}

#[test]
fn whoever_reads_the_answers_may_stop_before_their_end() {
    let mut child = tocsin()
        .arg("classify")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    child.stdin.take().unwrap().write_all(b"{\"text\":\"Shares rise\"}\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*stderr), (Some(0), ""));
}
