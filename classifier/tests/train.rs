//! `tocsin train` on a few texts, around the heads of the shipped model.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use std::path::{Path, PathBuf};

use tocsin_classifier::heads::{ALL, EVENTS, NAME_EVENT, NAME_SENTIMENT, TOPICS};
use tocsin_classifier::model::{ModelConfig, NGRAMS, TOKENIZER, WEIGHTS};
use tocsin_classifier::train::{TrainOptions, run};
use tocsin_classifier::{Classifier, ClassifierConfig, Input, Output};

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Texts whose sentiment hangs on a word that no encoder knows.
fn lines(count: usize) -> String {
    let line = |i: usize| {
        let (word, label) = [("blorft", "positive"), ("quimzy", "negative")][i % 2];
        format!(
            "{{\"text\":\"Note {i}: {word} says desk {i}\",\"label\":\"{label}\",\"lang\":\"en\",\"set\":\"made\"}}\n"
        )
    };
    (0..count).map(line).collect()
}

/// Around the shipped model, on the texts above, with these heads kept.
fn options(home: &Path, keep_heads: &[&str]) -> TrainOptions {
    let data = home.join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("train.jsonl"), lines(200)).unwrap();
    std::fs::write(data.join("dev.jsonl"), lines(40)).unwrap();
    TrainOptions {
        base: root("models/tocsin-small"),
        data: vec![data],
        out: home.join("out"),
        taxonomy: root("config/taxonomy.toml"),
        entities: vec![root("config/entities/demo.toml")],
        version: "9.9.9".to_owned(),
        keep_heads: keep_heads.iter().map(|head| (*head).to_owned()).collect(),
        ..TrainOptions::default()
    }
}

fn answer(model: &Path, text: String) -> Output {
    let config = ClassifierConfig {
        model: model.to_owned(),
        taxonomy: root("config/taxonomy.toml"),
        entities: vec![root("config/entities/demo.toml")],
        ..ClassifierConfig::default()
    };
    let input = Input { text, ..Input::default() };
    Classifier::open(&config).unwrap().classify(&[input]).remove(0)
}

/// By how much the two words differ in sentiment.
fn apart(model: &Path) -> f32 {
    let score = |word: &str| answer(model, format!("Note: {word} says desk")).sentiment.score;
    score("blorft") - score("quimzy")
}

#[test]
fn a_head_that_is_not_kept_is_fitted_and_the_others_answer_as_before() {
    let home = tempfile::tempdir().unwrap();
    let options = options(home.path(), &[TOPICS, EVENTS, NAME_SENTIMENT, NAME_EVENT]);
    let report = run(&options).unwrap();
    assert_eq!((report.train_texts, report.dev_texts), (200, 40));
    assert!(report.dev.sentiment["all"].accuracy > 0.9, "{:?}", report.dev.sentiment["all"]);
    assert!(apart(&options.out) > apart(&options.base) + 0.1);
    let topics = |model: &Path| answer(model, "Oil prices rise as OPEC cuts crude output".to_owned()).all;
    assert_eq!(topics(&options.out), topics(&options.base));
}

#[test]
fn heads_are_fitted_on_what_was_held_back_and_n_grams_on_all() {
    let home = tempfile::tempdir().unwrap();
    let kept = [TOPICS, EVENTS, NAME_SENTIMENT, NAME_EVENT];
    let options = TrainOptions { held_back: 5, ..options(home.path(), &kept) };
    let report = run(&options).unwrap();
    assert_eq!((report.ngram_texts, report.dev_texts), (200, 40));
    assert!((20..60).contains(&report.train_texts), "{}", report.train_texts);
}

#[test]
fn a_head_that_no_text_teaches_is_named_before_anything_is_fitted() {
    let home = tempfile::tempdir().unwrap();
    let options = options(home.path(), &[EVENTS, NAME_SENTIMENT, NAME_EVENT]);
    let error = run(&options).unwrap_err().to_string();
    assert!(error.contains("no training text has a label for the head topics"), "{error}");
    assert!(!options.out.exists());
}

#[test]
fn kept_heads_stay_as_they_were_and_n_grams_teach_a_word_beside_them() {
    let home = tempfile::tempdir().unwrap();
    let options = options(home.path(), &ALL);
    let (out, shipped) = (&options.out, &options.base);
    let report = run(&options).unwrap();
    assert_eq!((report.train_texts, report.ngram_texts, report.dev_texts), (0, 200, 40));
    let card = std::fs::read_to_string(out.join("README.md")).unwrap();
    for told in ["| made | en | 0 | 200 | 40 |", "30 topics, 31 risk events"] {
        assert!(card.contains(told), "{told}: {card}");
    }
    let before = ModelConfig::read(shipped).unwrap();
    assert_eq!(report.blends["topics"], before.blends["topics"], "no text is about topics");
    assert_ne!(report.blends["sentiment"], before.blends["sentiment"]);
    for same in [WEIGHTS, TOKENIZER] {
        assert!(
            std::fs::read(out.join(same)).unwrap() == std::fs::read(shipped.join(same)).unwrap(),
            "{same}"
        );
    }
    let config = ModelConfig::read(out).unwrap();
    assert_eq!((config.info.version.as_str(), config.topics), ("9.9.9", before.topics));
    assert_ne!(config.sha256[NGRAMS], before.sha256[NGRAMS]);
    assert!(apart(out) > apart(shipped) + 0.1, "{} {}", apart(out), apart(shipped));
}

#[test]
fn kept_heads_abstain_below_what_these_dev_texts_say() {
    let home = tempfile::tempdir().unwrap();
    let base = home.path().join("base");
    std::fs::create_dir(&base).unwrap();
    for file in [WEIGHTS, NGRAMS, TOKENIZER] {
        std::fs::copy(root("models/tocsin-small").join(file), base.join(file)).unwrap();
    }
    let config = std::fs::read_to_string(root("models/tocsin-small/config.json")).unwrap();
    let mut config: serde_json::Value = serde_json::from_str(&config).unwrap();
    config["abstain_below"] = 0.99.into();
    config["abstain_names_below"] = 0.98.into();
    std::fs::write(base.join("config.json"), config.to_string()).unwrap();

    let options = TrainOptions { base, ..options(home.path(), &ALL) };
    run(&options).unwrap();
    let made = ModelConfig::read(&options.out).unwrap();
    assert!(made.abstain_below <= 0.6, "{}", made.abstain_below);
    assert_eq!(made.abstain_names_below, Some(0.98), "no dev text has a name");

    let name = "{\"text\":\"Acme: blorft\",\"target\":\"Acme\",\"label\":\"positive\",\"set\":\"made\"}\n";
    std::fs::write(home.path().join("data/dev.jsonl"), lines(40) + name).unwrap();
    run(&options).unwrap();
    let bound = ModelConfig::read(&options.out).unwrap().abstain_names_below;
    assert!(bound.is_some_and(|bound| bound <= 0.6), "{bound:?}");
}
