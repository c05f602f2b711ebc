//! The training heads: losses on the document's mean state and on the mean of a
//! mention, and their gradients. What a set has no label for adds nothing.

use super::items::{Item, Mention};
use super::layout::Affine;
use super::model::Model;
use super::product::{add, dot};
use super::teacher::Taught;
use super::worker::Worker;
use crate::heads::SENTIMENTS;
use crate::train::data::Goal;

/// A loss, and its gradient by the logits.
type Loss = (f32, Vec<f32>);

/// Weights of the losses of one text.
const TOPICS: f32 = 0.4;
const EVENTS: f32 = 0.4;
const MENTION: f32 = 0.7;
const MENTION_EVENT: f32 = 0.3;
/// Share of a text's loss that is of its teacher's answer, if it has one.
const TAUGHT: f32 = 0.5;

/// Logits of one text.
#[derive(Debug, Clone, Default)]
pub(super) struct Logits {
    pub(super) sentiment: Vec<f32>,
    pub(super) topics: Vec<f32>,
    pub(super) events: Vec<f32>,
    /// For each mention: sentiment, then event.
    pub(super) mentions: Vec<Vec<f32>>,
}

/// Logits of `item` from the states of its tokens.
pub(super) fn logits(model: &Model, states: &[f32], item: &Item) -> Logits {
    let (p, heads) = (model.p.as_slice(), &model.layout.heads);
    let document = mean(states, heads.sentiment.inputs, 0..item.ids.len());
    let mention = |m: &Mention| apply(heads.mention, p, &joined(states, &document, m));
    Logits {
        sentiment: apply(heads.sentiment, p, &document),
        topics: apply(heads.topics, p, &document),
        events: apply(heads.events, p, &document),
        mentions: item.mentions.iter().map(mention).collect(),
    }
}

/// Loss of `items` (which `worker` has just encoded) times `scale`; leaves the
/// gradients of the heads and of the last states in `worker`.
pub(super) fn backward(model: &Model, worker: &mut Worker, items: &[&Item], scale: f32) -> f32 {
    let h = model.layout.shape.hidden_size;
    let (mut d, mut gradient) = (std::mem::take(&mut worker.d), std::mem::take(&mut worker.gradient));
    gradient.resize(model.layout.total(), 0.0);
    gradient[model.layout.head_range()].fill(0.0);
    d.clear();
    d.resize(worker.output().len(), 0.0);
    let mut loss = 0.0;
    for (item, bounds) in items.iter().zip(worker.starts.array_windows::<2>()) {
        let rows = bounds[0] * h..bounds[1] * h;
        let mut pass = Pass { model, gradient: &mut gradient, scale: scale * item.weight };
        loss += pass.text(item, &worker.output()[rows.clone()], &mut d[rows]);
    }
    (worker.d, worker.gradient) = (d, gradient);
    loss
}

struct Pass<'a> {
    model: &'a Model,
    gradient: &'a mut [f32],
    scale: f32,
}

