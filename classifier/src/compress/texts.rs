//! Which tokens a body of texts uses.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::document::fault;
use crate::error::{ClassifierError, Result};
use crate::tokens::Tokens;
use crate::train::texts::lines;

/// Texts are read to their end: so many tokens are no text.
pub(super) const LONGEST: usize = 1 << 20;
/// Fields of a JSON line that hold text.
const FIELDS: [&str; 4] = ["title", "text", "body", "description"];

/// For each token whether a text of `files` has it; as long as the largest one found needs.
pub(super) fn used(tokens: &Tokens, files: &[PathBuf]) -> Result<Vec<bool>> {
    let mut used = Vec::new();
    for file in files {
        let texts = read(file)?;
        let chunks: Vec<&[String]> = texts.chunks(256).collect();
        let ids = crate::pool::map(
            crate::pool::threads(0),
            &chunks,
            || (),
            |(), chunk| chunk.iter().flat_map(|text| tokens.encode(text).ids).collect::<Vec<u32>>(),
        );
        for id in ids.into_iter().flatten() {
            let at = id as usize;
            if at >= used.len() {
                used.resize(at + 1, false);
            }
            used.iter_mut().skip(at).take(1).for_each(|seen| *seen = true);
        }
    }
    if used.is_empty() {
        return Err(ClassifierError::NoData("find used tokens in"));
    }
    Ok(used)
}

/// The texts of a file: of its JSON lines (`.jsonl`), else its lines.
fn read(path: &Path) -> Result<Vec<String>> {
    let lines = lines(path)?.into_iter();
    if path.extension().is_none_or(|e| e != "jsonl") {
        return Ok(lines.map(|(_, line)| line).collect());
    }
    let parse = |(number, line): (usize, String)| {
        let unfit = |reason: String| ClassifierError::unfit_line(path, "file of texts", number, &reason);
        let row: Value = serde_json::from_str(&line).map_err(|e| unfit(fault(&e)))?;
        let texts: Vec<&str> = FIELDS.iter().filter_map(|name| row.get(name)?.as_str()).collect();
        if texts.is_empty() {
            return Err(unfit(format!("none of {FIELDS:?}")));
        }
        Ok(texts.join("\n"))
    };
    lines.map(parse).collect()
}
