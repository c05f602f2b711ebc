//! AdamW in one sweep over the flat vector, with a rate for each depth, one norm
//! for clipping, and word embeddings updated only where a text touched them.

use std::collections::BTreeMap;

use super::layout::Depth;
use super::model::Model;
use super::product::{add, dot};
use super::worker::Worker;

const BETA: (f32, f32) = (0.9, 0.98);
const EPSILON: f32 = 1e-6;
/// Variables are cut into pieces of this many values for the threads.
const PIECE: usize = 1 << 16;

/// Learning rates of one step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rates {
    /// Of the top layer.
    pub(super) top: f32,
    pub(super) heads: f32,
    /// Factor from each layer to the one below it; the embeddings are lowest.
    pub(super) fall: f32,
    pub(super) decay: f32,
}

impl Rates {
    fn of(&self, depth: Depth, layers: usize) -> f32 {
        let below = |steps: usize| self.top * self.fall.powi(i32::try_from(steps).unwrap_or(i32::MAX));
        match depth {
            Depth::Head => self.heads,
            Depth::Layer(index) => below(layers - 1 - index),
            Depth::Embedding => below(layers),
        }
    }
}

#[derive(Debug)]
pub(super) struct Adam {
    pub(super) moments: (Vec<f32>, Vec<f32>),
    pub(super) word_moments: (Vec<f32>, Vec<f32>),
    pub(super) steps: i32,
}

/// One variable's piece and how to move it.
struct Piece<'a> {
    p: &'a mut [f32],
    m: &'a mut [f32],
    v: &'a mut [f32],
    g: &'a [f32],
    rate: f32,
    decay: f32,
}

/// What all pieces share in one step.
#[derive(Debug, Clone, Copy)]
struct Step {
    scale: f32,
    correct: (f32, f32),
}

impl Adam {
    pub(super) fn new(model: &Model) -> Self {
        let zeros = |n: usize| (vec![0.0; n], vec![0.0; n]);
        Self { moments: zeros(model.p.len()), word_moments: zeros(model.words.len()), steps: 0 }
    }

    /// Adds up the gradients of `workers`, clips their norm at `clip`, moves the
    /// model, and returns the norm before clipping.
    pub(super) fn step(&mut self, model: &mut Model, workers: &mut [Worker], rates: Rates, clip: f32) -> f32 {
        let threads = workers.len();
        let Some((first, others)) = workers.split_first_mut() else { return 0.0 };
        let norm = merge(first, others, threads).sqrt() as f32;
        self.steps += 1;
        let correct = |beta: f32| 1.0 / (1.0 - beta.powi(self.steps));
        let scale = if norm > clip { clip / norm } else { 1.0 };
        let step = Step { scale, correct: (correct(BETA.0), correct(BETA.1)) };
        let words = rates.of(Depth::Embedding, model.layout.layers.len());
        self.move_words(model, &first.rows, words, step);
        let pieces = self.pieces(model, &first.gradient, rates);
        parallel(threads, pieces, |piece| {
            piece.apply(step);
            0.0
        });
        norm
    }

    fn pieces<'a>(&'a mut self, model: &'a mut Model, mut g: &'a [f32], rates: Rates) -> Vec<Piece<'a>> {
        let layers = model.layout.layers.len();
        let (mut p, mut m, mut v) =
            (model.p.as_mut_slice(), self.moments.0.as_mut_slice(), self.moments.1.as_mut_slice());
        let mut pieces = Vec::new();
        for variable in &model.layout.variables {
            let rate = rates.of(variable.depth, layers);
            let decay = if variable.decays() { rates.decay } else { 0.0 };
            let mut left = variable.at.len();
            while left > 0 {
                let n = left.min(PIECE);
                left -= n;
                let piece = Piece {
                    p: cut(&mut p, n),
                    m: cut(&mut m, n),
                    v: cut(&mut v, n),
                    g: &g[..n],
                    rate,
                    decay,
                };
                g = &g[n..];
                pieces.push(piece);
            }
        }
        pieces
    }

    /// Rows no text of this step has keep their moments and values.
    fn move_words(&mut self, model: &mut Model, rows: &BTreeMap<u32, Vec<f32>>, rate: f32, step: Step) {
        let h = model.layout.shape.hidden_size;
        for (id, g) in rows {
            let at = *id as usize * h..(*id as usize + 1) * h;
            let (m, v) = (&mut self.word_moments.0[at.clone()], &mut self.word_moments.1[at.clone()]);
            Piece { p: &mut model.words[at], m, v, g, rate, decay: 0.0 }.apply(step);
        }
    }
}

fn cut<'a>(slice: &mut &'a mut [f32], n: usize) -> &'a mut [f32] {
    let (head, tail) = std::mem::take(slice).split_at_mut(n);
    *slice = tail;
    head
}

impl Piece<'_> {
    fn apply(self, step: Step) {
        let keep = 1.0 - self.rate * self.decay;
        let values = self.p.iter_mut().zip(self.m).zip(self.v).zip(self.g);
        for (((p, m), v), g) in values {
            let g = g * step.scale;
            *m = BETA.0 * *m + (1.0 - BETA.0) * g;
            *v = BETA.1 * *v + (1.0 - BETA.1) * g * g;
            *p = *p * keep - self.rate * (*m * step.correct.0) / ((*v * step.correct.1).sqrt() + EPSILON);
        }
    }
}

/// Adds the gradients of `others` to those of `first`; returns the squared norm of the sum.
fn merge(first: &mut Worker, others: &mut [Worker], threads: usize) -> f64 {
    for other in others.iter() {
        for (id, row) in &other.rows {
            add(first.rows.entry(*id).or_insert_with(|| vec![0.0; row.len()]), row);
        }
    }
    let words: f64 = first.rows.values().map(|row| f64::from(dot(row, row))).sum();
    let pieces: Vec<(usize, &mut [f32])> = first.gradient.chunks_mut(PIECE).enumerate().collect();
    let rest: Vec<&[f32]> = others.iter().map(|o| o.gradient.as_slice()).filter(|g| !g.is_empty()).collect();
    words
        + parallel(threads, pieces, |(index, piece)| {
            for other in &rest {
                add(piece, &other[index * PIECE..]);
            }
            f64::from(dot(piece, piece))
        })
}

/// `work` on every job, an equal share for each thread; the sum of the results, in a fixed order.
fn parallel<J: Send>(threads: usize, mut jobs: Vec<J>, work: impl Fn(J) -> f64 + Sync) -> f64 {
    let share = jobs.len().div_ceil(threads.max(1)).max(1);
    let work = &work;
    std::thread::scope(|scope| {
        let mut handles = Vec::new();
        while jobs.len() > share {
            let part = jobs.split_off(jobs.len() - share);
            handles.push(scope.spawn(move || part.into_iter().map(work).sum::<f64>()));
        }
        let own: f64 = jobs.into_iter().map(work).sum();
        handles.into_iter().fold(own, |sum, handle| match handle.join() {
            Ok(part) => sum + part,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })
}
