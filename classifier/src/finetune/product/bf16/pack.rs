//! Matrices as tiles of rounded values, in the order in which the kernels read them.

use super::super::Matrix;
use super::tiles::{SIDE, TILE, Tile};

/// Values along the inner dimension in one tile.
const DEEP: usize = 2 * TILE;

/// What lies side by side in a row of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Pairs of inner values of one row of the matrix.
    Rows,
    /// The same pair of sixteen rows of the matrix.
    Columns,
}

/// Sixteen rows of 32 inner values: `form` says whether these or the rows lie side by side in
/// `values`; what lies side by side repeats every `stride` values.
#[derive(Debug, Clone, Copy)]
struct Source<'a> {
    values: &'a [f32],
    stride: usize,
    form: Form,
}

/// Panels of [`SIDE`] rows of `m`: for each step along the inner dimension two tiles, one
/// below the other. What a tile lacks is zero.
pub(super) fn pack(tiles: &mut Vec<Tile>, m: &Matrix<'_>, form: Form) {
    let steps = m.cols.div_ceil(DEEP);
    tiles.resize(m.rows.div_ceil(SIDE) * steps * 2, Tile::default());
    let mut edge = [0.0; TILE * DEEP];
    for (panel, tiles) in tiles.chunks_exact_mut(2 * steps).enumerate() {
        for (index, tile) in tiles.iter_mut().enumerate() {
            let (row, col) = (panel * SIDE + index % 2 * TILE, index / 2 * DEEP);
            let is_whole = row + TILE <= m.rows && col + DEEP <= m.cols;
            let own = |stride, form| Source { values: &m.data[row * m.row + col * m.col..], stride, form };
            let source = match (m.col, m.row) {
                (1, stride) if is_whole => own(stride, Form::Rows),
                (stride, 1) if is_whole => own(stride, Form::Columns),
                _ => copied(m, (row, col), &mut edge),
            };
            fill(tile, source, source.form != form);
        }
    }
}

/// What `m` has of a tile that reaches beyond it, and zeros.
fn copied<'a>(m: &Matrix<'_>, (row, col): (usize, usize), edge: &'a mut [f32; TILE * DEEP]) -> Source<'a> {
    edge.fill(0.0);
    let rows = row..m.rows.min(row + TILE);
    let cols = m.cols.saturating_sub(col).min(DEEP);
    for (to, row) in edge.chunks_exact_mut(DEEP).zip(rows) {
        let values = &m.data[row * m.row + col * m.col..];
        if m.col == 1 {
            to[..cols].copy_from_slice(&values[..cols]);
        } else {
            to[..cols].iter_mut().zip(values.iter().step_by(m.col)).for_each(|(to, value)| *to = *value);
        }
    }
    Source { values: edge, stride: DEEP, form: Form::Rows }
}

/// # Panics
/// When the source is too short.
fn fill(tile: &mut Tile, source: Source<'_>, is_transposed: bool) {
    let (rows, width) = if source.form == Form::Rows { (TILE, DEEP) } else { (DEEP, TILE) };
    assert!(source.values.len() >= (rows - 1) * source.stride + width, "a tile reaches beyond its matrix");
    #[cfg(target_arch = "x86_64")]
    if crate::processor::has_bf16() {
        #[expect(unsafe_code, reason = "the processor was asked for the features; the extent was checked")]
        unsafe {
            avx512::fill(tile, source, is_transposed);
        }
        return;
    }
    portable(tile, source, is_transposed);
}

fn portable(tile: &mut Tile, source: Source<'_>, is_transposed: bool) {
    let at = |row: usize, deep: usize| match source.form {
        Form::Rows => source.values[row * source.stride + deep],
        Form::Columns => source.values[deep * source.stride + row],
    };
    let pair = |row: usize, pair: usize| rounded(at(row, 2 * pair)) | rounded(at(row, 2 * pair + 1)) << 16;
    let by_row = (source.form == Form::Rows) != is_transposed;
    for (i, to) in tile.0.iter_mut().enumerate() {
        for (j, to) in to.iter_mut().enumerate() {
            *to = if by_row { pair(i, j) } else { pair(j, i) };
        }
    }
}

