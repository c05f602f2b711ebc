//! A whole run on a tiny encoder with a tokenizer of twelve words.

use std::collections::BTreeMap;
use std::path::Path;

use super::model::Model;
use super::worker::Worker;
use super::{FinetuneOptions, FinetuneReport, run};
use crate::encoder::{Encoder, Scratch};
use crate::train::{FitOptions, Report, TrainOptions};
use crate::weights::{Shape, Weights};

const WORDS: [&str; 12] =
    ["<s>", "<pad>", "</s>", "<unk>", "shares", "soar", "fall", "flat", "acme", "globex", "today", "again"];

const TAXONOMY: &str = r#"
topic = [{ id = "markets", en = "Markets", zh = "大盘" }, { id = "legal", en = "Legal", zh = "法律" }]
event = [{ id = "none", en = "None", zh = "其他" }, { id = "market_crash", en = "Crash", zh = "暴跌" }]
"#;

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// A base with random weights, a taxonomy and texts whose labels follow from one word.
fn prepare(home: &Path) -> FinetuneOptions {
    write(&home.join("taxonomy.toml"), TAXONOMY);
    write(&home.join("data/train.jsonl"), &texts(96));
    write(&home.join("data/dev.jsonl"), &texts(24));
    let vocabulary: BTreeMap<&str, usize> = WORDS.iter().enumerate().map(|(i, w)| (*w, i)).collect();
    let mark = |id: usize| serde_json::json!({ "id": WORDS[id], "ids": [id], "tokens": [WORDS[id]] });
    let special = |id: usize| serde_json::json!({ "SpecialToken": { "id": WORDS[id], "type_id": 0 } });
    let text = serde_json::json!({ "Sequence": { "id": "A", "type_id": 0 } });
    let tokenizer = serde_json::json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null, "decoder": null,
        "pre_tokenizer": { "type": "Whitespace" },
        "post_processor": {
            "type": "TemplateProcessing", "single": [special(0), text, special(2)], "pair": [],
            "special_tokens": { "<s>": mark(0), "</s>": mark(2) },
        },
        "model": { "type": "WordLevel", "vocab": vocabulary, "unk_token": "<unk>" },
    });
    let base = home.join("base");
    write(&base.join("tokenizer.json"), &tokenizer.to_string());
    let shape = serde_json::json!({
        "model_type": "bert", "hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2,
        "intermediate_size": 32, "vocab_size": WORDS.len(), "max_position_embeddings": 16, "layer_norm_eps": 1e-12,
    });
    write(&base.join("config.json"), &shape.to_string());
    let shape: Shape = serde_json::from_value(shape).unwrap();
    super::tests::random(&shape, (2, 2)).write(&base, &home.join("random")).unwrap();
    std::fs::rename(home.join("random/model.safetensors"), base.join("model.safetensors")).unwrap();
    options(home)
}

fn options(home: &Path) -> FinetuneOptions {
    FinetuneOptions {
        base: home.join("base"),
        data: vec![home.join("data")],
        taxonomy: home.join("taxonomy.toml"),
        out: home.join("out"),
        layers: 2,
        batch_tokens: 48,
        epochs: 12,
        rate: 3e-3,
        head_rate: 1e-2,
        checkpoint_every: std::time::Duration::ZERO,
        ..FinetuneOptions::default()
    }
}

fn texts(count: usize) -> String {
    let moods =
        [("soar", "positive", "markets"), ("fall", "negative", "legal"), ("flat", "neutral", "markets")];
    let line = |i: usize| {
        let (word, sentiment, topic) = moods[i % 3];
        let (name, end) = (["acme", "globex"][i / 3 % 2], ["today", "again", "shares"][i / 6 % 3]);
        let events = if word == "fall" { vec!["market_crash"] } else { vec![] };
        let entity = serde_json::json!({ "name": name, "sentiment": sentiment, "role": "subject" });
        let row = serde_json::json!({
            "set": "news", "lang": "en", "text": format!("{name} shares {word} {end}"), "sentiment": sentiment,
            "topics": [topic], "events": events, "entities": [entity],
        });
        format!("{row}\n")
    };
    // Dev texts may not be among the training texts: they are told apart by a word nobody knows.
    let own = |i: usize| if count < 50 { line(i).replace("shares", "dev") } else { line(i) };
    (0..count).map(own).collect()
}

