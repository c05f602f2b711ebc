//! The weights of a BERT encoder, read from safetensors (f32, f16, bf16, or int8
//! with one scale a row). What came as int8 stays int8 in memory.

use std::borrow::Cow;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{ClassifierError, Result};
use crate::int8::Int8;
use crate::weight_file::WeightFile;

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

/// A `config.json` with an encoder in it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Described {
    Model { encoder: Shape },
    Encoder(Shape),
}

impl Shape {
    /// What the `config.json` of an encoder says, or that of a Tocsin model of its encoder.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| ClassifierError::read(path, e))?;
        let unfit = |reason: String| ClassifierError::unfit(path, "encoder", reason);
        match serde_json::from_str(&text) {
            Ok(Described::Model { encoder } | Described::Encoder(encoder)) => {
                encoder.check().map_err(unfit)?;
                Ok(encoder)
            }
            // Of the plain form, as it names the field.
            Err(_) => serde_json::from_str(&text).map_err(|e| unfit(e.to_string())),
        }
    }

    /// An error when no encoder can have it.
    pub(crate) fn check(&self) -> Result<(), String> {
        let (h, heads) = (self.hidden_size, self.num_attention_heads);
        let sizes = [
            ("hidden_size", h),
            ("num_hidden_layers", self.num_hidden_layers),
            ("num_attention_heads", heads),
            ("intermediate_size", self.intermediate_size),
            ("vocab_size", self.vocab_size),
            ("max_position_embeddings", self.max_position_embeddings),
        ];
        match sizes.iter().find(|(_, size)| *size == 0) {
            Some((name, _)) => Err(format!("{name} is 0")),
            None if !h.is_multiple_of(heads) => {
                Err(format!("hidden_size {h} is not a multiple of num_attention_heads {heads}"))
            }
            None => Ok(()),
        }
    }
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

    /// The rows with these numbers, of `width` values each, in this order.
    pub(crate) fn chosen(&self, numbers: &[u32], width: usize) -> Self {
        let row = |number: &u32| *number as usize * width..(*number as usize + 1) * width;
        match self {
            Self::F32(rows) => Self::F32(
                numbers.iter().flat_map(|n| rows.get(row(n)).unwrap_or_default()).copied().collect(),
            ),
            Self::I8 { rows, scales } => Self::I8 {
                rows: numbers.iter().flat_map(|n| rows.get(row(n)).unwrap_or_default()).copied().collect(),
                scales: numbers.iter().filter_map(|n| scales.get(*n as usize)).copied().collect(),
            },
        }
    }

    /// Values of all rows.
    pub(crate) const fn len(&self) -> usize {
        match self {
            Self::F32(rows) => rows.len(),
            Self::I8 { rows, .. } => rows.len(),
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
        Self::load(&WeightFile::open(path)?, shape, layers)
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

    /// As [`Self::read`], from an open file.
    pub(crate) fn load(file: &WeightFile, shape: &Shape, layers: usize) -> Result<Self> {
        shape.check().map_err(|reason| file.unfit(reason))?;
        if shape.model_type != "bert" {
            return Err(file.unfit(format!("model type {:?}; only bert is supported", shape.model_type)));
        }
        let h = shape.hidden_size;
        let source = Source(file);
        let mut positions =
            source.floats("embeddings.position_embeddings.weight", shape.max_position_embeddings, h)?;
        let types = file.table("embeddings.token_type_embeddings.weight")?.dequantised(h);
        for row in positions.chunks_exact_mut(h) {
            row.iter_mut().zip(&types).for_each(|(p, t)| *p += t);
        }
        Ok(Self {
            words: source.table("embeddings.word_embeddings.weight", shape.vocab_size * h)?,
            positions,
            norm: source.norm("embeddings.LayerNorm", h)?,
            layers: (0..layers.min(shape.num_hidden_layers))
                .map(|i| source.layer(i, shape))
                .collect::<Result<_>>()?,
            shape: Shape { num_hidden_layers: layers.min(shape.num_hidden_layers), ..shape.clone() },
        })
    }
}

/// Tensors of an encoder, of the sizes it has.
struct Source<'a>(&'a WeightFile);

impl Source<'_> {
    fn table(&self, name: &str, values: usize) -> Result<Table> {
        let table = self.0.table(name)?;
        self.0.agree(name, table.len(), values)?;
        Ok(table)
    }

    fn floats(&self, name: &str, rows: usize, width: usize) -> Result<Vec<f32>> {
        Ok(self.table(name, rows * width)?.dequantised(width))
    }

    /// The maps called `names`, one below the other, as one.
    fn affine(&self, names: &[String], outputs: usize, inputs: usize) -> Result<Affine> {
        let mut bias = Vec::with_capacity(names.len() * outputs);
        let mut tables = Vec::with_capacity(names.len());
        for name in names {
            tables.push(self.table(&format!("{name}.weight"), outputs * inputs)?);
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
