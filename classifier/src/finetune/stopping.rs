//! Early stopping: which checkpoint was the best on dev, and whether it is worth going on.

/// The best checkpoint so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Best {
    /// Its number, from 1; 0 before the first.
    pub(super) checkpoint: usize,
    /// Mean dev score.
    pub(super) score: f64,
}

impl Best {
    /// With another checkpoint, the `checkpoint`th.
    pub(super) fn and(self, checkpoint: usize, score: f64) -> Self {
        if self.checkpoint == 0 || score > self.score { Self { checkpoint, score } } else { self }
    }

    /// Whether none of the last `patience` of `checkpoints` was the best; never with 0.
    pub(super) const fn is_past(self, checkpoints: usize, patience: usize) -> bool {
        patience > 0 && checkpoints - self.checkpoint >= patience
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_past_its_best_when_nothing_was_better_for_so_long() {
        let scores = [0.5, 0.7, 0.6, 0.7, 0.4];
        let mut best = Best::default();
        let past = scores.iter().enumerate().map(|(i, score)| {
            best = best.and(i + 1, *score);
            best.is_past(i + 1, 3)
        });
        assert_eq!(past.collect::<Vec<_>>(), [false, false, false, false, true]);
        assert_eq!(best, Best { checkpoint: 2, score: 0.7 });
        assert!(!best.is_past(500, 0));
    }
}
