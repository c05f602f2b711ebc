//! The model card: what it is, what it learned from under which licences, how good. Says nothing that the run does
//! not know.

use super::labels;
use super::row::{ANNOTATED, NAMED};
use super::run::{Report, TrainOptions};
use crate::error::{ClassifierError, Result};
use crate::finetune::{Origin, Run};
use crate::heads::{EVENTS, NAME_EVENT, NAME_SENTIMENT, SENTIMENT, TOPICS};
use crate::model::ModelConfig;
use crate::taxonomy::NONE;

/// Set, what its makers state as licence.
const LICENCES: [(&str, &str); 13] = [
    (
        "annotated",
        "labels ours, by a large language model under one guide, not checked by people; texts belong to their publishers",
    ),
    (
        labels::SET,
        "as annotated, by other runs; texts are training texts of the other sets, news, and some that were written by the same model",
    ),
    ("twitter_sentiment", "MIT (zeroshot/twitter-financial-news-sentiment)"),
    ("twitter_topic", "MIT (zeroshot/twitter-financial-news-topic)"),
    ("fiqa", "\"public\", nothing formal"),
    ("sentfin", "MIT (SEntFiN)"),
    ("finfe", "none stated (FinCUGE)"),
    ("finnl", "none stated (FinCUGE)"),
    ("finese", "none stated (FinCUGE)"),
    ("xueqiu", "none stated"),
    ("guba", "none stated"),
    ("cfsc", "none stated"),
    ("bdci", "none stated"),
];
/// Sets of forum posts.
const FORUMS: [&str; 2] = ["xueqiu", "guba"];
/// What the heads are called here, and how much more than one of a public set counts what an annotated text tells.
const HEADS: [(&str, &str, f32); 5] = [
    (SENTIMENT, "sentiment", ANNOTATED),
    (TOPICS, "topics", ANNOTATED),
    (EVENTS, "risk events", ANNOTATED),
    (NAME_SENTIMENT, "sentiment of a name", NAMED),
    (NAME_EVENT, "event of a name", NAMED),
];

/// Writes `README.md` into the model folder. The base is `called` so; `config` is that of the model.
pub(super) fn write(
    options: &TrainOptions,
    called: &str,
    config: &ModelConfig,
    report: &Report,
) -> Result<()> {
    let origin = Origin::read(&options.base)?;
    let text = text(options, &encoder(called, origin.as_ref()), config, report);
    let path = options.out.join("README.md");
    std::fs::write(&path, text).map_err(|e| ClassifierError::write(&path, e))
}

fn text(options: &TrainOptions, encoder: &str, config: &ModelConfig, report: &Report) -> String {
    let megabytes = report.bytes as f64 / 1e6;
    format!(
        "# {name} {version}\n\n\
         Financial texts{languages}: sentiment, {topics} topics, {events} risk events, and sentiment and event of a name in \
         the text. One encoder pass, five small heads. {megabytes:.1} MB, int8 rows with a scale each, multiplied as integers.\n\n\
         ## What it is\n\n\
         {heads}\n\n{ngrams}\n\
         ## Data\n\n{data}\n\
         A set supervises only the labels it has.{guided}\n\n\
         ## Scores on dev\n\n\
         {chosen}\n\n\
         {abstains}\n\n\
         {table}\n\
         Macro-F1 is the mean over the classes that occur, as label or as answer; a set that tells \
         of its texts only whether they are negative is scored on that.\n\n\
         {quantised}\n\
         ## Limits\n\n\
         Sarcasm, mixed news and rare events are its weak spots{forums}. It judges what a text says, \
         not what a price will do. No advice to trade on.\n",
        name = options.name,
        version = options.version,
        languages = languages(report),
        topics = config.topics.len(),
        events = config.events.iter().filter(|rule| rule.id != NONE).count(),
        heads = heads(options, encoder, report),
        ngrams = ngrams(report),
        data = data(report),
        guided = guided(report),
        chosen = chosen(report),
        abstains = abstains(config),
        table = report.dev.table(),
        quantised = quantised(report),
        forums = if FORUMS.iter().any(|set| has(report, set)) {
            "; the labels of forum posts are noisy"
        } else {
            ""
        },
    )
}

fn has(report: &Report, set: &str) -> bool {
    report.sets.0.contains_key(set)
}

