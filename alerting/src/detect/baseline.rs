//! What is normal for one subject: its level and season (a Gamma–Poisson filter
//! with discount, Harvey & Fernandes 1989), its share of negative documents, and
//! how much its windows vary beyond that.

use serde::{Deserialize, Serialize};

use super::bin::Bin;
use super::moments::Moments;
use super::pool::{CORRELATION_UNITS, DISPERSION_UNITS, Pool, SEASONS};

/// Half-lives of level (7 days), tone (14 days), one season's hour (28 visited
/// days of 12 bins), and dispersion (28 days of hourly windows).
const LEVEL_BINS: f64 = 2016.0;
const TONE_BINS: f64 = 4032.0;
const SEASON_BINS: f64 = 336.0;
const DISPERSION_HOURS: f64 = 672.0;
/// Negative documents that the pooled season is worth against one's own.
const SEASON_PRIOR: f64 = 4.0;
/// Bins (28 days). A younger subject's season counts by its square root only.
const TRUST_AFTER: u32 = 8064;
/// Beta(1, 2): the share of negative documents before any was seen.
const TONE_PRIOR: (f64, f64) = (1.0, 2.0);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Baseline {
    /// Discounted negative documents and the bins (seasonally weighted) they came in.
    pub(crate) seen: f64,
    pub(crate) bins: f64,
    /// Seen and expected negative documents by hour of weekday and weekend.
    pub(crate) season: Vec<(f64, f64)>,
    /// Discounted negative documents, and all.
    tone: (f64, f64),
    /// Dispersion of hourly windows, of single bins, and of their negative share.
    pub(crate) windows: Moments,
    singles: Moments,
    pub(crate) shares: Moments,
    hour: Hour,
    age: u32,
}

/// The clock hour that is being learned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Hour {
    negative: f64,
    all: f64,
    mean: f64,
}

/// The factor of each step with which a sum halves in so many steps.
fn half_life(steps: f64) -> f64 {
    (-1.0 / steps).exp2()
}

impl Baseline {
    /// A subject that was not heard of for `silent` bins in which it could have been.
    pub(crate) fn after_silence(silent: u32) -> Self {
        let discount = half_life(LEVEL_BINS);
        Self {
            seen: 0.0,
            bins: (1.0 - discount.powf(f64::from(silent))) / (1.0 - discount),
            season: vec![(0.0, 0.0); SEASONS],
            tone: (0.0, 0.0),
            windows: Moments::default(),
            singles: Moments::default(),
            shares: Moments::default(),
            hour: Hour::default(),
            age: 0,
        }
    }

    /// Negative documents a bin, the season taken out.
    fn level(&self, pool: &Pool) -> f64 {
        (self.seen + 0.5) / (self.bins + 0.5 / pool.rate)
    }

    /// As [`Self::level`] without a prior, for sorting subjects by size.
    pub(crate) fn typical(&self) -> f64 {
        (self.seen + 0.5) / (self.bins + 1.0)
    }

    fn factor(&self, bin: Bin, pool: &Pool) -> f64 {
        let (seen, expected) = self.season.get(bin.season()).copied().unwrap_or_default();
        let factor = (seen + SEASON_PRIOR * pool.factor(bin)) / (expected + SEASON_PRIOR);
        if self.age < TRUST_AFTER { factor.sqrt() } else { factor }
    }

    /// Negative documents to be expected in `bin`.
    pub(crate) fn mean(&self, bin: Bin, pool: &Pool) -> f64 {
        self.level(pool) * self.factor(bin, pool)
    }

    /// The share of negative documents to be expected.
    pub(crate) fn share(&self) -> f64 {
        (self.tone.0 + TONE_PRIOR.0) / (self.tone.1 + TONE_PRIOR.0 + TONE_PRIOR.1)
    }

    /// Over-dispersion of a window with this mean.
    pub(crate) fn dispersion(&self, mean: f64, pool: &Pool) -> f64 {
        self.windows.shrunk(pool.dispersion(mean), DISPERSION_UNITS).clamp(0.02, 50.0)
    }

    pub(crate) fn correlation(&self, pool: &Pool) -> f64 {
        self.shares.shrunk(pool.correlation, CORRELATION_UNITS).clamp(0.01, 0.5)
    }

    /// Learns what one bin held, robustly: a surge counts at most as a large bin.
    pub(crate) fn learn(&mut self, bin: Bin, negative: f64, all: f64, pool: &Pool) {
        let (level, factor) = (self.level(pool), self.factor(bin, pool));
        let mean = level * factor;
        let capped = negative.min(self.cap(mean));
        let kept = if negative > 0.0 { capped / negative } else { 1.0 };
        self.singles.learn(half_life(TRUST_AFTER.into()), (capped - mean).powi(2) - capped, mean * mean);
        self.seen = self.seen * half_life(LEVEL_BINS) + capped;
        self.bins = self.bins * half_life(LEVEL_BINS) + factor;
        if let Some(season) = self.season.get_mut(bin.season()) {
            let discount = half_life(SEASON_BINS);
            *season = (season.0 * discount + capped, season.1 * discount + level);
        }
        let discount = half_life(TONE_BINS);
        self.tone = (self.tone.0 * discount + capped, self.tone.1 * discount + all * kept);
        self.hour.negative += negative;
        self.hour.all += all;
        self.hour.mean += mean;
        self.age = self.age.saturating_add(1);
        if bin.ends_an_hour() {
            self.learn_hour(pool);
        }
    }

    /// The most of one bin that is learned: 2.58 standard deviations above its mean (99.5 % of a normal
    /// distribution), and one more.
    fn cap(&self, mean: f64) -> f64 {
        let dispersion = self.singles.shrunk(1.0, DISPERSION_UNITS).clamp(0.02, 50.0);
        mean + 2.58 * (mean + dispersion * mean * mean).sqrt() + 1.0
    }

    /// Dispersion is learned on whole windows: single bins hide that bad hours come together.
    fn learn_hour(&mut self, pool: &Pool) {
        let Hour { negative, all, mean } = std::mem::take(&mut self.hour);
        let discount = half_life(DISPERSION_HOURS);
        let dispersion = self.dispersion(mean, pool);
        let capped = negative.min(mean + 4.0 * (mean + dispersion * mean * mean).sqrt() + 3.0);
        self.windows.learn(discount, (capped - mean).powi(2) - capped, mean * mean);
        if all >= 2.0 {
            let share = self.share();
            let spread = share * (1.0 - share);
            let excess = (negative - all * share).powi(2) - all * spread;
            self.shares.learn(discount, excess, all * (all - 1.0) * spread);
        }
    }
}
