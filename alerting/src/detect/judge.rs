//! One window held against its baseline: p values of volume and tone, and whether
//! they lie under the subject's part of the budget.

use tocsin_contract::{AlertKind, Severity};

use super::baseline::Baseline;
use super::combine::cauchy;
use super::pool::Pool;
use super::ring::Ring;
use super::tail::{ln_beta_binomial, ln_negative_binomial};

/// What a window amounts to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Finding {
    pub(crate) observed: f64,
    pub(crate) expected: f64,
    pub(crate) documents: f64,
    pub(crate) publishers: u32,
    volume: f64,
    tone: f64,
    /// Of both tests together; 1 where neither was made.
    pub(crate) p: f64,
    pub(crate) threshold: f64,
}

/// The counts from which on the tests are made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Least {
    pub(crate) volume: f64,
    pub(crate) tone: f64,
}

impl Finding {
    pub(crate) fn of(
        ring: &Ring,
        baseline: &Baseline,
        pool: &Pool,
        least: Least,
        publishers: u32,
        threshold: f64,
    ) -> Self {
        let total = ring.total();
        let (observed, documents) = (total.negative(), total.all());
        let expected: f64 = ring.bins().map(|bin| baseline.mean(bin, pool)).sum();
        let volume = (observed >= least.volume)
            .then(|| ln_negative_binomial(observed, expected, baseline.dispersion(expected, pool)).exp());
        let tone = (observed >= least.tone).then(|| {
            let negative = observed.floor() as u32;
            let all = (documents.round() as u32).max(negative);
            ln_beta_binomial(negative, all, baseline.share(), baseline.correlation(pool)).exp()
        });
        let p = match (volume, tone) {
            (Some(volume), Some(tone)) => cauchy(volume, tone),
            (Some(p), None) | (None, Some(p)) => p.max(f64::MIN_POSITIVE),
            (None, None) => 1.0,
        };
        let (volume, tone) = (volume.unwrap_or(1.0), tone.unwrap_or(1.0));
        Self { observed, expected, documents, publishers, volume, tone, p, threshold }
    }

    /// How bad it is; nothing where the window is within the budget.
    pub(crate) fn severity(&self) -> Option<Severity> {
        if self.p >= self.threshold {
            return None;
        }
        let doubled = self.observed >= 2.0 * self.expected;
        Some(if self.p < self.threshold * 1e-6 && doubled && self.publishers >= 3 {
            Severity::Critical
        } else if self.p < self.threshold * 1e-3 {
            Severity::High
        } else {
            Severity::Warning
        })
    }

    /// Which test passed.
    pub(crate) fn kind(&self) -> AlertKind {
        match (self.volume < self.threshold, self.tone < self.threshold) {
            (true, false) => AlertKind::Volume,
            (false, true) => AlertKind::Tone,
            (true, true) | (false, false) => AlertKind::Both,
        }
    }
}

/// A finding with this p value, critical if it is low enough.
#[cfg(test)]
pub(crate) fn sample(p: f64, threshold: f64) -> Finding {
    let (observed, expected, documents) = (20.0, 1.0, 20.0);
    Finding { observed, expected, documents, publishers: 3, volume: p, tone: 1.0, p, threshold }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severity_needs_more_than_a_small_p_value_to_be_critical() {
        let worst = sample(1e-12, 1e-4);
        assert_eq!(worst.severity(), Some(Severity::Critical));
        assert_eq!(Finding { publishers: 2, ..worst }.severity(), Some(Severity::High));
        assert_eq!(Finding { expected: 10.1, ..worst }.severity(), Some(Severity::High));
        assert_eq!(sample(5e-5, 1e-4).severity(), Some(Severity::Warning));
        assert_eq!(sample(1e-4, 1e-4).severity(), None);
    }

    #[test]
    fn the_kind_is_the_test_that_passed() {
        let volume = sample(1e-9, 1e-4);
        assert_eq!(volume.kind(), AlertKind::Volume);
        assert_eq!(Finding { tone: 1e-5, ..volume }.kind(), AlertKind::Both);
        assert_eq!(Finding { volume: 0.3, tone: 1e-5, ..volume }.kind(), AlertKind::Tone);
    }
}
