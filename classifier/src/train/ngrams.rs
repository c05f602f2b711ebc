//! Fits the n-gram tables: logistic regression on the pieces of all training texts, a
//! table for each head of the whole text. Needs no encoder.

use std::time::Instant;

use super::cases::document_goal;
use super::data::{Example, Goal};
use super::fit::Kind;
use super::minimise::minimise;
use crate::heads::{BLENDED, sigmoid, softmax};
use crate::ngrams::{BUCKETS, Cut, Ngrams, Scores, cut, row, scale};
use crate::weights::{Table, quantise};

/// Rows of the table of a head. Half as many cost sentiment .007 of accuracy and topics
/// nothing; twice as many gain neither anything.
const fn rows(kind: Kind) -> usize {
    match kind {
        Kind::One => BUCKETS,
        Kind::Many => BUCKETS / 2,
    }
}

/// Weight of the squares of the values in the loss.
const RIDGE: f64 = 3.0;
/// Steps of the fit.
const STEPS: usize = 60;

/// A text that teaches a table.
#[derive(Debug, Clone)]
struct Lesson {
    cut: Cut,
    goal: Goal,
    weight: f32,
}

/// The tables of all heads that some training text teaches and some dev text can judge.
pub(super) fn fit(examples: &[Example]) -> Ngrams {
    let mut ngrams = Ngrams::default();
    for head in BLENDED {
        let started = Instant::now();
        let (kind, goal) = document_goal(head);
        let lesson =
            |e: &Example| Some(Lesson { cut: cut(&e.text), goal: goal(e)?, weight: e.weight_for(head) });
        let lessons: Vec<Lesson> = examples.iter().filter(|e| !e.dev).filter_map(lesson).collect();
        if lessons.is_empty() || !examples.iter().any(|e| e.dev && goal(e).is_some()) {
            continue;
        }
        ngrams.0.insert(head.to_owned(), table(&lessons, kind));
        let seconds = started.elapsed().as_secs_f64();
        tracing::info!(head, texts = lessons.len(), seconds, "fitted n-grams of {head}");
    }
    ngrams
}

/// Least loss with [`RIDGE`]. A piece counts by how rare it is: `ln((1 + n) / (1 + of it)) + 1`.
fn table(lessons: &[Lesson], kind: Kind) -> Scores {
    let (rows, outputs) = (rows(kind), lessons.first().map_or(0, |l| l.goal.labels.len()));
    let rarity = rarity(lessons, rows);
    let fitted = minimise(vec![0.0; (rows + 1) * outputs], STEPS, |values, gradient| {
        loss(lessons, kind, &rarity, values, gradient)
    });
    let (values, bias) = fitted.split_at(rows * outputs);
    let scaled =
        values.chunks_exact(outputs).zip(&rarity).flat_map(|(row, r)| row.iter().map(move |v| v * r));
    let (rows, scales) = quantise(&scaled.collect::<Vec<f32>>(), outputs);
    Scores { rows: Table::I8 { rows, scales }, bias: bias.to_vec() }
}

fn rarity(lessons: &[Lesson], rows: usize) -> Vec<f32> {
    let mut counts = vec![0usize; rows];
    for bucket in lessons.iter().flat_map(|l| &l.cut.buckets) {
        counts[row(*bucket, rows)] += 1;
    }
    let all = 1.0 + lessons.len() as f32;
    counts.into_iter().map(|count| (all / (1.0 + count as f32)).ln() + 1.0).collect()
}

/// Loss at `values` (rows, then the bias); overwrites its gradient.
fn loss(lessons: &[Lesson], kind: Kind, rarity: &[f32], values: &[f32], gradient: &mut [f32]) -> f64 {
    let outputs = values.len() / (rarity.len() + 1);
    let (table, bias) = values.split_at(rarity.len() * outputs);
    let (slopes, bias_slopes) = gradient.split_at_mut(table.len());
    let mut sum = 0.0;
    for (slope, value) in slopes.iter_mut().zip(table) {
        *slope = RIDGE as f32 * value;
        sum += 0.5 * RIDGE * f64::from(*value) * f64::from(*value);
    }
    bias_slopes.fill(0.0);
    let mut logits = vec![0.0; outputs];
    for lesson in lessons {
        let scale = scale(&lesson.cut);
        logits.copy_from_slice(bias);
        for bucket in &lesson.cut.buckets {
            let at = row(*bucket, rarity.len());
            let (x, row) = (scale * rarity[at], &table[at * outputs..(at + 1) * outputs]);
            logits.iter_mut().zip(row).for_each(|(z, w)| *z += x * w);
        }
        sum += f64::from(slope(&mut logits, &lesson.goal, lesson.weight, kind));
        for bucket in &lesson.cut.buckets {
            let at = row(*bucket, rarity.len());
            let (x, row) = (scale * rarity[at], &mut slopes[at * outputs..(at + 1) * outputs]);
            row.iter_mut().zip(&logits).for_each(|(g, d)| *g += x * d);
        }
        bias_slopes.iter_mut().zip(&logits).for_each(|(g, d)| *g += d);
    }
    sum
}

