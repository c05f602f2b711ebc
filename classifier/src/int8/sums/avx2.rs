//! AVX2 multiplies unsigned with signed bytes, but keeps the sum of two such products in 16 bits. Where the weights
//! leave room for that ([`Int8::fits_pairs`]) it is exact and takes half the instructions; else they are widened first.

pub(in super::super) mod bytes;
pub(in super::super) mod words;

use super::super::Int8;
use super::super::rows::Activations;
use super::{Rows, Then, block_loop};

/// Quads that are multiplied at a time: their weights, 12 KiB, stay in the first cache.
const STEP: usize = 96;

#[target_feature(enable = "avx2,fma")]
pub(in super::super) fn block(matrix: &Int8, out: &mut [f32], x: &mut Activations, bias: &[f32], then: Then) {
    if matrix.fits_pairs {
        return block_loop(matrix, out, &x.rows, bias, then, |sums, panel, rows| {
            bytes::sums(sums, panel, Rows::new(matrix, x, &rows));
        });
    }
    x.widen(matrix.inputs);
    block_loop(matrix, out, &x.rows, bias, then, |sums, panel, rows| {
        words::sums(sums, panel, x.wide(matrix.inputs, rows), Activations::wide_stride(matrix.inputs));
    });
}
