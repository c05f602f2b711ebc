//! Matrix products with either side transposed, as a backward pass wants them,
//! and the gradients of the kernels. One thread; every extent is checked before
//! `gemm` sees a pointer.

mod bf16;

use crate::kernel::{exp, lanes, moments, quick_normal, widened};

/// A matrix inside a slice, with any strides.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    cols: usize,
    row: usize,
    col: usize,
}

impl<'a> Matrix<'a> {
    /// Row-major `rows` × `cols`, a row every `stride` values.
    pub(super) fn new(data: &'a [f32], rows: usize, cols: usize, stride: usize) -> Self {
        let needed = span(rows, cols, stride);
        assert!(data.len() >= needed, "matrix of {needed} values in {}", data.len());
        Self { data, rows, cols, row: stride, col: 1 }
    }

    pub(super) fn dense(data: &'a [f32], rows: usize, cols: usize) -> Self {
        Self::new(data, rows, cols, cols)
    }

    pub(super) const fn transposed(self) -> Self {
        Self { rows: self.cols, cols: self.rows, row: self.col, col: self.row, ..self }
    }

    /// `count` rows from row `from` on.
    fn outer(self, from: usize, count: usize) -> Self {
        debug_assert!(from + count <= self.rows);
        Self { data: &self.data[from * self.row..], rows: count, ..self }
    }

    /// `count` columns from column `from` on.
    fn inner(self, from: usize, count: usize) -> Self {
        self.transposed().outer(from, count).transposed()
    }
}

const fn span(rows: usize, cols: usize, stride: usize) -> usize {
    if rows == 0 || cols == 0 { 0 } else { (rows - 1) * stride + cols }
}