fn train(home: &Path) -> (FinetuneOptions, FinetuneReport) {
    let options = prepare(home);
    let report = run(&options).unwrap();
    (options, report)
}

#[test]
fn what_is_held_back_for_the_heads_is_not_trained_on() {
    let home = tempfile::tempdir().unwrap();
    let options = prepare(home.path());
    let read = |held_back: usize| {
        let out = home.path().join(format!("held-{held_back}"));
        run(&FinetuneOptions { held_back, out, epochs: 1, ..options.clone() })
    };
    let [all, some] = [0, 3].map(|held_back| read(held_back).unwrap().tokens);
    assert!(0 < some && some < all, "{some} of {all}");
    let error = read(1).unwrap_err().to_string();
    assert!(error.contains("fine-tune on"), "{error}");
}

#[test]
fn a_run_learns_and_its_encoder_is_one_that_the_classifier_reads() {
    let home = tempfile::tempdir().unwrap();
    let (options, report) = train(home.path());
    for (name, score) in &report.dev {
        assert!(*score > 0.9, "{name}: {score}, loss {}", report.loss);
    }
    assert_eq!(report.dev.len(), 5, "{:?}", report.dev);
    let folder = report.encoder;
    let shape: Shape =
        serde_json::from_str(&std::fs::read_to_string(folder.join("config.json")).unwrap()).unwrap();
    assert_eq!(shape.num_hidden_layers, 2);
    assert!(folder.join("tokenizer.json").is_file() && options.out.join("state.safetensors").is_file());
    let encoder = Encoder::new(Weights::read(&folder.join("model.safetensors"), &shape).unwrap(), &[2]);
    let texts: [&[u32]; 2] = [&[0, 8, 4, 5, 2], &[0, 9, 6, 2]];
    let (mut scratch, mut worker) = (Scratch::default(), Worker::default());
    encoder.forward(&texts, &mut scratch);
    worker.forward(&Model::read(&folder, 2, (2, 2), 1).unwrap(), &texts);
    let states = [scratch.states(0).tap(0), scratch.states(1).tap(0)].concat();
    assert_eq!(states.len(), worker.output().len());
    for (theirs, ours) in states.iter().zip(worker.output()) {
        assert!((theirs - ours).abs() < 1e-4, "{theirs} against {ours}");
    }
}

/// A model of the encoder and the heads that a run tuned, in `home/model`.
fn model(home: &Path) -> Report {
    let (options, tuned) = train(home);
    let idle = FitOptions { epochs: 0, ..FitOptions::default() };
    let options = TrainOptions {
        base: tuned.encoder,
        data: options.data,
        taxonomy: options.taxonomy,
        out: home.join("model"),
        entities: Vec::new(),
        layers: 2,
        taps: vec![1, 2],
        one: idle,
        many: idle,
        ..TrainOptions::default()
    };
    crate::train::run(&options).unwrap()
}

