//! The lists as they come: comma-separated, a header line, quotes around commas.

use std::collections::HashMap;
use std::path::Path;

use csv::{Position, ReaderBuilder, StringRecord, Trim};
use serde::Deserialize;

use crate::error::{ClassifierError, Result};

/// Parts the values of a column in the dictionary's table.
const MARK: char = '|';

/// The columns that a list must have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns<'a> {
    /// Those without which a row names no listing: never empty.
    pub(super) filled: &'a [&'a str],
    pub(super) others: &'a [&'a str],
}

impl<'a> Columns<'a> {
    fn all(self) -> impl Iterator<Item = &'a str> {
        self.filled.iter().chain(self.others).copied()
    }
}

/// One row, its values by column name.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Row(HashMap<String, String>);

impl Row {
    /// Empty when the file has no such column.
    pub(super) fn get(&self, column: &str) -> &str {
        self.0.get(column).map_or("", String::as_str)
    }

    /// Makes each value but those of `codes` a single line without tabs.
    fn unbreak(&mut self, codes: &[&str]) {
        let names = self.0.iter_mut().filter(|(column, _)| !codes.contains(&column.as_str()));
        names.for_each(|(_, name)| *name = unbroken(name));
    }
}

/// `name` with one space for tabs, line ends and other control characters.
fn unbroken(name: &str) -> String {
    let parts = name.split(char::is_control).map(str::trim).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(" ")
}

/// All rows of `folder/file`; none when there is no such file. An error names the column that is
/// missing, or the line that is no row of a list.
pub(super) fn rows(folder: &Path, file: &str, columns: Columns<'_>) -> Result<Vec<Row>> {
    let path = folder.join(file);
    match std::fs::File::open(&path) {
        Ok(file) => {
            parse(file, columns).map_err(|reason| ClassifierError::unfit(&path, "list of listings", reason))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(ClassifierError::read(&path, error)),
    }
}

fn parse(list: impl std::io::Read, columns: Columns<'_>) -> Result<Vec<Row>, String> {
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(list);
    let header = reader.headers().map_err(|e| e.to_string())?.clone();
    if let Some(column) = columns.all().find(|column| header.iter().all(|name| name != *column)) {
        return Err(format!("it has no column {column}"));
    }
    reader.records().map(|record| row(&record.map_err(|e| e.to_string())?, &header, columns)).collect()
}

fn row(record: &StringRecord, header: &StringRecord, columns: Columns<'_>) -> Result<Row, String> {
    let line = record.position().map_or(0, Position::line);
    let mut row: Row = record.deserialize(Some(header)).map_err(|e| e.to_string())?;
    row.unbreak(columns.filled);
    if let Some(column) = columns.filled.iter().find(|column| row.get(column).is_empty()) {
        return Err(format!("line {line} has no {column}"));
    }
    let is_refused = |column: &&str| row.get(column).contains(|c: char| c == MARK || c.is_control());
    match columns.all().find(is_refused) {
        Some(column) => {
            Err(format!("line {line}: {column} is {:?}; none takes |, and no code a tab", row.get(column)))
        }
        None => Ok(row),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: Columns<'_> = Columns { filled: &["a"], others: &["b"] };

    #[test]
    fn quotes_keep_commas_and_a_doubled_quote_is_one() {
        let rows = parse("\u{feff}a,b\n\"x, \"\"y\"\"\", 2 \n\nz,\n".as_bytes(), COLUMNS).unwrap();
        assert_eq!(rows[0].get("a"), "x, \"y\"");
        assert_eq!(rows[0].get("b"), "2");
        assert_eq!((rows.len(), rows[1].get("b"), rows[1].get("c")), (2, "", ""));
    }

    #[test]
    fn a_line_with_another_number_of_values_is_named() {
        let error = parse("a,b\n1,2\n3\n".as_bytes(), COLUMNS).unwrap_err();
        assert!(error.contains("line: 3"), "{error}");
    }

    #[test]
    fn a_list_with_other_columns_or_without_a_code_is_refused() {
        let table = [
            ("", "it has no column a"),
            ("a,c\n", "it has no column b"),
            ("b,a\n1,2\n1,\n", "line 3 has no a"),
            ("a,b\n1,x|y\n", "line 2: b is \"x|y\"; none takes |, and no code a tab"),
            ("a,b\nx\ty,1\n", "line 2: a is \"x\\ty\"; none takes |, and no code a tab"),
        ];
        for (list, want) in table {
            assert_eq!(parse(list.as_bytes(), COLUMNS).unwrap_err(), want);
        }
        assert_eq!(parse("a,b,c\n1,2,x|y\n".as_bytes(), COLUMNS).unwrap().len(), 1, "c is not used");
    }

    #[test]
    fn a_tab_or_a_line_end_in_a_name_is_a_space() {
        let list = "a,b\n1,\"Starry Sea\t \r\n\u{b}Ordinary Shares\"\n2,x  y\n";
        let rows = parse(list.as_bytes(), COLUMNS).unwrap();
        assert_eq!((rows[0].get("b"), rows[1].get("b")), ("Starry Sea Ordinary Shares", "x  y"));
    }

    #[test]
    fn a_list_that_is_refused_is_named_and_one_that_is_not_there_adds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("list.csv"), "x\n1\n").unwrap();
        let error = rows(folder.path(), "list.csv", COLUMNS).unwrap_err().to_string();
        assert!(error.contains("list.csv") && error.contains("no column a"), "{error}");
        assert!(rows(folder.path(), "other.csv", COLUMNS).unwrap().is_empty());
    }
}