/// The loss of one text as the heads have it (`fit::weighed`, not divided by the weights);
/// turns its logits into the slope of the loss along them.
fn slope(logits: &mut [f32], goal: &Goal, weight: f32, kind: Kind) -> f32 {
    match kind {
        Kind::One => {
            let weight = weight * goal.weights.iter().copied().fold(0.0, f32::max);
            let p = softmax(logits);
            let each = logits.iter_mut().zip(&p).zip(&goal.labels);
            each.map(|((z, p), y)| {
                *z = weight * (p - y);
                -weight * y * p.max(1e-12).ln()
            })
            .sum()
        }
        Kind::Many => {
            let first = goal.first.map(|first| (first, among(logits, goal)));
            let each = logits.iter_mut().zip(&goal.labels).zip(&goal.weights);
            let mut loss: f32 = each
                .map(|((z, y), w)| {
                    let loss = z.max(0.0) - *z * y + (-z.abs()).exp().ln_1p();
                    *z = weight * w * (sigmoid(*z) - y);
                    weight * w * loss
                })
                .sum();
            if let Some((first, p)) = first {
                loss -= weight * p[first].max(1e-12).ln();
                for (at, (d, p)) in logits.iter_mut().zip(&p).enumerate() {
                    *d += weight * (p - if at == first { 1.0 } else { 0.0 });
                }
            }
            loss
        }
    }
}

/// Probability of each label to be the first of those that the set covers.
fn among(logits: &[f32], goal: &Goal) -> Vec<f32> {
    let open = logits.iter().zip(&goal.weights).map(|(z, w)| if *w > 0.0 { *z } else { -1e4 });
    softmax(&open.collect::<Vec<f32>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goal(labels: &[f32], weights: &[f32], first: Option<usize>) -> Goal {
        Goal { labels: labels.to_vec(), weights: weights.to_vec(), first }
    }

    #[test]
    fn slopes_are_the_differences_of_the_loss() {
        let goals = [
            (Kind::One, goal(&[0.0, 1.0, 0.0], &[1.0; 3], None)),
            (Kind::Many, goal(&[1.0, 0.0, 0.0], &[1.0, 0.3, 0.0], None)),
            (Kind::Many, goal(&[1.0, 0.0, 0.0], &[1.0, 0.3, 0.0], Some(0))),
        ];
        let at = [0.4, -0.7, 1.1];
        for (kind, goal) in goals {
            let mut slopes = at;
            slope(&mut slopes, &goal, 2.0, kind);
            for (i, found) in slopes.iter().enumerate() {
                let moved = |by: f32| {
                    let mut logits = at;
                    logits[i] += by;
                    slope(&mut logits, &goal, 2.0, kind)
                };
                let wanted = (moved(1e-2) - moved(-1e-2)) / 2e-2;
                assert!((found - wanted).abs() < 2e-3, "{kind:?} {i}: {found} is not {wanted}");
            }
        }
    }

    #[test]
    fn a_word_that_decides_is_learned_and_labels_of_weight_zero_are_not() {
        let texts = ["shares fell again", "shares rose again", "prices fell today", "prices rose today"];
        let lesson = |(i, text): (usize, &&str)| Lesson {
            cut: cut(text),
            goal: goal(&[(i % 2) as f32, 1.0], &[1.0, 0.0], None),
            weight: 10.0,
        };
        let lessons: Vec<Lesson> = texts.iter().enumerate().map(lesson).collect();
        let scores = table(&lessons, Kind::Many);
        let told = |text: &str| scores.logits(&cut(text));
        assert!(told("oil rose")[0] > 0.5 && told("oil fell")[0] < -0.5, "{:?}", told("oil rose"));
        assert_eq!(told("oil rose")[1], 0.0);
    }
}
