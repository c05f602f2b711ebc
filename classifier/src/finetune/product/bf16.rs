//! Matrix products with factors rounded to bfloat16 and sums in f32, on processors
//! with AVX-512 BF16: twice the products of f32 at half the memory traffic. Owns the
//! packed form; [`super::multiply`] decides when it is used.

use std::cell::RefCell;

use super::Matrix;

/// Rows and columns of one tile: its sums fill 24 of the 32 vector registers.
const ROWS: usize = 12;
const COLS: usize = 32;
/// Pairs along the inner dimension that are packed at a time.
const PAIRS: usize = 384;
/// Rows whose packed values stay in the second-level cache.
const BLOCK: usize = 8 * ROWS;
/// Products below this many multiplications are not worth the packing.
const LEAST: usize = 1 << 21;

type Sums = [[f32; COLS]; ROWS];

/// Packed factors of one thread.
#[derive(Debug, Default)]
struct Packed {
    a: Vec<[u32; ROWS]>,
    b: Vec<[u32; COLS]>,
}

thread_local! {
    static PACKED: RefCell<Packed> = RefCell::default();
}

/// Whether this processor has the instructions and the product is large enough.
pub(super) fn suits(a: &Matrix<'_>, b: &Matrix<'_>) -> bool {
    a.rows >= ROWS && b.cols >= COLS && a.rows * a.cols * b.cols >= LEAST && available()
}

/// Whether this processor multiplies bfloat16.
fn available() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512bf16");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// As [`super::multiply`], which has checked the extents.
pub(super) fn multiply(out: &mut [f32], stride: usize, a: Matrix<'_>, b: Matrix<'_>, scale: f32, add: bool) {
    PACKED.with_borrow_mut(|packed| {
        for from in (0..a.cols).step_by(2 * PAIRS) {
            let values = (a.cols - from).min(2 * PAIRS);
            let pairs = values.div_ceil(2);
            pack(&mut packed.b, &b.transposed().inner(from, values));
            for (top, rows) in (0..a.rows).step_by(BLOCK).map(|top| (top, (a.rows - top).min(BLOCK))) {
                pack(&mut packed.a, &a.inner(from, values).outer(top, rows));
                let place = Place { top, rows, cols: b.cols, stride, scale, add: add || from > 0 };
                place.fill(out, &packed.a, &packed.b, pairs);
            }
        }
    });
}

/// Where a block of rows lies in the result.
#[derive(Debug, Clone, Copy)]
struct Place {
    top: usize,
    rows: usize,
    cols: usize,
    stride: usize,
    scale: f32,
    add: bool,
}

impl Place {
    fn fill(&self, out: &mut [f32], a: &[[u32; ROWS]], b: &[[u32; COLS]], pairs: usize) {
        let mut sums = [[0.0; COLS]; ROWS];
        for (right, b) in b.chunks_exact(pairs).enumerate() {
            for (down, a) in a.chunks_exact(pairs).enumerate() {
                tile(a, b, &mut sums);
                let rows = (self.rows - down * ROWS).min(ROWS);
                let cols = (self.cols - right * COLS).min(COLS);
                for (row, sums) in sums.iter().enumerate().take(rows) {
                    let at = (self.top + down * ROWS + row) * self.stride + right * COLS;
                    for (to, sum) in out[at..at + cols].iter_mut().zip(sums) {
                        *to = if self.add { *to + self.scale * sum } else { self.scale * sum };
                    }
                }
            }
        }
    }
}

/// Rows of `m` in panels of `W`: for each pair of inner values the pair of every row.
/// What a panel or the last pair lacks is zero.
fn pack<const W: usize>(panels: &mut Vec<[u32; W]>, m: &Matrix<'_>) {
    let pairs = m.cols.div_ceil(2);
    panels.clear();
    panels.resize(m.rows.div_ceil(W) * pairs, [0; W]);
    for (index, panel) in panels.chunks_exact_mut(pairs).enumerate() {
        let rows = (m.rows - index * W).min(W);
        let part = m.outer(index * W, rows);
        if part.row == 1 {
            pack_columns(panel, &part);
        } else {
            pack_rows(panel, &part);
        }
    }
}