/// `out = scale · a · b`, a row of `out` every `stride` values; adds to `out` when `add`.
/// Large products round their factors to bfloat16 where the processor multiplies those.
pub(super) fn multiply(out: &mut [f32], stride: usize, a: Matrix<'_>, b: Matrix<'_>, scale: f32, add: bool) {
    assert_eq!(a.cols, b.rows, "inner dimensions differ");
    assert!(stride >= b.cols && out.len() >= span(a.rows, b.cols, stride), "result does not fit");
    if bf16::suits(&a, &b) {
        return bf16::multiply(out, stride, a, b, scale, add);
    }
    #[expect(unsafe_code, reason = "gemm takes pointers; every extent was checked here and in Matrix::new")]
    unsafe {
        gemm::gemm(
            a.rows,
            b.cols,
            a.cols,
            out.as_mut_ptr(),
            1,
            stride.cast_signed(),
            add,
            a.data.as_ptr(),
            a.col.cast_signed(),
            a.row.cast_signed(),
            b.data.as_ptr(),
            b.col.cast_signed(),
            b.row.cast_signed(),
            1.0,
            scale,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// Gradients of `y = x · wᵀ + b`: overwrites those of weight and bias, and of `x` where asked for.
pub(super) fn linear_back(
    x: &[f32],
    weight: &[f32],
    dy: &[f32],
    (dw, db): (&mut [f32], &mut [f32]),
    dx: Option<&mut [f32]>,
) {
    let outputs = db.len();
    let inputs = weight.len() / outputs;
    let rows = dy.len() / outputs;
    let dy_matrix = Matrix::dense(dy, rows, outputs);
    multiply(dw, inputs, dy_matrix.transposed(), Matrix::dense(x, rows, inputs), 1.0, false);
    if let Some(dx) = dx {
        multiply(dx, inputs, dy_matrix, Matrix::dense(weight, outputs, inputs), 1.0, false);
    }
    db.fill(0.0);
    for row in dy.chunks_exact(outputs) {
        add(db, row);
    }
}

/// Layer norm of the rows of `x` into `y`.
pub(super) fn norm(x: &[f32], gain: &[f32], bias: &[f32], epsilon: f32, y: &mut [f32]) {
    y.copy_from_slice(x);
    crate::kernel::layer_norm(y, gain, bias, epsilon);
}

widened! {
    /// Gradients of layer norm: `d` comes as that of the output and leaves as that of `x`; overwrites
    /// those of gain and bias.
    norm_back(x: &[f32], gain: &[f32], epsilon: f32, d: &mut [f32], dg: &mut [f32], db: &mut [f32]) = norm_back_loop
}

#[inline(always)]
fn norm_back_loop(x: &[f32], gain: &[f32], epsilon: f32, d: &mut [f32], dg: &mut [f32], db: &mut [f32]) {
    let h = gain.len();
    dg.fill(0.0);
    db.fill(0.0);
    let mut unit = vec![0.0; h];
    for (x, d) in x.chunks_exact(h).zip(d.chunks_exact_mut(h)) {
        let (mean, scale) = moments(x, epsilon);
        for (u, x) in unit.iter_mut().zip(x) {
            *u = (x - mean) * scale;
        }
        for (((dg, db), u), d) in dg.iter_mut().zip(db.iter_mut()).zip(&unit).zip(d.iter()) {
            *dg += d * u;
            *db += d;
        }
        for (d, g) in d.iter_mut().zip(gain) {
            *d *= g;
        }
        let along = dot(d, &unit) / h as f32;
        let level = lanes(d, |v| v) / h as f32;
        for (d, u) in d.iter_mut().zip(&unit) {
            *d = scale * (*d - level - u * along);
        }
    }
}

widened! {
    /// `d *= gelu'(x)`.
    gelu_back(x: &[f32], d: &mut [f32]) = gelu_back_loop
}

/// 1 / √(2π), the density of the normal distribution at 0.
const DENSITY: f32 = 0.398_942_3;

#[inline(always)]
fn gelu_back_loop(x: &[f32], d: &mut [f32]) {
    for (d, x) in d.iter_mut().zip(x) {
        *d *= quick_normal(*x) + x * DENSITY * exp(-0.5 * x * x);
    }
}

widened! {
    /// Gradient of softmax over rows of `n`: `d` comes as that of the output `p`.
    softmax_back(p: &[f32], d: &mut [f32], n: usize) = softmax_back_loop
}

#[inline(always)]
fn softmax_back_loop(p: &[f32], d: &mut [f32], n: usize) {
    for (p, d) in p.chunks_exact(n).zip(d.chunks_exact_mut(n)) {
        let level = dot(p, d);
        for (d, p) in d.iter_mut().zip(p) {
            *d = p * (*d - level);
        }
    }
}

widened! {
    /// `x += y`.
    add(x: &mut [f32], y: &[f32]) = add_loop
}

#[inline(always)]
fn add_loop(x: &mut [f32], y: &[f32]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += y;
    }
}

/// Sum of products, in sixteen lanes so that it vectorises.
#[inline(always)]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0f32; 16];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    for (a, b) in a.iter().zip(b) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    lanes.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(n: usize, seed: u32) -> Vec<f32> {
        (0..n as u32).map(|i| ((i * 7919 + seed * 104_729) % 1009) as f32 / 1009.0 - 0.5).collect()
    }

    #[test]
    fn a_product_of_transposed_matrices_equals_the_sum_of_products() {
        let (m, n, k) = (5, 7, 9);
        let (a, b) = (noise(k * m, 1), noise(n * k, 2));
        let mut out = noise(m * n, 3);
        let before = out.clone();
        let (left, right) = (Matrix::dense(&a, k, m).transposed(), Matrix::dense(&b, n, k).transposed());
        multiply(&mut out, n, left, right, 0.5, true);
        for i in 0..m {
            for j in 0..n {
                let sum: f32 = (0..k).map(|t| a[t * m + i] * b[j * k + t]).sum();
                assert!((out[i * n + j] - before[i * n + j] - 0.5 * sum).abs() < 1e-5);
            }
        }
    }

    #[test]
    #[should_panic(expected = "matrix of 12 values in 11")]
    fn a_matrix_larger_than_its_slice_is_refused() {
        Matrix::dense(&[0.0; 11], 3, 4);
    }
}
