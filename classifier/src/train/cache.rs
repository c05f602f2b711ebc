//! Runs the frozen encoder over all examples once and keeps what the heads need in
//! a file, in order, so that a stopped run goes on where it was.

use std::io::{Read, Write};
use std::path::Path;
use std::time::Instant;

use rand::{SeedableRng, rngs::StdRng};
use sha2::{Digest, Sha256};

use super::data::{Example, places};
use crate::encoder::{Encoder, Scratch};
use crate::error::{ClassifierError, Result};
use crate::features;
use crate::tokens::{Encoded, Tokens, batches, hide};

/// Features of one example: of the text, and of each target.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row {
    pub document: Vec<f32>,
    pub targets: Vec<Vec<f32>>,
}

/// How the encoder is run.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    pub threads: usize,
    pub token_budget: usize,
    /// Share of the words hidden from training texts: an encoder that was tuned on them knows them
    /// too well, and heads that saw only that would trust it too much.
    pub masked: f32,
}

/// Features of `examples`, in their order; read from `file` as far as it goes. An error when `file` is of
/// another encoder or of other examples.
pub fn rows(
    encoder: &Encoder,
    tokens: &Tokens,
    examples: &[Example],
    file: Option<&Path>,
    pace: Pace,
) -> Result<Vec<Row>> {
    let print = file.map(|_| fingerprint(encoder, examples, pace.masked)).unwrap_or_default();
    let mut rows = match file {
        Some(path) if path.exists() => read(path, &print, encoder, examples)?,
        Some(path) => {
            std::fs::write(path, print).map_err(|e| ClassifierError::write(path, e))?;
            Vec::new()
        }
        None => Vec::new(),
    };
    let started = Instant::now();
    for chunk in examples.get(rows.len()..).unwrap_or_default().chunks(1024) {
        let new = compute(encoder, tokens, chunk, pace);
        if let Some(path) = file {
            append(path, &new)?;
        }
        rows.extend(new);
        let seconds = started.elapsed().as_secs();
        tracing::info!(
            done = rows.len(),
            of = examples.len(),
            seconds,
            "encoded {} of {} texts",
            rows.len(),
            examples.len()
        );
    }
    Ok(rows)
}

fn compute(encoder: &Encoder, tokens: &Tokens, examples: &[Example], pace: Pace) -> Vec<Row> {
    let mask = tokens.mask().filter(|_| pace.masked > 0.0);
    let encoded: Vec<Encoded> = examples.iter().map(|e| seen(e, tokens, mask, pace.masked)).collect();
    let lengths: Vec<usize> = encoded.iter().map(|e| e.ids.len()).collect();
    let groups = batches(&lengths, pace.token_budget);
    let mut rows = vec![Row::default(); examples.len()];
    let parts = crate::pool::map(pace.threads, &groups, Scratch::default, |scratch, group| {
        let texts: Vec<&[u32]> = group.iter().filter_map(|i| Some(encoded.get(*i)?.ids.as_slice())).collect();
        encoder.forward(&texts, scratch);
        let of = |(at, i): (usize, &usize)| Some((*i, row(scratch, at, examples.get(*i)?, encoded.get(*i)?)));
        group.iter().enumerate().filter_map(of).collect::<Vec<_>>()
    });
    for (index, row) in parts.into_iter().flatten() {
        if let Some(slot) = rows.get_mut(index) {
            *slot = row;
        }
    }
    rows
}

fn seen(example: &Example, tokens: &Tokens, mask: Option<u32>, masked: f32) -> Encoded {
    let mut encoded = tokens.encode(&example.text);
    if let (false, Some(mask)) = (example.dev, mask) {
        let seed =
            encoded.ids.iter().fold(0, |seed: u64, id| seed.wrapping_mul(31).wrapping_add(u64::from(*id)));
        hide(&mut encoded.ids, mask, masked, &mut StdRng::seed_from_u64(seed));
    }
    encoded
}

fn row(scratch: &Scratch, at: usize, example: &Example, encoded: &Encoded) -> Row {
    let states = scratch.states(at);
    let target =
        |t: &super::data::Target| features::mention(states, &encoded.spans, &places(&example.text, &t.name));
    Row { document: features::document(states), targets: example.targets.iter().map(target).collect() }
}

/// What features depend on: the texts and names, how many words are hidden, and the encoder, of which
/// the norms of all layers stand for the rest.
fn fingerprint(encoder: &Encoder, examples: &[Example], masked: f32) -> Vec<u8> {
    let mut sum = Sha256::new();
    sum.update(format!("{:?} {masked}", encoder.taps()));
    for layer in &encoder.weights().layers {
        sum.update(crate::model::bytes(&layer.out_norm.gain));
        sum.update(crate::model::bytes(&layer.out_norm.bias));
    }
    examples.iter().for_each(|example| sum.update(example.features_of()));
    sum.finalize().to_vec()
}

fn append(path: &Path, rows: &[Row]) -> Result<()> {
    let fail = |e| ClassifierError::write(path, e);
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path).map_err(fail)?;
    let mut out = std::io::BufWriter::new(file);
    for row in rows {
        for value in row.document.iter().chain(row.targets.iter().flatten()) {
            out.write_all(&value.to_le_bytes()).map_err(fail)?;
        }
    }
    out.flush().map_err(fail)
}

fn read(path: &Path, print: &[u8], encoder: &Encoder, examples: &[Example]) -> Result<Vec<Row>> {
    let fail = |e| ClassifierError::read(path, e);
    let h = encoder.shape().hidden_size;
    let (document, mention) = (features::document_width(encoder.taps().len(), h), features::mention_width(h));
    let file = std::fs::File::open(path).map_err(fail)?;
    let mut left = file.metadata().map_err(fail)?.len();
    let mut input = std::io::BufReader::new(file);
    let mut found = vec![0; print.len()];
    if input.read_exact(&mut found).is_err() || found != print {
        let reason = "it was made from other texts, or by another encoder";
        return Err(ClassifierError::unfit(path, "features of this run", reason));
    }
    left -= print.len() as u64;
    let mut rows = Vec::new();
    for example in examples {
        let values = document + mention * example.targets.len();
        if left < 4 * values as u64 {
            break;
        }
        left -= 4 * values as u64;
        let mut bytes = vec![0; 4 * values];
        input.read_exact(&mut bytes).map_err(fail)?;
        let floats: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        let (text, names) = floats.split_at(document);
        rows.push(Row {
            document: text.to_vec(),
            targets: names.chunks_exact(mention).map(<[f32]>::to_vec).collect(),
        });
    }
    if left > 0 && rows.len() < examples.len() {
        let file = std::fs::OpenOptions::new().write(true).open(path).map_err(fail)?;
        let whole: usize = rows.iter().map(|r| r.document.len() + mention * r.targets.len()).sum();
        file.set_len((print.len() + 4 * whole) as u64).map_err(fail)?;
    }
    Ok(rows)
}
