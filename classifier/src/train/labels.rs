//! Labels under the guide of the annotated set, beside it. Texts mostly belong to others: a line
//! names its text by a sum, and the text is looked up in the files that its user has. Owns the
//! form of such files and of the text that a sum is of.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::data::{Example, annotated, files};
use crate::error::{ClassifierError, Result};
use crate::taxonomy::Taxonomy;

/// The set that these examples are of.
const SET: &str = "labelled";
/// How much one of them counts: they follow the convention of the annotated set, a little less well.
const WEIGHT: f32 = 2.0;
/// Most characters of a text that were shown to whoever labelled it.
const SHOWN: usize = 420;
/// Hexadecimal digits of the sum of a text that name it.
const DIGITS: usize = 16;

/// One line. Offsets count characters.
#[derive(Debug, Deserialize)]
struct Labels {
    #[serde(flatten)]
    text: Text,
    #[serde(default)]
    entities: Vec<Place>,
    /// `lang`, `sentiment`, `topics` and `events`, as the annotated set has them.
    #[serde(flatten)]
    labels: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Text {
    /// First digits of the SHA-256 of the text.
    Of(String),
    /// The text itself.
    Text(String),
}

#[derive(Debug, Deserialize)]
struct Place {
    start: usize,
    end: usize,
    /// `sentiment` and `role`.
    #[serde(flatten)]
    labels: Map<String, Value>,
}

impl Labels {
    /// The row that the annotated set would have.
    fn of(&self, text: &str) -> Value {
        let entity = |place: &Place| {
            let name: String =
                text.chars().skip(place.start).take(place.end.saturating_sub(place.start)).collect();
            let mut row = place.labels.clone();
            row.insert("name".to_owned(), name.into());
            Value::Object(row)
        };
        let mut row = self.labels.clone();
        row.insert("entities".to_owned(), self.entities.iter().map(entity).collect());
        Value::Object(row)
    }
}

/// Examples of the lines of `labels` that have a text or whose text is in the files under `roots`; dev
/// files are not searched. An error when texts are wanted and not one of them is there.
pub(super) fn joined(labels: &[PathBuf], roots: &[PathBuf], taxonomy: &Taxonomy) -> Result<Vec<Example>> {
    let (mut missing, mut found) = (HashMap::new(), Vec::new());
    for path in labels {
        for (number, line) in lines(path)?.iter().enumerate() {
            let line: Labels = serde_json::from_str(line).map_err(|e| unfit(path, number, e))?;
            match &line.text {
                Text::Of(sum) => drop(missing.insert(sum.clone(), (path, number, line))),
                Text::Text(text) => {
                    found.push(example(&line, text.clone(), taxonomy).map_err(|e| unfit(path, number, e))?);
                }
            }
        }
    }
    let wanted = missing.len();
    let texts = |name: &str| Path::new(name).extension().is_some_and(|e| e == "jsonl") && name != "dev.jsonl";
    for root in roots.iter().filter(|_| wanted > 0) {
        for file in files(root, &texts)? {
            for row in lines(&file)?.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
                let Some(text) = shown(&row) else { continue };
                let Some((path, number, labels)) = missing.remove(&sum(&text)) else { continue };
                found.push(example(&labels, text, taxonomy).map_err(|e| unfit(path, number, e))?);
            }
        }
    }
    if wanted > 0 && missing.len() == wanted {
        return Err(ClassifierError::NoData("find labelled texts in"));
    }
    if !missing.is_empty() {
        tracing::warn!(missing = missing.len(), wanted, "texts of labels are not in the data");
    }
    Ok(found)
}

fn example(labels: &Labels, text: String, taxonomy: &Taxonomy) -> Result<Example, String> {
    let row = labels.of(&text);
    let lang = row.get("lang").and_then(Value::as_str).unwrap_or("und").to_owned();
    let example = annotated(&row, Example { lang, text, ..Example::default() }, taxonomy)?;
    Ok(Example { set: SET.to_owned(), weight: WEIGHT, ..example })
}

fn lines(path: &Path) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(path).map_err(|e| ClassifierError::read(path, e))?;
    Ok(text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect())
}

fn unfit(path: &Path, number: usize, reason: impl std::fmt::Display) -> ClassifierError {
    ClassifierError::unfit(path, "file of labels", format!("line {}: {reason}", number + 1))
}

