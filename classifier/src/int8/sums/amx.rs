//! `tdpbusd`: AMX multiplies sixteen rows of 64 unsigned bytes with the weights of sixteen outputs at once.

use super::super::rows::Activations;
use super::super::{DEEP, Int8, QUAD, TILE_ROWS, Weights};
use super::{Rows, Sums, Then, block_loop};
use crate::amx::{Factor, Registers, square_of_bytes};

/// Quads of one step.
const STEP: usize = DEEP / QUAD;

/// Whether tiles are full along the inputs.
pub(in super::super) const fn suits(matrix: &Int8) -> bool {
    matrix.inputs.is_multiple_of(DEEP)
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
pub(in super::super) fn block(matrix: &Int8, out: &mut [f32], x: &Activations, bias: &[f32], then: Then) {
    let registers = Registers::begin();
    block_loop(matrix, out, &x.rows, bias, then, |sums, panel, rows| {
        self::sums(sums, panel, Rows::new(matrix, x, &rows), &registers);
    });
}

/// As [`super::portable`], but writes sums of all rows.
///
/// # Panics
/// When the quads of `panel` do not fill a step.
pub(in super::super) fn sums(
    sums: &mut Sums<TILE_ROWS>,
    panel: &[Weights],
    rows: Rows<'_>,
    registers: &Registers,
) {
    rows.check(TILE_ROWS, panel.len());
    assert!(!panel.is_empty() && panel.len().is_multiple_of(STEP), "{} quads", panel.len());
    let (first, stride) = (rows.bytes.as_ptr(), rows.stride);
    let values = Factor { first, second: first.wrapping_add(TILE_ROWS / 2 * stride), stride, step: DEEP };
    let (first, stride) = (panel.as_ptr().cast::<u8>(), size_of::<Weights>());
    let weights = Factor { first, second: first.wrapping_add(stride / 2), stride, step: STEP * stride };
    #[expect(unsafe_code, reason = "the steps of all rows and of the panel were checked just before")]
    unsafe {
        square_of_bytes(values, weights, panel.len() / STEP, sums, registers);
    }
}
