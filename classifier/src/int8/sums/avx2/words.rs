//! `pmaddwd` on 16-bit values, for any weights.

use std::arch::x86_64::{
    __m128i, __m256i, _mm256_add_epi32, _mm256_cvtepi8_epi16, _mm256_madd_epi16, _mm256_set1_epi64x,
    _mm256_setzero_si256,
};

use super::super::super::rows::WideQuad;
use super::super::super::{PANEL, QUAD, ROWS, WIDE_ROWS, Weights};
use super::super::Sums;
use super::STEP;

/// Registers of weights that are multiplied at a time. Two rows with four of them are faster by a fifth to
/// a third than six rows with two, which take twice as many broadcasts for a product.
const REGISTERS: usize = 4;
/// Outputs of a register.
const FOUR: usize = 4;

/// As [`super::super::portable`], of the rows in `wide`, a group every `stride` quads.
#[target_feature(enable = "avx2")]
pub(in super::super::super) fn sums(
    sums: &mut Sums<ROWS>,
    panel: &[Weights],
    wide: &[WideQuad],
    stride: usize,
) {
    *sums = [[0; PANEL]; ROWS];
    for (index, panel) in panel.chunks(STEP).enumerate() {
        for (sums, wide) in sums.as_chunks_mut().0.iter_mut().zip(wide.chunks(stride)) {
            let wide = &wide[index * STEP..];
            some_outputs::<0>(sums, panel, wide);
            some_outputs::<1>(sums, panel, wide);
        }
    }
}

/// Adds the products of the rows with the weights of half the outputs. A place known to
/// the compiler, and arrays instead of loads: the checks of the dev profile took half the time.
#[inline]
#[target_feature(enable = "avx2")]
fn some_outputs<const HALF: usize>(sums: &mut Sums<WIDE_ROWS>, panel: &[Weights], wide: &[WideQuad]) {
    const { assert!(HALF < 2 && 2 * REGISTERS * FOUR == PANEL) }
    let mut parts = [[_mm256_setzero_si256(); REGISTERS]; WIDE_ROWS];
    for (weights, quads) in panel.iter().zip(wide) {
        let half = registers(weights.as_chunks::<{ PANEL / 2 }>().0[HALF]);
        let weights = half.map(|four| _mm256_cvtepi8_epi16(four));
        for (parts, quad) in parts.iter_mut().zip(quads) {
            let [a, b, c, d] = quad.map(i16::to_le_bytes);
            let values = i64::from_le_bytes([a[0], a[1], b[0], b[1], c[0], c[1], d[0], d[1]]);
            let values = _mm256_set1_epi64x(values);
            for (part, weights) in parts.iter_mut().zip(weights) {
                *part = _mm256_add_epi32(*part, _mm256_madd_epi16(values, weights));
            }
        }
    }
    for (sums, parts) in sums.iter_mut().zip(parts) {
        for (sum, [a, b]) in sums.as_chunks_mut::<{ PANEL / 2 }>().0[HALF].iter_mut().zip(pairs(parts)) {
            *sum = sum.wrapping_add(a).wrapping_add(b);
        }
    }
}

#[expect(unsafe_code, reason = "both types are 64 bytes, of any bits")]
const fn registers(weights: [[i8; QUAD]; PANEL / 2]) -> [__m128i; REGISTERS] {
    // SAFETY: the reason above.
    unsafe { std::mem::transmute::<[[i8; QUAD]; PANEL / 2], [__m128i; REGISTERS]>(weights) }
}

/// For each output the sums of its first and of its last two weights.
#[expect(unsafe_code, reason = "both types are 128 bytes, of any bits")]
const fn pairs(parts: [__m256i; REGISTERS]) -> [[i32; 2]; PANEL / 2] {
    // SAFETY: the reason above.
    unsafe { std::mem::transmute::<[__m256i; REGISTERS], [[i32; 2]; PANEL / 2]>(parts) }
}
