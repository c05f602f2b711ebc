//! Functions of one number, without a branch, so that a loop over them vectorises; the same bits wherever it runs.

/// 1.5 · 2²³: adding it rounds a float to the nearest integer, held in the low bits, for want of room for a fraction.
pub(crate) const ROUND: f32 = 12_582_912.0;

/// e^x without a branch (Cephes polynomial), relative error below 3e-7.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let p = 1.0
        + r * (1.0
            + r * (0.5
                + r * (0.166_666_67 + r * (0.041_666_646 + r * (0.008_333_361 + r * 0.001_388_888_9)))));
    f32::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 23))
}

/// GELU to 1e-4, without a division.
#[inline(always)]
pub(crate) fn quick_gelu(x: f32) -> f32 {
    x * quick_normal(x)
}

/// The normal distribution: ½ + x P(x²), with P fitted up to 4.5 standard deviations, where it is 1.
#[inline(always)]
pub(crate) fn quick_normal(x: f32) -> f32 {
    const P: [f32; 8] = [
        -3.283_913_6e-9,
        1.580_257_7e-7,
        -4.431_685_7e-6,
        8.120_972e-5,
        -1.036_253_4e-3,
        9.580_654e-3,
        -6.597_727e-2,
        3.987_085_8e-1,
    ];
    let near = x.clamp(-4.5, 4.5);
    let square = near * near;
    let p = P.iter().fold(3.000_008_2e-11, |p: f32, c| p.mul_add(square, *c));
    p.mul_add(near, 0.5)
}

/// Abramowitz and Stegun 7.1.26, absolute error below 1.5e-7.
#[inline(always)]
pub(super) fn erf(x: f32) -> f32 {
    let a = x.abs();
    let t = 1.0 / (1.0 + 0.327_591_1 * a);
    let p = ((((1.061_405_4 * t - 1.453_152) * t + 1.421_413_7) * t - 0.284_496_74) * t + 0.254_829_6) * t;
    (1.0 - p * exp(-a * a)).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_and_erf_agree_with_double_precision() {
        for i in -800..800 {
            let x = i as f32 / 100.0;
            assert!((f64::from(exp(x)) / f64::from(x).exp() - 1.0).abs() < 1e-6, "exp {x}");
        }
        // erf(0.5), erf(1), erf(2) from tables.
        for (x, want) in [(0.5, 0.520_499_9), (1.0, 0.842_700_8), (2.0, 0.995_322_3), (-1.0, -0.842_700_8)] {
            assert!((erf(x) - want).abs() < 1e-6, "erf {x}");
        }
    }

    #[test]
    fn the_quick_gelu_is_near_the_exact_one() {
        for x in (-1000..1000).map(|i| i as f32 / 100.0) {
            let exact = 0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2));
            assert!((exact - quick_gelu(x)).abs() < 1e-4, "{x}");
        }
    }
}
