//! `classify` as a filter: a JSON object a line in, one a line out, in order. A bad
//! line is answered by an error and never stops the rest. No answer waits for a line
//! that is not there yet.

mod line;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};

use serde::Serialize;
use serde_json::{Value, json};

use crate::classifier::Classifier;
use crate::document::{Id, Input, Output};
use crate::error::{ClassifierError, Result};
use crate::explain;
use line::{Refused, parse};

/// What is asked of each line, and how many go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilterOptions {
    /// List every topic and event with its probability and whether it is selected.
    pub all: bool,
    /// Name the words that carried the sentiment of the document.
    pub explain: bool,
    /// Most lines classified together.
    pub batch: usize,
}

impl Default for FilterOptions {
    fn default() -> Self {
        Self { all: false, explain: false, batch: 512 }
    }
}

/// What passed through. The caller's exit code is 1 when `errors` is not 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub lines: u64,
    pub errors: u64,
}

/// Reads `reader` to its end. A blank line is a bad one. Lines are classified together as far as they
/// lie in the buffer of `reader`: a large one makes full batches of a file.
pub fn run(
    classifier: &Classifier,
    mut reader: BufReader<impl Read>,
    mut writer: impl Write,
    options: FilterOptions,
) -> Result<Summary> {
    let mut summary = Summary::default();
    loop {
        let lines = read(&mut reader, options.batch.max(1), &mut summary)?;
        if lines.is_empty() {
            break;
        }
        for answer in answers(classifier, &lines, options) {
            summary.errors += u64::from(answer.is_error());
            serde_json::to_writer(&mut writer, &answer).map_err(|e| written(e.into()))?;
            writer.write_all(b"\n").map_err(written)?;
        }
        writer.flush().map_err(written)?;
    }
    Ok(summary)
}

fn written(source: std::io::Error) -> ClassifierError {
    ClassifierError::Pipe { stream: "standard output", source }
}

/// Its number, and what it says.
type Line = (u64, Result<Input, Refused>);

/// In front of the first line of some files: the mark of their encoding.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Waits for a line, and takes those with it that lie in the buffer whole; none at the end.
fn read(reader: &mut BufReader<impl Read>, most: usize, summary: &mut Summary) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    let mut bytes = Vec::new();
    while lines.len() < most {
        bytes.clear();
        let read = reader
            .read_until(b'\n', &mut bytes)
            .map_err(|source| ClassifierError::Pipe { stream: "standard input", source })?;
        if read == 0 {
            break;
        }
        summary.lines += 1;
        let line = bytes.strip_prefix(MARK).filter(|_| summary.lines == 1).unwrap_or(&bytes);
        lines.push((summary.lines, parse(line.trim_ascii())));
        if !reader.buffer().contains(&b'\n') {
            break;
        }
    }
    Ok(lines)
}

fn answers(classifier: &Classifier, lines: &[Line], options: FilterOptions) -> Vec<Answer> {
    let good: Vec<Input> = lines.iter().filter_map(|(_, input)| input.as_ref().ok().cloned()).collect();
    let mut outputs = classifier.classify(&good).into_iter();
    let mut answer = |(line, input): &Line| match input {
        Err(Refused { id, reason }) => Answer::error(*line, reason, id.clone()),
        Ok(input) => match outputs.next() {
            Some(mut output) => {
                let id = output.id.take();
                Answer::new(said(classifier, input, &output, options), id)
            }
            None => Answer::error(*line, "no answer from the model", input.id.clone()),
        },
    };
    lines.iter().map(&mut answer).collect()
}

fn said(classifier: &Classifier, input: &Input, output: &Output, options: FilterOptions) -> Value {
    let mut value = render(output, options.all);
    if let (true, Some(fields)) = (options.explain, value.as_object_mut()) {
        fields.insert("explain".to_owned(), json!(explain::explain(classifier, input, output)));
    }
    value
}

/// A line out: its fields in the order of their names.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
struct Answer(BTreeMap<String, Field>);

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Field {
    Id(Id),
    Said(Value),
}

impl Answer {
    /// `fields` with numbers as they were rounded, and the caller's `id` as it came.
    fn new(fields: Value, id: Option<Id>) -> Self {
        let Value::Object(fields) = fields else { return Self::default() };
        let said = fields.into_iter().map(|(name, value)| (name, Field::Said(short(value))));
        Self(said.chain(id.map(|id| ("id".to_owned(), Field::Id(id)))).collect())
    }

    fn error(line: u64, reason: &str, id: Option<Id>) -> Self {
        Self::new(json!({ "error": reason, "line": line }), id)
    }

    fn is_error(&self) -> bool {
        self.0.contains_key("error")
    }
}

/// Numbers as they were rounded: JSON's doubles would show what `f32` cannot hold.
fn short(value: Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => {
            number.as_f64().map_or(Value::Null, |number| json!((number * 1e4).round() / 1e4))
        }
        Value::Array(values) => values.into_iter().map(short).collect(),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (name, short(value))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

/// One output as JSON; with `all`, every topic and event with `selected`.
pub fn render(output: &Output, all: bool) -> Value {
    let mut value = serde_json::to_value(output).unwrap_or_default();
    if let (true, Some(fields)) = (all, value.as_object_mut()) {
        let topics =
            output.all.topics.iter().map(|(t, on)| json!({ "topic": t.topic, "p": t.p, "selected": on }));
        let events =
            output.all.events.iter().map(|(e, on)| json!({ "event": e.event, "p": e.p, "selected": on }));
        fields.insert("topics".to_owned(), topics.collect());
        fields.insert("risk_events".to_owned(), events.collect());
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(fields: Value, id: Option<&str>) -> String {
        let id = id.map(|json| serde_json::from_str(json).unwrap());
        serde_json::to_string(&Answer::new(fields, id)).unwrap()
    }

    #[test]
    fn an_id_may_be_any_json_and_comes_back_as_it_was() {
        let said = || json!({ "error": "no", "id": null, "p": 0.8804_f32 });
        for id in [r#"[1.23456, {"a": 7}]"#, "123456789012345678901234567890", "-0.10", r#""\u00e9""#] {
            assert_eq!(told(said(), Some(id)), format!(r#"{{"error":"no","id":{id},"p":0.8804}}"#));
        }
        assert_eq!(told(said(), None), r#"{"error":"no","id":null,"p":0.8804}"#);
        assert_eq!(told(json!({ "line": 3 }), None), r#"{"line":3}"#);
    }

    #[test]
    fn numbers_are_written_as_they_were_rounded() {
        let value = json!({ "p": 0.8804_f32, "list": [0.3363_f32, 1, "0.12345678"], "no": null });
        assert_eq!(short(value).to_string(), r#"{"list":[0.3363,1,"0.12345678"],"no":null,"p":0.8804}"#);
    }
}