#[test]
fn tuned_heads_answer_where_the_fitted_ones_know_nothing() {
    let home = tempfile::tempdir().unwrap();
    let dev = model(home.path()).dev;
    let scores = [&dev.sentiment, &dev.name_sentiment].map(|report| report["all"].accuracy);
    assert!(scores.iter().all(|score| *score > 0.9), "{scores:?}");
    assert!(dev.topics["all"].micro_f1 > 0.9 && dev.risk_events["all"].micro_f1 > 0.9, "{}", dev.text());
    let log = std::fs::read_to_string(home.path().join("model/training.jsonl")).unwrap();
    assert_eq!(
        (log.matches("tuned_share").count(), log.matches(r#""tuned_share":0.0"#).count()),
        (5, 0),
        "{log}"
    );
}

#[test]
fn the_same_options_give_the_same_bits() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let of = |home: &Path| std::fs::read(train(home).1.encoder.join("model.safetensors")).unwrap();
    assert!(of(one.path()) == of(two.path()));
}

#[test]
fn a_run_without_a_training_text_says_so() {
    let home = tempfile::tempdir().unwrap();
    let options = prepare(home.path());
    std::fs::remove_file(home.path().join("data/train.jsonl")).unwrap();
    let error = run(&options).unwrap_err();
    assert!(error.to_string().starts_with("no texts to fine-tune on"), "{error}");
}

#[test]
fn data_that_lack_what_a_head_needs_are_refused_before_the_first_step_and_the_head_is_named() {
    let home = tempfile::tempdir().unwrap();
    let options = prepare(home.path());
    let dev = texts(24).replace("entities", "names");
    write(&home.path().join("data/dev.jsonl"), &dev);
    let error = run(&options).unwrap_err().to_string();
    assert!(error.contains("no dev text has a label for the head name_sentiment"), "{error}");
    assert!(!options.out.exists());
    let alone = FinetuneOptions { for_heads: false, epochs: 1, ..options };
    assert_eq!(run(&alone).unwrap().dev.len(), 3);
}

#[test]
fn patience_without_a_dev_text_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let options = FinetuneOptions { patience: 2, ..prepare(home.path()) };
    std::fs::remove_file(home.path().join("data/dev.jsonl")).unwrap();
    let error = run(&options).unwrap_err().to_string();
    assert!(error.starts_with("no texts to score checkpoints on, as --patience wants"), "{error}");
}

fn scored(log: &str) -> usize {
    log.lines().filter(|line| line.contains("mean_dev")).count()
}

const HOME: &str = "TOCSIN_TEST_KILLED_RUN";

#[test]
#[ignore = "the process that the next test kills"]
fn a_run_that_is_to_be_killed() {
    let home = std::env::var(HOME).unwrap();
    run(&prepare(Path::new(&home))).unwrap();
}

/// Starts a run in another process and kills it at its fourth checkpoint or soon after.
fn kill_midway(home: &Path) {
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "finetune::run_tests::a_run_that_is_to_be_killed", "--ignored"])
        .env(HOME, home)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let started = std::time::Instant::now();
    let scored = || scored(&std::fs::read_to_string(home.join("out/log.jsonl")).unwrap_or_default());
    while scored() < 4 && started.elapsed().as_secs() < 60 {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(scored() >= 4 && !home.join("out/encoder").exists());
}

