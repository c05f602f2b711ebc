//! Forward and backward pass of one thread over the packed tokens of some texts,
//! by hand: no graph, buffers reused from step to step. Attention weights are
//! computed again in the backward pass, which is cheaper than to keep them.

use std::collections::BTreeMap;

use super::dropout::Dropout;
use super::layout::{Affine, LayerAt};
use super::model::Model;
use super::product::{Matrix, add, gelu_back, linear_back, multiply, norm, norm_back, softmax_back};
use crate::kernel;

/// What the backward pass of one layer needs.
#[derive(Debug, Default)]
struct Tape {
    qkv: Vec<f32>,
    context: Vec<f32>,
    attention_sum: Vec<f32>,
    middle: Vec<f32>,
    up: Vec<f32>,
    activated: Vec<f32>,
    out_sum: Vec<f32>,
}

/// Buffers and gradients of one thread.
#[derive(Debug, Default)]
pub(super) struct Worker {
    tapes: Vec<Tape>,
    /// Input of each layer, then the output of the last.
    states: Vec<Vec<f32>>,
    embedded: Vec<f32>,
    scores: Vec<f32>,
    d_scores: Vec<f32>,
    d_wide: Vec<f32>,
    d_other: Vec<f32>,
    d_qkv: Vec<f32>,
    d_kept: Vec<f32>,
    /// Of the output of each half of a layer, before the residual; none outside training.
    pub(super) dropout: Dropout,
    /// Bounds of the texts in rows.
    pub(super) starts: Vec<usize>,
    /// Gradient of the last states; the heads fill it.
    pub(super) d: Vec<f32>,
    /// Gradient of every variable, in their layout.
    pub(super) gradient: Vec<f32>,
    /// Gradient of the word embeddings that occur.
    pub(super) rows: BTreeMap<u32, Vec<f32>>,
}

impl Worker {
    /// States of the last layer, one row a token.
    pub(super) fn output(&self) -> &[f32] {
        self.states.last().map_or(&[], Vec::as_slice)
    }

    pub(super) fn forward(&mut self, model: &Model, texts: &[&[u32]]) {
        let layers = model.layout.layers.len();
        self.tapes.resize_with(layers, Tape::default);
        self.states.resize_with(layers + 1, Vec::new);
        self.embed(model, texts);
        for (index, at) in model.layout.layers.iter().enumerate() {
            let x = std::mem::take(&mut self.states[index]);
            let mut y = std::mem::take(&mut self.states[index + 1]);
            y.resize(x.len(), 0.0);
            let tape = &mut self.tapes[index];
            let drop = Drop { dropout: self.dropout, layer: index };
            attend(model, at, &self.starts, &x, tape, (&mut self.scores, drop));
            feed(model, at, &x, tape, (&mut y, drop));
            self.states[index] = x;
            self.states[index + 1] = y;
        }
    }

    fn embed(&mut self, model: &Model, texts: &[&[u32]]) {
        let h = model.layout.shape.hidden_size;
        let positions = &model.p[model.layout.positions()];
        self.starts.clear();
        self.starts.push(0);
        self.embedded.clear();
        for text in texts {
            for (id, position) in text.iter().zip(positions.chunks_exact(h)) {
                let from = self.embedded.len();
                self.embedded.extend_from_slice(position);
                add(&mut self.embedded[from..], &model.words[*id as usize * h..][..h]);
            }
            self.starts.push(self.embedded.len() / h);
        }
        let x = &mut self.states[0];
        x.resize(self.embedded.len(), 0.0);
        let (gain, bias) = model.layout.norm.of(&model.p);
        norm(&self.embedded, gain, bias, model.layout.shape.layer_norm_eps, x);
    }

    /// From `self.d` to the gradient of every variable below the heads.
    pub(super) fn backward(&mut self, model: &Model, texts: &[&[u32]]) {
        for index in (0..model.layout.layers.len()).rev() {
            self.layer_back(model, index);
        }
        let h = model.layout.shape.hidden_size;
        let eps = model.layout.shape.layer_norm_eps;
        let at = model.layout.norm;
        let (dg, db) = at.of_mut(&mut self.gradient);
        norm_back(&self.embedded, at.of(&model.p).0, eps, &mut self.d, dg, db);
        let positions = &mut self.gradient[model.layout.positions()];
        positions.fill(0.0);
        self.rows.clear();
        let mut rows = self.d.chunks_exact(h);
        for text in texts {
            for ((id, position), d) in text.iter().zip(positions.chunks_exact_mut(h)).zip(&mut rows) {
                add(position, d);
                add(self.rows.entry(*id).or_insert_with(|| vec![0.0; h]), d);
            }
        }
    }

