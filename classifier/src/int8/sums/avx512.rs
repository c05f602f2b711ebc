//! `vpdpbusd`: AVX-512 VNNI multiplies unsigned with signed bytes and adds them up.

use std::arch::x86_64::{
    __m512i, _mm512_dpbusd_epi32, _mm512_loadu_si512, _mm512_set1_epi32, _mm512_setzero_si512,
    _mm512_storeu_si512,
};

use super::super::rows::{Activations, Quads};
use super::super::{Int8, PANEL, Weights};
use super::{Sums, Then, block_loop};

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma")]
pub(in super::super) fn block(matrix: &Int8, out: &mut [f32], x: &Activations, bias: &[f32], then: Then) {
    block_loop(matrix, out, x, bias, then, |sums, panel, tile, rows| self::sums(sums, panel, tile, rows));
}

/// As [`super::portable`].
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(in super::super) fn sums(sums: &mut Sums, panel: &[Weights], tile: &[Quads], rows: usize) {
    match rows {
        0..=4 => some::<4>(sums, panel, tile),
        5..=8 => some::<8>(sums, panel, tile),
        _ => some::<12>(sums, panel, tile),
    }
}

/// `vpdpbusd` multiplies four values of a row with the four weights of sixteen
/// outputs and adds the products to their sums.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
#[expect(unsafe_code, reason = "vector loads and stores of arrays of just that size")]
fn some<const ROWS: usize>(sums: &mut Sums, panel: &[Weights], tile: &[Quads]) {
    let mut all = [[_mm512_setzero_si512(); 2]; ROWS];
    for (weights, quads) in panel.iter().zip(tile) {
        let (low, high) = weights.split_at(PANEL / 2);
        // SAFETY: each half is an array of 64 bytes.
        let halves: [__m512i; 2] =
            unsafe { [_mm512_loadu_si512(low.as_ptr().cast()), _mm512_loadu_si512(high.as_ptr().cast())] };
        for (row, quad) in all.iter_mut().zip(quads) {
            let values = _mm512_set1_epi32(i32::from_le_bytes(*quad));
            row[0] = _mm512_dpbusd_epi32(row[0], values, halves[0]);
            row[1] = _mm512_dpbusd_epi32(row[1], values, halves[1]);
        }
    }
    for (sums, row) in sums.iter_mut().zip(all) {
        let (low, high) = sums.split_at_mut(PANEL / 2);
        // SAFETY: each half holds sixteen 32-bit values.
        unsafe {
            _mm512_storeu_si512(low.as_mut_ptr().cast(), row[0]);
            _mm512_storeu_si512(high.as_mut_ptr().cast(), row[1]);
        }
    }
}
