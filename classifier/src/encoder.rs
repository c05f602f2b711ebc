//! The forward pass on the CPU: tokens of many texts packed without padding,
//! attention within each text, one thread, reused buffers. A text's result has
//! the same bits whatever else is in its batch.

use crate::attention::{self, Buffers, Heads};
use crate::int8::{Activations, Then};
use crate::kernel;
use crate::weights::{Affine, Layer, Matrix, Norm, Shape, Weights};

/// The encoder with its weights; shared by threads, each with its own [`Scratch`].
#[derive(Debug)]
pub struct Encoder {
    weights: Weights,
    /// Layers (counted from 1) whose states are kept; the last is the output.
    taps: Vec<usize>,
}

/// Buffers of one thread; grow to the largest batch seen.
#[derive(Debug, Default)]
pub struct Scratch {
    x: Vec<f32>,
    qkv: Vec<f32>,
    context: Vec<f32>,
    sum: Vec<f32>,
    up: Vec<f32>,
    attention: Buffers,
    activations: Activations,
    taps: Vec<Vec<f32>>,
    starts: Vec<usize>,
    hidden: usize,
}

/// States of one text: one row a token, for each kept layer.
#[derive(Debug, Clone, Copy)]
pub struct States<'a> {
    scratch: &'a Scratch,
    from: usize,
    to: usize,
}

impl<'a> States<'a> {
    /// Rows of the `tap`-th kept layer, `hidden` values each.
    pub fn tap(&self, tap: usize) -> &'a [f32] {
        let h = self.scratch.hidden;
        self.scratch.taps.get(tap).and_then(|t| t.get(self.from * h..self.to * h)).unwrap_or_default()
    }

    /// How many layers are kept.
    pub fn taps(&self) -> usize {
        self.scratch.taps.len()
    }

    /// Values of a row.
    pub fn hidden(&self) -> usize {
        self.scratch.hidden
    }

    /// How many tokens the text has, marks included.
    pub fn tokens(&self) -> usize {
        self.to - self.from
    }
}

impl Scratch {
    /// Takes states computed elsewhere: for each kept layer the rows of all texts.
    pub(crate) fn fill(&mut self, hidden: usize, lengths: &[usize], taps: Vec<Vec<f32>>) {
        self.hidden = hidden;
        self.taps = taps;
        self.starts = vec![0];
        let ends = lengths.iter().scan(0, |end, n| {
            *end += n;
            Some(*end)
        });
        self.starts.extend(ends);
    }

    /// States of text `index` of the batch that was encoded last.
    pub fn states(&self, index: usize) -> States<'_> {
        let at = |i: usize| self.starts.get(i).copied().unwrap_or(0);
        States { scratch: self, from: at(index), to: at(index + 1) }
    }
}

impl Encoder {
    /// Keeps the states of `taps`; runs no layer after the last of them.
    pub fn new(weights: Weights, taps: &[usize]) -> Self {
        let taps = taps.iter().copied().filter(|t| (1..=weights.layers.len()).contains(t)).collect();
        Self { weights, taps }
    }

    pub const fn shape(&self) -> &Shape {
        &self.weights.shape
    }

    pub const fn weights(&self) -> &Weights {
        &self.weights
    }

    /// Layers (counted from 1) whose states are kept.
    pub fn taps(&self) -> &[usize] {
        &self.taps
    }

    /// Encodes `texts` (token ids with the marks of start and end) into `scratch`.
    pub fn forward(&self, texts: &[&[u32]], scratch: &mut Scratch) {
        self.embed(texts, scratch);
        for tap in &mut scratch.taps {
            tap.clear();
        }
        scratch.taps.resize_with(self.taps.len(), Vec::new);
        let last = self.taps.iter().copied().max().unwrap_or(0);
        for (index, layer) in self.weights.layers.iter().take(last).enumerate() {
            self.layer(layer, scratch);
            for (tap, _) in self.taps.iter().enumerate().filter(|(_, at)| **at == index + 1) {
                if let Some(kept) = scratch.taps.get_mut(tap) {
                    kept.extend_from_slice(&scratch.x);
                }
            }
        }
    }

    fn embed(&self, texts: &[&[u32]], scratch: &mut Scratch) {
        let h = self.weights.shape.hidden_size;
        let total: usize = texts.iter().map(|t| t.len()).sum();
        scratch.hidden = h;
        scratch.starts.clear();
        scratch.starts.push(0);
        scratch.x.clear();
        scratch.x.resize(total * h, 0.0);
        let mut rows = scratch.x.chunks_exact_mut(h);
        let mut end = 0;
        for text in texts {
            end += text.len();
            scratch.starts.push(end);
            for ((id, position), row) in
                text.iter().zip(self.weights.positions.chunks_exact(h)).zip(&mut rows)
            {
                row.copy_from_slice(position);
                self.weights.words.add_row(*id as usize, row);
            }
        }
        self.norm(&mut scratch.x, &self.weights.norm);
    }

    fn norm(&self, x: &mut [f32], norm: &Norm) {
        kernel::layer_norm(x, &norm.gain, &norm.bias, self.weights.shape.layer_norm_eps);
    }

    fn layer(&self, layer: &Layer, s: &mut Scratch) {
        let h = self.weights.shape.hidden_size;
        fit(&mut s.qkv, 3 * s.x.len());
        linear(&mut s.qkv, &s.x, &layer.qkv, Then::Store, &mut s.sum, &mut s.activations);
        fit(&mut s.context, s.x.len());
        self.attend(s);
        let rows = layer.up.weight.block().saturating_mul(h);
        for (x, context) in s.x.chunks_mut(rows).zip(s.context.chunks(rows)) {
            linear(x, context, &layer.attention_out, Then::Add, &mut s.sum, &mut s.activations);
            self.norm(x, &layer.attention_norm);
            fit(&mut s.up, x.len() / h * self.weights.shape.intermediate_size);
            linear(&mut s.up, x, &layer.up, Then::Gelu, &mut s.sum, &mut s.activations);
            linear(x, &s.up, &layer.down, Then::Add, &mut s.sum, &mut s.activations);
            self.norm(x, &layer.out_norm);
        }
    }

    /// Attention of every text among its own tokens.
    fn attend(&self, s: &mut Scratch) {
        let h = self.weights.shape.hidden_size;
        let count = self.weights.shape.num_attention_heads;
        let heads = Heads { count, width: h / count };
        for window in s.starts.windows(2) {
            let [from, to] = *window else { continue };
            let qkv = &s.qkv[from * 3 * h..to * 3 * h];
            attention::attend(&mut s.context[from * h..to * h], qkv, heads, &mut s.attention);
        }
    }
}

/// `y = then(x · wᵀ + b)`, through `sum` and `activations`.
fn linear(
    y: &mut [f32],
    x: &[f32],
    map: &Affine,
    then: Then,
    sum: &mut Vec<f32>,
    activations: &mut Activations,
) {
    match (&map.weight, then) {
        (Matrix::I8(packed), _) => packed.linear(y, x, &map.bias, then, activations),
        (Matrix::F32(rows), Then::Store) => kernel::linear(y, x, rows, &map.bias),
        (Matrix::F32(rows), Then::Gelu) => {
            kernel::linear(y, x, rows, &map.bias);
            kernel::gelu(y);
        }
        (Matrix::F32(rows), Then::Add) => {
            fit(sum, y.len());
            kernel::linear(sum, x, rows, &map.bias);
            y.iter_mut().zip(&*sum).for_each(|(y, v)| *y += v);
        }
    }
}

fn fit(buffer: &mut Vec<f32>, n: usize) {
    buffer.resize(n, 0.0);
}
