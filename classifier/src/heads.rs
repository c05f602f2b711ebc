//! The small networks that read features: standardise, one hidden layer, GELU,
//! linear. Owns their arithmetic and calibration, not how they are trained.

use std::collections::BTreeMap;

use crate::kernel;
use crate::weights::{Linear, Table, quantise};

/// Classes of sentiment: negative, neutral, positive.
pub(crate) const SENTIMENTS: usize = 3;

/// One head. `temperature` divides its outputs, so that probabilities are honest.
#[derive(Debug, Clone)]
pub struct Head {
    pub mean: Vec<f32>,
    /// One over the standard deviation.
    pub scale: Vec<f32>,
    pub hidden: Hidden,
    pub output: Linear,
    pub temperature: f32,
}

/// The hidden layer, by far the largest part of a head: floats when it was just made, bytes when it
/// was read from a model of bytes.
#[derive(Debug, Clone)]
pub struct Hidden {
    pub weight: Table,
    pub bias: Vec<f32>,
}

impl From<Linear> for Hidden {
    fn from(linear: Linear) -> Self {
        Self { weight: Table::F32(linear.weight), bias: linear.bias }
    }
}

impl Hidden {
    fn apply(&self, x: &[f32]) -> Vec<f32> {
        let mut y = vec![0.0; self.bias.len()];
        match &self.weight {
            Table::F32(rows) => kernel::one_row(&mut y, x, rows, &self.bias),
            Table::I8 { rows, scales } => kernel::one_row_of_bytes(&mut y, x, rows, scales, &self.bias),
        }
        y
    }

    /// As a model of bytes keeps it.
    pub(crate) fn quantised(&self) -> Self {
        let Linear { weight, bias } = self.floats();
        let (rows, scales) = quantise(&weight, weight.len() / bias.len());
        Self { weight: Table::I8 { rows, scales }, bias }
    }

    fn floats(&self) -> Linear {
        let inputs = self.weight.len() / self.bias.len();
        Linear { weight: self.weight.clone().dequantised(inputs), bias: self.bias.clone() }
    }
}

impl Head {
    /// Calibrated logits of one feature vector.
    pub fn logits(&self, features: &[f32]) -> Vec<f32> {
        let centred = features.iter().zip(&self.mean).zip(&self.scale);
        let standard: Vec<f32> = centred.map(|((v, m), s)| (v - m) * s).collect();
        let mut hidden = self.hidden.apply(&standard);
        kernel::gelu(&mut hidden);
        let mut out = apply(&self.output, &hidden);
        out.iter_mut().for_each(|v| *v /= self.temperature);
        out
    }

    /// The head that says `1 - share` of what this one says plus `share` of what `other`
    /// says of the same features: their hidden units side by side.
    pub(crate) fn joined(&self, other: &Self, share: f32) -> Self {
        let mut hidden = self.hidden.floats();
        for (row, bias) in rows(&other.hidden.floats()) {
            let (row, bias) = self.moved(other, row, bias);
            hidden.weight.extend(row);
            hidden.bias.push(bias);
        }
        let (own, theirs) = ((1.0 - share) / self.temperature, share / other.temperature);
        let mut output = Linear { weight: Vec::new(), bias: Vec::new() };
        for ((a, a_bias), (b, b_bias)) in rows(&self.output).zip(rows(&other.output)) {
            output.weight.extend(a.iter().map(|w| w * own).chain(b.iter().map(|w| w * theirs)));
            output.bias.push(a_bias * own + b_bias * theirs);
        }
        Self { hidden: hidden.into(), output, temperature: 1.0, ..self.clone() }
    }

    /// A hidden unit of `other` for features that are standardised as here.
    fn moved(&self, other: &Self, row: &[f32], bias: f32) -> (Vec<f32>, f32) {
        let each = || row.iter().zip(&other.scale).map(|(w, scale)| w * scale);
        let shift =
            each().zip(self.mean.iter().zip(&other.mean)).map(|(w, (own, theirs))| w * (own - theirs));
        let bias = bias + shift.sum::<f32>();
        (each().zip(&self.scale).map(|(w, own)| w / own).collect(), bias)
    }

