//! The blocks of pages and what is known of each, for `bench/extract/train.py`: lines {id, url, path} in, lines
//! {id, blocks, rows, told} out.

use std::io::{BufRead, Write, stdin, stdout};

use tocsin_ingest::{charset, page};

#[derive(serde::Deserialize)]
struct Asked {
    id: String,
    url: String,
    path: String,
}

fn main() -> std::io::Result<()> {
    let mut out = stdout().lock();
    for line in stdin().lock().lines() {
        let asked: Asked = serde_json::from_str(&line?)?;
        let html = charset::decode(&std::fs::read(&asked.path)?, None);
        let lesson = page::lesson(&html, &asked.url);
        let answer = serde_json::json!({ "id": asked.id, "blocks": lesson.blocks, "rows": lesson.rows,
            "told": lesson.told });
        writeln!(out, "{answer}")?;
    }
    Ok(())
}
