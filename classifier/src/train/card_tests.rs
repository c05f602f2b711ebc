//! What the card says follows from the run.

use std::collections::BTreeMap;

use tocsin_contract::ModelInfo;

use super::*;
use crate::eval::EvalReport;
use crate::heads::ALL;
use crate::model::Rule;
use crate::train::{Sets, Texts};
use crate::weights::Shape;

fn info() -> ModelInfo {
    ModelInfo { name: "tiny".into(), version: "1".into(), quantization: "int8".into() }
}

/// Of two topics and one event.
fn config() -> ModelConfig {
    let rules = |ids: &[&str]| ids.iter().map(|id| Rule { id: (*id).to_owned(), threshold: 0.5 }).collect();
    ModelConfig {
        info: info(),
        encoder: Shape::tiny(2),
        taps: vec![2],
        max_tokens: 64,
        topics: rules(&["markets", "legal"]),
        events: rules(&[NONE, "market_crash"]),
        temperatures: BTreeMap::new(),
        blends: BTreeMap::new(),
        abstain_below: 0.52,
        abstain_names_below: Some(0.47),
        sha256: BTreeMap::new(),
    }
}

/// Of a run on one text of each of the sets, with 20 of the n-grams.
fn report(sets: &[&str], heads: usize) -> Report {
    let texts = || Texts { langs: ["en".to_owned()].into(), heads, ngrams: 20, dev: 3 };
    let sets = Sets(sets.iter().map(|set| ((*set).to_owned(), texts())).collect());
    Report {
        train_texts: sets.sum(|texts| texts.heads),
        ngram_texts: sets.sum(|texts| texts.ngrams),
        dev_texts: sets.sum(|texts| texts.dev),
        sets,
        seconds: 1.0,
        bytes: 1_000_000,
        layers: 2,
        taps: vec![2],
        dev: EvalReport {
            model: info(),
            texts: 3,
            sentiment: BTreeMap::new(),
            negative: BTreeMap::new(),
            name_sentiment: BTreeMap::new(),
            name_negative: BTreeMap::new(),
            name_event: BTreeMap::new(),
            topics: BTreeMap::new(),
            top_topic: BTreeMap::new(),
            risk_events: BTreeMap::new(),
        },
        int8: BTreeMap::new(),
        blends: BTreeMap::new(),
    }
}

fn card(sets: &[&str], origin: Option<&Origin>) -> String {
    text(&TrainOptions::default(), &encoder("mine/finetune/encoder", origin), &config(), &report(sets, 1))
}

#[test]
fn weights_are_those_of_the_code_and_are_told_only_of_sets_that_are_there() {
    let all = card(&["annotated", "labelled", "guba"], None);
    for told in [
        "in English: sentiment, 2 topics, 1 risk events",
        "counts 4 times as much",
        "a name in it 2 times",
        "sentiment 0.4, topics 0.4, risk events 2, sentiment of a name 0.4, event of a name 0.1.",
        "labels of forum posts are noisy",
        "less sure of the sentiment of a text than 0.52, of that towards a name than 0.47",
        "| guba | en | 1 | 20 | 3 | none stated |",
    ] {
        assert!(all.contains(told), "{told}: {all}");
    }
    let made = card(&["made"], None);
    for untold in ["annotated", "guide", "PhraseBank", "forum", "Chinese"] {
        assert!(!made.contains(untold), "{untold}: {made}");
    }
    assert!(made.contains("| made | en | 1 | 20 | 3 | not known here |"), "{made}");
}

#[test]
fn the_base_and_what_was_done_to_it_are_told() {
    let run = Run { steps: 900, tokens: 1_230_000, seconds: 5400.0, epochs: 3, ..Run::default() };
    let taught = Run {
        seconds: 600.0,
        is_chosen: true,
        teacher: Some("large".to_owned()),
        unlabelled: 70,
        ..run.clone()
    };
    let origin = Origin { base: "e5".to_owned(), runs: vec![run, taught] };
    let tuned = card(&["made"], Some(&origin));
    for told in [
        "of the base encoder `e5`, fine-tuned for 90 minutes (900 steps, 1.23 million tokens, at most 3 passes over the texts), then for 10",
        "the answers of `large` beside the labels, and of 70 texts alone; the checkpoint that was best on dev)",
        "the best pass and the share",
    ] {
        assert!(tuned.contains(told), "{told}: {tuned}");
    }
    assert!(card(&["made"], None).contains("The first 2 layers of `mine/finetune/encoder`."));
}

#[test]
fn beside_kept_heads_the_texts_of_the_n_grams_are_told() {
    let options = TrainOptions { keep_heads: ALL.map(str::to_owned).into(), ..TrainOptions::default() };
    let kept = text(&options, "`tiny`", &config(), &report(&["made"], 0));
    assert!(kept.contains("| made | en | 0 | 20 | 3 |") && !kept.contains("Others were fitted"), "{kept}");
    assert!(kept.contains("how much n-grams count") && !kept.contains("best pass"), "{kept}");
}
