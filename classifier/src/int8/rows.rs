//! Rows of activations as unsigned bytes, in the order in which the kernels read them.

use super::{QUAD, TILE};
use crate::kernel::widened;

/// Four values of each row of a tile.
pub(super) type Quads = [[u8; QUAD]; TILE];

/// A block of rows as bytes: a value is `(byte - zero) · scale` of its row. A buffer
/// of one thread.
#[derive(Debug, Default)]
pub(crate) struct Activations {
    /// Tile after tile, quad after quad. Rows that are wanting in the last tile hold
    /// whatever was there.
    pub(super) tiles: Vec<Quads>,
    pub(super) rows: Vec<Row>,
    bytes: Vec<u8>,
}

/// How the bytes of a row are read.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Row {
    pub(super) scale: f32,
    pub(super) zero: i32,
}

impl Activations {
    pub(super) fn take(&mut self, x: &[f32], inputs: usize) {
        let quads = inputs.div_ceil(QUAD);
        self.bytes.clear();
        self.bytes.resize(quads * QUAD, 0);
        self.rows.resize(x.len() / inputs, Row::default());
        self.tiles.resize(self.rows.len().div_ceil(TILE) * quads, [[0; QUAD]; TILE]);
        let tiles = self.tiles.chunks_exact_mut(quads).zip(self.rows.chunks_mut(TILE));
        for ((tile, rows), values) in tiles.zip(x.chunks(TILE * inputs)) {
            for (place, (row, values)) in rows.iter_mut().zip(values.chunks_exact(inputs)).enumerate() {
                quantise(&mut self.bytes, row, values);
                for (to, quad) in tile.iter_mut().zip(self.bytes.as_chunks().0) {
                    to[place] = *quad;
                }
            }
        }
    }
}

widened! {
    /// Floats as bytes, 0 to 255 from the least to the largest, with 0.0 among the
    /// values that a byte stands for exactly. The rest of `out` is left.
    quantise(out: &mut [u8], row: &mut Row, values: &[f32]) = quantise_loop
}

#[inline(always)]
pub(super) fn quantise_loop(out: &mut [u8], row: &mut Row, values: &[f32]) {
    /// Adding it rounds a float to the nearest integer, held in the low bits.
    const ROUND: f32 = 12_582_912.0;
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