/// The inner dimension is contiguous, or nothing is.
fn pack_rows<const W: usize>(panel: &mut [[u32; W]], m: &Matrix<'_>) {
    for row in 0..m.rows {
        let values = &m.data[row * m.row..];
        for (pair, to) in panel.iter_mut().enumerate() {
            let first = values[2 * pair * m.col];
            let second = if 2 * pair + 1 < m.cols { values[(2 * pair + 1) * m.col] } else { 0.0 };
            to[row] = rounded(first) | rounded(second) << 16;
        }
    }
}

/// The rows lie side by side.
fn pack_columns<const W: usize>(panel: &mut [[u32; W]], m: &Matrix<'_>) {
    for (pair, to) in panel.iter_mut().enumerate() {
        let first = &m.data[2 * pair * m.col..][..m.rows];
        for (to, value) in to.iter_mut().zip(first) {
            *to = rounded(*value);
        }
        if 2 * pair + 1 < m.cols {
            let second = &m.data[(2 * pair + 1) * m.col..][..m.rows];
            for (to, value) in to.iter_mut().zip(second) {
                *to |= rounded(*value) << 16;
            }
        }
    }
}

/// The nearest bfloat16 (ties to even), in the low half.
const fn rounded(value: f32) -> u32 {
    let bits = value.to_bits();
    bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16
}

fn tile(a: &[[u32; ROWS]], b: &[[u32; COLS]], sums: &mut Sums) {
    #[cfg(target_arch = "x86_64")]
    if available() {
        #[expect(unsafe_code, reason = "the processor was asked for both features just before")]
        unsafe {
            avx512::tile(a, b, sums);
        }
        return;
    }
    portable(a, b, sums);
}

