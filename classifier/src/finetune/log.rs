//! What a run tells while it goes: a bar on the terminal, and lines in a file.

use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};

/// The log, without the lines that a killed run wrote after its last checkpoint.
pub(super) fn log_from(path: &Path, bytes: u64) -> std::io::Result<std::fs::File> {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
    log.set_len(bytes)?;
    Ok(log)
}

pub(super) fn bar(tokens: usize) -> ProgressBar {
    let bar = ProgressBar::new(tokens as u64);
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} tokens, {per_sec}, {eta} left, {msg}");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}
