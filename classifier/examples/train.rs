//! Trains heads on a frozen encoder: `train BASE DATA OUT [LIMIT [FEATURES [LAYERS [TAPS [MASKED]]]]]`.

use std::path::PathBuf;

use tocsin_classifier::train::{TrainOptions, run};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [base, data, out, rest @ ..] = arguments.as_slice() else {
        return Err("usage: train BASE DATA OUT [LIMIT [FEATURES [LAYERS [TAPS [MASKED]]]]]".into());
    };
    let mut options = TrainOptions {
        base: base.into(),
        data: vec![data.into()],
        out: out.into(),
        ..TrainOptions::default()
    };
    if let Some(limit) = rest.first() {
        options.limit = limit.parse()?;
    }
    options.features = rest.get(1).map(PathBuf::from);
    if let Some(layers) = rest.get(2) {
        options.layers = layers.parse()?;
    }
    if let Some(taps) = rest.get(3) {
        options.taps = taps.split(',').map(str::parse).collect::<Result<_, _>>()?;
    }
    if let Some(masked) = rest.get(4) {
        options.masked = masked.parse()?;
    }
    let report = run(&options)?;
    tracing::info!(seconds = report.seconds, bytes = report.bytes, "trained\n{}", report.dev.text());
    Ok(())
}