impl Pass<'_> {
    fn text(&mut self, item: &Item, states: &[f32], d: &mut [f32]) -> f32 {
        let heads = self.model.layout.heads;
        let h = heads.sentiment.inputs;
        let logits = logits(self.model, states, item);
        let document = mean(states, h, 0..item.ids.len());
        let taught = item.taught.as_ref();
        let mut d_document = vec![0.0; h];
        let mut loss = 0.0;
        let (own, theirs) = shares(taught);
        let labelled = self.labelled(item, &logits, self.scale * own);
        let taught_parts = taught.map(|taught| self.taught(taught, &logits, self.scale * theirs));
        for (head, (l, dz)) in labelled.into_iter().chain(taught_parts.into_iter().flatten()) {
            loss += l;
            self.back(head, &document, &dz, &mut d_document);
        }
        for (at, (mention, z)) in item.mentions.iter().zip(&logits.mentions).enumerate() {
            let taught = taught.and_then(|taught| taught.names.get(at)).map(Vec::as_slice);
            loss += self.mention((mention, taught), z, states, &document, (d, &mut d_document));
        }
        let share = 1.0 / item.ids.len() as f32;
        for row in d.chunks_exact_mut(h) {
            row.iter_mut().zip(&d_document).for_each(|(d, whole)| *d += whole * share);
        }
        loss
    }

    /// Losses by the labels of the whole text, each with its head.
    fn labelled(&self, item: &Item, logits: &Logits, scale: f32) -> Vec<(Affine, Loss)> {
        let heads = self.model.layout.heads;
        let sentiment = item.sentiment.map(|class| {
            cross_entropy(&logits.sentiment, &one_hot(class, SENTIMENTS), &item.told_apart, scale)
        });
        let topics = item.topics.as_ref().map(|goal| labels(&logits.topics, goal, scale * TOPICS));
        // The one event that a set names is not the one that the annotated set would put first.
        let events = item.events.as_ref().map(|goal| each(&logits.events, goal, scale * EVENTS));
        let all = [(heads.sentiment, sentiment), (heads.topics, topics), (heads.events, events)];
        all.into_iter().filter_map(|(head, loss)| Some((head, loss?))).collect()
    }

    /// Losses by what the teacher answers for the whole text.
    fn taught(&self, taught: &Taught, logits: &Logits, scale: f32) -> Vec<(Affine, Loss)> {
        let heads = self.model.layout.heads;
        let all = |z: &[f32], wanted: &[f32], weight: f32| binary(z, wanted, |_| 1.0, scale * weight);
        vec![
            (
                heads.sentiment,
                cross_entropy(&logits.sentiment, &taught.sentiment, &[true; SENTIMENTS], scale),
            ),
            (heads.topics, all(&logits.topics, &taught.topics, TOPICS)),
            (heads.events, all(&logits.events, &taught.events, EVENTS)),
        ]
    }

    /// Loss of a mention; adds its gradients to `d` of its tokens and to that of the document's mean.
    fn mention(
        &mut self,
        (mention, taught): (&Mention, Option<&[f32]>),
        z: &[f32],
        states: &[f32],
        document: &[f32],
        (d, d_document): (&mut [f32], &mut [f32]),
    ) -> f32 {
        let (h, head) = (document.len(), self.model.layout.heads.mention);
        let (loss, dz) = self.named(mention, taught, z);
        let mut d_joined = vec![0.0; 2 * h];
        self.back(head, &joined(states, document, mention), &dz, &mut d_joined);
        let (own, whole) = d_joined.split_at(h);
        add(d_document, whole);
        if mention.tokens.is_empty() {
            add(d_document, own);
        }
        let share = 1.0 / mention.tokens.len().max(1) as f32;
        for token in &mention.tokens {
            d[token * h..][..h].iter_mut().zip(own).for_each(|(d, own)| *d += own * share);
        }
        loss
    }

    /// Loss of sentiment and event of a mention, by its labels and by what the teacher answers for it.
    fn named(&self, mention: &Mention, taught: Option<&[f32]>, z: &[f32]) -> Loss {
        let (sentiment, event) = z.split_at(SENTIMENTS);
        let (mut loss, mut dz) = (0.0, vec![0.0; z.len()]);
        let (dz_sentiment, dz_event) = dz.split_at_mut(SENTIMENTS);
        let parts = [
            (mention.sentiment, sentiment, dz_sentiment, MENTION),
            (mention.event, event, dz_event, MENTION_EVENT),
        ];
        let (own, theirs) = shares(taught);
        let taught = taught.map(|taught| taught.split_at(SENTIMENTS));
        let taught = [taught.map(|(sentiment, _)| sentiment), taught.map(|(_, event)| event)];
        for ((class, z, out, weight), taught) in parts.into_iter().zip(taught) {
            let class = class.map(|class| (one_hot(class, z.len()), own));
            let taught = taught.map(|taught| (taught.to_vec(), theirs));
            for (wanted, share) in class.into_iter().chain(taught) {
                let (l, dz) = cross_entropy(z, &wanted, &vec![true; z.len()], self.scale * weight * share);
                loss += l;
                add(out, &dz);
            }
        }
        (loss, dz)
    }

    /// Adds the gradients of a head: to its variables and to its input.
    fn back(&mut self, head: Affine, x: &[f32], dz: &[f32], dx: &mut [f32]) {
        let weight = head.of(&self.model.p).0;
        let (dw, db) = head.of_mut(self.gradient);
        add(db, dz);
        let rows = weight.chunks_exact(head.inputs).zip(dw.chunks_exact_mut(head.inputs));
        for ((w, dw), dz) in rows.zip(dz).filter(|(_, dz)| **dz != 0.0) {
            dw.iter_mut().zip(x).for_each(|(dw, x)| *dw += dz * x);
            dx.iter_mut().zip(w).for_each(|(dx, w)| *dx += dz * w);
        }
    }
}