/// The nearest bfloat16 (ties to even), in the low half.
pub(super) const fn rounded(value: f32) -> u32 {
    let bits = value.to_bits();
    bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::{
        __m512bh, __m512i, _mm512_cvtne2ps_pbh, _mm512_loadu_ps, _mm512_loadu_si512,
        _mm512_permutexvar_epi16, _mm512_setzero_si512, _mm512_shuffle_i32x4, _mm512_storeu_si512,
        _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
    };

    use super::super::tiles::{TILE, Tile};
    use super::{Form, Source};

    type Rows = [__m512i; TILE];

    /// Puts the second sixteen of 32 halves between the first.
    static INTERLEAVED: [u16; 32] = {
        let mut order = [0; 32];
        let mut at = 0;
        while at < 32 {
            order[at] = (at / 2 + at % 2 * 16) as u16;
            at += 1;
        }
        order
    };

    /// As [`super::portable`], but that the smallest values (below 2^-126) are zero.
    ///
    /// # Safety
    /// `source` has all values of a tile.
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    #[expect(
        unsafe_code,
        reason = "vector loads of values whose extent the caller checked; stores of a tile"
    )]
    pub(super) unsafe fn fill(tile: &mut Tile, source: Source<'_>, is_transposed: bool) {
        let (from, stride) = (source.values.as_ptr(), source.stride);
        let mut rows: Rows = [_mm512_setzero_si512(); TILE];
        // SAFETY: as the caller promises; INTERLEAVED has 64 bytes.
        unsafe {
            if source.form == Form::Rows {
                for (i, row) in rows.iter_mut().enumerate() {
                    let at = from.wrapping_add(i * stride);
                    let (first, second) = (_mm512_loadu_ps(at), _mm512_loadu_ps(at.wrapping_add(TILE)));
                    *row = rounded(_mm512_cvtne2ps_pbh(second, first));
                }
            } else {
                let order = _mm512_loadu_si512(INTERLEAVED.as_ptr().cast());
                for (i, row) in rows.iter_mut().enumerate() {
                    let at = from.wrapping_add(2 * i * stride);
                    let (first, second) = (_mm512_loadu_ps(at), _mm512_loadu_ps(at.wrapping_add(stride)));
                    *row = _mm512_permutexvar_epi16(order, rounded(_mm512_cvtne2ps_pbh(second, first)));
                }
            }
        }
        if is_transposed {
            rows = transposed(rows);
        }
        for (to, row) in tile.0.iter_mut().zip(rows) {
            // SAFETY: a row of a tile is 64 bytes.
            unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), row) }
        }
    }

    #[target_feature(enable = "avx512f,avx512bf16")]
    #[expect(unsafe_code, reason = "both types are 64 bytes of a register, of any bits")]
    const fn rounded(bits: __m512bh) -> __m512i {
        // SAFETY: the reason above.
        unsafe { std::mem::transmute::<__m512bh, __m512i>(bits) }
    }

    /// Four by four within each quarter, then the quarters.
    #[target_feature(enable = "avx512f")]
    fn transposed(rows: Rows) -> Rows {
        let mut quarters = rows;
        for group in 0..4 {
            let [a, b, c, d] = [0, 1, 2, 3].map(|i| rows[4 * group + i]);
            let (ab_low, ab_high) = (_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
            let (cd_low, cd_high) = (_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
            quarters[4 * group] = _mm512_unpacklo_epi64(ab_low, cd_low);
            quarters[4 * group + 1] = _mm512_unpackhi_epi64(ab_low, cd_low);
            quarters[4 * group + 2] = _mm512_unpacklo_epi64(ab_high, cd_high);
            quarters[4 * group + 3] = _mm512_unpackhi_epi64(ab_high, cd_high);
        }
        let mut out = rows;
        for i in 0..4 {
            let [a, b, c, d] = [0, 1, 2, 3].map(|group| quarters[4 * group + i]);
            let (ab_even, ab_odd) = (_mm512_shuffle_i32x4::<0x88>(a, b), _mm512_shuffle_i32x4::<0xdd>(a, b));
            let (cd_even, cd_odd) = (_mm512_shuffle_i32x4::<0x88>(c, d), _mm512_shuffle_i32x4::<0xdd>(c, d));
            out[i] = _mm512_shuffle_i32x4::<0x88>(ab_even, cd_even);
            out[4 + i] = _mm512_shuffle_i32x4::<0x88>(ab_odd, cd_odd);
            out[8 + i] = _mm512_shuffle_i32x4::<0xdd>(ab_even, cd_even);
            out[12 + i] = _mm512_shuffle_i32x4::<0xdd>(ab_odd, cd_odd);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_takes_the_nearest_and_the_even_of_two() {
        for (value, want) in [(1.0, 0x3f80), (-2.5, 0xc020), (f32::from_bits(0x3f80_8000), 0x3f80)] {
            assert_eq!(rounded(value), want);
        }
        assert_eq!(rounded(f32::from_bits(0x3f81_8000)), 0x3f82);
        assert_eq!(rounded(f32::from_bits(0x3f80_8001)), 0x3f81);
    }

    #[test]
    fn the_wide_kernel_packs_as_the_plain_one() {
        let values: Vec<f32> = (0..40 * DEEP).map(|n| (n * 7919 % 1009) as f32 / 1009.0 - 0.5).collect();
        for form in [Form::Rows, Form::Columns] {
            for is_transposed in [false, true] {
                let source = Source { values: &values, stride: 35, form };
                let (mut wide, mut plain) = (Tile::default(), Tile::default());
                fill(&mut wide, source, is_transposed);
                portable(&mut plain, source, is_transposed);
                assert_eq!(wide.0, plain.0, "{form:?} {is_transposed}");
            }
        }
    }

    #[test]
    #[should_panic(expected = "beyond its matrix")]
    fn a_source_that_is_too_short_is_refused() {
        let source = Source { values: &[0.0; 15 * 40 + DEEP - 1], stride: 40, form: Form::Rows };
        fill(&mut Tile::default(), source, false);
    }
}
