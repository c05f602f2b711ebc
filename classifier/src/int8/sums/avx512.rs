//! `vpdpbusd`: AVX-512 VNNI multiplies unsigned with signed bytes and adds them up.

use std::arch::x86_64::{
    __m512i, _mm512_dpbusd_epi32, _mm512_loadu_si512, _mm512_set1_epi32, _mm512_setzero_si512,
    _mm512_storeu_si512,
};

use super::super::rows::Activations;
use super::super::{Int8, PANEL, QUAD, ROWS, Weights};
use super::{Rows, Sums, Then, block_loop};

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma")]
pub(in super::super) fn block(matrix: &Int8, out: &mut [f32], x: &Activations, bias: &[f32], then: Then) {
    block_loop(matrix, out, &x.rows, bias, then, |sums, panel, rows| {
        self::sums(sums, panel, Rows::new(matrix, x, &rows));
    });
}

/// As [`super::portable`].
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(in super::super) fn sums(sums: &mut Sums<ROWS>, panel: &[Weights], rows: Rows<'_>) {
    match rows.count {
        0..=4 => some::<4>(sums, panel, rows),
        5..=8 => some::<8>(sums, panel, rows),
        _ => some::<ROWS>(sums, panel, rows),
    }
}

/// `vpdpbusd` multiplies four values of a row with the four weights of sixteen
/// outputs and adds the products to their sums.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
#[expect(unsafe_code, reason = "loads of rows whose extent was checked, loads and stores of whole arrays")]
fn some<const N: usize>(sums: &mut Sums<ROWS>, panel: &[Weights], rows: Rows<'_>) {
    rows.check(N, panel.len());
    let mut all = [[_mm512_setzero_si512(); 2]; N];
    let (one, two, three) = (rows.stride, 2 * rows.stride, 3 * rows.stride);
    let mut fours = rows.bytes.as_ptr();
    for weights in panel {
        let (low, high) = weights.split_at(PANEL / 2);
        // SAFETY: each half is an array of 64 bytes.
        let halves: [__m512i; 2] =
            unsafe { [_mm512_loadu_si512(low.as_ptr().cast()), _mm512_loadu_si512(high.as_ptr().cast())] };
        let mut from = fours;
        for four in all.chunks_exact_mut(4) {
            for (row, offset) in four.iter_mut().zip([0, one, two, three]) {
                // SAFETY: `check` found all quads of N rows.
                let quad = unsafe { *from.wrapping_add(offset).cast::<[u8; QUAD]>() };
                let values = _mm512_set1_epi32(i32::from_le_bytes(quad));
                row[0] = _mm512_dpbusd_epi32(row[0], values, halves[0]);
                row[1] = _mm512_dpbusd_epi32(row[1], values, halves[1]);
            }
            from = from.wrapping_add(4 * rows.stride);
        }
        fours = fours.wrapping_add(QUAD);
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
