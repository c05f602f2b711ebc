//! Which labels a document has: those that reach their thresholds, and of these so many at most.

use crate::document::round;
use crate::heads::sigmoid;
use crate::model::Rule;

/// Each label with its probability, and whether that reaches its threshold.
pub(super) fn scored(rules: &[Rule], logits: Vec<f32>) -> impl Iterator<Item = (String, f32, bool)> {
    rules.iter().zip(logits).map(|(rule, z)| {
        let p = round(sigmoid(z));
        (rule.id.clone(), p, p >= rule.threshold)
    })
}

/// `all`, of which no more than `most` stay selected: the most probable.
pub(super) fn at_most<T>(most: usize, mut all: Vec<(T, bool)>, p: impl Fn(&T) -> f32) -> Vec<(T, bool)> {
    let mut chosen: Vec<&mut (T, bool)> = all.iter_mut().filter(|(_, on)| *on).collect();
    chosen.sort_by(|a, b| p(&b.0).total_cmp(&p(&a.0)));
    for (_, on) in chosen.into_iter().skip(most) {
        *on = false;
    }
    all
}

/// The selected of `all`, the most probable first.
pub(super) fn selected<T: Clone>(all: &[(T, bool)], p: impl Fn(&T) -> f32) -> Vec<T> {
    let mut chosen: Vec<T> = all.iter().filter(|(_, on)| *on).map(|(score, _)| score.clone()).collect();
    chosen.sort_by(|a, b| p(b).total_cmp(&p(a)));
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_are_selected_than_are_listed() {
        let scores = vec![(0.5, true), (0.9, true), (0.99, false), (0.7, true), (0.6, true)];
        let kept = at_most(3, scores, |p: &f32| *p);
        assert_eq!(kept.iter().map(|(_, on)| *on).collect::<Vec<_>>(), [false, true, false, true, true]);
        assert_eq!(selected(&kept, |p| *p), [0.9, 0.7, 0.6]);
    }
}
