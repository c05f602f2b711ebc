//! `pmaddwd` on 16-bit values: AVX2 has no exact product of an unsigned with a signed byte.

use std::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm256_add_epi32, _mm256_cvtepi8_epi16, _mm256_madd_epi16, _mm256_set1_epi64x,
    _mm256_setzero_si256, _mm256_storeu_si256,
};

use super::super::rows::Activations;
use super::super::{Int8, PANEL, QUAD, ROWS, Weights};
use super::{Rows, Sums, Then, block_loop};

/// Quads that are multiplied at a time: their activations as 16 bits, 6 KiB, and their
/// weights, 8 KiB, stay in the first cache.
const STEP: usize = 64;
/// Most rows whose sums with two registers of weights stay in registers.
const SOME: usize = 6;
/// Outputs whose weights fill a register.
const FOUR: usize = 4;

/// The values of a row that are multiplied at a time, as 16 bits.
type Wide = [[i16; QUAD]; STEP];
/// For each output of a register of sums those of its first and of its last two weights.
type Halves = [[i32; 2]; FOUR];

#[target_feature(enable = "avx2,fma")]
pub(in super::super) fn block(matrix: &Int8, out: &mut [f32], x: &Activations, bias: &[f32], then: Then) {
    block_loop(matrix, out, x, bias, then, |sums, panel, rows| self::sums(sums, panel, rows));
}

/// As [`super::portable`].
#[target_feature(enable = "avx2")]
pub(in super::super) fn sums(sums: &mut Sums<ROWS>, panel: &[Weights], rows: Rows<'_>) {
    for sums in sums.iter_mut().take(rows.count) {
        *sums = [0; PANEL];
    }
    rows.check(rows.count, panel.len());
    let mut wide = [[[0; QUAD]; STEP]; ROWS];
    for (index, panel) in panel.chunks(STEP).enumerate() {
        let bytes = rows.bytes.chunks(rows.stride).take(rows.count);
        for (wide, bytes) in wide.iter_mut().zip(bytes) {
            let values = &bytes[index * STEP * QUAD..][..panel.len() * QUAD];
            wide.as_flattened_mut()
                .iter_mut()
                .zip(values)
                .for_each(|(wide, value)| *wide = i16::from(*value));
        }
        for (group, sums) in sums.chunks_mut(SOME).take(rows.count.div_ceil(SOME)).enumerate() {
            let wide = &wide[group * SOME..];
            match rows.count - group * SOME {
                1 => add::<1>(sums, panel, wide),
                2 => add::<2>(sums, panel, wide),
                3 | 4 => add::<4>(sums, panel, wide),
                _ => add::<SOME>(sums, panel, wide),
            }
        }
    }
}

/// Adds the products of the first `N` rows with every output of the panel.
#[target_feature(enable = "avx2")]
fn add<const N: usize>(sums: &mut [[i32; PANEL]], panel: &[Weights], wide: &[Wide]) {
    let Some(wide) = wide.first_chunk::<N>() else { return };
    for output in (0..PANEL).step_by(2 * FOUR) {
        let parts = eight_outputs(panel, wide, output);
        for (sums, parts) in sums.iter_mut().zip(parts) {
            for (sums, part) in sums[output..].chunks_exact_mut(FOUR).zip(parts) {
                let mut halves: Halves = [[0; 2]; FOUR];
                #[expect(unsafe_code, reason = "the array is as large as the register")]
                unsafe {
                    _mm256_storeu_si256(halves.as_mut_ptr().cast(), part);
                }
                sums.iter_mut()
                    .zip(halves)
                    .for_each(|(sum, [a, b])| *sum = sum.wrapping_add(a).wrapping_add(b));
            }
        }
    }
}

/// Multiplies four values of a row with the four weights of eight outputs and adds the
/// products in pairs.
#[inline]
#[target_feature(enable = "avx2")]
fn eight_outputs<const N: usize>(panel: &[Weights], wide: &[Wide; N], output: usize) -> [[__m256i; 2]; N] {
    let mut parts = [[_mm256_setzero_si256(); 2]; N];
    for (weights, quad) in panel.iter().zip(0..STEP) {
        let Some(weights) = weights[output..].first_chunk::<{ 2 * FOUR }>() else { return parts };
        let (low, high) = weights.split_at(FOUR);
        #[expect(unsafe_code, reason = "each half is an array of 16 bytes")]
        let weights =
            unsafe { [_mm_loadu_si128(low.as_ptr().cast()), _mm_loadu_si128(high.as_ptr().cast())] };
        let weights = [_mm256_cvtepi8_epi16(weights[0]), _mm256_cvtepi8_epi16(weights[1])];
        for (parts, row) in parts.iter_mut().zip(wide) {
            let [a, b, c, d] = row[quad].map(i16::to_le_bytes);
            let values = i64::from_le_bytes([a[0], a[1], b[0], b[1], c[0], c[1], d[0], d[1]]);
            let values = _mm256_set1_epi64x(values);
            parts[0] = _mm256_add_epi32(parts[0], _mm256_madd_epi16(values, weights[0]));
            parts[1] = _mm256_add_epi32(parts[1], _mm256_madd_epi16(values, weights[1]));
        }
    }
    parts
}
