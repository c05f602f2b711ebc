//! The weights in training: one flat vector and the word embeddings, read from a
//! base encoder, written as an encoder of the same form.

use std::collections::BTreeMap;
use std::path::Path;

use half::f16;
use rand::{Rng, SeedableRng, rngs::StdRng};
use safetensors::{Dtype, tensor::TensorView};

use super::layout::{Depth, Layout};
use crate::error::{ClassifierError, Result};
use crate::model::{CONFIG, TOKENIZER, WEIGHTS};
use crate::weight_file::WeightFile;
use crate::weights::Shape;

const WORDS: &str = "embeddings.word_embeddings.weight";
const TYPES: &str = "embeddings.token_type_embeddings.weight";

#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) layout: Layout,
    pub(super) p: Vec<f32>,
    pub(super) words: Vec<f32>,
}

impl Model {
    /// The first `layers` layers (0: all) of the encoder in `base`, with the heads that lie beside it, or
    /// fresh ones where it has none for so many topics and events.
    pub(super) fn read(base: &Path, layers: usize, labels: (usize, usize), seed: u64) -> Result<Self> {
        let path = base.join(CONFIG);
        let shape = Shape::read(&path)?.cut(layers);
        let layout = Layout::new(&shape, labels.0, labels.1);
        let mut p = vec![0.0; layout.total()];
        draw_heads(&layout, &mut p, seed);
        let path = base.join(WEIGHTS);
        let file = WeightFile::open(&path)?;
        for variable in layout.variables.iter().filter(|v| v.depth != Depth::Head) {
            p[variable.at.clone()].copy_from_slice(&file.values(&variable.name, variable.at.len())?);
        }
        let heads = layout.variables.iter().filter(|v| v.depth == Depth::Head);
        let tuned: Result<Vec<_>> =
            heads.map(|v| Ok((v.at.clone(), file.values(&v.name, v.at.len())?))).collect();
        match tuned {
            Ok(tuned) => tuned.into_iter().for_each(|(at, values)| p[at].copy_from_slice(&values)),
            Err(reason) => tracing::info!("training heads begin anew: {reason}"),
        }
        let h = shape.hidden_size;
        let types = file.floats(TYPES)?;
        for row in p[layout.positions()].chunks_exact_mut(h) {
            super::product::add(row, &types);
        }
        let words = file.values(WORDS, shape.vocab_size * h)?;
        Ok(Self { layout, p, words })
    }

    /// Writes `dir` with config.json, model.safetensors (f16, heads too) and tokenizer.json.
    pub(super) fn write(&self, base: &Path, dir: &Path) -> Result<()> {
        let partial = dir.with_extension("partial");
        std::fs::create_dir_all(&partial).map_err(|e| ClassifierError::write(&partial, e))?;
        self.write_config(&base.join(CONFIG), &partial.join(CONFIG))?;
        self.write_weights(&partial.join(WEIGHTS))?;
        copy(TOKENIZER, base, &partial)?;
        if dir.exists() {
            std::fs::remove_dir_all(dir).map_err(|e| ClassifierError::write(dir, e))?;
        }
        std::fs::rename(&partial, dir).map_err(|e| ClassifierError::write(dir, e))
    }

    fn write_config(&self, from: &Path, to: &Path) -> Result<()> {
        let text = std::fs::read_to_string(from).map_err(|e| ClassifierError::read(from, e))?;
        let mut config: serde_json::Value =
            serde_json::from_str(&text).map_err(|e| ClassifierError::unfit(from, "encoder", e))?;
        // Of a Tocsin model the encoder goes on, the heads do not.
        if let Some(encoder) = config.get_mut("encoder") {
            config = encoder.take();
        }
        if let Some(fields) = config.as_object_mut() {
            fields.insert("num_hidden_layers".to_owned(), self.layout.shape.num_hidden_layers.into());
        }
        std::fs::write(to, format!("{config:#}\n")).map_err(|e| ClassifierError::write(to, e))
    }

    fn write_weights(&self, path: &Path) -> Result<()> {
        let h = self.layout.shape.hidden_size;
        let mut tensors: BTreeMap<String, (Vec<usize>, Vec<u8>)> = BTreeMap::new();
        for variable in &self.layout.variables {
            tensors.insert(
                variable.name.clone(),
                (variable.shape.clone(), halves(&self.p[variable.at.clone()])),
            );
        }
        tensors.insert(WORDS.to_owned(), (vec![self.layout.shape.vocab_size, h], halves(&self.words)));
        // The token type is part of the position embeddings by now.
        tensors.insert(TYPES.to_owned(), (vec![2, h], halves(&vec![0.0; 2 * h])));
        write_halves(path, &tensors)
    }
}

/// Small normal weights; the labels of topics and events are rare, so their bias starts low.
fn draw_heads(layout: &Layout, p: &mut [f32], seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    for v in &mut p[layout.head_range()] {
        *v = (0..4).map(|_| random.random_range(-0.02f32..0.02)).sum();
    }
    for head in [layout.heads.topics, layout.heads.events] {
        head.of_mut(p).1.fill(-3.0);
    }
}

/// Writes tensors of f16, each with its shape, in the order of their names.
pub(super) fn write_halves(path: &Path, tensors: &BTreeMap<String, (Vec<usize>, Vec<u8>)>) -> Result<()> {
    let unfit = |e| ClassifierError::unfit(path, "weight file", e);
    let views = tensors.iter().map(|(name, (shape, bytes))| {
        let view = TensorView::new(Dtype::F16, shape.clone(), bytes);
        view.map(|v| (name.as_str(), v)).map_err(unfit)
    });
    safetensors::serialize_to_file(views.collect::<Result<Vec<_>>>()?, None, path).map_err(unfit)
}

/// Copies a file of one folder to another.
pub(super) fn copy(name: &str, from: &Path, to: &Path) -> Result<()> {
    let (from, to) = (from.join(name), to.join(name));
    let bytes = std::fs::read(&from).map_err(|e| ClassifierError::read(&from, e))?;
    std::fs::write(&to, bytes).map_err(|e| ClassifierError::write(&to, e))
}

pub(super) fn halves(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect()
}