#[test]
fn a_killed_run_goes_on_and_ends_with_the_same_bits() {
    let (whole, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let of = |report: &FinetuneReport| std::fs::read(report.encoder.join("model.safetensors")).unwrap();
    let one = train(whole.path()).1;
    kill_midway(killed.path());
    let options = FinetuneOptions { checkpoint_every: std::time::Duration::MAX, ..options(killed.path()) };
    let two = run(&options).unwrap();
    assert!(of(&one) == of(&two) && one.loss.to_bits() == two.loss.to_bits());
    assert_eq!((one.steps, one.tokens), (two.steps, two.tokens));
    let log = std::fs::read_to_string(options.out.join("log.jsonl")).unwrap();
    // What the first process scored is there once; the second one made no checkpoint but the end.
    assert!((4..one.steps).contains(&scored(&log)), "{log}");
    assert!(!options.out.join("ckpt-1").exists());
    assert_eq!(run(&options).unwrap().steps, one.steps, "a run that ended ends again");
}

#[test]
fn other_options_than_those_of_the_run_are_refused_by_name_unless_it_begins_anew() {
    let home = tempfile::tempdir().unwrap();
    let options = FinetuneOptions { epochs: 1, ..prepare(home.path()) };
    run(&options).unwrap();
    let refused = |options: &FinetuneOptions| run(options).unwrap_err().to_string();
    let other = FinetuneOptions { seed: 9, ..options.clone() };
    assert!(refused(&other).contains("with another seed (1, now 9)"), "{}", refused(&other));
    let checkpoint = options.out.join("ckpt-1");
    std::fs::create_dir_all(&checkpoint).unwrap();
    let late = std::time::Duration::MAX;
    run(&FinetuneOptions { from_scratch: true, checkpoint_every: late, ..other }).unwrap();
    assert!(!checkpoint.exists() && options.out.join("encoder").exists());
    write(&home.path().join("data/train.jsonl"), &texts(95));
    let same = FinetuneOptions { seed: 9, ..options };
    assert!(refused(&same).contains("with another data"), "{}", refused(&same));
}

#[test]
fn a_student_learns_from_its_teacher_what_no_label_tells() {
    let (teacher, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    model(teacher.path());
    let base = prepare(home.path());
    let (labelled, news) = (home.path().join("data/train.jsonl"), home.path().join("news.jsonl"));
    std::fs::rename(&labelled, &news).unwrap();
    let options = FinetuneOptions {
        teacher: Some(teacher.path().join("model")),
        unlabelled: vec![news],
        layers: 1,
        for_heads: false,
        ..base
    };
    let report = run(&options).unwrap();
    for task in ["sentiment", "topics", "events"] {
        assert!(report.dev[&format!("annotated en {task}")] > 0.9, "{:?}", report.dev);
    }
    let answers = || std::fs::metadata(options.out.join("taught.safetensors")).unwrap().modified().unwrap();
    let first = answers();
    assert_eq!((run(&options).unwrap().steps, answers()), (report.steps, first), "answers are kept");
    std::fs::rename(&options.unlabelled[0], &labelled).unwrap();
    let alone = FinetuneOptions { teacher: None, unlabelled: Vec::new(), ..options };
    let error = run(&alone).unwrap_err().to_string();
    assert!(error.contains("another data"), "{error}");
}

#[test]
fn a_teacher_of_other_topics_is_refused() {
    let home = tempfile::tempdir().unwrap();
    model(home.path());
    let options = FinetuneOptions {
        teacher: Some(home.path().join("model")),
        out: home.path().join("student"),
        ..options(home.path())
    };
    write(&options.taxonomy, &TAXONOMY.replace("legal", "debt"));
    let labels = texts(60).replace("legal", "debt");
    write(&home.path().join("data/train.jsonl"), &labels);
    write(&home.path().join("data/dev.jsonl"), &texts(24).replace("legal", "debt"));
    let error = run(&options).unwrap_err().to_string();
    assert!(error.contains("other topics or events than the taxonomy"), "{error}");
}

#[test]
fn a_run_that_grows_no_better_stops_and_its_encoder_is_the_best_one() {
    let home = tempfile::tempdir().unwrap();
    // Each step is a checkpoint; rates that are far too high spoil what was learned.
    let options =
        FinetuneOptions { patience: 3, rate: 0.3, head_rate: 0.3, epochs: 40, ..prepare(home.path()) };
    let report = run(&options).unwrap();
    let log = std::fs::read_to_string(options.out.join("log.jsonl")).unwrap();
    let lines = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let scores: Vec<f64> = lines.filter_map(|line| line["mean_dev"].as_f64()).collect();
    // The checkpoints, the end, and the best one again.
    let [checkpoints @ .., _, again] = scores.as_slice() else { panic!("{scores:?}") };
    let best = checkpoints.iter().copied().fold(0.0, f64::max);
    let at = checkpoints.iter().position(|score| *score == best).unwrap();
    assert_eq!(checkpoints.len(), at + 1 + 3, "{scores:?}");
    // It was stored in halves.
    assert!((again - best).abs() < 0.01, "{scores:?}");
    let bytes = |folder: &Path| std::fs::read(folder.join("model.safetensors")).unwrap();
    assert!(bytes(&report.encoder) == bytes(&options.out.join(format!("ckpt-{}", at + 1))));
}
