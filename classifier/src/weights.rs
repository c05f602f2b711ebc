//! The weights of a BERT encoder, read from safetensors (f32, f16, bf16, or int8
//! with one scale a row). What came as int8 stays int8 in memory.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};

use crate::error::{ClassifierError, Result};
use crate::int8::Int8;

/// Shape of the encoder: the fields of a Hugging Face BERT `config.json` that matter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shape {
    #[serde(default = "bert")]
    pub model_type: String,
    pub hidden_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub intermediate_size: usize,
    pub vocab_size: usize,
    pub max_position_embeddings: usize,
    #[serde(default = "epsilon")]
    pub layer_norm_eps: f32,
}

fn bert() -> String {
    "bert".to_owned()
}

const fn epsilon() -> f32 {
    1e-12
}

/// Rows of floats, or of bytes with a scale each.
#[derive(Debug, Clone)]
pub enum Table {
    F32(Vec<f32>),
    I8 { rows: Vec<i8>, scales: Vec<f32> },
}

impl Table {
    /// Adds row `index` of `out.len()` values to `out`; a row that is not there adds nothing.
    pub(crate) fn add_row(&self, index: usize, out: &mut [f32]) {
        let range = index * out.len()..(index + 1) * out.len();
        match self {
            Self::F32(rows) => {
                for (o, v) in out.iter_mut().zip(rows.get(range).unwrap_or_default()) {
                    *o += v;
                }
            }
            Self::I8 { rows, scales } => {
                let scale = scales.get(index).copied().unwrap_or(0.0);
                for (o, v) in out.iter_mut().zip(rows.get(range).unwrap_or_default()) {
                    *o += f32::from(*v) * scale;
                }
            }
        }
    }

    pub(crate) fn dequantised(self, width: usize) -> Vec<f32> {
        match self {
            Self::F32(rows) => rows,
            Self::I8 { rows, scales } => {
                let values = rows.chunks(width).zip(scales);
                values.flat_map(|(row, scale)| row.iter().map(move |v| f32::from(*v) * scale)).collect()
            }
        }
    }
}

#[derive(Debug, Clone)]
pub struct Linear {
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
}

/// Weights of a linear map: floats, one row an output, or packed int8.
#[derive(Debug, Clone)]
pub enum Matrix {
    F32(Vec<f32>),
    I8(Int8),
}

impl Matrix {
    /// The rows as floats.
    pub fn floats(&self) -> Cow<'_, [f32]> {
        match self {
            Self::F32(rows) => Cow::Borrowed(rows),
            Self::I8(packed) => {
                let (rows, scales) = packed.rows();
                let width = rows.len() / scales.len().max(1);
                Cow::Owned(Table::I8 { rows, scales }.dequantised(width))
            }
        }
    }

    /// Rows of the other side that are best multiplied together.
    pub(crate) const fn block(&self) -> usize {
        match self {
            Self::F32(_) => usize::MAX,
            Self::I8(_) => Int8::BLOCK,
        }
    }

    /// The rows of `inputs` values as int8 with a scale each.
    pub(crate) fn int8(&self, inputs: usize) -> (Vec<i8>, Vec<f32>) {
        match self {
            Self::F32(rows) => quantise(rows, inputs),
            Self::I8(packed) => packed.rows(),
        }
    }
}

/// A linear map of the encoder.
#[derive(Debug, Clone)]
pub struct Affine {
    pub weight: Matrix,
    pub bias: Vec<f32>,
}

impl From<Linear> for Affine {
    fn from(linear: Linear) -> Self {
        Self { weight: Matrix::F32(linear.weight), bias: linear.bias }
    }
}

impl Affine {
    fn quantised(self, inputs: usize) -> Self {
        let (rows, scales) = self.weight.int8(inputs);
        Self { weight: Matrix::I8(Int8::pack(&rows, &scales, inputs)), bias: self.bias }
    }
}

/// Rows of `width` values as bytes, and the scale of each row.
pub(crate) fn quantise(values: &[f32], width: usize) -> (Vec<i8>, Vec<f32>) {
    let (mut bytes, mut scales) = (Vec::with_capacity(values.len()), Vec::new());
    for row in values.chunks(width) {
        let most = row.iter().fold(0f32, |m, v| m.max(v.abs()));
        let scale = if most > 0.0 { most / 127.0 } else { 1.0 };
        bytes.extend(row.iter().map(|v| (v / scale).round() as i8));
        scales.push(scale);
    }
    (bytes, scales)
}

#[derive(Debug, Clone)]
pub struct Norm {
    pub gain: Vec<f32>,
    pub bias: Vec<f32>,
}

