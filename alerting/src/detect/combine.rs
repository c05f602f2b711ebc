//! Two p values of one window into one, whatever their dependence: the Cauchy
//! combination (Liu & Xie 2020).

use std::f64::consts::PI;

/// A p value of 1 would outweigh any other: it is held below.
const MOST: f64 = 0.99;

pub(crate) fn cauchy(first: f64, second: f64) -> f64 {
    // tan((½ − p)π) = cot(pπ), which is precise for tiny p.
    let strength = |p: f64| 1.0 / (p.clamp(f64::MIN_POSITIVE, MOST) * PI).tan();
    let mean = strength(first) / 2.0 + strength(second) / 2.0;
    if mean > 0.0 { (1.0 / mean).atan() / PI } else { 0.5 - mean.atan() / PI }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_published_formula() {
        for (a, b) in [(0.1, 0.2), (0.7, 0.01), (0.5, 0.5), (0.9, 0.95), (0.001, 0.3)] {
            let tan = |p: f64| ((0.5 - p) * PI).tan();
            let want = 0.5 - ((tan(a) + tan(b)) / 2.0).atan() / PI;
            assert!((cauchy(a, b) - want).abs() < 1e-12, "{a}, {b}");
        }
    }

    #[test]
    fn equal_values_stay_and_tiny_ones_keep_their_size() {
        assert!((cauchy(1e-200, 1e-200) / 1e-200 - 1.0).abs() < 1e-9);
        assert!((cauchy(1e-200, 1.0) / 2e-200 - 1.0).abs() < 1e-9);
    }

    #[test]
    fn it_never_lies_below_the_smaller_one() {
        for (a, b) in [(0.0, 1.0), (1e-9, 1e-3), (0.04, 0.99)] {
            assert!(cauchy(a, b) >= f64::min(a, b));
        }
    }
}
