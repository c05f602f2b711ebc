//! The kernels: sums of products of a tile of rows with a panel of outputs, and what
//! becomes of them. The portable loop, AVX2 and AVX-512 VNNI give the same bits.

use super::rows::{Activations, Quads, Row};
use super::{Int8, PANEL, QUAD, TILE, Weights};
use crate::kernel;

/// What is done with a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// It replaces what was there.
    Store,
    /// Its GELU does.
    Gelu,
    /// It is added to what was there.
    Add,
}

pub(super) type Sums = [[i32; PANEL]; TILE];

/// Multiplies the rows in `x` with `matrix` and writes them to `out`.
pub(super) fn block(matrix: &Int8, out: &mut [f32], x: &Activations, bias: &[f32], then: Then) {
    #[cfg(target_arch = "x86_64")]
    {
        if has_vnni() {
            #[expect(unsafe_code, reason = "the processor was asked for the features just before")]
            return unsafe { avx512::block(matrix, out, x, bias, then) };
        }
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            #[expect(unsafe_code, reason = "the processor was asked for both features just before")]
            return unsafe { avx2::block(matrix, out, x, bias, then) };
        }
    }
    block_loop(matrix, out, x, bias, then, portable);
}

/// Whether the AVX-512 kernel runs here.
#[cfg(target_arch = "x86_64")]
pub(super) fn has_vnni() -> bool {
    kernel::has_avx512() && std::arch::is_x86_feature_detected!("avx512vnni")
}

#[inline(always)]
pub(super) fn block_loop(
    matrix: &Int8,
    out: &mut [f32],
    x: &Activations,
    bias: &[f32],
    then: Then,
    sums: impl Fn(&mut Sums, &[Weights], &[Quads], usize),
) {
    let quads = matrix.inputs.div_ceil(QUAD);
    let mut tile_sums = [[0; PANEL]; TILE];
    let panels = matrix.panels.chunks_exact(quads).zip(matrix.scales.iter().zip(&matrix.totals));
    for (index, (panel, (scales, totals))) in panels.enumerate() {
        let from = index * PANEL;
        let mut own = [0.0; PANEL];
        own.iter_mut().zip(&bias[from..]).for_each(|(own, bias)| *own = *bias);
        let finish = Finish { scales, totals, bias: &own, then };
        let tiles = x.tiles.chunks_exact(quads).zip(x.rows.chunks(TILE));
        for ((tile, rows), out) in tiles.zip(out.chunks_mut(TILE * matrix.outputs)) {
            sums(&mut tile_sums, panel, tile, rows.len());
            for ((y, row), sums) in out.chunks_exact_mut(matrix.outputs).zip(rows).zip(&tile_sums) {
                let to = &mut y[from..];
                match to.first_chunk_mut() {
                    Some(whole) => finish.row(whole, row, sums),
                    None => finish.part(to, row, sums),
                }
            }
        }
    }
}

/// What is known of the outputs of a panel.
struct Finish<'a> {
    scales: &'a [f32; PANEL],
    totals: &'a [i32; PANEL],
    bias: &'a [f32; PANEL],
    then: Then,
}

impl Finish<'_> {
    #[inline(always)]
    fn row(&self, y: &mut [f32; PANEL], row: &Row, sums: &[i32; PANEL]) {
        let mut values = [0.0; PANEL];
        let outputs = sums.iter().zip(self.totals).zip(self.scales.iter().zip(self.bias));
        for (value, ((sum, total), (scale, bias))) in values.iter_mut().zip(outputs) {
            // Plain operators are checked in the dev profile, and a checked loop stays narrow.
            let exact = sum.wrapping_sub(row.zero.wrapping_mul(*total));
            *value = (exact as f32).mul_add(row.scale * scale, *bias);
        }
        match self.then {
            Then::Store => *y = values,
            Then::Gelu => y.iter_mut().zip(values).for_each(|(y, value)| *y = kernel::quick_gelu(value)),
            Then::Add => y.iter_mut().zip(values).for_each(|(y, value)| *y += value),
        }
    }

    /// [`Finish::row`] for a panel that is not full.
    #[inline(always)]
    fn part(&self, y: &mut [f32], row: &Row, sums: &[i32; PANEL]) {
        let mut whole = [0.0; PANEL];
        whole.iter_mut().zip(&*y).for_each(|(whole, y)| *whole = *y);
        self.row(&mut whole, row, sums);
        y.copy_from_slice(&whole[..y.len()]);
    }
}

