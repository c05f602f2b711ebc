//! How surprising a window is: upper tails of the negative binomial (how many) and
//! the beta-binomial (which share of them), as natural logarithms.

use super::beta::{ln_beta, ln_regularized};

/// Below this over-dispersion the negative binomial is a Poisson for our purposes.
const LEAST_DISPERSION: f64 = 1e-5;

/// ln P[X ≥ y] for X negative binomial with `mean` and variance mean + α·mean²,
/// continued to y that are not whole by the incomplete beta function.
pub(crate) fn ln_negative_binomial(y: f64, mean: f64, dispersion: f64) -> f64 {
    if y <= 0.0 || mean <= 0.0 {
        return if y <= 0.0 { 0.0 } else { f64::NEG_INFINITY };
    }
    let shape = 1.0 / dispersion.max(LEAST_DISPERSION);
    let ln_more = mean.ln() - (mean + shape).ln();
    let ln_enough = -(mean / shape).ln_1p();
    ln_regularized(y, shape, ln_more, ln_enough)
}

/// ln P[X ≥ y] for X beta-binomial of `n` trials with share `theta` and
/// intra-class correlation `rho` (a = θs, b = (1 − θ)s, s = 1/ρ − 1).
pub(crate) fn ln_beta_binomial(y: u32, n: u32, theta: f64, rho: f64) -> f64 {
    if y == 0 || y > n {
        return if y == 0 { 0.0 } else { f64::NEG_INFINITY };
    }
    let precision = 1.0 / rho - 1.0;
    let (a, b) = (theta * precision, (1.0 - theta) * precision);
    let (trials, first) = (f64::from(n), f64::from(y));
    let ln_choose = -(trials + 1.0).ln() - ln_beta(trials - first + 1.0, first + 1.0);
    let ln_first = ln_choose + ln_beta(first + a, trials - first + b) - ln_beta(a, b);
    (ln_first + sum_from(y, n, a, b).ln()).min(0.0)
}

/// Σ pmf(k)/pmf(y) for k = y..n, by the ratio of neighbours.
fn sum_from(y: u32, n: u32, a: f64, b: f64) -> f64 {
    let trials = f64::from(n);
    let (mut term, mut sum) = (1.0, 1.0);
    for k in (y..n).map(f64::from) {
        let ratio = (trials - k) * (k + a) / ((k + 1.0) * (trials - k - 1.0 + b));
        term *= ratio;
        sum += term;
        if ratio < 1.0 && term < sum * 1e-17 && b >= 1.0 {
            break;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use statrs::function::gamma::ln_gamma;

    fn pmf_negative_binomial(k: f64, mean: f64, alpha: f64) -> f64 {
        let r = 1.0 / alpha;
        (ln_gamma(k + r) - ln_gamma(r) - ln_gamma(k + 1.0)
            + r * (r / (r + mean)).ln()
            + k * (mean / (r + mean)).ln())
        .exp()
    }

    fn pmf_beta_binomial(k: f64, n: f64, a: f64, b: f64) -> f64 {
        let choose = ln_gamma(n + 1.0) - ln_gamma(k + 1.0) - ln_gamma(n - k + 1.0);
        (choose + ln_beta(k + a, n - k + b) - ln_beta(a, b)).exp()
    }

    fn near(ln_p: f64, exact: f64) {
        let p = ln_p.exp();
        assert!((p - exact).abs() <= 1e-8 * exact + 1e-14, "{p} is not {exact}");
    }

    proptest! {
        #[test]
        fn the_negative_binomial_tail_is_the_sum_of_its_terms(
            y in 1_u32..60, mean in 0.01_f64..40.0, alpha in 0.02_f64..4.0,
        ) {
            let below: f64 = (0..y).map(|k| pmf_negative_binomial(f64::from(k), mean, alpha)).sum();
            let above: f64 = (y..y + 4000).map(|k| pmf_negative_binomial(f64::from(k), mean, alpha)).sum();
            let exact = if above < 0.5 { above } else { 1.0 - below };
            near(ln_negative_binomial(f64::from(y), mean, alpha), exact);
        }

        #[test]
        fn the_beta_binomial_tail_is_the_sum_of_its_terms(
            n in 1_u32..200, part in 0.0_f64..=1.0, theta in 0.02_f64..0.98, rho in 0.005_f64..0.6,
        ) {
            let y = ((f64::from(n) * part) as u32).clamp(1, n);
            let s = 1.0 / rho - 1.0;
            let exact: f64 = (y..=n)
                .map(|k| pmf_beta_binomial(f64::from(k), f64::from(n), theta * s, (1.0 - theta) * s))
                .sum();
            near(ln_beta_binomial(y, n, theta, rho), exact.min(1.0));
        }

        #[test]
        fn more_is_never_less_surprising(y in 0.5_f64..50.0, mean in 0.001_f64..20.0, alpha in 0.01_f64..3.0) {
            prop_assert!(ln_negative_binomial(y + 0.25, mean, alpha) <= ln_negative_binomial(y, mean, alpha) + 1e-9);
        }
    }

    #[test]
    fn without_dispersion_it_is_the_poisson_tail() {
        let exact = 1.0
            - (0..5)
                .map(|k| (-2.0_f64).exp() * 2_f64.powi(k) / f64::from((1..=k).product::<i32>()))
                .sum::<f64>();
        assert!((ln_negative_binomial(5.0, 2.0, 0.0).exp() / exact - 1.0).abs() < 1e-4);
    }
}
