//! The kernels: sums of products of some rows with a panel of outputs, and what
//! becomes of them. The portable loop, AVX2, AVX-512 VNNI and AMX give the same bits.

use std::ops::Range;

use super::rows::{Activations, Row};
use super::{Int8, PANEL, QUAD, ROWS, Weights};
use crate::kernel;
#[cfg(target_arch = "x86_64")]
use crate::processor;

#[cfg(target_arch = "x86_64")]
pub(super) mod amx;
#[cfg(target_arch = "x86_64")]
pub(super) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(super) mod avx512;

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

/// Of `N` rows with the outputs of a panel.
pub(super) type Sums<const N: usize> = [[i32; PANEL]; N];

/// Rows of bytes that are multiplied together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) count: usize,
    /// From the first row on, with as many behind the last as a kernel takes at once.
    pub(super) bytes: &'a [u8],
    pub(super) stride: usize,
}

impl<'a> Rows<'a> {
    /// Some rows of the inputs of `matrix`.
    #[inline(always)]
    pub(super) fn new(matrix: &Int8, x: &'a Activations, rows: &Range<usize>) -> Self {
        let stride = Activations::stride(matrix.inputs);
        Self { count: rows.len(), bytes: &x.bytes[rows.start * stride..], stride }
    }

    /// Panics unless `rows` rows of so many quads are there.
    #[inline(always)]
    fn check(&self, rows: usize, quads: usize) {
        assert!(self.bytes.len() >= (rows - 1) * self.stride + quads * QUAD, "rows of bytes are wanting");
    }
}

/// Multiplies the rows in `x` with `matrix` and writes them to `out`.
pub(super) fn block(matrix: &Int8, out: &mut [f32], x: &mut Activations, bias: &[f32], then: Then) {
    #[cfg(target_arch = "x86_64")]
    {
        if processor::has_tiles() && amx::suits(matrix) {
            #[expect(unsafe_code, reason = "the processor was asked for the features just before")]
            return unsafe { amx::block(matrix, out, x, bias, then) };
        }
        if processor::has_vnni() {
            #[expect(unsafe_code, reason = "the processor was asked for the features just before")]
            return unsafe { avx512::block(matrix, out, x, bias, then) };
        }
        if processor::has_avx2() {
            #[expect(unsafe_code, reason = "the processor was asked for both features just before")]
            return unsafe { avx2::block(matrix, out, x, bias, then) };
        }
    }
    portable_block(matrix, out, x, bias, then);
}

pub(super) fn portable_block(matrix: &Int8, out: &mut [f32], x: &Activations, bias: &[f32], then: Then) {
    block_loop(matrix, out, &x.rows, bias, then, |sums, panel, rows| {
        portable(sums, panel, Rows::new(matrix, x, &rows));
    });
}

/// Finishes for each panel and each `N` of the `rows` what `sums` makes of them.
#[inline(always)]
pub(super) fn block_loop<const N: usize>(
    matrix: &Int8,
    out: &mut [f32],
    rows: &[Row],
    bias: &[f32],
    then: Then,
    sums: impl Fn(&mut Sums<N>, &[Weights], Range<usize>),
) {
    let quads = matrix.inputs.div_ceil(QUAD);
    let mut some_sums = [[0; PANEL]; N];
    let panels = matrix.panels.chunks_exact(quads).zip(matrix.scales.iter().zip(&matrix.totals));
    for (index, (panel, (scales, totals))) in panels.enumerate() {
        let from = index * PANEL;
        let mut own = [0.0; PANEL];
        own.iter_mut().zip(&bias[from..]).for_each(|(own, bias)| *own = *bias);
        let finish = Finish { scales, totals, bias: &own, then };
        let groups = rows.chunks(N).zip(out.chunks_mut(N * matrix.outputs));
        for (group, (rows, out)) in groups.enumerate() {
            sums(&mut some_sums, panel, group * N..group * N + rows.len());
            for ((y, row), sums) in out.chunks_exact_mut(matrix.outputs).zip(rows).zip(&some_sums) {
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

/// Writes the sums of the rows that count; the others are left.
pub(super) fn portable(sums: &mut Sums<ROWS>, panel: &[Weights], rows: Rows<'_>) {
    for (bytes, sums) in rows.bytes.chunks(rows.stride).zip(sums.iter_mut().take(rows.count)) {
        *sums = [0; PANEL];
        for (weights, quad) in panel.iter().zip(bytes.as_chunks::<QUAD>().0) {
            for (sum, weights) in sums.iter_mut().zip(weights) {
                let products = weights.iter().zip(quad).map(|(w, v)| i32::from(*w) * i32::from(*v));
                *sum += products.sum::<i32>();
            }
        }
    }
}
