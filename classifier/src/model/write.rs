//! Writes a model folder: the large matrices of encoder and heads in one of three forms, everything
//! small as f32, and `config.json` last, with the sums of the files beside it.

use std::borrow::Cow;
use std::path::Path;

use half::f16;
use safetensors::{Dtype, View as Stored};

use super::{CONFIG, ModelConfig, NGRAMS, TOKENIZER, WEIGHTS};
use crate::error::{ClassifierError, Result};
use crate::folder;
use crate::heads::{Head, Heads};
use crate::ngrams::{self, Ngrams};
use crate::weights::{Affine, Matrix, SCALE, Table, Weights, quantise};

/// How the large matrices are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    F32,
    F16,
    /// Bytes with a scale a row.
    Int8,
}

impl Form {
    /// As `quantization` of a model names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Int8 => "int8",
        }
    }

    /// The form that a model says it has.
    pub fn of(config: &ModelConfig) -> Option<Self> {
        [Self::F32, Self::F16, Self::Int8].into_iter().find(|form| form.name() == config.info.quantization)
    }
}

/// What a model consists of besides its configuration.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    pub weights: &'a Weights,
    pub heads: &'a Heads,
    pub ngrams: &'a Ngrams,
    /// `tokenizer.json`.
    pub tokenizer: &'a [u8],
}

/// Writes a folder with all that a model is; n-grams are int8 in every form.
/// `config.json` comes last, so that whoever watches the folder finds sums that do not
/// fit until it is whole.
pub fn write(folder: &Path, config: &ModelConfig, parts: &Parts<'_>, form: Form) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|e| ClassifierError::write(folder, e))?;
    put(&folder.join(TOKENIZER), parts.tokenizer)?;
    put_tensors(&folder.join(WEIGHTS), tensors(parts.weights, parts.heads, form))?;
    let mut config = config.clone();
    config.blends.retain(|head, _| parts.ngrams.0.contains_key(head));
    if !config.blends.is_empty() {
        put_tensors(&folder.join(NGRAMS), ngram_tensors(parts.ngrams))?;
    }
    form.name().clone_into(&mut config.info.quantization);
    config.sha256 = folder::sums(folder, !config.blends.is_empty())?;
    let path = folder.join(CONFIG);
    let text = serde_json::to_string_pretty(&config)
        .map_err(|e| ClassifierError::unfit(&path, "configuration", e))?;
    put(&path, (text + "\n").as_bytes())
}

fn put_tensors(path: &Path, tensors: Vec<(String, Tensor)>) -> Result<()> {
    // Not by the library's own way to a file: only its owner could read that.
    let bytes =
        safetensors::serialize(tensors, None).map_err(|e| ClassifierError::unfit(path, "weight file", e))?;
    put(path, &bytes)
}

fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).map_err(|e| ClassifierError::write(path, e))
}

/// Bytes that the weight file would have, its header aside (some kilobytes).
pub(crate) fn stored_size(weights: &Weights, heads: &Heads, form: Form) -> u64 {
    size(&tensors(weights, heads, form))
}

/// The same of the file of n-grams; 0 where a model has none.
pub(crate) fn stored_ngrams(ngrams: &Ngrams) -> u64 {
    size(&ngram_tensors(ngrams))
}

fn size(tensors: &[(String, Tensor)]) -> u64 {
    tensors.iter().map(|(_, tensor)| tensor.data.len() as u64).sum()
}

fn tensors(weights: &Weights, heads: &Heads, form: Form) -> Vec<(String, Tensor)> {
    let mut tensors = Vec::new();
    encoder_tensors(weights, form, &mut tensors);
    for (name, head) in &heads.0 {
        head_tensors(name, head, form, &mut tensors);
    }
    tensors
}

fn ngram_tensors(ngrams: &Ngrams) -> Vec<(String, Tensor)> {
    let mut tensors = Vec::new();
    for (head, scores) in &ngrams.0 {
        rows(&ngrams::name(head, ngrams::WEIGHT), &scores.rows, scores.bias.len(), Form::Int8, &mut tensors);
        float(&ngrams::name(head, ngrams::BIAS), &scores.bias, &mut tensors);
    }
    tensors
}

