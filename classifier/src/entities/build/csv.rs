//! The lists as they come: comma-separated, a header line, quotes around commas.

use std::collections::HashMap;
use std::path::Path;

use crate::error::{ClassifierError, Result};

/// One row, its values by column name.
#[derive(Debug, Clone, Default)]
pub(super) struct Row(HashMap<String, String>);

impl Row {
    /// Empty when the file has no such column.
    pub(super) fn get(&self, column: &str) -> &str {
        self.0.get(column).map_or("", |value| value.trim())
    }
}

/// All rows of `folder/file`; none when there is no such file.
pub(super) fn rows(folder: &Path, file: &str) -> Result<Vec<Row>> {
    let path = folder.join(file);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(parse(&text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(ClassifierError::read(&path, error)),
    }
}

fn parse(text: &str) -> Vec<Row> {
    let mut lines = text.trim_start_matches('\u{feff}').lines().filter(|l| !l.is_empty());
    let header = lines.next().map(values).unwrap_or_default();
    lines.map(|line| Row(header.iter().cloned().zip(values(line)).collect())).collect()
}

fn values(line: &str) -> Vec<String> {
    let (mut all, mut value, mut quoted) = (Vec::new(), String::new(), false);
    let mut letters = line.chars().peekable();
    while let Some(c) = letters.next() {
        match c {
            '"' if quoted && letters.peek() == Some(&'"') => {
                value.push('"');
                letters.next();
            }
            '"' => quoted = !quoted,
            ',' if !quoted => all.push(std::mem::take(&mut value)),
            _ => value.push(c),
        }
    }
    all.push(value);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_keep_commas_and_a_doubled_quote_is_one() {
        let rows = parse("a,b\n\"x, \"\"y\"\"\",2\n,\n");
        assert_eq!(rows[0].get("a"), "x, \"y\"");
        assert_eq!(rows[0].get("b"), "2");
        assert_eq!((rows[1].get("a"), rows[1].get("c")), ("", ""));
    }
}
