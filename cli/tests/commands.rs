//! What the command line promises: filters, refusals, exit codes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod support;

use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;
use support::tocsin;

fn with_input(args: &[&str], input: &str) -> Output {
    let mut child = tocsin()
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn classify_answers_every_line_in_order_and_fails_at_the_end_for_a_bad_one() {
    let input = "{\"id\":\"a\",\"text\":\"Harrowgate Bank shares plunge as depositors panic\"}\nnot json\n{\"id\":7.123456,\"text\":\"公司净利润大幅增长，创历史新高\"}\n";
    let output = with_input(&["classify"], input);
    assert_eq!(output.status.code(), Some(1));
    let lines: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["sentiment"]["label"], "negative");
    assert_eq!(lines[0]["entities"][0]["id"], "harrowgate_bank");
    assert!(lines[1]["error"].is_string());
    assert_eq!(lines[2]["id"], 7.123_456);
    assert_eq!(lines[2]["sentiment"]["label"], "positive");
}

#[test]
fn an_unknown_setting_is_refused_by_name_with_exit_code_64() {
    let output = tocsin().args(["up", "--set", "stream.brokerz=x"]).output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("brokerz"));
}

#[test]
fn a_device_that_is_not_there_is_refused_with_exit_code_64() {
    let output = tocsin().args(["classify", "--device", "cuda"]).output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("device \"cuda\" is not available"));
}

#[test]
fn what_the_commands_of_the_classifier_cannot_use_is_named_with_exit_code_64() {
    let (nowhere, build) = ("/no/such/folder", ["entities", "build", "--out", "listings.tsv", "--lists"]);
    let train = ["train", "--base", "b", "--data", "d", "--out", "o", "--finetune"];
    let average = ["average", "--first", "a", "--second", "b", "--out", "o"];
    let in_place = ["train", "--base", "config", "--data", "d", "--out", "config"];
    let table: [(&[&str], &[&str], &str); 12] = [
        (&average, &["--share=1.5"], "--share is 1.5; it takes a number from 0 to 1"),
        (&build, &[nowhere], nowhere),
        (&build, &["config", "--with", nowhere], "cannot read /no/such/folder/header.txt"),
        (&build, &["config", "--known", nowhere], nowhere),
        (&train, &["--minutes=-3"], "--minutes is -3; it takes a number from 0 up"),
        (&train, &["--minutes=nan"], "--minutes is NaN"),
        (&train, &["--rate=0"], "--rate is 0; it takes a number above 0"),
        (&train, &["--epochs=0"], "--epochs is 0; it takes a number from 1 up"),
        (&train, &["--masked=2"], "--masked is 2; it takes a number from 0 to 1"),
        (&train, &["--masked=nan"], "--masked is NaN"),
        (&in_place, &[], "what it is made from lies there"),
        (&["eval", "--data", "d"], &["--picture", "/no/such/scores.png"], "there is no folder /no/such"),
    ];
    for (command, arguments, told) in table {
        let output = tocsin().args(command).args(arguments).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{stderr}");
        assert!(stderr.contains(told), "{told}: {stderr}");
    }
}

#[test]
fn training_on_a_file_of_another_name_says_which_names_are_read_with_exit_code_64() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("mine.jsonl");
    std::fs::write(&file, "{\"text\":\"Shares fall\",\"label\":\"negative\"}\n").unwrap();
    let mut train = tocsin();
    train.args(["train", "--base", "models/tocsin-small", "--data"]).arg(&file);
    let output = train.arg("--out").arg(home.path().join("out")).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{stderr}");
    assert!(stderr.contains("train.jsonl") && stderr.contains("dev.jsonl"), "{stderr}");
}

/// A copy of the shipped model, changed by `change`.
fn model_with(change: impl Fn(&Path)) -> tempfile::TempDir {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/tocsin-small");
    let folder = tempfile::tempdir().unwrap();
    for name in ["config.json", "model.safetensors", "ngrams.safetensors", "tokenizer.json"] {
        std::fs::copy(shipped.join(name), folder.path().join(name)).unwrap();
    }
    change(folder.path());
    folder
}

#[test]
fn a_model_that_cannot_be_used_is_refused_in_one_sentence_with_exit_code_64() {
    let config = |folder: &Path, from: &str, to: &str| {
        let path = folder.join("config.json");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from));
        std::fs::write(path, text.replacen(from, to, 1)).unwrap();
    };
    let cut = |name: &str, folder: &Path| {
        let file = std::fs::OpenOptions::new().write(true).open(folder.join(name)).unwrap();
        file.set_len(1_000_000).unwrap();
    };
    let broken = [
        (model_with(|folder| std::fs::remove_file(folder.join("config.json")).unwrap()), "no model at"),
        (model_with(|folder| config(folder, "{", "[")), "config.json is not a usable Tocsin model"),
        (model_with(|folder| cut("model.safetensors", folder)), "SHA-256"),
        (model_with(|folder| cut("tokenizer.json", folder)), "SHA-256"),
        (model_with(|folder| cut("ngrams.safetensors", folder)), "SHA-256"),
        (
            model_with(|folder| std::fs::remove_file(folder.join("ngrams.safetensors")).unwrap()),
            "ngrams.safetensors",
        ),
        (model_with(|folder| config(folder, "\"sha256\": {", "\"sha256\": {}, \"was\": {")), ""),
        (
            model_with(|folder| config(folder, "\"hidden_size\": 384", "\"hidden_size\": 0")),
            "hidden_size is 0",
        ),
        (
            model_with(|folder| config(folder, "    6\n", "    7\n")),
            "taps has layer 7; the encoder has 1 to 6",
        ),
        (
            model_with(|folder| {
                config(folder, "\"id\": \"debt\"", "\"id\": \"x\", \"threshold\": 1}, {\"id\": \"y\"")
            }),
            "topics.bias has 30 values, not 31",
        ),
    ];
    for (folder, told) in broken {
        let output = tocsin().args(["classify", "--model"]).arg(folder.path()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        if told.is_empty() {
            // Without sums the folder is as good as before they were noted.
            assert!(output.status.success(), "{stderr}");
            continue;
        }
        assert_eq!(output.status.code(), Some(64), "{stderr}");
        assert!(stderr.starts_with("tocsin: ") && stderr.lines().count() == 1, "{stderr}");
        assert!(stderr.contains(told), "{told}: {stderr}");
    }
}

#[test]
fn a_service_without_a_database_says_so_and_exits_64() {
    let output = tocsin().arg("store").output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("database.url is not set"), "{stderr}");
}

#[test]
fn a_database_that_is_away_is_named_without_its_password_and_exits_64() {
    let output = tocsin()
        .arg("migrate")
        .env("TOCSIN_DATABASE__URL", "postgres://tocsin:hunter2@127.0.0.1:1/tocsin")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(64));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("127.0.0.1:1"), "{stderr}");
    assert!(!stderr.contains("hunter2"), "{stderr}");
}

#[test]
fn check_config_prints_the_merged_result_with_secrets_hidden() {
    let output = tocsin()
        .args(["up", "--check-config", "--set", "stream.partitions=5"])
        .env("TOCSIN_DATABASE__URL", "postgres://tocsin:hunter2@db/tocsin")
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(stdout.contains("partitions = 5"), "{stdout}");
    assert!(!stdout.contains("hunter2"), "{stdout}");
}

#[test]
fn health_of_a_process_that_is_not_there_fails() {
    let output = tocsin().args(["health", "--url", "http://127.0.0.1:1/readyz"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}
