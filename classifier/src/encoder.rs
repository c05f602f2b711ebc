//! The forward pass on the CPU: tokens of many texts packed without padding,
//! attention within each text, one thread, reused buffers. A text's result has
//! the same bits whatever else is in its batch.

use crate::int8::Activations;
use crate::kernel::{self, Rhs, View};
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
    scores: Vec<f32>,
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

    pub fn taps(&self) -> usize {
        self.scratch.taps.len()
    }

    pub fn hidden(&self) -> usize {
        self.scratch.hidden
    }

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
        let n = s.x.len();
        fit(&mut s.qkv, 3 * n);
        linear(&mut s.qkv, &s.x, &layer.qkv, &mut s.activations);
        fit(&mut s.context, n);
        self.attend(s);
        fit(&mut s.sum, n);
        linear(&mut s.sum, &s.context, &layer.attention_out, &mut s.activations);
        add(&mut s.x, &s.sum);
        self.norm(&mut s.x, &layer.attention_norm);
        fit(&mut s.up, n / self.weights.shape.hidden_size * self.weights.shape.intermediate_size);
        linear(&mut s.up, &s.x, &layer.up, &mut s.activations);
        kernel::gelu(&mut s.up);
        linear(&mut s.sum, &s.up, &layer.down, &mut s.activations);
        add(&mut s.x, &s.sum);
        self.norm(&mut s.x, &layer.out_norm);
    }

    /// Attention of every text among its own tokens, head by head.
    fn attend(&self, s: &mut Scratch) {
        let h = self.weights.shape.hidden_size;
        let heads = self.weights.shape.num_attention_heads;
        let width = h / heads;
        let scale = 1.0 / (width as f32).sqrt();
        for window in s.starts.windows(2) {
            let [from, to] = *window else { continue };
            let n = to - from;
            fit(&mut s.scores, n * n);
            for head in 0..heads {
                let at = |part: usize| View {
                    data: &s.qkv[from * 3 * h + part * h + head * width..],
                    rows: n,
                    cols: width,
                    stride: 3 * h,
                };
                kernel::matmul(&mut s.scores, n, at(0), at(1), Rhs::Transposed, scale, false);
                kernel::softmax(&mut s.scores, n);
                let out = &mut s.context[from * h + head * width..];
                kernel::matmul(out, h, View::dense(&s.scores, n, n), at(2), Rhs::Plain, 1.0, false);
            }
        }
    }
}

fn linear(y: &mut [f32], x: &[f32], map: &Affine, activations: &mut Activations) {
    match &map.weight {
        Matrix::F32(rows) => kernel::linear(y, x, rows, &map.bias),
        Matrix::I8(packed) => packed.linear(y, x, &map.bias, activations),
    }
}

fn fit(buffer: &mut Vec<f32>, n: usize) {
    buffer.resize(n, 0.0);
}

fn add(x: &mut [f32], y: &[f32]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += y;
    }
}