fn apply(head: Affine, p: &[f32], x: &[f32]) -> Vec<f32> {
    let (weight, bias) = head.of(p);
    weight.chunks_exact(head.inputs).zip(bias).map(|(w, b)| b + dot(w, x)).collect()
}

fn joined(states: &[f32], document: &[f32], mention: &Mention) -> Vec<f32> {
    let mut x = match mention.tokens.as_slice() {
        [] => document.to_vec(),
        tokens => mean(states, document.len(), tokens.iter().copied()),
    };
    x.extend_from_slice(document);
    x
}

fn mean(rows: &[f32], h: usize, of: impl ExactSizeIterator<Item = usize>) -> Vec<f32> {
    let share = 1.0 / of.len() as f32;
    let mut sum = vec![0.0; h];
    for index in of {
        add(&mut sum, &rows[index * h..][..h]);
    }
    sum.iter_mut().for_each(|s| *s *= share);
    sum
}

/// Shares of the loss that are of a text's labels and of the teacher's answer.
const fn shares<T: ?Sized>(taught: Option<&T>) -> (f32, f32) {
    match taught {
        Some(_) => (1.0 - TAUGHT, TAUGHT),
        None => (1.0, 0.0),
    }
}

fn one_hot(class: usize, classes: usize) -> Vec<f32> {
    (0..classes).map(|i| if i == class { 1.0 } else { 0.0 }).collect()
}

/// Softmax cross-entropy with the `wanted` probabilities among the `open` classes, times `scale`, with its gradient.
fn cross_entropy(z: &[f32], wanted: &[f32], open: &[bool], scale: f32) -> Loss {
    let of = |i: usize| open.get(i) == Some(&true);
    let most =
        z.iter().enumerate().filter(|(i, _)| of(*i)).map(|(_, z)| *z).fold(f32::NEG_INFINITY, f32::max);
    let e: Vec<f32> = z.iter().enumerate().map(|(i, z)| if of(i) { (z - most).exp() } else { 0.0 }).collect();
    let sum: f32 = e.iter().sum();
    let loss: f32 = wanted.iter().zip(z).map(|(wanted, z)| wanted * (sum.ln() + most - z)).sum();
    let dz = e.iter().zip(wanted).map(|(e, wanted)| scale * (e / sum - wanted));
    (scale * loss, dz.collect())
}

/// Each label by itself and, where a set names one, that one among those it covers.
fn labels(z: &[f32], goal: &Goal, scale: f32) -> Loss {
    let (mut loss, mut dz) = each(z, goal, scale);
    if let Some(first) = goal.first {
        let (l, d) = cross_entropy(z, &one_hot(first, z.len()), &goal.covered(), scale);
        loss += l;
        add(&mut dz, &d);
    }
    (loss, dz)
}

/// Each label by itself.
fn each(z: &[f32], goal: &Goal, scale: f32) -> Loss {
    binary(z, &goal.labels, |label| goal.weights.get(label).copied().unwrap_or_default(), scale)
}

/// Stable binary cross-entropy of each label with its `wanted` probability, by weight and times `scale`,
/// with its gradient.
fn binary(z: &[f32], wanted: &[f32], weight: impl Fn(usize) -> f32, scale: f32) -> Loss {
    let mut loss = 0.0;
    let labels = z.iter().zip(wanted).enumerate();
    let dz = labels.map(|(at, (z, label))| {
        let weight = weight(at);
        loss += scale * weight * (z.max(0.0) - z * label + (-z.abs()).exp().ln_1p());
        scale * weight * (1.0 / (1.0 + (-z).exp()) - label)
    });
    let dz = dz.collect();
    (loss, dz)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_that_the_set_does_not_tell_apart_gets_no_gradient() {
        let (loss, dz) = cross_entropy(&[1.0, 50.0, 1.0], &[0.0, 0.0, 1.0], &[true, false, true], 1.0);
        assert!((loss - 2f32.ln()).abs() < 1e-6);
        assert_eq!(dz, [0.5, 0.0, -0.5]);
    }

    #[test]
    fn binary_cross_entropy_is_finite_at_extreme_logits() {
        let goal = Goal { labels: vec![1.0, 0.0, 1.0], weights: vec![1.0, 1.0, 0.0], first: None };
        let (loss, dz) = each(&[-200.0, 200.0, -200.0], &goal, 1.0);
        assert!((loss - 400.0).abs() < 1e-3);
        assert_eq!(dz, [-1.0, 1.0, 0.0]);
    }
}
