//! `pmaddubsw` on bytes, for weights of which two products fit 16 bits.

use std::arch::x86_64::{
    __m256i, _mm256_add_epi32, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_set1_epi16, _mm256_set1_epi32,
    _mm256_setzero_si256,
};

use super::super::super::{PANEL, QUAD, ROWS, Weights};
use super::super::{Rows, Sums};
use super::STEP;

/// Rows that are multiplied together: with all registers of a panel their sums take half of what there are.
const PAIR: usize = 2;
/// Registers of a panel, eight outputs each.
const REGISTERS: usize = 4;

/// As [`super::super::portable`], but writes the sums of an even number of rows.
#[target_feature(enable = "avx2")]
pub(in super::super::super) fn sums(sums: &mut Sums<ROWS>, panel: &[Weights], rows: Rows<'_>) {
    *sums = [[0; PANEL]; ROWS];
    for (index, panel) in panel.chunks(STEP).enumerate() {
        let pairs = rows.bytes.chunks(PAIR * rows.stride).take(rows.count.div_ceil(PAIR));
        for (sums, pair) in sums.as_chunks_mut().0.iter_mut().zip(pairs) {
            let (first, second) = pair.split_at(rows.stride);
            let [first, second] = [first, second].map(|row| &row.as_chunks().0[index * STEP..]);
            two_rows(sums, panel, first, second);
        }
    }
}

/// Adds the products of two rows with the weights of a panel.
#[inline]
#[target_feature(enable = "avx2")]
fn two_rows(sums: &mut Sums<PAIR>, panel: &[Weights], first: &[[u8; QUAD]], second: &[[u8; QUAD]]) {
    let mut parts = [[_mm256_setzero_si256(); REGISTERS]; PAIR];
    for (weights, (first, second)) in panel.iter().zip(first.iter().zip(second)) {
        let weights = registers(*weights);
        for (parts, quad) in parts.iter_mut().zip([first, second]) {
            let values = _mm256_set1_epi32(i32::from_le_bytes(*quad));
            for (part, weights) in parts.iter_mut().zip(weights) {
                let twos = _mm256_maddubs_epi16(values, weights);
                *part = _mm256_add_epi32(*part, _mm256_madd_epi16(twos, _mm256_set1_epi16(1)));
            }
        }
    }
    for (sums, parts) in sums.iter_mut().zip(parts) {
        sums.iter_mut().zip(outputs(parts)).for_each(|(sum, part)| *sum = sum.wrapping_add(part));
    }
}

/// An array instead of loads: the checks of the dev profile took half the time.
#[expect(unsafe_code, reason = "both types are 128 bytes, of any bits")]
const fn registers(weights: Weights) -> [__m256i; REGISTERS] {
    // SAFETY: the reason above.
    unsafe { std::mem::transmute::<Weights, [__m256i; REGISTERS]>(weights) }
}

#[expect(unsafe_code, reason = "both types are 128 bytes, of any bits")]
const fn outputs(parts: [__m256i; REGISTERS]) -> [i32; PANEL] {
    // SAFETY: the reason above.
    unsafe { std::mem::transmute::<[__m256i; REGISTERS], [i32; PANEL]>(parts) }
}
