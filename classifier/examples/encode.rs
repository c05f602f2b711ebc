//! Times the encoder: `encode MODEL [THREADS [ROUNDS]] < texts.txt` encodes every line
//! in each round and prints one line of JSON with the seconds of each, the CPU seconds of
//! all (Linux) and the first output values of the first text.

use std::io::BufRead;
use std::path::PathBuf;
use std::time::Instant;

use tocsin_classifier::encoder::{Encoder, Scratch};
use tocsin_classifier::model::{self, ModelConfig};
use tocsin_classifier::tokens::{Tokens, batches};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, rest @ ..] = arguments.as_slice() else {
        return Err("usage: encode MODEL [THREADS [ROUNDS]] < texts.txt".into());
    };
    let number = |at: usize, or: usize| rest.get(at).map_or(Ok(or), |text| text.parse());
    let (threads, rounds) = (number(0, 2)?, number(1, 5)?);
    let folder = PathBuf::from(folder);
    let config = ModelConfig::read(&folder)?;
    let (weights, _) = model::read(&folder, &config)?;
    let encoder = Encoder::new(weights, &config.taps);
    let tokens = Tokens::read(&folder.join(model::TOKENIZER), config.max_tokens)?;
    let lines: Vec<String> = std::io::stdin().lock().lines().collect::<Result<_, _>>()?;
    let ids: Vec<Vec<u32>> = lines.iter().map(|line| tokens.encode(line).ids).collect();
    let lengths: Vec<usize> = ids.iter().map(Vec::len).collect();
    let groups = batches(&lengths, 512);
    let mut seconds = Vec::new();
    let before = cpu_seconds();
    for _ in 0..rounds {
        let started = Instant::now();
        encode(&encoder, &ids, &groups, threads);
        seconds.push(started.elapsed().as_secs_f64());
    }
    let mut scratch = Scratch::default();
    encoder.forward(&ids.iter().take(1).map(Vec::as_slice).collect::<Vec<_>>(), &mut scratch);
    let output: Vec<f32> =
        scratch.states(0).tap(config.taps.len().saturating_sub(1)).iter().take(8).copied().collect();
    let report = serde_json::json!({
        "output": output,
        "texts": ids.len(), "tokens": lengths.iter().sum::<usize>(), "threads": threads, "seconds": seconds,
        "cpu_seconds": before.zip(cpu_seconds()).map(|(before, after)| after - before),
    });
    #[expect(clippy::print_stdout, reason = "the report is what this program is for")]
    {
        println!("{report}");
    }
    Ok(())
}

/// CPU time of this process so far, in steps of 10 ms.
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / 100.0)
}

/// Every `threads`-th batch on each thread.
fn encode(encoder: &Encoder, ids: &[Vec<u32>], groups: &[Vec<usize>], threads: usize) {
    std::thread::scope(|scope| {
        for first in 0..threads {
            scope.spawn(move || {
                let mut scratch = Scratch::default();
                for group in groups.iter().skip(first).step_by(threads) {
                    let texts: Vec<&[u32]> =
                        group.iter().filter_map(|i| Some(ids.get(*i)?.as_slice())).collect();
                    encoder.forward(&texts, &mut scratch);
                }
            });
        }
    });
}