/// The same sums, each pair's two products added in turn.
fn portable(a: &[[u32; ROWS]], b: &[[u32; COLS]], sums: &mut Sums) {
    let halves = |pair: u32| (f32::from_bits(pair << 16), f32::from_bits(pair & 0xffff_0000));
    *sums = [[0.0; COLS]; ROWS];
    for (a, b) in a.iter().zip(b) {
        for (sums, a) in sums.iter_mut().zip(a) {
            let (first, second) = halves(*a);
            for (sum, b) in sums.iter_mut().zip(b) {
                let (b_first, b_second) = halves(*b);
                *sum += first * b_first + second * b_second;
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::{
        __m512bh, __m512i, _mm512_dpbf16_ps, _mm512_loadu_si512, _mm512_set1_epi32, _mm512_setzero_ps,
        _mm512_storeu_ps,
    };

    use super::{COLS, ROWS, Sums};

    /// As [`super::portable`] up to rounding: `vdpbf16ps` multiplies a pair of one row
    /// with the pairs of sixteen columns and adds both products.
    #[target_feature(enable = "avx512f,avx512bf16")]
    #[expect(unsafe_code, reason = "vector loads and stores of arrays of just that size")]
    pub(super) fn tile(a: &[[u32; ROWS]], b: &[[u32; COLS]], sums: &mut Sums) {
        let mut low = [_mm512_setzero_ps(); ROWS];
        let mut high = [_mm512_setzero_ps(); ROWS];
        for (a, b) in a.iter().zip(b) {
            let ([first, second], _) = b.as_chunks::<16>() else { continue };
            // SAFETY: each half is an array of 64 bytes.
            let (first, second) = unsafe {
                (_mm512_loadu_si512(first.as_ptr().cast()), _mm512_loadu_si512(second.as_ptr().cast()))
            };
            let (first, second) = (pairs(first), pairs(second));
            for ((low, high), a) in low.iter_mut().zip(&mut high).zip(a) {
                let a = pairs(_mm512_set1_epi32(a.cast_signed()));
                *low = _mm512_dpbf16_ps(*low, a, first);
                *high = _mm512_dpbf16_ps(*high, a, second);
            }
        }
        for ((sums, low), high) in sums.iter_mut().zip(low).zip(high) {
            let (first, second) = sums.split_at_mut(COLS / 2);
            // SAFETY: each half holds sixteen values.
            unsafe {
                _mm512_storeu_ps(first.as_mut_ptr(), low);
                _mm512_storeu_ps(second.as_mut_ptr(), high);
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512bf16")]
    #[expect(unsafe_code, reason = "both types are 64 bytes of a register, of any bits")]
    const fn pairs(bits: __m512i) -> __m512bh {
        // SAFETY: the reason above.
        unsafe { std::mem::transmute::<__m512i, __m512bh>(bits) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(n: usize, seed: u32) -> Vec<f32> {
        (0..n as u32).map(|i| ((i * 7919 + seed * 104_729) % 1009) as f32 / 1009.0 - 0.5).collect()
    }

    fn near(value: f32) -> f32 {
        f32::from_bits(rounded(value) << 16)
    }

    /// `scale · a · b` of the rounded factors in f64, added to `out`.
    fn exact(out: &[f32], a: Matrix<'_>, b: Matrix<'_>, scale: f32) -> Vec<f64> {
        let at = |m: &Matrix<'_>, i: usize, j: usize| f64::from(near(m.data[i * m.row + j * m.col]));
        let sum = |i: usize, j: usize| (0..a.cols).map(|k| at(&a, i, k) * at(&b, k, j)).sum::<f64>();
        (0..a.rows * b.cols)
            .map(|n| f64::from(out[n]) + f64::from(scale) * sum(n / b.cols, n % b.cols))
            .collect()
    }

    #[test]
    fn a_product_is_that_of_the_rounded_factors_whichever_is_transposed() {
        for (m, n, k) in [(12, 32, 2), (13, 33, 7), (97, 70, 801), (1, 1, 1)] {
            let (a, b) = (noise(m * k, 1), noise(k * n, 2));
            let lefts = [Matrix::dense(&a, m, k), Matrix::dense(&a, k, m).transposed()];
            let rights = [Matrix::dense(&b, k, n), Matrix::dense(&b, n, k).transposed()];
            for (left, right) in lefts.into_iter().flat_map(|l| rights.map(|r| (l, r))) {
                for add in [false, true] {
                    let mut out = noise(m * n, 3);
                    let before = if add { out.clone() } else { vec![0.0; m * n] };
                    multiply(&mut out, n, left, right, 0.5, add);
                    for (got, want) in out.iter().zip(exact(&before, left, right, 0.5)) {
                        assert!((f64::from(*got) - want).abs() < 1e-4, "{m} {n} {k}: {got} {want}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_kernel_gives_the_same_sums_up_to_rounding() {
        let (values, others) = (noise(ROWS * 64, 4), noise(COLS * 64, 5));
        let (mut a, mut b) = (Vec::new(), Vec::new());
        pack::<ROWS>(&mut a, &Matrix::dense(&values, ROWS, 64));
        pack::<COLS>(&mut b, &Matrix::dense(&others, COLS, 64));
        let (mut fast, mut plain) = ([[0.0; COLS]; ROWS], [[0.0; COLS]; ROWS]);
        tile(&a, &b, &mut fast);
        portable(&a, &b, &mut plain);
        let apart = fast.iter().flatten().zip(plain.iter().flatten()).map(|(x, y)| (x - y).abs());
        assert!(apart.fold(0.0, f32::max) < 1e-5);
    }

    #[test]
    fn rounding_takes_the_nearest_and_the_even_of_two() {
        for (value, want) in [(1.0, 0x3f80), (-2.5, 0xc020), (f32::from_bits(0x3f80_8000), 0x3f80)] {
            assert_eq!(rounded(value), want);
        }
        assert_eq!(rounded(f32::from_bits(0x3f81_8000)), 0x3f82);
        assert_eq!(rounded(f32::from_bits(0x3f80_8001)), 0x3f81);
    }
}