    fn layer_back(&mut self, model: &Model, index: usize) {
        let at = &model.layout.layers[index];
        let (p, eps) = (model.p.as_slice(), model.layout.shape.layer_norm_eps);
        let (tape, x, g) = (&self.tapes[index], &self.states[index], &mut self.gradient);
        let drop = Drop { dropout: self.dropout, layer: index };
        let n = self.d.len();
        self.d_other.resize(n, 0.0);
        self.d_wide.resize(tape.up.len(), 0.0);
        self.d_qkv.resize(3 * n, 0.0);
        let (dg, db) = at.out_norm.of_mut(g);
        norm_back(&tape.out_sum, at.out_norm.of(p).0, eps, &mut self.d, dg, db);
        drop.copy(Half::Feed, &self.d, &mut self.d_kept);
        back(at.down, p, g, &tape.activated, &self.d_kept, &mut self.d_wide);
        gelu_back(&tape.up, &mut self.d_wide);
        back(at.up, p, g, &tape.middle, &self.d_wide, &mut self.d_other);
        add(&mut self.d, &self.d_other);
        let norm_at = at.attention_norm;
        let (dg, db) = norm_at.of_mut(g);
        norm_back(&tape.attention_sum, norm_at.of(p).0, eps, &mut self.d, dg, db);
        drop.copy(Half::Attention, &self.d, &mut self.d_kept);
        back(at.attention_out, p, g, &tape.context, &self.d_kept, &mut self.d_other);
        let mut scores = (&mut self.scores, &mut self.d_scores);
        let heads = model.layout.shape.num_attention_heads;
        attend_back(heads, &self.starts, &tape.qkv, &self.d_other, &mut self.d_qkv, &mut scores);
        back(at.qkv, p, g, x, &self.d_qkv, &mut self.d_other);
        add(&mut self.d, &self.d_other);
    }
}

/// The two halves of a layer.
#[derive(Debug, Clone, Copy)]
enum Half {
    Attention,
    Feed,
}

/// Dropout in one layer.
#[derive(Debug, Clone, Copy)]
struct Drop {
    dropout: Dropout,
    layer: usize,
}

impl Drop {
    fn apply(self, half: Half, values: &mut [f32]) {
        self.dropout.apply(2 * self.layer as u64 + half as u64, values);
    }

    fn copy(self, half: Half, from: &[f32], to: &mut Vec<f32>) {
        to.clear();
        to.extend_from_slice(from);
        self.apply(half, to);
    }
}

fn back(at: Affine, p: &[f32], g: &mut [f32], x: &[f32], dy: &[f32], dx: &mut [f32]) {
    linear_back(x, at.of(p).0, dy, at.of_mut(g), Some(dx));
}

fn linear(at: Affine, p: &[f32], x: &[f32], y: &mut Vec<f32>) {
    let rows = x.len() / at.inputs;
    let (weight, bias) = at.of(p);
    y.clear();
    (0..rows).for_each(|_| y.extend_from_slice(bias));
    let (x, weight) = (Matrix::dense(x, rows, at.inputs), Matrix::dense(weight, at.outputs, at.inputs));
    multiply(y, at.outputs, x, weight.transposed(), 1.0, true);
}

