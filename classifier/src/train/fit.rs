//! Trains one head by candle's autograd: AdamW, dropout, the best pass on dev kept.
//! Everything random comes from the seed.

use candle_core::{D, Device, Tensor, Var};
use candle_nn::{AdamW, Optimizer, ParamsAdamW};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde::{Deserialize, Serialize};

use super::data::Goal;
use crate::error::{ClassifierError, Result};
use crate::heads::Head;
use crate::weights::Linear;

/// Dev rows of one forward pass.
const AT_ONCE: usize = 1024;
/// Least weight by which a loss is divided.
const LEAST: f64 = 1e-6;

/// Whether labels exclude each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Softmax; a row's weight is the largest of its weights.
    One,
    /// A sigmoid each; unknown labels weigh nothing.
    Many,
}

/// One row of a head's training data.
#[derive(Debug, Clone)]
pub struct Case<'a> {
    /// The text it is of.
    pub text: &'a str,
    pub features: &'a [f32],
    pub goal: Goal,
    pub weight: f32,
    pub dev: bool,
}

/// How a head is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FitOptions {
    /// Units of the hidden layer.
    pub hidden: usize,
    /// Passes over the training rows.
    pub epochs: usize,
    /// Rows of one step.
    pub batch: usize,
    /// Learning rate and weight decay of AdamW.
    pub rate: f64,
    pub decay: f64,
    /// Shares of the features, and of the hidden units, that are dropped in training.
    pub input_dropout: f32,
    pub hidden_dropout: f32,
    pub seed: u64,
}

impl Default for FitOptions {
    /// For [`Kind::One`]: more passes only learn the training texts by heart.
    fn default() -> Self {
        Self {
            hidden: 256,
            epochs: 8,
            batch: 256,
            rate: 1e-3,
            decay: 0.02,
            input_dropout: 0.1,
            hidden_dropout: 0.3,
            seed: 1,
        }
    }
}

impl FitOptions {
    /// For [`Kind::Many`]: rare labels need more steps, and more dropout to bear them.
    pub fn many() -> Self {
        Self { epochs: 20, batch: 128, input_dropout: 0.2, hidden_dropout: 0.4, ..Self::default() }
    }
}

/// One pass over the training rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Pass {
    pub epoch: usize,
    pub train_loss: f32,
    pub dev_loss: f32,
}

