//! The weights of a BERT encoder, read from safetensors (f32, f16, bf16, or int8
//! with one scale a row). What came as int8 stays int8 in memory.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{ClassifierError, Result};
use crate::weight_file::WeightFile;

mod table;

use table::stacked;
pub use table::{Affine, Linear, Matrix, Table};
pub(crate) use table::{SCALE, quantise};

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

#[cfg(test)]
impl Shape {
    /// Of an encoder that a test can train.
    pub(crate) fn tiny(layers: usize) -> Self {
        Self {
            model_type: bert(),
            hidden_size: 8,
            num_hidden_layers: layers,
            num_attention_heads: 2,
            intermediate_size: 12,
            vocab_size: 20,
            max_position_embeddings: 9,
            layer_norm_eps: epsilon(),
        }
    }
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

    /// Of its first `layers` layers; 0 is all.
    pub(crate) fn cut(self, layers: usize) -> Self {
        let all = self.num_hidden_layers;
        Self { num_hidden_layers: if layers == 0 { all } else { layers.min(all) }, ..self }
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
    /// Reads the layers that `shape` has, from the bottom, of a model in the form of a Hugging Face folder.
    pub fn read(path: &Path, shape: &Shape) -> Result<Self> {
        Self::load(&WeightFile::open(path)?, shape)
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
    pub(crate) fn load(file: &WeightFile, shape: &Shape) -> Result<Self> {
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
            layers: (0..shape.num_hidden_layers).map(|i| source.layer(i, shape)).collect::<Result<_>>()?,
            shape: shape.clone(),
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
