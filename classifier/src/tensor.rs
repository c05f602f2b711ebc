//! The forward pass on candle tensors, for a GPU: texts padded to the longest of
//! their batch, padding masked. Gives what [`Encoder`] gives, to rounding.

use candle_core::{D, Device, Result, Tensor};

use crate::encoder::{Encoder, Scratch};
use crate::weights::{self, Norm, Table, Weights};

/// An encoder's weights as tensors on one device.
#[derive(Debug)]
pub struct TensorEncoder {
    device: Device,
    words: Tensor,
    positions: Tensor,
    norm: NormTensors,
    layers: Vec<LayerTensors>,
    taps: Vec<usize>,
    heads: usize,
    epsilon: f64,
}

#[derive(Debug)]
struct Affine {
    /// Inputs × outputs.
    weight: Tensor,
    bias: Tensor,
}

#[derive(Debug)]
struct NormTensors {
    gain: Tensor,
    bias: Tensor,
}

#[derive(Debug)]
struct LayerTensors {
    qkv: Affine,
    attention_out: Affine,
    attention_norm: NormTensors,
    up: Affine,
    down: Affine,
    out_norm: NormTensors,
}

impl TensorEncoder {
    /// Copies the weights of `encoder` to `device`.
    pub fn new(encoder: &Encoder, device: &Device) -> Result<Self> {
        let weights = encoder.weights();
        let (h, shape) = (weights.shape.hidden_size, &weights.shape);
        let affine = |l: &weights::Affine| affine(l, device);
        let norm = |n: &Norm| norm(n, device);
        let layer = |l: &crate::weights::Layer| -> Result<LayerTensors> {
            Ok(LayerTensors {
                qkv: affine(&l.qkv)?,
                attention_out: affine(&l.attention_out)?,
                attention_norm: norm(&l.attention_norm)?,
                up: affine(&l.up)?,
                down: affine(&l.down)?,
                out_norm: norm(&l.out_norm)?,
            })
        };
        Ok(Self {
            words: Tensor::from_vec(words(weights), (shape.vocab_size, h), device)?,
            positions: Tensor::from_slice(&weights.positions, (shape.max_position_embeddings, h), device)?,
            norm: norm(&weights.norm)?,
            layers: weights.layers.iter().map(layer).collect::<Result<_>>()?,
            taps: encoder.taps().to_vec(),
            heads: shape.num_attention_heads,
            epsilon: f64::from(shape.layer_norm_eps),
            device: device.clone(),
        })
    }

    /// As [`Encoder::forward`].
    pub fn forward(&self, texts: &[&[u32]], scratch: &mut Scratch) -> Result<()> {
        let lengths: Vec<usize> = texts.iter().map(|t| t.len()).collect();
        let longest = lengths.iter().copied().max().unwrap_or(0);
        let (mut x, mask) = self.embed(texts, longest)?;
        let mut kept = vec![Vec::new(); self.taps.len()];
        let last = self.taps.iter().copied().max().unwrap_or(0);
        for (index, layer) in self.layers.iter().take(last).enumerate() {
            x = self.layer(&x, &mask, layer)?;
            for (_, rows) in self.taps.iter().zip(&mut kept).filter(|(tap, _)| **tap == index + 1) {
                *rows = unpadded(&x, &lengths)?;
            }
        }
        scratch.fill(self.norm.gain.elem_count(), &lengths, kept);
        Ok(())
    }

    fn embed(&self, texts: &[&[u32]], longest: usize) -> Result<(Tensor, Tensor)> {
        let h = self.norm.gain.elem_count();
        let at = |t: &&[u32], i: usize| t.get(i).copied();
        let cells = || texts.iter().flat_map(|t| (0..longest).map(move |i| at(t, i)));
        let ids: Vec<u32> = cells().map(|id| id.unwrap_or(0)).collect();
        let mask: Vec<f32> = cells().map(|id| if id.is_some() { 0.0 } else { -1e9 }).collect();
        let ids = Tensor::from_vec(ids, texts.len() * longest, &self.device)?;
        let words = self.words.index_select(&ids, 0)?.reshape((texts.len(), longest, h))?;
        let x = words.broadcast_add(&self.positions.narrow(0, 0, longest)?)?;
        Ok((
            self.normed(&x, &self.norm)?,
            Tensor::from_vec(mask, (texts.len(), 1, 1, longest), &self.device)?,
        ))
    }

    fn layer(&self, x: &Tensor, mask: &Tensor, layer: &LayerTensors) -> Result<Tensor> {
        let (b, n, h) = x.dims3()?;
        let width = h / self.heads;
        let qkv = layer.qkv.apply(x)?;
        let part = |i: usize| {
            qkv.narrow(D::Minus1, i * h, h)?.reshape((b, n, self.heads, width))?.transpose(1, 2)?.contiguous()
        };
        let scores = (part(0)?.matmul(&part(1)?.t()?)? / (width as f64).sqrt())?;
        let shares = candle_nn::ops::softmax(&scores.broadcast_add(mask)?, D::Minus1)?;
        let context = shares.matmul(&part(2)?)?.transpose(1, 2)?.reshape((b, n, h))?;
        let middle = self.normed(&(x + layer.attention_out.apply(&context)?)?, &layer.attention_norm)?;
        let up = layer.up.apply(&middle)?.gelu_erf()?;
        self.normed(&(&middle + layer.down.apply(&up)?)?, &layer.out_norm)
    }

    fn normed(&self, x: &Tensor, norm: &NormTensors) -> Result<Tensor> {
        let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
        let variance = (centred.sqr()?.mean_keepdim(D::Minus1)? + self.epsilon)?;
        centred.broadcast_div(&variance.sqrt()?)?.broadcast_mul(&norm.gain)?.broadcast_add(&norm.bias)
    }
}

impl Affine {
    fn apply(&self, x: &Tensor) -> Result<Tensor> {
        x.broadcast_matmul(&self.weight)?.broadcast_add(&self.bias)
    }
}

fn affine(linear: &weights::Affine, device: &Device) -> Result<Affine> {
    let (outputs, rows) = (linear.bias.len(), linear.weight.floats());
    let weight = Tensor::from_slice(&rows, (outputs, rows.len() / outputs), device)?;
    Ok(Affine { weight: weight.t()?.contiguous()?, bias: Tensor::from_slice(&linear.bias, outputs, device)? })
}

fn norm(norm: &Norm, device: &Device) -> Result<NormTensors> {
    let width = norm.gain.len();
    Ok(NormTensors {
        gain: Tensor::from_slice(&norm.gain, width, device)?,
        bias: Tensor::from_slice(&norm.bias, width, device)?,
    })
}

fn words(weights: &Weights) -> Vec<f32> {
    match &weights.words {
        Table::F32(rows) => rows.clone(),
        table @ Table::I8 { .. } => table.clone().dequantised(weights.shape.hidden_size),
    }
}

/// Rows of the tokens that are no padding, text after text.
fn unpadded(x: &Tensor, lengths: &[usize]) -> Result<Vec<f32>> {
    let (_, longest, h) = x.dims3()?;
    let all: Vec<f32> = x.flatten_all()?.to_vec1()?;
    let texts = all.chunks(longest * h).zip(lengths);
    Ok(texts.flat_map(|(rows, n)| rows.iter().take(n * h).copied()).collect())
}
