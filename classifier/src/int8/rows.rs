//! Rows of activations as unsigned bytes, one row after the other.

use std::ops::Range;

use super::{DEEP, QUAD, TILE_ROWS, WIDE_ROWS};
use crate::kernel::{ROUND, widened};

/// A block of rows as bytes: a value is `(byte - zero) · scale` of its row. A buffer
/// of one thread.
#[derive(Debug, Default)]
pub(crate) struct Activations {
    /// Row after row, [`Activations::stride`] each. Rows up to the next multiple of [`TILE_ROWS`] and what a
    /// row has beyond its inputs hold whatever was there.
    pub(super) bytes: Vec<u8>,
    /// The bytes of [`Activations::widen`].
    wide: Vec<WideQuad>,
    pub(super) rows: Vec<Row>,
}

/// The same quad of several rows, as 16 bits.
pub(super) type WideQuad = [[i16; QUAD]; WIDE_ROWS];

/// How the bytes of a row are read.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Row {
    pub(super) scale: f32,
    pub(super) zero: i32,
}

impl Activations {
    /// Bytes from one row to the next.
    pub(super) const fn stride(inputs: usize) -> usize {
        inputs.next_multiple_of(DEEP)
    }

    pub(super) fn take(&mut self, x: &[f32], inputs: usize) {
        let (rows, stride) = (x.len() / inputs, Self::stride(inputs));
        self.rows.resize(rows, Row::default());
        self.bytes.resize(rows.next_multiple_of(TILE_ROWS) * stride, 0);
        let bytes = self.bytes.chunks_exact_mut(stride);
        for ((bytes, row), values) in bytes.zip(&mut self.rows).zip(x.chunks_exact(inputs)) {
            quantise(bytes, row, values);
        }
    }

    /// Puts the bytes of [`WIDE_ROWS`] rows at a time together in `wide`, one quad after the other,
    /// [`Activations::wide_stride`] for so many rows.
    pub(super) fn widen(&mut self, inputs: usize) {
        let (stride, quads) = (Self::stride(inputs), Self::wide_stride(inputs));
        self.wide.resize(self.rows.len().div_ceil(WIDE_ROWS) * quads, WideQuad::default());
        let groups = self.wide.chunks_exact_mut(quads).zip(self.bytes.chunks(WIDE_ROWS * stride));
        for (wide, bytes) in groups {
            for (at, row) in bytes.chunks_exact(stride).enumerate() {
                for (wide, quad) in wide.iter_mut().zip(row.as_chunks::<QUAD>().0) {
                    wide[at] = quad.map(i16::from);
                }
            }
        }
    }

    /// What [`Activations::widen`] made of some rows, from the first of a group on.
    pub(super) fn wide(&self, inputs: usize, rows: Range<usize>) -> &[WideQuad] {
        let stride = Self::wide_stride(inputs);
        &self.wide[rows.start / WIDE_ROWS * stride..rows.end.div_ceil(WIDE_ROWS) * stride]
    }

    pub(super) const fn wide_stride(inputs: usize) -> usize {
        Self::stride(inputs) / QUAD
    }
}

widened! {
    /// Floats as bytes, 0 to 255 from the least to the largest, with 0.0 among the
    /// values that a byte stands for exactly. The rest of `out` is left.
    quantise(out: &mut [u8], row: &mut Row, values: &[f32]) = quantise_loop
}

#[inline(always)]
pub(super) fn quantise_loop(out: &mut [u8], row: &mut Row, values: &[f32]) {
    let (least, most) = range(values);
    let factor = if most > least { 255.0 / (most - least) } else { 0.0 };
    let zero = (-least * factor + ROUND) - ROUND;
    *row = Row { scale: (most - least) / 255.0, zero: zero as i32 };
    let shift = ROUND + zero;
    for (o, v) in out.iter_mut().zip(values) {
        let byte = (v * factor + shift).to_bits().wrapping_sub(ROUND.to_bits()).cast_signed();
        *o = byte.clamp(0, 255) as u8;
    }
}

/// The least and the largest value, 0 at most and at least. Sixteen lanes, so that
/// it vectorises.
#[inline(always)]
fn range(values: &[f32]) -> (f32, f32) {
    let (mut least, mut most) = ([0f32; 16], [0f32; 16]);
    let (chunks, rest) = values.as_chunks::<16>();
    for chunk in chunks {
        for ((l, m), v) in least.iter_mut().zip(&mut most).zip(chunk) {
            *l = if *v < *l { *v } else { *l };
            *m = if *v > *m { *v } else { *m };
        }
    }
    let all = || rest.iter().copied();
    (least.into_iter().chain(all()).fold(0.0, f32::min), most.into_iter().chain(all()).fold(0.0, f32::max))
}