/// What of a row was shown: its text, or the title and the description of a news item.
fn shown(row: &Value) -> Option<String> {
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
    let cut: String = text.chars().take(SHOWN).collect();
    Some(cut.trim().to_owned())
}

fn sum(text: &str) -> String {
    let mut digits = hex::encode(Sha256::digest(text));
    digits.truncate(DIGITS);
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::data::read;

    const NEWS: &str = r#"{"title": " Nordbank fails ", "description": "Runs  on\nNordbank."}"#;
    const CHINESE: &str =
        r#"{"text": "讯：万州银行遭挤兑", "label": "negative", "lang": "zh", "set": "xueqiu"}"#;

    /// A data folder with news, a set of one text and an annotated dev text.
    fn data() -> tempfile::TempDir {
        let data = tempfile::tempdir().unwrap();
        let dev = r#"{"text": "Held out!", "lang": "en", "sentiment": "neutral", "topics": [], "events": [], "entities": []}"#;
        for (file, line) in
            [("replay/news.jsonl", NEWS), ("sentiment/train.jsonl", CHINESE), ("annotated/dev.jsonl", dev)]
        {
            let path = data.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, format!("{line}\n")).unwrap();
        }
        data
    }

    fn line(text: &str, entity: (usize, usize)) -> String {
        let (of, (start, end)) = (sum(text), entity);
        format!(
            r#"{{"of": "{of}", "lang": "en", "sentiment": "negative", "topics": ["financials"], "events": ["withdrawal_difficulty"], "entities": [{{"start": {start}, "end": {end}, "sentiment": "negative", "role": "subject"}}]}}"#
        )
    }

    fn read_with(lines: &[String]) -> Result<Vec<Example>> {
        let data = data();
        let labels = data.path().join("labels");
        std::fs::write(&labels, lines.join("\n")).unwrap();
        let taxonomy = Taxonomy::read(Path::new("../config/taxonomy.toml")).unwrap();
        let all = read(&[data.path().to_owned()], &[labels], &taxonomy)?;
        Ok(all.into_iter().filter(|example| example.set == SET).collect())
    }

    #[test]
    fn a_label_finds_its_text_in_news_and_in_sets() {
        let news = line("Nordbank fails - Runs on Nordbank.", (0, 8));
        let found = read_with(&[line("讯：万州银行遭挤兑", (2, 6)), news]).unwrap();
        let named: Vec<_> =
            found.iter().map(|e| (e.text.as_str(), e.targets[0].name.as_str(), e.sentiment)).collect();
        let wanted = [
            ("Nordbank fails - Runs on Nordbank.", "Nordbank", Some(0)),
            ("讯：万州银行遭挤兑", "万州银行", Some(0)),
        ];
        assert_eq!(named, wanted);
        assert!(found.iter().all(|e| !e.dev && e.weight == WEIGHT && e.events.is_some()));
    }

    #[test]
    fn a_text_that_stands_beside_its_labels_is_not_looked_up() {
        let own = line("x", (0, 3)).replace(&format!(r#""of": "{}""#, sum("x")), r#""text": "Own text.""#);
        let found = read_with(&[own]).unwrap();
        assert_eq!((found[0].text.as_str(), found[0].targets[0].name.as_str()), ("Own text.", "Own"));
    }

    #[test]
    fn dev_texts_are_not_labelled_and_texts_that_are_not_there_are_left_out() {
        let found = read_with(&[
            line("Held out!", (0, 4)),
            line("elsewhere", (0, 1)),
            line("讯：万州银行遭挤兑", (2, 6)),
        ]);
        assert_eq!(found.unwrap().len(), 1);
        assert!(matches!(read_with(&[line("Held out!", (0, 4))]), Err(ClassifierError::NoData(_))));
    }

    #[test]
    fn a_bad_line_is_named() {
        let bad = read_with(&[line("讯：万州银行遭挤兑", (2, 6)), "{}".to_owned()]).unwrap_err().to_string();
        assert!(bad.contains("labels") && bad.contains("line 2"), "{bad}");
        let bad = line("讯：万州银行遭挤兑", (2, 6)).replace("negative\", \"topics", "bad\", \"topics");
        let bad = read_with(&[bad]).unwrap_err().to_string();
        assert!(bad.contains("line 1") && bad.contains("bad"), "{bad}");
    }
}