#[derive(Debug, Clone)]
pub struct Layer {
    /// Query, key and value in one matrix of 3 × hidden rows.
    pub qkv: Affine,
    pub attention_out: Affine,
    pub attention_norm: Norm,
    pub up: Affine,
    pub down: Affine,
    pub out_norm: Norm,
}

#[derive(Debug, Clone)]
pub struct Weights {
    pub shape: Shape,
    pub words: Table,
    /// Position embeddings with the (single) token type added.
    pub positions: Vec<f32>,
    pub norm: Norm,
    pub layers: Vec<Layer>,
}

impl Weights {
    /// Reads the first `layers` layers of a model in the form of a Hugging Face folder.
    pub fn read(path: &Path, shape: &Shape, layers: usize) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| ClassifierError::read(path, e))?;
        let file =
            SafeTensors::deserialize(&bytes).map_err(|e| ClassifierError::unfit(path, "weight file", e))?;
        Self::build(&Source { path, tables: tables(path, &file)? }, shape, layers)
    }

    /// The encoder as it is written to a model file: every matrix int8.
    pub fn quantised(self) -> Self {
        let (h, i) = (self.shape.hidden_size, self.shape.intermediate_size);
        let table = |rows: Vec<f32>| {
            let (rows, scales) = quantise(&rows, h);
            Table::I8 { rows, scales }
        };
        let layer = |layer: Layer| Layer {
            qkv: layer.qkv.quantised(h),
            attention_out: layer.attention_out.quantised(h),
            up: layer.up.quantised(h),
            down: layer.down.quantised(i),
            ..layer
        };
        Self {
            words: table(self.words.dequantised(h)),
            positions: table(self.positions).dequantised(h),
            layers: self.layers.into_iter().map(layer).collect(),
            ..self
        }
    }

    fn build(source: &Source<'_>, shape: &Shape, layers: usize) -> Result<Self> {
        if shape.model_type != "bert" {
            let reason = format!("model type {:?}; only bert is supported", shape.model_type);
            return Err(ClassifierError::unfit(source.path, "encoder", reason));
        }
        let h = shape.hidden_size;
        let mut positions =
            source.floats("embeddings.position_embeddings.weight", shape.max_position_embeddings, h)?;
        let types = source.table("embeddings.token_type_embeddings.weight", None)?.dequantised(h);
        for row in positions.chunks_exact_mut(h) {
            row.iter_mut().zip(&types).for_each(|(p, t)| *p += t);
        }
        Ok(Self {
            words: source.table("embeddings.word_embeddings.weight", Some(shape.vocab_size * h))?,
            positions,
            norm: source.norm("embeddings.LayerNorm", h)?,
            layers: (0..layers.min(shape.num_hidden_layers))
                .map(|i| source.layer(i, shape))
                .collect::<Result<_>>()?,
            shape: Shape { num_hidden_layers: layers.min(shape.num_hidden_layers), ..shape.clone() },
        })
    }
}

struct Source<'a> {
    path: &'a Path,
    tables: HashMap<String, Table>,
}

impl Source<'_> {
    fn table(&self, name: &str, values: Option<usize>) -> Result<Table> {
        let table = self.tables.get(name).cloned();
        let table =
            table.ok_or_else(|| ClassifierError::unfit(self.path, "encoder", format!("no tensor {name}")))?;
        let length = match &table {
            Table::F32(rows) => rows.len(),
            Table::I8 { rows, .. } => rows.len(),
        };
        match values {
            Some(wanted) if wanted != length => {
                let reason = format!("tensor {name} has {length} values, not {wanted}");
                Err(ClassifierError::unfit(self.path, "encoder", reason))
            }
            _ => Ok(table),
        }
    }

    fn floats(&self, name: &str, rows: usize, width: usize) -> Result<Vec<f32>> {
        Ok(self.table(name, Some(rows * width))?.dequantised(width))
    }

    /// The maps called `names`, one below the other, as one.
    fn affine(&self, names: &[String], outputs: usize, inputs: usize) -> Result<Affine> {
        let mut bias = Vec::with_capacity(names.len() * outputs);
        let mut tables = Vec::with_capacity(names.len());
        for name in names {
            tables.push(self.table(&format!("{name}.weight"), Some(outputs * inputs))?);
            bias.extend(self.floats(&format!("{name}.bias"), 1, outputs)?);
        }
        Ok(Affine { weight: stacked(tables, inputs), bias })
    }

    fn norm(&self, name: &str, width: usize) -> Result<Norm> {
        Ok(Norm {
            gain: self.floats(&format!("{name}.weight"), 1, width)?,
            bias: self.floats(&format!("{name}.bias"), 1, width)?,
        })
    }

    fn layer(&self, index: usize, shape: &Shape) -> Result<Layer> {
        let (h, i) = (shape.hidden_size, shape.intermediate_size);
        let name = |part: &str| format!("encoder.layer.{index}.{part}");
        let qkv = ["query", "key", "value"].map(|part| name(&format!("attention.self.{part}")));
        let one = |part: &str, outputs, inputs| self.affine(&[name(part)], outputs, inputs);
        Ok(Layer {
            qkv: self.affine(&qkv, h, h)?,
            attention_out: one("attention.output.dense", h, h)?,
            attention_norm: self.norm(&name("attention.output.LayerNorm"), h)?,
            up: one("intermediate.dense", i, h)?,
            down: one("output.dense", h, i)?,
            out_norm: self.norm(&name("output.LayerNorm"), h)?,
        })
    }
}

