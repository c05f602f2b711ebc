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

/// Dev texts of a label without which its threshold is not chosen.
const TELLING: usize = 3;
/// The threshold of such a label: rare ones are seldom over-confident.
const RARE: f32 = 0.3;

/// For each label the threshold of the best F1 on dev rows that know it, by weight.
/// A label with fewer than 3 dev texts takes 0.3.
pub fn thresholds(dev: &[Judged<'_>]) -> Vec<f32> {
    let labels = dev.first().map_or(0, |d| d.logits.len());
    (0..labels).map(|label| threshold(dev, label)).collect()
}

fn threshold(dev: &[Judged<'_>], label: usize) -> f32 {
    let rows: Vec<(f32, bool, f32)> = dev.iter().filter_map(|d| answer(d, label)).collect();
    if rows.iter().filter(|r| r.1).count() < TELLING {
        return RARE;
    }
    let tried = (3..=18).map(|i| i as f32 / 20.0);
    let f1 = |t: f32| rows.iter().fold(Overlap::default(), |sum, row| sum.and(*row, t)).f1();
    let best = tried.map(|t| (f1(t), t)).max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
    best.map_or(RARE, |(_, t)| t)
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

/// Answers of like confidence that are judged together.
const ALIKE: usize = 101;
/// The fewest of them: one of ten answers says little about a bound.
const FEWEST: usize = 11;
/// The likeliest of three classes is at least so sure.
const LEAST: f32 = 1.0 / 3.0;
/// A bound no higher: calibrated answers are right more often than not well below it, and a weak model still answers.
const MOST: f32 = 0.6;

/// The confidence below which a sentiment abstains: the least from which on answers of like confidence are right on dev
/// at least as often as not, at each confidence above it too.
pub fn abstain_below(dev: &[Judged<'_>]) -> f32 {
    let answer = |d: &Judged<'_>| {
        let p = softmax(&d.logits);
        let (best, confidence) = p.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1))?;
        Some((confidence, *d.case.goal.labels.get(best)? > 0.5))
    };
    let mut answers: Vec<(f32, bool)> = dev.iter().filter_map(answer).collect();
    answers.sort_by(|a, b| a.0.total_cmp(&b.0));
    let alike = (answers.len() / 10).clamp(FEWEST, ALIKE).min(answers.len()).max(1);
    let mut windows = answers.windows(alike);
    let is_wrong = |window: &[(f32, bool)]| 2 * window.iter().filter(|(_, hit)| *hit).count() < alike;
    let bound = match windows.clone().rposition(is_wrong) {
        None => Some(LEAST),
        Some(last) => windows.nth(last + 1).and_then(|window| window.get(alike / 2)).map(|(c, _)| *c),
    };
    bound.unwrap_or(MOST).clamp(LEAST, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first of three classes, said with this confidence, and whether it is right.
    fn case((confidence, right): (f32, bool)) -> (Vec<f32>, Case<'static>) {
        let labels = if right { vec![1.0, 0.0, 0.0] } else { vec![0.0, 1.0, 0.0] };
        let other = (1.0 - confidence) / 2.0;
        let goal = Goal { labels, weights: vec![1.0; 3], first: None };
        let case = Case { text: "", features: &[], goal, weight: 1.0, dev: true };
        ([confidence, other, other].map(f32::ln).into(), case)
    }

    fn bound(answers: impl Iterator<Item = (f32, bool)>) -> f32 {
        let cases: Vec<(Vec<f32>, Case<'_>)> = answers.map(case).collect();
        let judged: Vec<Judged<'_>> =
            cases.iter().map(|(logits, case)| Judged { logits: logits.clone(), case }).collect();
        abstain_below(&judged)
    }

    /// So many answers of each confidence from .34 to .99, of which `right` says how many in ten are right.
    fn answers(of_each: usize, right: impl Fn(f32) -> usize) -> impl Iterator<Item = (f32, bool)> {
        (34..100).rev().flat_map(move |hundredths| {
            let confidence = hundredths as f32 / 100.0;
            let right = right(confidence);
            (0..of_each).map(move |i| (confidence, i % 10 < right))
        })
    }

    #[test]
    fn a_sentiment_abstains_where_answers_of_like_confidence_are_mostly_wrong() {
        // Nine in ten are right over all: that says nothing of those that are not sure.
        for of_each in [10, 40] {
            let bound = bound(answers(of_each, |c| if c < 0.45 { 3 } else { 10 }));
            assert!((bound - 0.45).abs() < 0.05, "{of_each}: {bound}");
        }
    }

    #[test]
    fn a_dip_above_is_above_no_bound_and_the_bound_is_from_a_third_to_six_tenths() {
        let dip = bound(answers(40, |c| if (0.5..0.55).contains(&c) { 2 } else { 9 }));
        assert!((dip - 0.55).abs() < 0.03, "{dip}");
        assert_eq!(bound(answers(40, |_| 9)), LEAST);
        assert_eq!(bound(answers(40, |_| 1)), MOST);
        assert_eq!(bound(answers(40, |c| if c < 0.8 { 1 } else { 9 })), MOST);
        assert_eq!(bound(std::iter::empty()), LEAST);
        assert_eq!(bound([(0.4, true), (0.9, true)].into_iter()), LEAST);
    }
}
