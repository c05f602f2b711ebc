//! Files with a JSON object a line. Empty lines are passed over; an error names the line.

use std::path::Path;

use serde::de::DeserializeOwned;

use crate::error::{ClassifierError, Result};

/// The objects of the file `path`, which is to be a `what`.
pub(super) fn read<T: DeserializeOwned>(path: &Path, what: &'static str) -> Result<Vec<T>> {
    let text = std::fs::read_to_string(path).map_err(|e| ClassifierError::read(path, e))?;
    parse(&text).map_err(|reason| ClassifierError::unfit(path, what, reason))
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, String> {
    let filled = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    filled.map(|(at, line)| serde_json::from_str(line).map_err(|error| reason(at + 1, &error))).collect()
}

/// What is wrong in `line`, which serde, given one line, calls the first.
fn reason(line: usize, error: &serde_json::Error) -> String {
    let (told, column) = (error.to_string(), error.column());
    let place = format!(" at line {} column {column}", error.line());
    format!("line {line}, column {column}: {}", told.strip_suffix(place.as_str()).unwrap_or(&told))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_bad_line_is_named_by_its_number_in_the_file() {
        let error = parse::<Value>("{\"a\":1}\n\n{\"a\":}\n").unwrap_err();
        assert_eq!(error, "line 3, column 6: expected value");
        assert_eq!(parse::<Value>("\n{}\n \n[]").unwrap().len(), 2);
    }
}