/// Trains on the rows that are not dev; keeps the pass with the least dev loss.
pub fn fit(cases: &[Case<'_>], kind: Kind, options: FitOptions) -> Result<(Head, Vec<Pass>)> {
    if cases.iter().all(|c| c.dev) {
        return Err(ClassifierError::NoData("train on"));
    }
    run(cases, kind, options).map_err(|cause| ClassifierError::Compute { what: "the fit of a head", cause })
}

fn run(cases: &[Case<'_>], kind: Kind, options: FitOptions) -> candle_core::Result<(Head, Vec<Pass>)> {
    let (train, dev): (Vec<&Case<'_>>, Vec<&Case<'_>>) = cases.iter().partition(|c| !c.dev);
    let (mean, scale) = moments(&train);
    let outputs = train.first().map_or(0, |c| c.goal.labels.len());
    let mut rng = StdRng::seed_from_u64(options.seed);
    let net = Net::new(mean.len(), options.hidden, outputs, &mut rng)?;
    let mut adam = AdamW::new(
        net.variables(),
        ParamsAdamW { lr: options.rate, weight_decay: options.decay, ..ParamsAdamW::default() },
    )?;
    let mut order: Vec<usize> = (0..train.len()).collect();
    let steps = options.epochs * order.len().div_ceil(options.batch);
    let (mut step, mut passes, mut best) = (0, Vec::new(), None);
    for epoch in 1..=options.epochs {
        order.shuffle(&mut rng);
        let mut seen = Mean::default();
        for batch in order.chunks(options.batch) {
            let rows: Vec<&Case<'_>> = batch.iter().filter_map(|i| train.get(*i).copied()).collect();
            let x = standard(&rows, &mean, &scale)?;
            let (loss, weight) = weighed(&net.forward(&x, Some((&options, &mut rng)))?, &rows, kind)?;
            seen.add(&loss, weight)?;
            adam.set_learning_rate(options.rate * (1.0 - f64::from(step) / steps as f64));
            adam.backward_step(&(loss / weight.max(LEAST))?)?;
            step += 1;
        }
        let dev_loss = mean_loss(&net, &dev, (&mean, &scale), kind, AT_ONCE)?;
        let pass = Pass { epoch, train_loss: seen.value(), dev_loss };
        tracing::debug!(epoch, train_loss = pass.train_loss, dev_loss, "pass {epoch}");
        passes.push(pass);
        if best.as_ref().is_none_or(|(least, _)| dev_loss < *least) {
            best = Some((dev_loss, net.head(&mean, &scale)?));
        }
    }
    let head = best.map_or_else(|| net.head(&mean, &scale), |(_, head)| Ok(head))?;
    Ok((head, passes))
}

/// Mean and one over the standard deviation of each feature.
fn moments(rows: &[&Case<'_>]) -> (Vec<f32>, Vec<f32>) {
    let width = rows.first().map_or(0, |c| c.features.len());
    let (mut sum, mut square) = (vec![0f64; width], vec![0f64; width]);
    for row in rows {
        for ((s, q), v) in sum.iter_mut().zip(&mut square).zip(row.features) {
            let v = f64::from(*v);
            *s += v;
            *q += v * v;
        }
    }
    let n = rows.len().max(1) as f64;
    let mean = sum.iter().map(|s| (s / n) as f32).collect();
    let variance = sum.iter().zip(&square).map(|(s, q)| q / n - (s / n) * (s / n));
    (mean, variance.map(|v| (1.0 / (v.max(0.0) + 1e-8).sqrt()).min(1e3) as f32).collect())
}

fn standard(rows: &[&Case<'_>], mean: &[f32], scale: &[f32]) -> candle_core::Result<Tensor> {
    let one = |c: &&Case<'_>| {
        c.features.iter().zip(mean).zip(scale).map(|((v, m), s)| (v - m) * s).collect::<Vec<f32>>()
    };
    Tensor::from_vec(rows.iter().flat_map(one).collect(), (rows.len(), mean.len()), &Device::Cpu)
}

/// Losses of the rows by weight, added up, and the weight of all. Sigmoids take the stable form of the cross entropy.
fn weighed(logits: &Tensor, rows: &[&Case<'_>], kind: Kind) -> candle_core::Result<(Tensor, f64)> {
    let shape = logits.shape();
    let device = logits.device();
    let labels = Tensor::from_vec(rows.iter().flat_map(|c| c.goal.labels.clone()).collect(), shape, device)?;
    let known = |c: &Case<'_>| -> Vec<f32> {
        match kind {
            Kind::Many => c.goal.weights.iter().map(|w| w * c.weight).collect(),
            Kind::One => {
                vec![c.weight * c.goal.weights.iter().copied().fold(0.0, f32::max); c.goal.labels.len()]
            }
        }
    };
    let weights: Vec<f32> = rows.iter().flat_map(|c| known(c)).collect();
    let total: f64 = weights.iter().map(|w| f64::from(*w)).sum();
    let weights = Tensor::from_vec(weights, shape, device)?;
    let (each, total) = match kind {
        Kind::One => {
            let log = candle_nn::ops::log_softmax(logits, D::Minus1)?;
            ((log * labels)?.neg()?, total / shape.dims().last().copied().unwrap_or(1) as f64)
        }
        Kind::Many => {
            let log = (logits.abs()?.neg()?.exp()? + 1.0)?.log()?;
            (((logits.relu()? - (logits * labels)?)? + log)?, total)
        }
    };
    let loss = (each * weights)?.sum_all()?;
    match first(logits, rows)? {
        Some(first) => Ok(((loss + first)?, total)),
        None => Ok((loss, total)),
    }
}

/// Sum over the rows that name one label of its cross entropy among those covered.
fn first(logits: &Tensor, rows: &[&Case<'_>]) -> candle_core::Result<Option<Tensor>> {
    if rows.iter().all(|c| c.goal.first.is_none()) {
        return Ok(None);
    }
    let closed = |c: &&Case<'_>| {
        c.goal.covered().into_iter().map(|covered| if covered { 0.0 } else { -1e4 }).collect::<Vec<f32>>()
    };
    let chosen = |c: &&Case<'_>| {
        (0..c.goal.labels.len())
            .map(|i| if c.goal.first == Some(i) { c.weight } else { 0.0 })
            .collect::<Vec<f32>>()
    };
    let tensor = |values: Vec<f32>| Tensor::from_vec(values, logits.shape(), logits.device());
    let open = (logits + tensor(rows.iter().flat_map(closed).collect())?)?;
    let log = candle_nn::ops::log_softmax(&open, D::Minus1)?;
    Ok(Some((log * tensor(rows.iter().flat_map(chosen).collect())?)?.sum_all()?.neg()?))
}

/// Mean loss of `rows` by weight, however many are `at_once` in a forward pass.
fn mean_loss(
    net: &Net,
    rows: &[&Case<'_>],
    (mean, scale): (&[f32], &[f32]),
    kind: Kind,
    at_once: usize,
) -> candle_core::Result<f32> {
    let mut seen = Mean::default();
    for rows in rows.chunks(at_once) {
        let logits = net.forward(&standard(rows, mean, scale)?, None)?;
        let (loss, weight) = weighed(&logits, rows, kind)?;
        seen.add(&loss, weight)?;
    }
    Ok(seen.value())
}

/// A mean by weight, made of parts.
#[derive(Debug, Default)]
struct Mean {
    sum: f64,
    weight: f64,
}

impl Mean {
    fn add(&mut self, sum: &Tensor, weight: f64) -> candle_core::Result<()> {
        self.sum += f64::from(sum.to_scalar::<f32>()?);
        self.weight += weight;
        Ok(())
    }

    fn value(&self) -> f32 {
        (self.sum / self.weight.max(LEAST)) as f32
    }
}

/// The head in training.
pub(super) struct Net {
    hidden: (Var, Var),
    output: (Var, Var),
}

impl Net {
    pub(super) fn new(
        inputs: usize,
        hidden: usize,
        outputs: usize,
        rng: &mut StdRng,
    ) -> candle_core::Result<Self> {
        let mut pair = |from: usize, to: usize| -> candle_core::Result<(Var, Var)> {
            let bound = (3.0 / from as f32).sqrt();
            let values: Vec<f32> = (0..from * to).map(|_| rng.random_range(-bound..bound)).collect();
            let weight = Var::from_tensor(&Tensor::from_vec(values, (to, from), &Device::Cpu)?)?;
            Ok((weight, Var::from_tensor(&Tensor::zeros(to, candle_core::DType::F32, &Device::Cpu)?)?))
        };
        Ok(Self { hidden: pair(inputs, hidden)?, output: pair(hidden, outputs)? })
    }

    pub(super) fn variables(&self) -> Vec<Var> {
        vec![self.hidden.0.clone(), self.hidden.1.clone(), self.output.0.clone(), self.output.1.clone()]
    }

    pub(super) fn forward(
        &self,
        x: &Tensor,
        train: Option<(&FitOptions, &mut StdRng)>,
    ) -> candle_core::Result<Tensor> {
        let affine = |x: &Tensor, p: &(Var, Var)| x.matmul(&p.0.t()?)?.broadcast_add(&p.1);
        match train {
            None => affine(&affine(x, &self.hidden)?.gelu_erf()?, &self.output),
            Some((options, rng)) => {
                let x = dropout(x, options.input_dropout, rng)?;
                let hidden = affine(&x, &self.hidden)?.gelu_erf()?;
                affine(&dropout(&hidden, options.hidden_dropout, rng)?, &self.output)
            }
        }
    }

    fn head(&self, mean: &[f32], scale: &[f32]) -> candle_core::Result<Head> {
        let linear = |p: &(Var, Var)| -> candle_core::Result<Linear> {
            Ok(Linear { weight: p.0.flatten_all()?.to_vec1()?, bias: p.1.to_vec1()? })
        };
        Ok(Head {
            mean: mean.to_vec(),
            scale: scale.to_vec(),
            hidden: linear(&self.hidden)?.into(),
            output: linear(&self.output)?,
            temperature: 1.0,
        })
    }
}

fn dropout(x: &Tensor, p: f32, rng: &mut StdRng) -> candle_core::Result<Tensor> {
    let keep = 1.0 / (1.0 - p);
    let mask: Vec<f32> =
        (0..x.elem_count()).map(|_| if rng.random::<f32>() < p { 0.0 } else { keep }).collect();
    x * Tensor::from_vec(mask, x.shape(), x.device())?
}

#[cfg(test)]
#[path = "fit_tests.rs"]
mod tests;
