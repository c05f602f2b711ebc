//! `pmaddwd` on 16-bit values: AVX2 has no exact product of an unsigned with a signed byte.

use std::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm256_add_epi32, _mm256_cvtepi8_epi16, _mm256_madd_epi16, _mm256_set1_epi64x,
    _mm256_setzero_si256, _mm256_storeu_si256,
};

use super::super::rows::{Activations, Quads};
use super::super::{Int8, PANEL, QUAD, TILE, Weights};
use super::{Sums, Then, block_loop};

/// Quads that are multiplied at a time: their activations as 16 bits, 6 KiB, and their
/// weights, 8 KiB, stay in the first cache.
const STEP: usize = 64;
/// Most rows whose sums with two registers of weights stay in registers.
const ROWS: usize = 6;
/// Outputs whose weights fill a register.
const FOUR: usize = 4;

/// Four values of each row of a tile, as 16 bits.
type Wide = [[i16; QUAD]; TILE];
/// For each output of a register of sums those of its first and of its last two weights.
type Halves = [[i32; 2]; FOUR];

#[target_feature(enable = "avx2,fma")]
pub(in super::super) fn block(matrix: &Int8, out: &mut [f32], x: &Activations, bias: &[f32], then: Then) {
    block_loop(matrix, out, x, bias, then, |sums, panel, tile, rows| self::sums(sums, panel, tile, rows));
}

/// As [`super::portable`].
#[target_feature(enable = "avx2")]
pub(in super::super) fn sums(sums: &mut Sums, panel: &[Weights], tile: &[Quads], rows: usize) {
    for sums in sums.iter_mut().take(rows) {
        *sums = [0; PANEL];
    }
    let mut wide = [[[0; QUAD]; TILE]; STEP];
    for (panel, tile) in panel.chunks(STEP).zip(tile.chunks(STEP)) {
        let values = tile.as_flattened().as_flattened();
        let wide_values = wide.as_flattened_mut().as_flattened_mut();
        wide_values.iter_mut().zip(values).for_each(|(wide, value)| *wide = i16::from(*value));
        for (group, sums) in sums.chunks_mut(ROWS).take(rows.div_ceil(ROWS)).enumerate() {
            let from = group * ROWS;
            match rows - from {
                1 => add::<1>(sums, panel, &wide, from),
                2 => add::<2>(sums, panel, &wide, from),
                3 | 4 => add::<4>(sums, panel, &wide, from),
                _ => add::<ROWS>(sums, panel, &wide, from),
            }
        }
    }
}

/// Adds the products of `N` rows, counted from `from`, with every output of the panel.
#[target_feature(enable = "avx2")]
fn add<const N: usize>(sums: &mut [[i32; PANEL]], panel: &[Weights], wide: &[Wide], from: usize) {
    for output in (0..PANEL).step_by(2 * FOUR) {
        let parts = eight_outputs::<N>(panel, wide, from, output);
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
fn eight_outputs<const N: usize>(
    panel: &[Weights],
    wide: &[Wide],
    from: usize,
    output: usize,
) -> [[__m256i; 2]; N] {
    let mut parts = [[_mm256_setzero_si256(); 2]; N];
    for (weights, values) in panel.iter().zip(wide) {
        let (Some(weights), Some(values)) =
            (weights[output..].first_chunk::<{ 2 * FOUR }>(), values[from..].first_chunk::<N>())
        else {
            return parts;
        };
        let (low, high) = weights.split_at(FOUR);
        #[expect(unsafe_code, reason = "each half is an array of 16 bytes")]
        let weights =
            unsafe { [_mm_loadu_si128(low.as_ptr().cast()), _mm_loadu_si128(high.as_ptr().cast())] };
        let weights = [_mm256_cvtepi8_epi16(weights[0]), _mm256_cvtepi8_epi16(weights[1])];
        for (parts, values) in parts.iter_mut().zip(values) {
            let [a, b, c, d] = values.map(i16::to_le_bytes);
            let values = i64::from_le_bytes([a[0], a[1], b[0], b[1], c[0], c[1], d[0], d[1]]);
            let values = _mm256_set1_epi64x(values);
            parts[0] = _mm256_add_epi32(parts[0], _mm256_madd_epi16(values, weights[0]));
            parts[1] = _mm256_add_epi32(parts[1], _mm256_madd_epi16(values, weights[1]));
        }
    }
    parts
}