/// Tables of `inputs` values a row, one below the other; int8 when all of them are.
fn stacked(tables: Vec<Table>, inputs: usize) -> Matrix {
    if tables.iter().any(|table| matches!(table, Table::F32(_))) {
        return Matrix::F32(tables.into_iter().flat_map(|table| table.dequantised(inputs)).collect());
    }
    let (mut all, mut every) = (Vec::new(), Vec::new());
    for table in tables {
        if let Table::I8 { rows, scales } = table {
            all.extend(rows);
            every.extend(scales);
        }
    }
    Matrix::I8(Int8::pack(&all, &every, inputs))
}

/// Suffix of the tensor that holds the scale of each row of an int8 tensor.
pub(crate) const SCALE: &str = ".scale";

/// Every tensor of a file by name, a leading `bert.` removed.
fn tables(path: &Path, file: &SafeTensors<'_>) -> Result<HashMap<String, Table>> {
    let mut tables = HashMap::new();
    for (name, view) in file.tensors() {
        // Scales are read with their rows; buffers of indices hold no weights.
        if name.ends_with(SCALE) || view.dtype() == Dtype::I64 {
            continue;
        }
        let table = if view.dtype() == Dtype::I8 {
            let scales = file
                .tensor(&format!("{name}{SCALE}"))
                .map_err(|e| ClassifierError::unfit(path, "weight file", e))?;
            let rows = view.data().iter().map(|b| b.cast_signed()).collect();
            Table::I8 { rows, scales: floats(path, &name, &scales)? }
        } else {
            Table::F32(floats(path, &name, &view)?)
        };
        tables.insert(name.strip_prefix("bert.").unwrap_or(&name).to_owned(), table);
    }
    Ok(tables)
}

/// A tensor of any float type as `f32`.
pub(crate) fn floats(path: &Path, name: &str, view: &TensorView<'_>) -> Result<Vec<f32>> {
    let data = view.data();
    let dtype = view.dtype();
    if dtype == Dtype::F32 {
        Ok(data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
    } else if dtype == Dtype::F16 {
        Ok(data.as_chunks::<2>().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()).collect())
    } else if dtype == Dtype::BF16 {
        Ok(data.as_chunks::<2>().0.iter().map(|b| bf16::from_le_bytes(*b).to_f32()).collect())
    } else {
        Err(ClassifierError::unfit(path, "weight file", format!("tensor {name} has type {dtype:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantised_row_is_within_half_a_step_of_the_original() {
        let values: Vec<f32> =
            (0..60).map(|i| (i as f32 * 0.7).sin() * if i < 20 { 0.01 } else { 3.0 }).collect();
        let (bytes, scales) = quantise(&values, 20);
        for (i, v) in values.iter().enumerate() {
            assert!((f32::from(bytes[i]) * scales[i / 20] - v).abs() <= scales[i / 20] * 0.501);
        }
        assert_eq!(quantise(&[0.0; 4], 4), (vec![0; 4], vec![1.0]));
    }

    #[test]
    fn tables_of_bytes_are_stacked_as_bytes_and_read_back_as_floats() {
        let table = |first: i8| Table::I8 { rows: vec![first, 2, 3, 4], scales: vec![0.5, 2.0] };
        let both = stacked(vec![table(1), table(-1)], 2);
        assert!(matches!(both, Matrix::I8(_)));
        assert_eq!(both.floats().as_ref(), [0.5, 1.0, 6.0, 8.0, -0.5, 1.0, 6.0, 8.0]);
        let mixed = stacked(vec![table(1), Table::F32(vec![9.0, 9.0])], 2);
        assert_eq!(mixed.floats().as_ref(), [0.5, 1.0, 6.0, 8.0, 9.0, 9.0]);
    }
}