/// Attention, its output map, the residual and the norm: `x` to `tape.middle`.
fn attend(
    model: &Model,
    at: &LayerAt,
    starts: &[usize],
    x: &[f32],
    tape: &mut Tape,
    (scores, drop): (&mut Vec<f32>, Drop),
) {
    let (p, shape) = (model.p.as_slice(), &model.layout.shape);
    linear(at.qkv, p, x, &mut tape.qkv);
    tape.context.resize(x.len(), 0.0);
    let h = shape.hidden_size;
    for bounds in starts.array_windows::<2>() {
        for head in 0..shape.num_attention_heads {
            let part = Part { bounds: *bounds, h, width: h / shape.num_attention_heads, head };
            part.probabilities(&tape.qkv, scores);
            let probabilities = Matrix::dense(scores, part.n(), part.n());
            let out = &mut tape.context[part.at(h, 0)..];
            multiply(out, h, probabilities, part.of(&tape.qkv, 2), 1.0, false);
        }
    }
    linear(at.attention_out, p, &tape.context, &mut tape.attention_sum);
    drop.apply(Half::Attention, &mut tape.attention_sum);
    add(&mut tape.attention_sum, x);
    tape.middle.resize(x.len(), 0.0);
    let (gain, bias) = at.attention_norm.of(p);
    norm(&tape.attention_sum, gain, bias, shape.layer_norm_eps, &mut tape.middle);
}

/// The feed-forward half: `tape.middle` to `y`.
fn feed(model: &Model, at: &LayerAt, x: &[f32], tape: &mut Tape, (y, drop): (&mut [f32], Drop)) {
    let p = model.p.as_slice();
    debug_assert_eq!(x.len(), y.len());
    linear(at.up, p, &tape.middle, &mut tape.up);
    tape.activated.clear();
    tape.activated.extend_from_slice(&tape.up);
    kernel::gelu(&mut tape.activated);
    linear(at.down, p, &tape.activated, &mut tape.out_sum);
    drop.apply(Half::Feed, &mut tape.out_sum);
    add(&mut tape.out_sum, &tape.middle);
    let (gain, bias) = at.out_norm.of(p);
    norm(&tape.out_sum, gain, bias, model.layout.shape.layer_norm_eps, y);
}

/// One attention head of one text inside packed rows.
#[derive(Debug, Clone, Copy)]
struct Part {
    bounds: [usize; 2],
    h: usize,
    width: usize,
    head: usize,
}

impl Part {
    const fn n(&self) -> usize {
        self.bounds[1] - self.bounds[0]
    }

    /// First value of this head in rows of `stride`, `part` (query, key, value) rows of `h` in.
    const fn at(&self, stride: usize, part: usize) -> usize {
        self.bounds[0] * stride + part * self.h + self.head * self.width
    }

    fn of<'a>(&self, qkv: &'a [f32], part: usize) -> Matrix<'a> {
        Matrix::new(&qkv[self.at(3 * self.h, part)..], self.n(), self.width, 3 * self.h)
    }

    fn scale(&self) -> f32 {
        1.0 / (self.width as f32).sqrt()
    }

    fn probabilities(&self, qkv: &[f32], scores: &mut Vec<f32>) {
        scores.resize(self.n() * self.n(), 0.0);
        multiply(scores, self.n(), self.of(qkv, 0), self.of(qkv, 1).transposed(), self.scale(), false);
        kernel::softmax(scores, self.n());
    }
}

/// From the gradient of the context to that of query, key and value.
fn attend_back(
    heads: usize,
    starts: &[usize],
    qkv: &[f32],
    d_context: &[f32],
    d_qkv: &mut [f32],
    (scores, d_scores): &mut (&mut Vec<f32>, &mut Vec<f32>),
) {
    let h = d_context.len() / starts.last().copied().unwrap_or(1).max(1);
    for bounds in starts.array_windows::<2>() {
        for head in 0..heads {
            let part = Part { bounds: *bounds, h, width: h / heads, head };
            let (n, wide) = (part.n(), 3 * h);
            part.probabilities(qkv, scores);
            d_scores.resize(n * n, 0.0);
            let d_out = Matrix::new(&d_context[part.at(h, 0)..], n, part.width, h);
            let probabilities = Matrix::dense(scores, n, n);
            multiply(&mut d_qkv[part.at(wide, 2)..], wide, probabilities.transposed(), d_out, 1.0, false);
            multiply(d_scores, n, d_out, part.of(qkv, 2).transposed(), 1.0, false);
            softmax_back(scores, d_scores, n);
            let d = Matrix::dense(d_scores, n, n);
            multiply(&mut d_qkv[part.at(wide, 0)..], wide, d, part.of(qkv, 1), part.scale(), false);
            multiply(
                &mut d_qkv[part.at(wide, 1)..],
                wide,
                d.transposed(),
                part.of(qkv, 0),
                part.scale(),
                false,
            );
        }
    }
}
