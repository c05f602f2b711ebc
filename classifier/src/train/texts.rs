//! Texts by themselves: what of a row of any file is its text. Owns the form in which texts are shown to
//! whoever labels them, a person or a model.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::data::{Example, key};
use crate::error::{ClassifierError, Result};

/// The set that unlabelled texts are of.
const SET: &str = "unlabelled";
/// Most characters of a text that are shown.
pub(super) const SHOWN: usize = 420;
/// Letters and digits at the beginning by which a text is told from a held-out one.
const ALIKE: usize = 40;

/// Texts of the rows of `paths`, without labels. Those of `examples`, and what begins like a dev text among
/// these, are left out; what has no text is an error by line.
pub(crate) fn unlabelled(paths: &[PathBuf], examples: &[Example]) -> Result<Vec<Example>> {
    let beginning = |text: &str| key(text).chars().take(ALIKE).collect::<String>();
    let known: HashSet<&str> = examples.iter().map(|e| e.text.as_str()).collect();
    let held: HashSet<String> = examples.iter().filter(|e| e.dev).map(|e| beginning(&e.text)).collect();
    let mut found = Vec::new();
    for path in paths {
        for (number, line) in lines(path)? {
            let unfit = |reason: String| {
                ClassifierError::unfit(path, "file of texts", format!("line {number}: {reason}"))
            };
            let row: Value = serde_json::from_str(&line).map_err(|e| unfit(e.to_string()))?;
            let text = shown(&row).ok_or_else(|| unfit("neither text nor title".to_owned()))?;
            if known.contains(text.as_str()) || held.contains(&beginning(&text)) {
                continue;
            }
            let lang = row.get("lang").and_then(Value::as_str).unwrap_or("und").to_owned();
            found.push(Example { set: SET.to_owned(), lang, text, weight: 1.0, ..Example::default() });
        }
    }
    Ok(found)
}

/// The lines that are not blank, with their numbers from 1.
pub(super) fn lines(path: &Path) -> Result<Vec<(usize, String)>> {
    let text = std::fs::read_to_string(path).map_err(|e| ClassifierError::read(path, e))?;
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

/// The beginning of a text that was shown.
pub(super) fn cut(text: &str) -> String {
    let beginning: String = text.chars().take(SHOWN).collect();
    beginning.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_shown_of_a_long_text_is_its_beginning() {
        let long = "涨 ".repeat(300);
        let cut = shown(&json!({ "text": long })).unwrap();
        assert_eq!((cut.chars().count(), cut.ends_with('涨')), (SHOWN - 1, true));
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
}
