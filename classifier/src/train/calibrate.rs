//! Temperature, thresholds and the abstain bound, all chosen on dev.

use super::data::Goal;
use super::fit::{Case, Kind};
use crate::heads::{Head, sigmoid, softmax};

/// A dev text and the logits that it got.
#[derive(Debug, Clone)]
pub struct Judged<'a> {
    pub logits: Vec<f32>,
    pub case: &'a Case<'a>,
}

/// What `head` says of the dev cases.
pub fn judged<'a>(head: &Head, cases: &'a [Case<'a>]) -> Vec<Judged<'a>> {
    let dev = cases.iter().filter(|c| c.dev);
    dev.map(|case| Judged { logits: head.logits(case.features), case }).collect()
}

/// Sets the temperature with the least loss on the dev cases; gives what the head then says.
pub fn temperature<'a>(head: &mut Head, cases: &'a [Case<'a>], kind: Kind) -> Vec<Judged<'a>> {
    head.temperature = 1.0;
    let mut dev = judged(head, cases);
    if !dev.is_empty() {
        let tried = (8..=80).map(|i| i as f32 / 20.0);
        let best = tried.map(|t| (loss(&dev, t, kind), t)).min_by(|a, b| a.0.total_cmp(&b.0));
        head.temperature = best.map_or(1.0, |(_, t)| t);
    }
    for judged in &mut dev {
        judged.logits.iter_mut().for_each(|z| *z /= head.temperature);
    }
    dev
}

/// Loss of all texts at a temperature, by weight.
pub fn loss(dev: &[Judged<'_>], temperature: f32, kind: Kind) -> f32 {
    dev.iter().map(|d| nll(&d.logits, temperature, &d.case.goal, kind) * d.case.weight).sum()
}

fn nll(logits: &[f32], temperature: f32, goal: &Goal, kind: Kind) -> f32 {
    let scaled: Vec<f32> = logits.iter().map(|z| z / temperature).collect();
    match kind {
        Kind::One => {
            -softmax(&scaled).iter().zip(&goal.labels).map(|(p, y)| y * p.max(1e-9).ln()).sum::<f32>()
        }
        Kind::Many => {
            let each = scaled.iter().zip(&goal.labels).zip(&goal.weights);
            each.map(|((z, y), w)| w * (z.max(0.0) - z * y + (-z.abs()).exp().ln_1p())).sum()
        }
    }
}

/// For each label the threshold of the best F1 on dev rows that know it, by weight.
/// A label with fewer than 3 dev texts takes 0.3: rare labels are seldom over-confident.
pub fn thresholds(dev: &[Judged<'_>]) -> Vec<f32> {
    let labels = dev.first().map_or(0, |d| d.logits.len());
    (0..labels).map(|label| threshold(dev, label)).collect()
}

fn threshold(dev: &[Judged<'_>], label: usize) -> f32 {
    let rows: Vec<(f32, bool, f32)> = dev.iter().filter_map(|d| answer(d, label)).collect();
    if rows.iter().filter(|r| r.1).count() < 3 {
        return 0.3;
    }
    let tried = (3..=18).map(|i| i as f32 / 20.0);
    let f1 = |t: f32| rows.iter().fold(Overlap::default(), |sum, row| sum.and(*row, t)).f1();
    let best = tried.map(|t| (f1(t), t)).max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
    best.map_or(0.3, |(_, t)| t)
}

/// F1 over all labels of all dev rows that know them, by weight.
pub fn micro_f1(dev: &[Judged<'_>], thresholds: &[f32]) -> f32 {
    let mut sum = Overlap::default();
    for judged in dev {
        for (label, threshold) in thresholds.iter().enumerate() {
            if let Some(answer) = answer(judged, label) {
                sum = sum.and(answer, *threshold);
            }
        }
    }
    sum.f1()
}

/// Probability, truth and weight of one label of one text; `None` where it is not known.
fn answer(judged: &Judged<'_>, label: usize) -> Option<(f32, bool, f32)> {
    let goal = &judged.case.goal;
    let weight = goal.weights.get(label)? * judged.case.weight;
    (weight > 0.0).then_some((sigmoid(*judged.logits.get(label)?), *goal.labels.get(label)? > 0.5, weight))
}

/// Twice the weight of what was rightly said, and that of what was not.
#[derive(Debug, Clone, Copy, Default)]
struct Overlap {
    hit: f32,
    wrong: f32,
}

impl Overlap {
    fn and(self, (p, on, weight): (f32, bool, f32), threshold: f32) -> Self {
        match (p >= threshold, on) {
            (true, true) => Self { hit: self.hit + 2.0 * weight, ..self },
            (true, false) | (false, true) => Self { wrong: self.wrong + weight, ..self },
            (false, false) => self,
        }
    }

    fn f1(self) -> f32 {
        self.hit / f32::max(self.hit + self.wrong, 1e-9)
    }
}

/// The least confidence from which on answers on dev are right `wanted` of the time;
/// at most 0.6, so that a weak model still answers.
pub fn abstain_below(dev: &[Judged<'_>], wanted: f32) -> f32 {
    let answer = |d: &Judged<'_>| {
        let p = softmax(&d.logits);
        let (best, confidence) = p.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1))?;
        Some((confidence, *d.case.goal.labels.get(best)? > 0.5))
    };
    let mut answers: Vec<(f32, bool)> = dev.iter().filter_map(answer).collect();
    answers.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut right, mut bound) = (0.0, 0.6);
    for (count, (confidence, hit)) in answers.iter().enumerate() {
        right += if *hit { 1.0 } else { 0.0 };
        if count >= 20 && right / (count + 1) as f32 >= wanted {
            bound = *confidence;
        }
    }
    f32::min(bound, 0.6)
}