    /// A linear map as a head: as x = GELU(x) - GELU(-x), two hidden units for each output.
    pub(crate) fn linear(map: &Linear) -> Self {
        let outputs = map.bias.len();
        let inputs = map.weight.len() / outputs;
        let both = |values: &[f32]| values.iter().copied().chain(values.iter().map(|v| -v)).collect();
        let weight = |at: usize| {
            let (output, unit) = (at / (2 * outputs), at % (2 * outputs));
            match unit {
                _ if unit == output => 1.0,
                _ if unit == outputs + output => -1.0,
                _ => 0.0,
            }
        };
        Self {
            mean: vec![0.0; inputs],
            scale: vec![1.0; inputs],
            hidden: Linear { weight: both(&map.weight), bias: both(&map.bias) }.into(),
            output: Linear {
                weight: (0..2 * outputs * outputs).map(weight).collect(),
                bias: vec![0.0; outputs],
            },
            temperature: 1.0,
        }
    }
}

/// The row and the bias of each output of a linear map.
fn rows(map: &Linear) -> impl Iterator<Item = (&[f32], f32)> {
    map.weight.chunks_exact(map.weight.len() / map.bias.len()).zip(map.bias.iter().copied())
}

/// Probabilities of classes that exclude each other.
pub(crate) fn softmax(logits: &[f32]) -> Vec<f32> {
    let mut out = logits.to_vec();
    let n = out.len();
    kernel::softmax(&mut out, n);
    out
}

/// Probability of a label by itself.
pub(crate) fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

fn apply(linear: &Linear, x: &[f32]) -> Vec<f32> {
    let mut y = vec![0.0; linear.bias.len()];
    kernel::one_row(&mut y, x, &linear.weight, &linear.bias);
    y
}

/// The heads of a model, by name.
#[derive(Debug, Clone, Default)]
pub struct Heads(pub BTreeMap<String, Head>);

/// Sentiment of the document.
pub const SENTIMENT: &str = "sentiment";
/// Topics of the document.
pub const TOPICS: &str = "topics";
/// Risk events of the document.
pub const EVENTS: &str = "events";
/// Sentiment towards a name.
pub const NAME_SENTIMENT: &str = "name_sentiment";
/// Risk event that befalls a name.
pub const NAME_EVENT: &str = "name_event";
/// All heads a model must have.
pub const ALL: [&str; 5] = [SENTIMENT, TOPICS, EVENTS, NAME_SENTIMENT, NAME_EVENT];
/// Heads of the whole text: n-grams may be added to them.
pub const BLENDED: [&str; 3] = [SENTIMENT, TOPICS, EVENTS];

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng, rngs::StdRng};

    use super::*;

    /// More than two registers hold, and not a multiple of what one does.
    const INPUTS: usize = 37;

    fn draw(random: &mut StdRng, count: usize) -> Vec<f32> {
        (0..count).map(|_| random.random_range(-2.0..2.0)).collect()
    }

    fn map(random: &mut StdRng, outputs: usize, inputs: usize) -> Linear {
        Linear { weight: draw(random, outputs * inputs), bias: draw(random, outputs) }
    }

    fn head(random: &mut StdRng, hidden: usize, temperature: f32) -> Head {
        Head {
            mean: draw(random, INPUTS),
            scale: draw(random, INPUTS).iter().map(|v| v.abs() + 0.1).collect(),
            hidden: map(random, hidden, INPUTS).into(),
            output: map(random, 3, hidden),
            temperature,
        }
    }

    fn near(a: &[f32], b: &[f32]) {
        assert!(a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-3), "{a:?} {b:?}");
    }

    #[test]
    fn joined_heads_say_the_mean_of_what_each_says() {
        let random = &mut StdRng::seed_from_u64(3);
        let (a, b) = (head(random, 4, 2.0), head(random, 7, 0.5));
        let features = draw(random, INPUTS);
        let mean: Vec<f32> =
            a.logits(&features).iter().zip(b.logits(&features)).map(|(a, b)| 0.7 * a + 0.3 * b).collect();
        near(&a.joined(&b, 0.3).logits(&features), &mean);
    }

    #[test]
    fn a_head_of_bytes_says_what_one_of_the_same_floats_says() {
        let random = &mut StdRng::seed_from_u64(5);
        let (bytes, features) = (head(random, 4, 2.0), draw(random, INPUTS));
        let bytes = Head { hidden: bytes.hidden.quantised(), ..bytes };
        let floats = Head { hidden: bytes.hidden.floats().into(), ..bytes.clone() };
        assert!(matches!((&bytes.hidden.weight, &floats.hidden.weight), (Table::I8 { .. }, Table::F32(_))));
        near(&bytes.logits(&features), &floats.logits(&features));
    }

    #[test]
    fn a_linear_map_is_a_head() {
        let random = &mut StdRng::seed_from_u64(4);
        let (map, features) = (map(random, 3, INPUTS), draw(random, INPUTS));
        near(&Head::linear(&map).logits(&features), &apply(&map, &features));
    }
}
