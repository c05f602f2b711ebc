//! The lists as they come: comma-separated, a header line, quotes around commas.

use std::collections::HashMap;
use std::path::Path;

use csv::{ReaderBuilder, Trim};
use serde::Deserialize;

use crate::error::{ClassifierError, Result};

/// One row, its values by column name.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Row(HashMap<String, String>);

impl Row {
    /// Empty when the file has no such column.
    pub(super) fn get(&self, column: &str) -> &str {
        self.0.get(column).map_or("", String::as_str)
    }
}

/// All rows of `folder/file`; none when there is no such file. An error names the line that is
/// no row.
pub(super) fn rows(folder: &Path, file: &str) -> Result<Vec<Row>> {
    let path = folder.join(file);
    match std::fs::File::open(&path) {
        Ok(file) => {
            parse(file).map_err(|cause| ClassifierError::unfit(&path, "list of listings", cause.to_string()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(ClassifierError::read(&path, error)),
    }
}

fn parse(list: impl std::io::Read) -> csv::Result<Vec<Row>> {
    ReaderBuilder::new().trim(Trim::All).from_reader(list).into_deserialize().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_keep_commas_and_a_doubled_quote_is_one() {
        let rows = parse("\u{feff}a,b\n\"x, \"\"y\"\"\", 2 \n\n,\n".as_bytes()).unwrap();
        assert_eq!(rows[0].get("a"), "x, \"y\"");
        assert_eq!(rows[0].get("b"), "2");
        assert_eq!((rows.len(), rows[1].get("a"), rows[1].get("c")), (2, "", ""));
    }

    #[test]
    fn a_line_with_another_number_of_values_is_named() {
        let error = parse("a,b\n1,2\n3\n".as_bytes()).unwrap_err().to_string();
        assert!(error.contains("line: 3"), "{error}");
    }
}
