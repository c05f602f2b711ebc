use super::*;
use crate::config::ClassifierConfig;
use crate::{Classifier, Input};

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn open(model: &Path) -> Classifier {
    let config = ClassifierConfig {
        model: model.to_owned(),
        taxonomy: root("config/taxonomy.toml"),
        entities: vec![root("config/entities/demo.toml")],
        ..ClassifierConfig::default()
    };
    Classifier::open(&config).unwrap()
}

const TEXTS: [&str; 4] = [
    "Harrowgate Bank shares plunge as depositors panic",
    "公司净利润大幅增长，创历史新高",
    "Oil prices rise as OPEC cuts crude output",
    "控股股东拟减持公司5%股份",
];

fn answers(model: &Path, texts: &[&str]) -> Vec<crate::Output> {
    let inputs: Vec<Input> =
        texts.iter().map(|text| Input { text: (*text).to_owned(), ..Input::default() }).collect();
    open(model).classify(&inputs)
}

/// The shipped model with the options; `prune` names a file with [`TEXTS`].
fn compressed(change: impl Fn(&mut CompressOptions, &Path)) -> (tempfile::TempDir, Result<Report>) {
    let folder = tempfile::tempdir().unwrap();
    let texts = folder.path().join("texts.txt");
    std::fs::write(&texts, TEXTS.join("\n")).unwrap();
    let model = root("models/tocsin-small");
    let mut options = CompressOptions { model, out: folder.path().join("out"), ..CompressOptions::default() };
    change(&mut options, &texts);
    let report = run(&options);
    (folder, report)
}

#[test]
fn a_pruned_model_reads_the_texts_it_was_pruned_to_as_before_and_knows_every_character() {
    let (folder, report) = compressed(|options, texts| {
        options.prune = vec![texts.to_owned()];
        options.name = Some("smaller".to_owned());
    });
    let report = report.unwrap();
    let out = folder.path().join("out");
    let [before, after] = report.steps.as_slice() else { panic!("{report:?}") };
    assert!(after.vocabulary < before.vocabulary / 2, "{report:?}");
    assert!(after.weights_bytes < before.weights_bytes && after.tokenizer_bytes < before.tokenizer_bytes);
    let size = std::fs::metadata(out.join(WEIGHTS)).unwrap().len();
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let mode = |name: &str| std::fs::metadata(out.join(name)).unwrap().mode();
        assert_eq!(mode(WEIGHTS), mode(CONFIG), "a service may run as another user");
    }
    assert!(size.abs_diff(after.weights_bytes) < 50_000, "{size} {after:?}");
    let ngrams = std::fs::metadata(out.join(NGRAMS)).unwrap().len();
    assert!(ngrams.abs_diff(after.ngrams_bytes) < 50_000 && ngrams > 1_000_000, "{ngrams} {after:?}");
    let together = (after.weights_bytes + after.tokenizer_bytes + after.ngrams_bytes) as f64 / 1e6;
    assert!(report.text().contains(&format!("| {together:.1} |\n")), "{}", report.text());
    assert_eq!((report.model.name.as_str(), report.model.quantization.as_str()), ("smaller", "int8"));
    for (mut old, new) in answers(&root("models/tocsin-small"), &TEXTS).into_iter().zip(answers(&out, &TEXTS))
    {
        old.model = new.model.clone();
        assert_eq!(old, new);
    }
    // Words that the texts do not have are spelt.
    let tokens =
        |model: &Path, text: &str| Tokens::read(&model.join(TOKENIZER), 512).unwrap().encode(text).ids;
    let odd = "quarterly earnings 茅台酒 zyzzyva";
    assert!(tokens(&out, odd).len() > tokens(&root("models/tocsin-small"), odd).len());
    assert!(!tokens(&out, odd).contains(&3), "nothing is unknown");
    assert_eq!(tokens(&out, "<mask>").len(), 3);
}

#[test]
fn layers_are_dropped_and_the_heads_see_the_last_kept_one_below() {
    let (folder, report) = compressed(|options, _| options.drop_layers = vec![4, 5]);
    let config = ModelConfig::read(&folder.path().join("out")).unwrap();
    assert_eq!((config.encoder.num_hidden_layers, config.taps), (4, vec![2, 3, 4]));
    let report = report.unwrap();
    assert!(report.steps[1].weights_bytes < report.steps[0].weights_bytes, "{report:?}");
    assert_eq!(answers(&folder.path().join("out"), &TEXTS).len(), TEXTS.len());
    for (layers, told) in [(vec![7], "no layer 7"), ((1..=6).collect(), "no layer would be left")] {
        let (_folder, report) = compressed(|options, _| options.drop_layers.clone_from(&layers));
        assert!(report.unwrap_err().to_string().contains(told));
    }
}

#[test]
fn a_model_is_not_written_over_itself_nor_pruned_to_nothing() {
    let (_folder, report) = compressed(|options, _| options.out.clone_from(&options.model));
    assert!(report.unwrap_err().to_string().contains("what it is made from lies there"));
    let (_folder, report) = compressed(|options, texts| {
        std::fs::write(texts, "\n").unwrap();
        options.prune = vec![texts.to_owned()];
    });
    assert!(report.unwrap_err().to_string().contains("no texts to find used tokens in"));
}

#[test]
fn bytes_are_not_made_bytes_again() {
    let (_folder, report) = compressed(|options, _| options.int8 = true);
    let report = report.unwrap();
    assert_eq!(report.steps.len(), 1, "{report:?}");
    assert!(report.text().contains("\nNothing was left to do for --int8"), "{}", report.text());
}

#[test]
fn a_model_in_f16_is_made_int8_at_little_loss_and_half_the_size() {
    let folder = tempfile::tempdir().unwrap();
    let (half, int8) = (folder.path().join("half"), folder.path().join("int8"));
    let shipped = Model::read(&root("models/tocsin-small")).unwrap();
    model::write(&half, &shipped.config, &shipped.parts(), Form::F16).unwrap();
    let options =
        CompressOptions { model: half.clone(), out: int8.clone(), int8: true, ..CompressOptions::default() };
    let report = run(&options).unwrap();
    let [before, after] = report.steps.as_slice() else { panic!("{report:?}") };
    assert!(after.weights_bytes * 10 < before.weights_bytes * 6, "{report:?}");
    assert_eq!((report.model.quantization.as_str(), report.remark), ("int8", None));
    let close = |a: f32, b: f32| (a - b).abs() < 0.05;
    for (a, b) in answers(&half, &TEXTS).iter().zip(answers(&int8, &TEXTS)) {
        assert!(close(a.sentiment.score, b.sentiment.score), "{:?} {:?}", a.sentiment, b.sentiment);
    }
}
