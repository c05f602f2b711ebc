//! Matrix products with factors rounded to bfloat16 and sums in f32, on processors that multiply
//! those. Owns the packed form; [`super::multiply`] decides when it is used, [`tiles`] does the sums.

mod pack;
mod tiles;

use std::cell::RefCell;

use super::Matrix;
use crate::kernel::widened;
use pack::{Form, pack};
use tiles::{Begun, Kernel, SIDE, Sums, TILE, Tile};

/// Pairs along the inner dimension that are packed at a time.
const PAIRS: usize = 32 * TILE;
/// Rows whose packed values stay in the second-level cache.
const BLOCK: usize = 12 * SIDE;
/// Products below this many multiplications are not worth the packing.
const LEAST: usize = 1 << 14;

/// Packed factors of one thread.
#[derive(Debug, Default)]
struct Packed {
    a: Vec<Tile>,
    b: Vec<Tile>,
}

thread_local! {
    static PACKED: RefCell<Packed> = RefCell::default();
}

/// Whether this processor has the instructions and the product is large enough.
pub(super) fn suits(a: &Matrix<'_>, b: &Matrix<'_>) -> bool {
    a.rows >= TILE
        && b.cols >= TILE
        && a.rows * a.cols * b.cols >= LEAST
        && Kernel::best() != Kernel::Portable
}

/// As [`super::multiply`], which has checked the extents.
pub(super) fn multiply(out: &mut [f32], stride: usize, a: Matrix<'_>, b: Matrix<'_>, scale: f32, add: bool) {
    multiply_with(Kernel::best(), out, stride, (a, b), scale, add);
}

fn multiply_with(
    kernel: Kernel,
    out: &mut [f32],
    stride: usize,
    (a, b): (Matrix<'_>, Matrix<'_>),
    scale: f32,
    add: bool,
) {
    let b = b.transposed();
    let sums = kernel.begin();
    PACKED.with_borrow_mut(|packed| {
        for from in (0..a.cols).step_by(2 * PAIRS) {
            let values = (a.cols - from).min(2 * PAIRS);
            pack(&mut packed.b, &b.inner(from, values), Form::Columns);
            for top in (0..a.rows).step_by(BLOCK) {
                let rows = (a.rows - top).min(BLOCK);
                pack(&mut packed.a, &a.inner(from, values).outer(top, rows), Form::Rows);
                let place = Place { top, rows, cols: b.rows, stride, scale, add: add || from > 0 };
                place.fill(out, &packed.a, &packed.b, values.div_ceil(2 * TILE), &sums);
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
    fn fill(&self, out: &mut [f32], a: &[Tile], b: &[Tile], steps: usize, sums: &Begun) {
        let mut square = Sums::default();
        for (right, b) in b.chunks_exact(2 * steps).enumerate() {
            for (down, a) in a.chunks_exact(2 * steps).enumerate() {
                sums.square(a, b, &mut square);
                let rows = (self.rows - down * SIDE).min(SIDE);
                let cols = (self.cols - right * SIDE).min(SIDE);
                let at = (self.top + down * SIDE) * self.stride + right * SIDE;
                put(&mut out[at..], self.stride, &square.0[..rows], cols, self.scale, self.add);
            }
        }
    }
}

widened! {
    /// The first `cols` of each row of sums to their place, a row of `out` every `stride` values.
    put(out: &mut [f32], stride: usize, sums: &[[f32; SIDE]], cols: usize, scale: f32, add: bool) = put_loop
}

#[inline(always)]
fn put_loop(out: &mut [f32], stride: usize, sums: &[[f32; SIDE]], cols: usize, scale: f32, add: bool) {
    for (row, sums) in sums.iter().enumerate() {
        let out = &mut out[row * stride..][..cols];
        if let Some(out) = out.as_mut_array::<SIDE>() {
            put_row(out, sums, scale, add);
        } else {
            put_row(out, sums, scale, add);
        }
    }
}

#[inline(always)]
fn put_row(out: &mut [f32], sums: &[f32; SIDE], scale: f32, add: bool) {
    for (to, sum) in out.iter_mut().zip(sums) {
        *to = if add { *to + scale * sum } else { scale * sum };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(n: usize, seed: u32) -> Vec<f32> {
        (0..n as u32).map(|i| ((i * 7919 + seed * 104_729) % 1009) as f32 / 1009.0 - 0.5).collect()
    }

    fn near(value: f32) -> f32 {
        f32::from_bits(pack::rounded(value) << 16)
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
    fn a_product_is_that_of_the_rounded_factors_whichever_is_transposed_in_every_kernel() {
        for (m, n, k) in [(32, 32, 32), (13, 33, 7), (97, 70, 801), (400, 16, 64), (1, 1, 1)] {
            let (a, b) = (noise(m * k, 1), noise(k * n, 2));
            let lefts = [Matrix::dense(&a, m, k), Matrix::dense(&a, k, m).transposed()];
            let rights = [Matrix::dense(&b, k, n), Matrix::dense(&b, n, k).transposed()];
            for (left, right) in lefts.into_iter().flat_map(|l| rights.map(|r| (l, r))) {
                for (kernel, add) in Kernel::here().flat_map(|k| [(k, false), (k, true)]) {
                    let mut out = noise(m * n, 3);
                    let before = if add { out.clone() } else { vec![0.0; m * n] };
                    multiply_with(kernel, &mut out, n, (left, right), 0.5, add);
                    for (got, want) in out.iter().zip(exact(&before, left, right, 0.5)) {
                        assert!(
                            (f64::from(*got) - want).abs() < 1e-4,
                            "{kernel:?} {m} {n} {k}: {got} {want}"
                        );
                    }
                }
            }
        }
    }
}
