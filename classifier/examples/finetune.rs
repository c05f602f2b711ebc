//! Fine-tunes an encoder: `finetune BASE DATA OUT [MINUTES [CAP [EPOCHS [THREADS]]]]`.

use std::path::PathBuf;
use std::time::Duration;

use tocsin_classifier::finetune::{FinetuneOptions, run};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [base, data, out, rest @ ..] = arguments.as_slice() else {
        return Err("usage: finetune BASE DATA OUT [MINUTES [CAP [EPOCHS [THREADS]]]]".into());
    };
    let number = |at: usize| rest.get(at).map(|text| text.parse::<f64>()).transpose();
    let defaults = FinetuneOptions::default();
    let report = run(&FinetuneOptions {
        base: PathBuf::from(base),
        data: vec![PathBuf::from(data)],
        out: PathBuf::from(out),
        time_limit: number(0)?.map(|minutes| Duration::from_secs_f64(60.0 * minutes)),
        cap: number(1)?.map_or(defaults.cap, |n| n as usize),
        epochs: number(2)?.map_or(defaults.epochs, |n| n as usize),
        threads: number(3)?.map_or(defaults.threads, |n| n as usize),
        ..defaults
    })?;
    tracing::info!(?report, "fine-tuned");
    Ok(())
}
