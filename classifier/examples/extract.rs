//! scratch
use std::path::PathBuf;
use tocsin_classifier::{encoder::Encoder, taxonomy::Taxonomy, tokens::Tokens, train::{cache::*, data}, weights::*};
fn main() {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let a: Vec<String> = std::env::args().collect();
    let base = PathBuf::from(&a[1]);
    let layers: usize = a[3].parse().unwrap();
    let taps: Vec<usize> = a[4].split(',').map(|x| x.parse().unwrap()).collect();
    let limit: usize = a[5].parse().unwrap();
    let out = PathBuf::from(&a[6]);
    let tax = Taxonomy::read(&PathBuf::from("config/taxonomy.toml")).unwrap();
    let ex = data::read(&[PathBuf::from(&a[2])], &tax).unwrap();
    let ex = tocsin_classifier::train::order(ex, 1, limit);
    eprintln!("{} examples", ex.len());
    let shape: Shape = serde_json::from_str(&std::fs::read_to_string(base.join("config.json")).unwrap()).unwrap();
    let enc = Encoder::new(Weights::read(&base.join("model.safetensors"), &shape, layers).unwrap(), &taps);
    let tok = Tokens::read(&base.join("tokenizer.json"), 256).unwrap();
    let t = std::time::Instant::now();
    let r = rows(&enc, &tok, &ex, Some(&out), Pace { threads: 2, token_budget: 512 }).unwrap();
    eprintln!("{} rows {:?}", r.len(), t.elapsed());
}
