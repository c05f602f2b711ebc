//! Temperature, thresholds and the abstain bound, all chosen on dev.

use super::data::Goal;
use super::fit::{Case, Kind};
use crate::heads::{Head, sigmoid, softmax};

/// The temperature with the least loss on the dev rows; sets it.
pub fn temperature(head: &mut Head, cases: &[Case<'_>], kind: Kind) {
    head.temperature = 1.0;
    let dev: Vec<(Vec<f32>, &Case<'_>)> =
        cases.iter().filter(|c| c.dev).map(|c| (head.logits(c.features), c)).collect();
    if dev.is_empty() {
        return;
    }
    let loss = |t: f32| -> f32 { dev.iter().map(|(z, c)| nll(z, t, &c.goal, kind) * c.weight).sum() };
    let tried = (8..=80).map(|i| i as f32 / 20.0);
    let best = tried.map(|t| (loss(t), t)).min_by(|a, b| a.0.total_cmp(&b.0));
    head.temperature = best.map_or(1.0, |(_, t)| t);
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
pub fn thresholds(head: &Head, cases: &[Case<'_>]) -> Vec<f32> {
    let dev: Vec<(Vec<f32>, &Case<'_>)> =
        cases.iter().filter(|c| c.dev).map(|c| (head.logits(c.features), c)).collect();
    (0..head.output.bias.len()).map(|label| threshold(&dev, label)).collect()
}

fn threshold(dev: &[(Vec<f32>, &Case<'_>)], label: usize) -> f32 {
    let rows = dev.iter().filter_map(|(z, c)| {
        let weight = c.goal.weights.get(label)? * c.weight;
        (weight > 0.0).then_some((sigmoid(*z.get(label)?), *c.goal.labels.get(label)? > 0.5, weight))
    });
    let rows: Vec<(f32, bool, f32)> = rows.collect();
    if rows.iter().filter(|r| r.1).count() < 3 {
        return 0.3;
    }
    let f1 = |t: f32| {
        let (mut hit, mut wrong) = (0.0, 0.0);
        for (p, on, weight) in &rows {
            match (*p >= t, *on) {
                (true, true) => hit += 2.0 * weight,
                (true, false) | (false, true) => wrong += weight,
                (false, false) => {}
            }
        }
        hit / f32::max(hit + wrong, 1e-9)
    };
    let tried = (3..=18).map(|i| i as f32 / 20.0);
    let best = tried.map(|t| (f1(t), t)).max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
    best.map_or(0.3, |(_, t)| t)
}

/// The least confidence from which on answers on dev are right `wanted` of the time;
/// at most 0.6, so that a weak model still answers.
pub fn abstain_below(head: &Head, cases: &[Case<'_>], wanted: f32) -> f32 {
    let mut answers: Vec<(f32, bool)> = cases
        .iter()
        .filter(|c| c.dev)
        .filter_map(|c| {
            let p = head.softmax(c.features);
            let (best, confidence) = p.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1))?;
            Some((confidence, *c.goal.labels.get(best)? > 0.5))
        })
        .collect();
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
