//! A model folder: `config.json`, `model.safetensors` (encoder and heads),
//! `tokenizer.json`. Owns its form: reading, writing, int8 rows.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use safetensors::{Dtype, View as Stored};
use serde::{Deserialize, Serialize};
use tocsin_contract::ModelInfo;

use crate::error::{ClassifierError, Result};
use crate::heads::{ALL, Head, Heads};
use crate::weight_file::WeightFile;
use crate::weights::{Affine, Linear, SCALE, Shape, Table, Weights, quantise};

/// `config.json` of a Tocsin model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelConfig {
    #[serde(flatten)]
    pub info: ModelInfo,
    pub encoder: Shape,
    /// Layers (from 1) whose states the heads see.
    pub taps: Vec<usize>,
    pub max_tokens: usize,
    pub topics: Vec<Rule>,
    /// With `none`.
    pub events: Vec<Rule>,
    pub temperatures: BTreeMap<String, f32>,
    /// A confidence below it abstains.
    pub abstain_below: f32,
}

/// A label and the probability from which on it is selected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    pub id: String,
    pub threshold: f32,
}

/// Names of the files in a model folder.
pub const CONFIG: &str = "config.json";
pub const WEIGHTS: &str = "model.safetensors";
pub const TOKENIZER: &str = "tokenizer.json";

impl ModelConfig {
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(CONFIG);
        let text = std::fs::read_to_string(&path).map_err(|e| ClassifierError::read(&path, e))?;
        serde_json::from_str(&text).map_err(|e| ClassifierError::unfit(&path, "Tocsin model", e))
    }
}

/// The encoder of a folder, and its heads.
pub fn read(folder: &Path, config: &ModelConfig) -> Result<(Weights, Heads)> {
    let path = folder.join(WEIGHTS);
    let file = WeightFile::open(&path)?;
    let weights = Weights::load(&file, &config.encoder, config.encoder.num_hidden_layers)?;
    let mut heads = Heads::default();
    for name in ALL {
        let temperature = config.temperatures.get(name).copied().unwrap_or(1.0);
        heads.0.insert(name.to_owned(), head(&file, name, temperature)?);
    }
    Ok((weights, heads))
}

fn head(file: &WeightFile, name: &str, temperature: f32) -> Result<Head> {
    let get = |part: &str| file.floats(&format!("heads.{name}.{part}"));
    let linear = |part: &str| -> Result<Linear> {
        Ok(Linear { weight: get(&format!("{part}.weight"))?, bias: get(&format!("{part}.bias"))? })
    };
    Ok(Head {
        mean: get("mean")?,
        scale: get("scale")?,
        hidden: linear("hidden")?,
        output: linear("output")?,
        temperature,
    })
}

/// Writes `config.json` and `model.safetensors` with the encoder's matrices as int8.
pub fn write(folder: &Path, config: &ModelConfig, weights: &Weights, heads: &Heads) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|e| ClassifierError::write(folder, e))?;
    let path = folder.join(CONFIG);
    let text = serde_json::to_string_pretty(config)
        .map_err(|e| ClassifierError::unfit(&path, "configuration", e))?;
    std::fs::write(&path, text + "\n").map_err(|e| ClassifierError::write(&path, e))?;
    let mut tensors = Vec::new();
    encoder_tensors(weights, &mut tensors);
    for (name, head) in &heads.0 {
        head_tensors(name, head, &mut tensors);
    }
    let path = folder.join(WEIGHTS);
    safetensors::serialize_to_file(tensors, None, &path)
        .map_err(|e| ClassifierError::unfit(&path, "weight file", e))
}

fn encoder_tensors(weights: &Weights, out: &mut Vec<(String, Tensor)>) {
    let (h, i) = (weights.shape.hidden_size, weights.shape.intermediate_size);
    let rows = match &weights.words {
        Table::F32(rows) => quantise(rows, h),
        Table::I8 { rows, scales } => (rows.clone(), scales.clone()),
    };
    int8("embeddings.word_embeddings.weight", rows, h, out);
    int8("embeddings.position_embeddings.weight", quantise(&weights.positions, h), h, out);
    float("embeddings.token_type_embeddings.weight", &vec![0.0; h], out);
    norm("embeddings.LayerNorm", &weights.norm, out);
    for (index, layer) in weights.layers.iter().enumerate() {
        let name = |part: &str| format!("encoder.layer.{index}.{part}");
        let (rows, scales) = layer.qkv.weight.int8(h);
        let parts = rows.chunks_exact(h * h).zip(scales.chunks_exact(h)).zip(layer.qkv.bias.chunks_exact(h));
        for (part, ((rows, scales), bias)) in ["query", "key", "value"].iter().zip(parts) {
            let full = name(&format!("attention.self.{part}"));
            int8(&format!("{full}.weight"), (rows.to_vec(), scales.to_vec()), h, out);
            float(&format!("{full}.bias"), bias, out);
        }
        linear(&name("attention.output.dense"), &layer.attention_out, h, out);
        norm(&name("attention.output.LayerNorm"), &layer.attention_norm, out);
        linear(&name("intermediate.dense"), &layer.up, h, out);
        linear(&name("output.dense"), &layer.down, i, out);
        norm(&name("output.LayerNorm"), &layer.out_norm, out);
    }
}

fn head_tensors(name: &str, head: &Head, out: &mut Vec<(String, Tensor)>) {
    let full = |part: &str| format!("heads.{name}.{part}");
    float(&full("mean"), &head.mean, out);
    float(&full("scale"), &head.scale, out);
    for (part, linear) in [("hidden", &head.hidden), ("output", &head.output)] {
        float(&full(&format!("{part}.weight")), &linear.weight, out);
        float(&full(&format!("{part}.bias")), &linear.bias, out);
    }
}

fn linear(name: &str, linear: &Affine, inputs: usize, out: &mut Vec<(String, Tensor)>) {
    int8(&format!("{name}.weight"), linear.weight.int8(inputs), inputs, out);
    float(&format!("{name}.bias"), &linear.bias, out);
}

fn norm(name: &str, norm: &crate::weights::Norm, out: &mut Vec<(String, Tensor)>) {
    float(&format!("{name}.weight"), &norm.gain, out);
    float(&format!("{name}.bias"), &norm.bias, out);
}

/// Bytes of one tensor on their way to the file.
struct Tensor {
    dtype: Dtype,
    shape: Vec<usize>,
    data: Vec<u8>,
}

impl Stored for Tensor {
    fn dtype(&self) -> Dtype {
        self.dtype
    }
    fn shape(&self) -> &[usize] {
        &self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.data)
    }
    fn data_len(&self) -> usize {
        self.data.len()
    }
}

fn int8(name: &str, (rows, scales): (Vec<i8>, Vec<f32>), width: usize, out: &mut Vec<(String, Tensor)>) {
    let data = rows.iter().map(|v| v.cast_unsigned()).collect();
    out.push((name.to_owned(), Tensor { dtype: Dtype::I8, shape: vec![scales.len(), width], data }));
    float(&format!("{name}{SCALE}"), &scales, out);
}

fn float(name: &str, values: &[f32], out: &mut Vec<(String, Tensor)>) {
    out.push((name.to_owned(), Tensor { dtype: Dtype::F32, shape: vec![values.len()], data: bytes(values) }));
}

/// Values as a weight file keeps them.
pub(crate) fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}