fn encoder_tensors(weights: &Weights, form: Form, out: &mut Vec<(String, Tensor)>) {
    let (h, i) = (weights.shape.hidden_size, weights.shape.intermediate_size);
    rows("embeddings.word_embeddings.weight", &weights.words, h, form, out);
    let positions = Table::F32(weights.positions.clone());
    rows("embeddings.position_embeddings.weight", &positions, h, form, out);
    float("embeddings.token_type_embeddings.weight", &vec![0.0; h], out);
    norm("embeddings.LayerNorm", &weights.norm, out);
    for (index, layer) in weights.layers.iter().enumerate() {
        let name = |part: &str| format!("encoder.layer.{index}.{part}");
        let parts = thirds(&layer.qkv.weight, h).into_iter().zip(layer.qkv.bias.chunks_exact(h));
        for (part, (table, bias)) in ["query", "key", "value"].iter().zip(parts) {
            let full = name(&format!("attention.self.{part}"));
            rows(&format!("{full}.weight"), &table, h, form, out);
            float(&format!("{full}.bias"), bias, out);
        }
        linear(&name("attention.output.dense"), &layer.attention_out, h, form, out);
        norm(&name("attention.output.LayerNorm"), &layer.attention_norm, out);
        linear(&name("intermediate.dense"), &layer.up, h, form, out);
        linear(&name("output.dense"), &layer.down, i, form, out);
        norm(&name("output.LayerNorm"), &layer.out_norm, out);
    }
}

fn table(matrix: &Matrix) -> Table {
    match matrix {
        Matrix::F32(rows) => Table::F32(rows.clone()),
        Matrix::I8(packed) => {
            let (rows, scales) = packed.rows();
            Table::I8 { rows, scales }
        }
    }
}

/// Query, key and value of the matrix that holds them one below the other.
fn thirds(matrix: &Matrix, h: usize) -> Vec<Table> {
    match table(matrix) {
        Table::F32(rows) => rows.chunks_exact(h * h).map(|part| Table::F32(part.to_vec())).collect(),
        Table::I8 { rows, scales } => {
            let parts = rows.chunks_exact(h * h).zip(scales.chunks_exact(h));
            parts.map(|(rows, scales)| Table::I8 { rows: rows.to_vec(), scales: scales.to_vec() }).collect()
        }
    }
}

fn head_tensors(name: &str, head: &Head, form: Form, out: &mut Vec<(String, Tensor)>) {
    let full = |part: &str| format!("heads.{name}.{part}");
    float(&full("mean"), &head.mean, out);
    float(&full("scale"), &head.scale, out);
    let weight = full("hidden.weight");
    match (form, &head.hidden.weight) {
        // Heads are made bytes by whoever chose their thresholds; older models have them as floats.
        (Form::Int8, Table::F32(values)) => float(&weight, values, out),
        (form, table) => rows(&weight, table, head.mean.len(), form, out),
    }
    float(&full("hidden.bias"), &head.hidden.bias, out);
    float(&full("output.weight"), &head.output.weight, out);
    float(&full("output.bias"), &head.output.bias, out);
}

fn linear(name: &str, linear: &Affine, inputs: usize, form: Form, out: &mut Vec<(String, Tensor)>) {
    rows(&format!("{name}.weight"), &table(&linear.weight), inputs, form, out);
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

/// A matrix of `width` values a row.
fn rows(name: &str, table: &Table, width: usize, form: Form, out: &mut Vec<(String, Tensor)>) {
    let mut add = |dtype, count: usize, data| {
        out.push((name.to_owned(), Tensor { dtype, shape: vec![count / width, width], data }));
    };
    match form {
        Form::Int8 => {
            let (rows, scales) = match table {
                Table::F32(values) => quantise(values, width),
                Table::I8 { rows, scales } => (rows.clone(), scales.clone()),
            };
            add(Dtype::I8, rows.len(), rows.iter().map(|v| v.cast_unsigned()).collect());
            float(&format!("{name}{SCALE}"), &scales, out);
        }
        Form::F16 => {
            let values = table.clone().dequantised(width);
            let halves = values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect();
            add(Dtype::F16, values.len(), halves);
        }
        Form::F32 => {
            let values = table.clone().dequantised(width);
            add(Dtype::F32, values.len(), bytes(&values));
        }
    }
}

fn float(name: &str, values: &[f32], out: &mut Vec<(String, Tensor)>) {
    out.push((name.to_owned(), Tensor { dtype: Dtype::F32, shape: vec![values.len()], data: bytes(values) }));
}

/// Values as a weight file keeps them.
pub(crate) fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}
