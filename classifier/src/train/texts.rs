//! Texts by themselves: what of a row of any file is its text. Owns the form in which texts are shown to
//! whoever labels them, a person or a model.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::data::Example;
use crate::document::fault;
use crate::error::{ClassifierError, Result};

/// The set that unlabelled texts are of.
pub(crate) const UNLABELLED: &str = "unlabelled";
/// Most characters of a text that are shown.
pub(super) const SHOWN: usize = 420;
/// Hexadecimal digits of the sum of a text that name it.
const DIGITS: usize = 16;
/// Letters and digits at the beginning by which a text is told from a held-out one.
const ALIKE: usize = 40;

/// Texts of the rows of `paths`, without labels. Those of `examples`, and what begins like a dev text among
/// these, are left out; what has no text is an error by line.
pub(crate) fn unlabelled(paths: &[PathBuf], examples: &[Example]) -> Result<Vec<Example>> {
    let known: HashSet<&str> = examples.iter().map(|e| e.text.as_str()).collect();
    let held: HashSet<String> = examples.iter().filter(|e| e.dev).map(|e| beginning(&e.text)).collect();
    let mut found = Vec::new();
    for path in paths {
        for (number, line) in lines(path)? {
            let unfit = |reason: &str| ClassifierError::unfit_line(path, "file of texts", number, reason);
            let row: Value = serde_json::from_str(&line).map_err(|e| unfit(&fault(&e)))?;
            let text = shown(&row).ok_or_else(|| unfit("neither text nor title"))?;
            if known.contains(text.as_str()) || held.contains(&beginning(&text)) {
                continue;
            }
            let lang = row.get("lang").and_then(Value::as_str).unwrap_or("und").to_owned();
            found.push(Example { set: UNLABELLED.to_owned(), lang, text, weight: 1.0, ..Example::default() });
        }
    }
    Ok(found)
}

/// The lines that are not blank, with their numbers from 1; a byte order mark in front is passed over.
pub(crate) fn lines(path: &Path) -> Result<Vec<(usize, String)>> {
    let text = std::fs::read_to_string(path).map_err(|e| ClassifierError::read(path, e))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    Ok(lines.map(|(at, line)| (at + 1, line.to_owned())).collect())
}

/// What of a row was shown: its text, or the title and the description of a news item.
pub(super) fn shown(row: &Value) -> Option<String> {
    let field = |name: &str| row.get(name).and_then(Value::as_str);
    let text = match (field("text"), field("title")) {
        (Some(text), _) => text.to_owned(),
        (None, Some(title)) => {
            let description = field("description").unwrap_or_default();
            let description = description.split_whitespace().collect::<Vec<_>>().join(" ");
            let parts = [title.trim(), description.as_str()];
            parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" - ")
        }
        (None, None) => return None,
    };
    Some(cut(&text))
}

/// By what a text is told from a held-out one: letters and digits only, so that a stray space or mark does not hide
/// a repeated text, of its beginning as it is shown, so that it does not matter which of them was cut.
pub(super) fn beginning(text: &str) -> String {
    let shown = cut(text);
    shown.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).take(ALIKE).collect()
}

/// Whether the encoder leaves a training text to the heads: every `every`-th, by its sum, so that all examples of
/// one text are on one side; 0: none.
pub(crate) fn is_held_back(text: &str, every: usize) -> bool {
    let number = || u64::from_str_radix(&sum(&cut(text)), 16);
    every > 0 && number().is_ok_and(|number| number.is_multiple_of(every as u64))
}

/// The sum of a text as it is shown, in hexadecimal digits.
pub(super) fn sum(text: &str) -> String {
    let mut digits = hex::encode(Sha256::digest(text));
    digits.truncate(DIGITS);
    digits
}

/// The beginning of a text that was shown.
pub(super) fn cut(text: &str) -> String {
    let beginning: String = text.chars().take(SHOWN).collect();
    beginning.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::taxonomy::Taxonomy;
    use crate::train::data::read;

    #[test]
    fn what_was_shown_of_a_long_text_is_its_beginning() {
        let long = "涨 ".repeat(300);
        let cut = shown(&json!({ "text": long })).unwrap();
        assert_eq!((cut.chars().count(), cut.ends_with('涨')), (SHOWN - 1, true));
    }

    #[test]
    fn a_text_is_held_back_by_what_is_shown_of_it() {
        let texts: Vec<String> = (0..1000).map(|n| format!("Bank {n} falls")).collect();
        let held = |every| texts.iter().filter(|text| is_held_back(text, every)).count();
        assert_eq!((held(0), held(1)), (0, 1000));
        assert!((150..250).contains(&held(5)), "{}", held(5));
        let long = "涨".repeat(SHOWN);
        for every in 2..9 {
            assert_eq!(is_held_back(&long, every), is_held_back(&format!("{long}跌"), every));
        }
    }

    #[test]
    fn texts_without_labels_are_those_of_no_held_out_text() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("news.jsonl");
        let rows = [
            r#"{"title": "Held out, and longer", "lang": "en"}"#,
            "",
            r#"{"title": " New ", "description": "Words."}"#,
            r#"{"text": "旧文"}"#,
            r#"{"text": "旧文又一", "lang": "zh"}"#,
        ];
        std::fs::write(&file, rows.join("\n")).unwrap();
        let held = |text: &str, dev| Example { text: text.to_owned(), dev, ..Example::default() };
        let held = [held("HELD OUT AND LONGER!", true), held("旧文", false)];
        let found = unlabelled(std::slice::from_ref(&file), &held).unwrap();
        let texts: Vec<_> = found.iter().map(|e| (e.text.as_str(), e.lang.as_str())).collect();
        assert_eq!(texts, [("New - Words.", "und"), ("旧文又一", "zh")]);
        assert!(found.iter().all(|e| !e.dev && e.sentiment.is_none() && e.topics.is_none()));

        std::fs::write(&file, "{\"text\": \"a\"}\n{\"words\": 1}\n").unwrap();
        let error = unlabelled(&[file], &[]).unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("neither text nor title"), "{error}");
    }

    #[test]
    fn a_text_that_a_held_out_one_was_cut_from_or_that_begins_like_it_is_in_no_training() {
        let folder = tempfile::tempdir().unwrap();
        let whole: String = (0..200).map(|i| format!("句{i}。")).collect();
        let changed = format!("???{}，别的", whole.chars().take(100).collect::<String>());
        let held = json!({
            "text": cut(&whole), "lang": "zh", "sentiment": "neutral", "topics": [], "events": [], "entities": [],
        });
        let post = |text: &str| json!({ "text": text, "negative": true, "set": "bdci", "lang": "zh" });
        let posts = [post(&whole), post(&changed), post("别的")].map(|row| row.to_string()).join("\n");
        for (file, rows) in [("annotated/dev.jsonl", held.to_string()), ("bdci/train.jsonl", posts)] {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, rows).unwrap();
        }
        let taxonomy = Taxonomy::read(Path::new("../config/taxonomy.toml")).unwrap();
        let all = read(&[folder.path().to_owned()], &[], &taxonomy).unwrap();
        let training: Vec<&str> = all.iter().filter(|e| !e.dev).map(|e| e.text.as_str()).collect();
        assert_eq!(training, ["别的"]);
    }
}
