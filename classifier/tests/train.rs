//! `tocsin train` on a few texts, around the heads of the shipped model.

use std::path::{Path, PathBuf};

use tocsin_classifier::model::{ModelConfig, NGRAMS, TOKENIZER, WEIGHTS};
use tocsin_classifier::train::{TrainOptions, run};
use tocsin_classifier::{Classifier, ClassifierConfig, Input};

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

#[test]
fn kept_heads_stay_as_they_were_and_n_grams_teach_a_word_beside_them() {
    let home = tempfile::tempdir().unwrap();
    let (data, out) = (home.path().join("data"), home.path().join("out"));
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("train.jsonl"), lines(200)).unwrap();
    std::fs::write(data.join("dev.jsonl"), lines(40)).unwrap();
    let shipped = root("models/tocsin-small");
    let options = TrainOptions {
        base: shipped.clone(),
        data: vec![data],
        out: out.clone(),
        taxonomy: root("config/taxonomy.toml"),
        entities: vec![root("config/entities/demo.toml")],
        version: "9.9.9".to_owned(),
        keep_heads: true,
        ..TrainOptions::default()
    };
    let report = run(&options).unwrap();
    assert_eq!((report.train_texts, report.ngram_texts, report.dev_texts), (0, 200, 40));
    let before = ModelConfig::read(&shipped).unwrap();
    assert_eq!(report.blends["topics"], before.blends["topics"], "no text is about topics");
    assert_ne!(report.blends["sentiment"], before.blends["sentiment"]);
    for same in [WEIGHTS, TOKENIZER] {
        assert!(
            std::fs::read(out.join(same)).unwrap() == std::fs::read(shipped.join(same)).unwrap(),
            "{same}"
        );
    }
    let config = ModelConfig::read(&out).unwrap();
    assert_eq!((config.info.version.as_str(), config.topics), ("9.9.9", before.topics));
    assert_ne!(config.sha256[NGRAMS], before.sha256[NGRAMS]);

    let score = |model: PathBuf, word: &str| {
        let config = ClassifierConfig {
            model,
            taxonomy: root("config/taxonomy.toml"),
            entities: vec![root("config/entities/demo.toml")],
            ..ClassifierConfig::default()
        };
        let input = Input { text: format!("Note: {word} says desk"), ..Input::default() };
        Classifier::open(&config).unwrap().classify(&[input])[0].sentiment.score
    };
    let apart = |model: &Path| score(model.to_owned(), "blorft") - score(model.to_owned(), "quimzy");
    assert!(apart(&out) > apart(&shipped) + 0.1, "{} {}", apart(&out), apart(&shipped));
}
