//! Over-dispersion by moments: how much more windows vary than their mean explains,
//! shrunk to what similar windows of other subjects did.

use serde::{Deserialize, Serialize};

/// Discounted sums of excess variance and of what it is measured in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Moments {
    pub(crate) excess: f64,
    pub(crate) unit: f64,
}

impl Moments {
    pub(crate) fn learn(&mut self, discount: f64, excess: f64, unit: f64) {
        self.excess = self.excess * discount + excess;
        self.unit = self.unit * discount + unit;
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.excess += other.excess;
        self.unit += other.unit;
    }

    /// The estimate, drawn to `prior` as if that rested on `weight` units.
    pub(crate) fn shrunk(&self, prior: f64, weight: f64) -> f64 {
        (self.excess + weight * prior) / (self.unit + weight)
    }
}