/// Writes the sums of the first `rows` rows of the tile; the others are left.
pub(super) fn portable(sums: &mut Sums, panel: &[Weights], tile: &[Quads], rows: usize) {
    for (place, sums) in sums.iter_mut().enumerate().take(rows) {
        *sums = [0; PANEL];
        for (weights, quads) in panel.iter().zip(tile) {
            for (sum, weights) in sums.iter_mut().zip(weights) {
                let products = weights.iter().zip(&quads[place]).map(|(w, v)| i32::from(*w) * i32::from(*v));
                *sum += products.sum::<i32>();
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) mod avx2 {
    use std::arch::x86_64::{
        __m256i, _mm_loadu_si128, _mm256_add_epi32, _mm256_cvtepi8_epi16, _mm256_madd_epi16,
        _mm256_set1_epi64x, _mm256_setzero_si256, _mm256_storeu_si256,
    };

    use super::{Activations, Int8, PANEL, Quads, Sums, Then, Weights, block_loop};

    /// Rows and quarters of half a panel whose sums fit the registers.
    const ROWS: usize = 2;
    const QUARTERS: usize = 4;
    /// Outputs of a quarter: each has two sums in a register of eight.
    const QUARTER: usize = PANEL / 2 / QUARTERS;

    #[target_feature(enable = "avx2,fma")]
    pub(in super::super) fn block(matrix: &Int8, out: &mut [f32], x: &Activations, bias: &[f32], then: Then) {
        block_loop(matrix, out, x, bias, then, |sums, panel, tile, rows| self::sums(sums, panel, tile, rows));
    }

    /// As [`super::portable`].
    #[target_feature(enable = "avx2")]
    pub(in super::super) fn sums(sums: &mut Sums, panel: &[Weights], tile: &[Quads], rows: usize) {
        for (index, sums) in sums.chunks_mut(ROWS).take(rows.div_ceil(ROWS)).enumerate() {
            for half in 0..2 {
                let parts = half_panel(panel, tile, index * ROWS, half * PANEL / 2);
                for (sums, parts) in sums.iter_mut().zip(parts) {
                    let to = sums[half * PANEL / 2..].chunks_exact_mut(QUARTER);
                    for (sums, part) in to.zip(parts) {
                        let mut both = [0i32; 2 * QUARTER];
                        #[expect(unsafe_code, reason = "the array is as large as the register")]
                        unsafe {
                            _mm256_storeu_si256(both.as_mut_ptr().cast(), part);
                        }
                        sums.iter_mut()
                            .zip(both.as_chunks().0)
                            .for_each(|(sum, [a, b])| *sum = a.wrapping_add(*b));
                    }
                }
            }
        }
    }

    /// `pmaddwd` multiplies four values of a row, as 16 bits, with the four weights of
    /// four outputs and adds the products in pairs.
    #[target_feature(enable = "avx2")]
    fn half_panel(
        panel: &[Weights],
        tile: &[Quads],
        row: usize,
        output: usize,
    ) -> [[__m256i; QUARTERS]; ROWS] {
        let mut parts = [[_mm256_setzero_si256(); QUARTERS]; ROWS];
        for (weights, quads) in panel.iter().zip(tile) {
            let values: [__m256i; ROWS] = std::array::from_fn(|r| {
                let [a, b, c, d] = quads[row + r].map(i64::from);
                _mm256_set1_epi64x(a | b << 16 | c << 32 | d << 48)
            });
            for quarter in 0..QUARTERS {
                let from: &[[i8; 4]; QUARTER] =
                    weights[output + quarter * QUARTER..].first_chunk().unwrap_or(&[[0; 4]; QUARTER]);
                #[expect(unsafe_code, reason = "the array is as large as the register")]
                let wide = _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(from.as_ptr().cast()) });
                for (parts, values) in parts.iter_mut().zip(values) {
                    parts[quarter] = _mm256_add_epi32(parts[quarter], _mm256_madd_epi16(values, wide));
                }
            }
        }
        parts
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) mod avx512 {
    use std::arch::x86_64::{
        __m512i, _mm512_dpbusd_epi32, _mm512_loadu_si512, _mm512_set1_epi32, _mm512_setzero_si512,
        _mm512_storeu_si512,
    };

    use super::{Activations, Int8, PANEL, Quads, Sums, Then, Weights, block_loop};

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
            let halves: [__m512i; 2] = unsafe {
                [_mm512_loadu_si512(low.as_ptr().cast()), _mm512_loadu_si512(high.as_ptr().cast())]
            };
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
}