fn languages(report: &Report) -> String {
    let known = report.sets.langs().into_iter().filter(|code| *code != "und");
    let names: Vec<&str> = known.map(language).collect();
    if names.is_empty() { String::new() } else { format!(" in {}", names.join(" and ")) }
}

fn language(code: &str) -> &str {
    match code {
        "en" => "English",
        "zh" => "Chinese",
        other => other,
    }
}

/// What the encoder is, and how it was fine-tuned, where that is noted.
fn encoder(called: &str, origin: Option<&Origin>) -> String {
    match origin {
        None => format!("`{called}`"),
        Some(Origin { base, runs }) => {
            let runs: Vec<String> = runs.iter().map(fine_tuning).collect();
            format!("the base encoder `{base}`, fine-tuned {}", runs.join(", then "))
        }
    }
}

fn fine_tuning(run: &Run) -> String {
    let mut out = format!(
        "for {:.0} minutes ({} steps, {:.2} million tokens, at most {} passes over the texts",
        run.seconds / 60.0,
        run.steps,
        run.tokens as f64 / 1e6,
        run.epochs
    );
    if let Some(teacher) = &run.teacher {
        out += &format!("; the answers of `{teacher}` beside the labels");
        if run.unlabelled > 0 {
            out += &format!(", and of {} texts alone", run.unlabelled);
        }
    }
    if run.is_chosen {
        out += "; the checkpoint that was best on dev";
    }
    out + ")"
}

fn heads(options: &TrainOptions, encoder: &str, report: &Report) -> String {
    if !options.keep_heads.is_empty() {
        let kept = options.keep_heads.join(", ");
        let mut out = format!(
            "The encoder and these heads are those of {encoder}, whose card says how they were trained: {kept}."
        );
        if report.train_texts > 0 {
            out +=
                &format!(" Others were fitted with seed {} on {} texts.", options.seed, report.train_texts);
        }
        return out;
    }
    format!(
        "The first {layers} layers of {encoder}. The heads see the mean states of layers {taps:?} and the \
         maximum of the last; for a name, its own tokens and their neighbours. One hidden layer of {hidden}, GELU. Fitted with \
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

/// How much what is labelled under the guide counts.
fn guided(report: &Report) -> String {
    let mut out = String::new();
    if has(report, "annotated") {
        out += &format!(
            " Where heads and n-grams are fitted a text of the annotated set counts {ANNOTATED} times as much as one of a public \
             set, as it fixes the convention, and a name in it {NAMED} times; its dev texts, and what begins like one, are in no \
             training."
        );
    }
    if has(report, labels::SET) {
        let each = HEADS.map(|(head, name, weight)| format!("{name} {}", weight * labels::share(head)));
        out += &format!(
            " What other texts are labelled with under the same guide counts so many times as much: {}.",
            each.join(", ")
        );
    }
    out
}

/// What was chosen on dev.
fn chosen(report: &Report) -> String {
    let fitted = if report.train_texts > 0 {
        ", and of each head that was fitted the best pass and the share of the one that was tuned with the encoder, if one was"
    } else {
        ""
    };
    let events = if report.dev.risk_events.is_empty() {
        ""
    } else {
        " Risk events of a text are chosen and scored on texts of which all are told."
    };
    format!(
        "Chosen on these same dev texts, so that the scores flatter a little: temperatures, thresholds, how much n-grams count, \
         the bounds below which the model abstains{fitted}.{events}"
    )
}

/// When an answer is not to be relied on.
fn abstains(config: &ModelConfig) -> String {
    format!(
        "It abstains (`abstain`) where it is less sure of the sentiment of a text than {:.2}, of that towards a name than {:.2}: \
         dev answers of like confidence were wrong more often than not. So it does of a name that it did not read.",
        config.abstain_below,
        config.names_bound()
    )
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

fn data(report: &Report) -> String {
    let mut out = "| set | language | texts of the heads | of the n-grams | dev texts | licence as stated |\n|---|---|---|---|---|---|\n".to_owned();
    for (set, texts) in &report.sets.0 {
        let known = LICENCES.iter().find(|(name, _)| name == set);
        let licence = known.map_or("not known here", |(_, licence)| *licence);
        let langs: Vec<&str> = texts.langs.iter().map(String::as_str).collect();
        out += &format!(
            "| {set} | {} | {} | {} | {} | {licence} |\n",
            langs.join(", "),
            texts.heads,
            texts.ngrams,
            texts.dev
        );
    }
    out
}

#[cfg(test)]
#[path = "card_tests.rs"]
mod tests;
