//! The small networks that read features: standardise, one hidden layer, GELU,
//! linear. Owns their arithmetic and calibration, not how they are trained.

use std::collections::BTreeMap;

use crate::kernel;
use crate::weights::Linear;

/// One head. `temperature` divides its outputs, so that probabilities are honest.
#[derive(Debug, Clone)]
pub struct Head {
    pub mean: Vec<f32>,
    /// One over the standard deviation.
    pub scale: Vec<f32>,
    pub hidden: Linear,
    pub output: Linear,
    pub temperature: f32,
}

impl Head {
    /// Calibrated logits of one feature vector.
    pub fn logits(&self, features: &[f32]) -> Vec<f32> {
        let centred = features.iter().zip(&self.mean).zip(&self.scale);
        let standard: Vec<f32> = centred.map(|((v, m), s)| (v - m) * s).collect();
        let mut hidden = apply(&self.hidden, &standard);
        kernel::gelu(&mut hidden);
        let mut out = apply(&self.output, &hidden);
        out.iter_mut().for_each(|v| *v /= self.temperature);
        out
    }
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
