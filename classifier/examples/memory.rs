//! Shows where memory goes: `memory MODEL [ENTITIES]` opens the parts of a classifier in
//! its order and prints the resident and the peak memory after each, in MB (Linux).

use std::path::PathBuf;

use tocsin_classifier::encoder::{Encoder, Scratch};
use tocsin_classifier::entities::Linker;
use tocsin_classifier::model::{self, ModelConfig};
use tocsin_classifier::tokens::Tokens;

const TEXT: &str = "Acme Steel raises its outlook after a strong quarter";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<PathBuf> = std::env::args().skip(1).map(PathBuf::from).collect();
    let [folder, entities @ ..] = arguments.as_slice() else {
        return Err("usage: memory MODEL [ENTITIES]".into());
    };
    report("start")?;
    let _linker = Linker::read(entities)?;
    report("entities")?;
    let config = ModelConfig::read(folder)?;
    let tokens = Tokens::read(&folder.join(model::TOKENIZER), config.max_tokens)?;
    report("tokenizer")?;
    let (weights, _heads) = model::read(folder, &config)?;
    report("weights")?;
    let encoder = Encoder::new(weights, &config.taps);
    let ids = tokens.encode(&TEXT.repeat(40)).ids;
    encoder.forward(&[&ids, &ids], &mut Scratch::default());
    report("a batch")
}

fn report(step: &str) -> Result<(), Box<dyn std::error::Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
    let megabytes = |name: &str| -> Option<f64> {
        Some(line(name)?.split_whitespace().next()?.parse::<f64>().ok()? / 1024.0)
    };
    let at = |name: &str| megabytes(name).unwrap_or(f64::NAN);
    #[expect(clippy::print_stdout, reason = "the report is what this program is for")]
    {
        println!(
            "{step:<10} {:6.1} resident ({:.1} anonymous) {:6.1} peak",
            at("VmRSS:"),
            at("RssAnon:"),
            at("VmHWM:")
        );
    }
    Ok(())
}
