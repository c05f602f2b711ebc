//! The forward pass on candle tensors, for a GPU: texts padded to the longest of
//! their batch (batches hold texts of about one length), padding masked. Gives what
//! [`Encoder`] gives, to rounding. A batch that does not fit the memory is halved.

use std::sync::atomic::{AtomicUsize, Ordering};

use candle_core::{D, DType, Device, Error, Result, Tensor};

use crate::encoder::{Encoder, Scratch};
use crate::weights::{self, Norm, Table, Weights};

/// An encoder's weights as tensors on one device.
#[derive(Debug)]
pub struct TensorEncoder {
    device: Device,
    dtype: DType,
    /// Tokens, padding included, that are tried at once: halved whenever memory ran out.
    most: AtomicUsize,
    words: Tensor,
    positions: Tensor,
    norm: NormTensors,
    layers: Vec<LayerTensors>,
    taps: Vec<usize>,
    heads: usize,
    epsilon: f32,
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
    /// Copies the weights of `encoder` to `device`, to compute in `dtype` there.
    pub fn new(encoder: &Encoder, device: &Device, dtype: DType) -> Result<Self> {
        let weights = encoder.weights();
        let (h, shape) = (weights.shape.hidden_size, &weights.shape);
        let put = |values: Tensor| values.to_dtype(dtype);
        let affine = |l: &weights::Affine| affine(l, device, dtype);
        let norm = |n: &Norm| norm(n, device, dtype);
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
            words: put(Tensor::from_vec(words(weights), (shape.vocab_size, h), device)?)?,
            positions: put(Tensor::from_slice(
                &weights.positions,
                (shape.max_position_embeddings, h),
                device,
            )?)?,
            norm: norm(&weights.norm)?,
            layers: weights.layers.iter().map(layer).collect::<Result<_>>()?,
            taps: encoder.taps().to_vec(),
            heads: shape.num_attention_heads,
            epsilon: shape.layer_norm_eps,
            device: device.clone(),
            dtype,
            most: AtomicUsize::new(usize::MAX),
        })
    }

    /// As [`Encoder::forward`].
    pub fn forward(&self, texts: &[&[u32]], scratch: &mut Scratch) -> Result<()> {
        let lengths: Vec<usize> = texts.iter().map(|t| t.len()).collect();
        let kept = halving(texts, &self.most, &|part| self.states(part))?;
        scratch.fill(self.norm.gain.elem_count(), &lengths, kept);
        Ok(())
    }

    /// For each kept layer the rows of all texts.
    fn states(&self, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>> {
        let longest = longest(texts);
        let rows = self.tokens_among_padding(texts, longest)?;
        let (mut x, mask) = self.embed(texts, longest)?;
        let mut kept = vec![Vec::new(); self.taps.len()];
        let last = self.taps.iter().copied().max().unwrap_or(0);
        for (index, layer) in self.layers.iter().take(last).enumerate() {
            x = self.layer(&x, &mask, layer)?;
            for (_, kept) in self.taps.iter().zip(&mut kept).filter(|(tap, _)| **tap == index + 1) {
                *kept = self.unpadded(&x, &rows)?;
            }
        }
        Ok(kept)
    }

    /// Where the tokens are in a batch that is padded to `longest`.
    fn tokens_among_padding(&self, texts: &[&[u32]], longest: usize) -> Result<Tensor> {
        let rows = texts.iter().enumerate().flat_map(|(i, t)| (0..t.len()).map(move |at| i * longest + at));
        let rows: Vec<u32> = rows.map(|row| u32::try_from(row).unwrap_or(u32::MAX)).collect();
        let count = rows.len();
        Tensor::from_vec(rows, count, &self.device)
    }

    /// Only what is no padding leaves the device.
    fn unpadded(&self, x: &Tensor, rows: &Tensor) -> Result<Vec<f32>> {
        let (texts, longest, h) = x.dims3()?;
        let rows = x.reshape((texts * longest, h))?.index_select(rows, 0)?;
        rows.to_dtype(DType::F32)?.flatten_all()?.to_vec1()
    }

    fn embed(&self, texts: &[&[u32]], longest: usize) -> Result<(Tensor, Tensor)> {
        let h = self.norm.gain.elem_count();
        let at = |t: &&[u32], i: usize| t.get(i).copied();
        let cells = || texts.iter().flat_map(|t| (0..longest).map(move |i| at(t, i)));
        let ids: Vec<u32> = cells().map(|id| id.unwrap_or(0)).collect();
        let mask: Vec<f32> = cells().map(|id| if id.is_some() { 0.0 } else { HIDDEN }).collect();
        let ids = Tensor::from_vec(ids, texts.len() * longest, &self.device)?;
        let words = self.words.index_select(&ids, 0)?.reshape((texts.len(), longest, h))?;
        let x = words.broadcast_add(&self.positions.narrow(0, 0, longest)?)?;
        Ok((
            self.normed(&x, &self.norm)?,
            Tensor::from_vec(mask, (texts.len(), 1, 1, longest), &self.device)?.to_dtype(self.dtype)?,
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
        let shares = candle_nn::ops::softmax_last_dim(&scores.broadcast_add(mask)?)?;
        let context = shares.matmul(&part(2)?)?.transpose(1, 2)?.reshape((b, n, h))?;
        let middle = self.normed(&(x + layer.attention_out.apply(&context)?)?, &layer.attention_norm)?;
        let up = layer.up.apply(&middle)?.gelu_erf()?;
        self.normed(&(&middle + layer.down.apply(&up)?)?, &layer.out_norm)
    }

    fn normed(&self, x: &Tensor, norm: &NormTensors) -> Result<Tensor> {
        candle_nn::ops::layer_norm(&x.contiguous()?, &norm.gain, &norm.bias, self.epsilon)
    }
}

/// A score that leaves a key no weight, within the range of half precision.
const HIDDEN: f32 = -1e4;

fn longest(texts: &[&[u32]]) -> usize {
    texts.iter().map(|text| text.len()).max().unwrap_or(0)
}

/// Runs `texts` at once, or in halves where they are more than `most` tokens with their
/// padding or memory runs out; the latter is remembered in `most`.
fn halving(
    texts: &[&[u32]],
    most: &AtomicUsize,
    run: &impl Fn(&[&[u32]]) -> Result<Vec<Vec<f32>>>,
) -> Result<Vec<Vec<f32>>> {
    let cells = texts.len() * longest(texts);
    let may_split = texts.len() > 1;
    if !may_split || cells <= most.load(Ordering::Relaxed) {
        match run(texts) {
            Err(error) if may_split && is_out_of_memory(&error) => {
                most.fetch_min(cells / 2, Ordering::Relaxed);
                tracing::warn!(
                    texts = texts.len(),
                    tokens = cells,
                    "a batch of {cells} tokens is halved: {error}"
                );
            }
            other => return other,
        }
    }
    let (first, second) = texts.split_at(texts.len() / 2);
    let mut kept = halving(first, most, run)?;
    for (rows, more) in kept.iter_mut().zip(halving(second, most, run)?) {
        rows.extend(more);
    }
    Ok(kept)
}

/// As the driver, or cuBLAS, names it.
fn is_out_of_memory(error: &Error) -> bool {
    let text = error.to_string();
    ["OUT_OF_MEMORY", "out of memory", "ALLOC_FAILED"].iter().any(|name| text.contains(name))
}

impl Affine {
    fn apply(&self, x: &Tensor) -> Result<Tensor> {
        x.broadcast_matmul(&self.weight)?.broadcast_add(&self.bias)
    }
}

fn affine(linear: &weights::Affine, device: &Device, dtype: DType) -> Result<Affine> {
    let (outputs, rows) = (linear.bias.len(), linear.weight.floats());
    let weight = Tensor::from_slice(&rows, (outputs, rows.len() / outputs), device)?;
    let bias = Tensor::from_slice(&linear.bias, outputs, device)?;
    Ok(Affine { weight: weight.t()?.contiguous()?.to_dtype(dtype)?, bias: bias.to_dtype(dtype)? })
}

fn norm(norm: &Norm, device: &Device, dtype: DType) -> Result<NormTensors> {
    let width = norm.gain.len();
    Ok(NormTensors {
        gain: Tensor::from_slice(&norm.gain, width, device)?.to_dtype(dtype)?,
        bias: Tensor::from_slice(&norm.bias, width, device)?.to_dtype(dtype)?,
    })
}

fn words(weights: &Weights) -> Vec<f32> {
    match &weights.words {
        Table::F32(rows) => rows.clone(),
        table @ Table::I8 { .. } => table.clone().dequantised(weights.shape.hidden_size),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Remembers what it was asked; fits 20 tokens.
    fn small(asked: &Mutex<Vec<usize>>, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>> {
        let cells = texts.len() * longest(texts);
        asked.lock().unwrap().push(cells);
        if cells > 20 {
            return Err(Error::Msg("DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")".into()));
        }
        Ok(vec![texts.concat().into_iter().map(|id| id as f32).collect()])
    }

    #[test]
    fn a_batch_that_does_not_fit_is_halved_and_the_next_one_before_it_is_tried() {
        let texts: Vec<Vec<u32>> = (0..16).map(|n| vec![n; 5]).collect();
        let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        let wanted: Vec<f32> = texts.concat().into_iter().map(|id| id as f32).collect();
        let (most, asked) = (AtomicUsize::new(usize::MAX), Mutex::new(Vec::new()));
        for tried in [vec![80, 40, 20, 20, 20, 20], vec![20; 4]] {
            let kept = halving(&texts, &most, &|part| small(&asked, part)).unwrap();
            assert_eq!(kept, std::slice::from_ref(&wanted));
            assert_eq!(std::mem::take(&mut *asked.lock().unwrap()), tried);
        }
    }

    #[test]
    fn another_failure_and_a_single_text_that_does_not_fit_are_told() {
        let most = AtomicUsize::new(usize::MAX);
        let texts: [&[u32]; 2] = [&[1], &[2]];
        let broken = |_: &[&[u32]]| Err(Error::Msg("an illegal address".into()));
        assert!(halving(&texts, &most, &broken).unwrap_err().to_string().contains("illegal"));
        let long = vec![7; 30];
        let asked = Mutex::new(Vec::new());
        let error = halving(&[&long, &[1]], &most, &|part| small(&asked, part)).unwrap_err();
        assert!(is_out_of_memory(&error), "{error}");
    }
}
