//! The model card: what it is, what it learned from under which licences, how good.

use std::collections::BTreeMap;

use super::data::Example;
use super::run::{Report, TrainOptions};
use crate::error::{ClassifierError, Result};

/// Set, language, what its makers state as licence.
const LICENCES: [(&str, &str, &str); 13] = [
    (
        "annotated",
        "en, zh",
        "labels ours, by a large language model under one guide, not checked by people; texts belong to their publishers",
    ),
    (
        "labelled",
        "en, zh",
        "as annotated, by other runs; texts are training texts of the other sets, news, and some that were written by the same model",
    ),
    ("twitter_sentiment", "en", "MIT (zeroshot/twitter-financial-news-sentiment)"),
    ("twitter_topic", "en", "MIT (zeroshot/twitter-financial-news-topic)"),
    ("fiqa", "en", "\"public\", nothing formal"),
    ("sentfin", "en", "MIT (SEntFiN)"),
    ("finfe", "zh", "none stated (FinCUGE)"),
    ("finnl", "zh", "none stated (FinCUGE)"),
    ("finese", "zh", "none stated (FinCUGE)"),
    ("xueqiu", "zh", "none stated"),
    ("guba", "zh", "none stated"),
    ("cfsc", "zh", "none stated"),
    ("bdci", "zh", "none stated"),
];

/// Writes `README.md` into the model folder.
pub(super) fn write(options: &TrainOptions, examples: &[Example], report: &Report) -> Result<()> {
    let path = options.out.join("README.md");
    std::fs::write(&path, text(options, examples, report)).map_err(|e| ClassifierError::write(&path, e))
}

fn text(options: &TrainOptions, examples: &[Example], report: &Report) -> String {
    let megabytes = report.bytes as f64 / 1e6;
    format!(
        "# {name} {version}\n\n\
         Financial texts in English and Chinese: sentiment, 30 topics, 31 risk events, and sentiment and event of a name in \
         the text. One encoder pass, five small heads. {megabytes:.1} MB, int8 rows with a scale each, multiplied as integers.\n\n\
         ## What it is\n\n\
         {heads}\n\n{ngrams}\n\
         ## Data\n\n{data}\n\
         A set supervises only the labels it has; the annotated set weighs four times as much, as it fixes the convention, \
         labels under the same guide twice for risk events and .2 to .8 times for the rest, and \
         its dev texts are in no training. Financial PhraseBank, FOMC and CFBenchmark were not used.\n\n\
         ## Scores on dev\n\n\
         Temperature, thresholds and the abstain bound were chosen on these same dev texts, so the scores flatter a little.\n\n\
         {table}\n\
         {quantised}\n\
         ## Limits\n\n\
         Sarcasm, mixed news and rare events are its weak spots; the labels of forum posts are noisy. It judges what a text says, \
         not what a price will do. No advice to trade on.\n",
        name = options.name,
        version = options.version,
        heads = heads(options, report),
        ngrams = ngrams(report),
        data = data(examples),
        table = report.dev.table(),
        quantised = quantised(report),
    )
}

fn heads(options: &TrainOptions, report: &Report) -> String {
    let base = options.base.file_name().unwrap_or_default().to_string_lossy();
    if !options.keep_heads.is_empty() {
        return format!(
            "The encoder and these heads are those of `{base}`, whose card says how they were trained: {}. Others were fitted \
             with seed {} on {} texts.",
            options.keep_heads.join(", "),
            options.seed,
            report.train_texts
        );
    }
    format!(
        "The first {layers} layers of the base encoder `{base}`. The heads see the mean states of layers {taps:?} and the \
         maximum of the last; for a name, its own tokens and their neighbours. One hidden layer of {hidden}, GELU. Trained with \
         seed {seed} on {train} texts, in {seconds:.0} s here (encoder output cached where it was there before). Texts are cut \
         at {max} tokens.",
        layers = report.layers,
        taps = report.taps,
        hidden = options.one.hidden,
        seed = options.seed,
        train = report.train_texts,
        seconds = report.seconds,
        max = options.max_tokens,
    )
}

/// What stands beside the heads, and how much it counts.
fn ngrams(report: &Report) -> String {
    if report.blends.is_empty() {
        return String::new();
    }
    let mut out = format!(
        "Beside them a linear model of words and runs of characters, fitted on {} texts; logits are added so:\n\n\
         | head | script | head counts | n-grams count |\n|---|---|---|---|\n",
        report.ngram_texts
    );
    for (head, blends) in &report.blends {
        for (script, blend) in [("latin", blends.latin), ("han", blends.han)] {
            out += &format!("| {head} | {script} | {:.1} | {:.1} |\n", blend.head, blend.ngrams);
        }
    }
    out
}

fn quantised(report: &Report) -> String {
    if report.int8.is_empty() {
        return String::new();
    }
    let mut out = "Accuracy on the same dev texts with the encoder in f32 and in int8:\n\n| head | f32 | int8 |\n|---|---|---|\n".to_owned();
    for (head, (before, after)) in &report.int8 {
        out += &format!("| {head} | {before:.4} | {after:.4} |\n");
    }
    out
}

fn data(examples: &[Example]) -> String {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for example in examples {
        let count = counts.entry(example.set.as_str()).or_default();
        if example.dev { count.1 += 1 } else { count.0 += 1 }
    }
    let mut out =
        "| set | language | training texts | dev texts | licence as stated |\n|---|---|---|---|---|\n"
            .to_owned();
    for (set, (train, dev)) in counts {
        let known = LICENCES.iter().find(|(name, _, _)| *name == set);
        let (language, licence) =
            known.map_or(("", "not known here"), |(_, language, licence)| (language, licence));
        out += &format!("| {set} | {language} | {train} | {dev} | {licence} |\n");
    }
    out
}
