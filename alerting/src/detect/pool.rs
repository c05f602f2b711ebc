//! What the subjects of one partition have in common: a prior for those of which
//! little is known. Frozen from midnight to midnight of event time, so that a day
//! replayed judges by the same numbers.

use serde::{Deserialize, Serialize};

use super::baseline::Baseline;
use super::bin::{BINS_PER_DAY, BINS_PER_HOUR, Bin};
use super::moments::Moments;

pub(crate) const SEASONS: usize = 48;
/// Classes of hourly means: 2^-8 and below, …, 2^6 and above.
const CLASSES: usize = 15;
const LOWEST_CLASS: f64 = -8.0;
/// Negative documents that a flat season is worth against the pooled one.
const FLAT_SEASON: f64 = 50.0;
/// The over-dispersion, and below it the correlation, that are assumed of a window before any was seen, and how
/// many units of evidence each assumption is worth.
const DISPERSION: f64 = 1.0;
pub(crate) const DISPERSION_UNITS: f64 = 8.0;
const CORRELATION: f64 = 0.05;
pub(crate) const CORRELATION_UNITS: f64 = 20.0;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pool {
    /// Season of all subjects together.
    factors: Vec<f64>,
    /// Over-dispersion of windows by class of their mean.
    dispersion: Vec<f64>,
    /// Correlation of labels within a window.
    pub(crate) correlation: f64,
    /// Negative documents a bin of a subject nothing is known about.
    pub(crate) rate: f64,
}

impl Default for Pool {
    fn default() -> Self {
        Self::of(std::iter::empty())
    }
}

impl Pool {
    /// The prior that these subjects suggest; in the order given.
    pub(crate) fn of<'a>(subjects: impl Iterator<Item = &'a Baseline>) -> Self {
        let mut season = vec![(FLAT_SEASON, FLAT_SEASON); SEASONS];
        let mut classes =
            vec![Moments { excess: DISPERSION * DISPERSION_UNITS, unit: DISPERSION_UNITS }; CLASSES];
        let mut tone = Moments { excess: CORRELATION * CORRELATION_UNITS, unit: CORRELATION_UNITS };
        let (mut seen, mut bins) = (0.5, 0.5 * BINS_PER_DAY as f64);
        for subject in subjects {
            for (sum, own) in season.iter_mut().zip(&subject.season) {
                *sum = (sum.0 + own.0, sum.1 + own.1);
            }
            let class = class(subject.typical() * BINS_PER_HOUR as f64);
            classes[class].add(subject.windows);
            tone.add(subject.shares);
            seen += subject.seen;
            bins += subject.bins;
        }
        Self {
            factors: season.into_iter().map(|(seen, expected)| seen / expected).collect(),
            dispersion: classes.into_iter().map(|sums| (sums.excess / sums.unit).clamp(0.02, 50.0)).collect(),
            correlation: (tone.excess / tone.unit).clamp(0.01, 0.5),
            rate: seen / bins,
        }
    }

    pub(crate) fn factor(&self, bin: Bin) -> f64 {
        self.factors.get(bin.season()).copied().unwrap_or(1.0)
    }

    /// Over-dispersion of windows with about this mean.
    pub(crate) fn dispersion(&self, mean: f64) -> f64 {
        self.dispersion.get(class(mean)).copied().unwrap_or(DISPERSION)
    }
}

fn class(mean: f64) -> usize {
    let class = mean.max(1e-9).log2().floor() - LOWEST_CLASS;
    class.clamp(0.0, (CLASSES - 1) as f64) as usize
}
