//! Numeric kernels of the encoder on plain `f32` slices: linear map, layer norm,
//! softmax, GELU; one thread. Every `unsafe` stands behind a check: of bounds before
//! `gemm`, of the processor before wide registers.

mod functions;

use functions::erf;
pub(crate) use functions::{ROUND, exp, quick_gelu, quick_normal};

/// `y = x · wᵀ + b`, with `w` as stored: one row an output.
///
/// The sum over the inputs runs in the same order whatever the number of rows, as long
/// as there are at least 2 rows and 129 outputs (below, `gemm` has other kernels): a
/// row's result does not depend on its company.
///
/// # Panics
/// When the sizes do not agree.
pub(crate) fn linear(y: &mut [f32], x: &[f32], weight: &[f32], bias: &[f32]) {
    let outputs = bias.len();
    let inputs = weight.len() / outputs;
    let rows = x.len() / inputs;
    assert_eq!((weight.len(), x.len()), (outputs * inputs, rows * inputs), "weights and inputs");
    assert_eq!(y.len(), rows * outputs, "result of {rows} rows");
    for row in y.chunks_exact_mut(outputs) {
        row.copy_from_slice(bias);
    }
    let stride = |n: usize| n.cast_signed();
    #[expect(unsafe_code, reason = "gemm takes pointers; every extent was checked above")]
    unsafe {
        gemm::gemm(
            rows,
            outputs,
            inputs,
            y.as_mut_ptr(),
            1,
            stride(outputs),
            true,
            x.as_ptr(),
            1,
            stride(inputs),
            weight.as_ptr(),
            stride(inputs),
            1,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// Compiles a loop three times: for any processor, for AVX2 with FMA and for AVX-512,
/// and takes the widest that the processor has. The loop names its order of sums and
/// its fused products itself, so that each gives the same bits. A second loop, if
/// given, replaces it where there are no 32 registers of 512 bits.
macro_rules! widened {
    ($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) = $body:path) => {
        $crate::kernel::widened! { $(#[$doc])* $name($($arg: $type),*) = $body, $body }
    };
    ($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) = $widest:path, $body:path) => {
        $(#[$doc])*
        pub(crate) fn $name($($arg: $type),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
                fn widest($($arg: $type),*) {
                    $widest($($arg),*);
                }
                #[target_feature(enable = "avx2,fma")]
                fn wide($($arg: $type),*) {
                    $body($($arg),*);
                }
                if $crate::processor::has_avx512() {
                    #[expect(unsafe_code, reason = "the processor was asked for the features just before")]
                    unsafe {
                        widest($($arg),*);
                    }
                    return;
                }
                if $crate::processor::has_avx2() {
                    #[expect(unsafe_code, reason = "the processor was asked for both features just before")]
                    unsafe {
                        wide($($arg),*);
                    }
                    return;
                }
            }
            $body($($arg),*);
        }
    };
}

pub(crate) use widened;

widened! {
    /// Layer norm of every row of `x` in place.
    layer_norm(x: &mut [f32], gain: &[f32], bias: &[f32], epsilon: f32) = layer_norm_loop
}

widened! {
    /// Softmax of every row of `n` values in place.
    softmax(x: &mut [f32], n: usize) = softmax_loop
}

widened! {
    /// `0.5 x (1 + erf(x / √2))`, in place.
    gelu(x: &mut [f32]) = gelu_loop
}

#[inline(always)]
fn layer_norm_loop(x: &mut [f32], gain: &[f32], bias: &[f32], epsilon: f32) {
    for row in x.chunks_exact_mut(gain.len()) {
        let (mean, scale) = moments(row, epsilon);
        for ((v, g), b) in row.iter_mut().zip(gain).zip(bias) {
            *v = (*v - mean) * scale * g + b;
        }
    }
}

/// Mean, and one over the standard deviation.
#[inline(always)]
pub(crate) fn moments(row: &[f32], epsilon: f32) -> (f32, f32) {
    let n = row.len() as f32;
    let mean = lanes(row, |v| v) / n;
    let variance = lanes(row, |v| (v - mean) * (v - mean)) / n;
    (mean, 1.0 / (variance + epsilon).sqrt())
}

/// Sum of `f` of each value, in sixteen lanes so that it vectorises.
#[inline(always)]
pub(crate) fn lanes(row: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut sums = [0f32; 16];
    let (chunks, rest) = row.as_chunks::<16>();
    for chunk in chunks {
        for (sum, v) in sums.iter_mut().zip(chunk) {
            *sum += f(*v);
        }
    }
    sums.iter().sum::<f32>() + rest.iter().map(|v| f(*v)).sum::<f32>()
}

#[inline(always)]
fn largest(row: &[f32]) -> f32 {
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let mut all = [f32::NEG_INFINITY; 16];
    let (chunks, rest) = row.as_chunks::<16>();
    for chunk in chunks {
        for (largest, v) in all.iter_mut().zip(chunk) {
            *largest = larger(*largest, *v);
        }
    }
    all.iter().chain(rest).copied().fold(f32::NEG_INFINITY, larger)
}

widened! {
    /// `y = x · wᵀ + b` of one row, in the same order at every call.
    one_row(y: &mut [f32], x: &[f32], weight: &[f32], bias: &[f32]) = one_row_loop
}

widened! {
    /// [`one_row`] where the weights are bytes with a scale an output.
    one_row_of_bytes(y: &mut [f32], x: &[f32], weight: &[i8], scales: &[f32], bias: &[f32]) = one_row_of_bytes_loop
}

#[inline(always)]
fn one_row_of_bytes_loop(y: &mut [f32], x: &[f32], weight: &[i8], scales: &[f32], bias: &[f32]) {
    let rows = weight.chunks_exact(x.len().max(1)).zip(scales);
    for ((y, (row, scale)), bias) in y.iter_mut().zip(rows).zip(bias) {
        *y = scale.mul_add(dot(row, x, f32::from), *bias);
    }
}

#[inline(always)]
fn one_row_loop(y: &mut [f32], x: &[f32], weight: &[f32], bias: &[f32]) {
    for ((y, row), bias) in y.iter_mut().zip(weight.chunks_exact(x.len().max(1))).zip(bias) {
        *y = bias + dot(row, x, f32::from);
    }
}

#[inline(always)]
fn dot<T: Copy>(a: &[T], b: &[f32], float: impl Fn(T) -> f32) -> f32 {
    let mut sums = [0f32; 16];
    let ((left, left_rest), (right, right_rest)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    for (x, y) in left.iter().zip(right) {
        for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) {
            *sum = float(*x).mul_add(*y, *sum);
        }
    }
    sums.iter().sum::<f32>() + left_rest.iter().zip(right_rest).map(|(x, y)| float(*x) * y).sum::<f32>()
}

#[inline(always)]
fn softmax_loop(x: &mut [f32], n: usize) {
    for row in x.chunks_exact_mut(n) {
        let max = largest(row);
        for v in row.iter_mut() {
            *v = exp(*v - max);
        }
        let scale = 1.0 / lanes(row, |v| v);
        for v in row.iter_mut() {
            *v *= scale;
        }
    }
}

#[inline(always)]
fn gelu_loop(x: &mut [f32]) {
    for v in x {
        *v = 0.5 * *v * (1.0 + erf(*v * std::f32::consts::FRAC_1_SQRT_2));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::{Table, quantise};

    fn noise(n: usize, seed: u64) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
        };
        (0..n).map(|_| next()).collect()
    }

    #[test]
    fn a_linear_map_equals_the_sum_of_products() {
        let (x, w, bias) = (noise(5 * 7, 1), noise(3 * 7, 2), noise(3, 9));
        let mut y = vec![0.0; 15];
        linear(&mut y, &x, &w, &bias);
        for r in 0..5 {
            for o in 0..3 {
                let want: f32 = bias[o] + (0..7).map(|k| x[r * 7 + k] * w[o * 7 + k]).sum::<f32>();
                assert!((y[r * 3 + o] - want).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn a_row_has_the_same_bits_whatever_its_company() {
        for (inner, outputs) in [(384, 1152), (384, 1536), (1536, 384)] {
            let (x, w, b) = (noise(300 * inner, 3), noise(outputs * inner, 4), noise(outputs, 5));
            let mut all = vec![0.0; 300 * outputs];
            linear(&mut all, &x, &w, &b);
            for rows in [2, 3, 5, 8, 15, 16, 17, 33, 64, 65, 100, 129, 257] {
                let start = 300 - rows;
                let mut some = vec![0.0; rows * outputs];
                linear(&mut some, &x[start * inner..], &w, &b);
                assert!(some == all[start * outputs..], "{rows} rows of {inner} into {outputs}");
            }
        }
    }

    #[test]
    fn wide_loops_agree_with_the_plain_ones() {
        let close = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
        let start: Vec<f32> = noise(7 * 37, 6).iter().map(|v| v * 8.0).collect();
        let (gain, bias) = (noise(37, 7), noise(37, 8));
        let (mut wide, mut plain) = (start.clone(), start.clone());
        layer_norm(&mut wide, &gain, &bias, 1e-12);
        layer_norm_loop(&mut plain, &gain, &bias, 1e-12);
        assert!(close(&wide, &plain));
        let (mut wide, mut plain) = (start.clone(), start.clone());
        softmax(&mut wide, 37);
        softmax_loop(&mut plain, 37);
        assert!(close(&wide, &plain));
        let (mut wide, mut plain) = (start.clone(), start);
        gelu(&mut wide);
        gelu_loop(&mut plain);
        assert!(close(&wide, &plain));
        let (x, weight) = (noise(37, 9), noise(3 * 37, 10));
        let (bytes, scales) = quantise(&weight, 37);
        let (mut wide, mut plain) = ([0.0; 3], [0.0; 3]);
        one_row(&mut wide, &x, &weight, &bias[..3]);
        one_row_loop(&mut plain, &x, &weight, &bias[..3]);
        assert!(close(&wide, &plain));
        one_row_of_bytes(&mut wide, &x, &bytes, &scales, &bias[..3]);
        one_row_of_bytes_loop(&mut plain, &x, &bytes, &scales, &bias[..3]);
        assert!(close(&wide, &plain));
        let floats = Table::I8 { rows: bytes, scales }.dequantised(37);
        one_row(&mut plain, &x, &floats, &bias[..3]);
        assert!(close(&wide, &plain));
    }

    #[test]
    #[should_panic(expected = "result of 2 rows")]
    fn a_result_that_is_too_small_is_refused() {
        linear(&mut [0.0; 3], &noise(6, 1), &noise(6, 2), &[0.0; 2]);
    }
}
