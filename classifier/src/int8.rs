//! Matrix product on int8 weights: activations as 16-bit integers with one scale a
//! row, exact sums in 32 bits. Owns the packed form of a weight matrix. The portable
//! loop and the AVX2 kernel give the same bits, so a result does not depend on the
//! machine, nor a row on its company.

use crate::kernel::widened;

/// Outputs of one panel: two AVX2 registers of 32-bit sums.
const PANEL: usize = 16;
/// Input values that one multiplication takes together.
const PAIR: usize = 2;
/// Largest activation. With weights of ±127 a sum over [`MOST_INPUTS`] stays in 32 bits.
const MOST: f32 = 8191.0;
const MOST_INPUTS: usize = 2064;
/// Rows that are multiplied together, as their sums fit the registers.
const TILE: usize = 4;
/// Rows whose activations stay in the second-level cache while the weights pass.
const BLOCK: usize = 64;

/// Outputs × inputs weights as int8 with one scale an output, in panels of
/// [`PANEL`] outputs: for each pair of inputs the two weights of every output.
#[derive(Debug, Clone, PartialEq)]
pub struct Int8 {
    outputs: usize,
    inputs: usize,
    panels: Vec<i8>,
    scales: Vec<f32>,
}

impl Int8 {
    /// Packs `rows` (one of `inputs` values for each of `scales`).
    ///
    /// # Panics
    /// When the sizes do not agree, or there are more inputs than a sum in 32 bits holds.
    pub fn pack(rows: &[i8], scales: Vec<f32>, inputs: usize) -> Self {
        let outputs = scales.len();
        assert_eq!(rows.len(), outputs * inputs, "{outputs} rows of {inputs} weights");
        assert!(inputs <= MOST_INPUTS, "{inputs} inputs; a sum holds {MOST_INPUTS}");
        let pairs = inputs.div_ceil(PAIR);
        let mut panels = vec![0; outputs.div_ceil(PANEL) * pairs * PANEL * PAIR];
        for (output, row) in rows.chunks_exact(inputs.max(1)).enumerate() {
            let from = output / PANEL * pairs * PANEL * PAIR + output % PANEL * PAIR;
            for (input, weight) in row.iter().enumerate() {
                panels[from + input / PAIR * PANEL * PAIR + input % PAIR] = *weight;
            }
        }
        Self { outputs, inputs, panels, scales }
    }

    /// The rows again, as they were packed.
    pub fn rows(&self) -> (Vec<i8>, Vec<f32>) {
        let pairs = self.inputs.div_ceil(PAIR);
        let at = |output: usize, input: usize| {
            let from = output / PANEL * pairs * PANEL * PAIR + output % PANEL * PAIR;
            self.panels[from + input / PAIR * PANEL * PAIR + input % PAIR]
        };
        let rows = (0..self.outputs).flat_map(|o| (0..self.inputs).map(move |i| at(o, i))).collect();
        (rows, self.scales.clone())
    }

    /// `y = x · wᵀ + b` for rows of `x`, through `scratch`.
    ///
    /// # Panics
    /// When `x`, `y` and `bias` are not of the sizes of the matrix.
    pub(crate) fn linear(&self, y: &mut [f32], x: &[f32], bias: &[f32], scratch: &mut Activations) {
        let rows = x.len() / self.inputs;
        assert_eq!((x.len(), bias.len()), (rows * self.inputs, self.outputs), "inputs and bias");
        assert_eq!(y.len(), rows * self.outputs, "result of {rows} rows");
        scratch.take(x, self.inputs);
        let pairs = self.inputs.div_ceil(PAIR);
        let blocks = scratch.pairs.chunks(BLOCK / TILE * pairs).zip(scratch.scales.chunks(BLOCK));
        for (out, (tiles, scales)) in y.chunks_mut(BLOCK * self.outputs).zip(blocks) {
            self.block(out, tiles, scales, bias);
        }
    }

    fn block(&self, out: &mut [f32], tiles: &[[i32; TILE]], scales: &[f32], bias: &[f32]) {
        let pairs = self.inputs.div_ceil(PAIR);
        let panels = self.panels.chunks_exact(pairs * PANEL * PAIR).zip(self.scales.chunks(PANEL));
        for (index, ((panel, weights), bias)) in panels.zip(bias.chunks(PANEL)).enumerate() {
            let panel = panel.as_chunks().0;
            let rows = out.chunks_mut(TILE * self.outputs).zip(scales.chunks(TILE));
            for (tile, (rows, scales)) in tiles.chunks_exact(pairs).zip(rows) {
                let sums = sums(panel, tile);
                for ((row, scale), sums) in rows.chunks_exact_mut(self.outputs).zip(scales).zip(&sums) {
                    let to = row[index * PANEL..].iter_mut();
                    for (((y, sum), weight), bias) in to.zip(sums).zip(weights).zip(bias) {
                        *y = *sum as f32 * (scale * weight) + bias;
                    }
                }
            }
        }
    }
}

/// Rows of activations as 16-bit integers with a scale a row; a buffer of one thread.
#[derive(Debug, Default)]
pub(crate) struct Activations {
    /// Tile after tile, pair after pair: two values of each row of the tile, the first
    /// in the low half. Rows that are wanting in the last tile hold whatever was there.
    pairs: Vec<[i32; TILE]>,
    scales: Vec<f32>,
    row: Vec<i16>,
}

impl Activations {
    fn take(&mut self, x: &[f32], inputs: usize) {
        let pairs = inputs.div_ceil(PAIR);
        self.row.clear();
        self.row.resize(pairs * PAIR, 0);
        self.scales.resize(x.len() / inputs, 0.0);
        self.pairs.resize(self.scales.len().div_ceil(TILE) * pairs, [0; TILE]);
        let tiles = self.pairs.chunks_exact_mut(pairs).zip(self.scales.chunks_mut(TILE));
        for ((tile, scales), rows) in tiles.zip(x.chunks(TILE * inputs)) {
            for (r, (scale, row)) in scales.iter_mut().zip(rows.chunks_exact(inputs)).enumerate() {
                quantise_row(&mut self.row, scale, row);
                for (to, [low, high]) in tile.iter_mut().zip(self.row.as_chunks().0) {
                    to[r] = i32::from(low.cast_unsigned()) | i32::from(*high) << 16;
                }
            }
        }
    }
}

widened! {
    /// Floats as integers of at most [`MOST`]; the rest of `out` is left.
    quantise_row(out: &mut [i16], scale: &mut f32, row: &[f32]) = quantise_loop
}

#[inline(always)]
fn quantise_loop(out: &mut [i16], scale: &mut f32, row: &[f32]) {
    /// Adding it rounds a float to the nearest integer, held in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let most = largest(row);
    let factor = if most > 0.0 { MOST / most } else { 0.0 };
    *scale = most / MOST;
    for (o, v) in out.iter_mut().zip(row) {
        *o = (v * factor + ROUND).to_bits().wrapping_sub(ROUND.to_bits()).cast_signed() as i16;
    }
}

/// The largest magnitude. Sixteen lanes, so that it vectorises.
#[inline(always)]
fn largest(row: &[f32]) -> f32 {
    let mut most = [0f32; 16];
    let (chunks, rest) = row.as_chunks::<16>();
    for chunk in chunks {
        for (m, v) in most.iter_mut().zip(chunk) {
            *m = if v.abs() > *m { v.abs() } else { *m };
        }
    }
    most.iter().copied().chain(rest.iter().map(|v| v.abs())).fold(0.0, f32::max)
}

type Sums = [[i32; PANEL]; TILE];
type Weights = [i8; PANEL * PAIR];

/// Sums of products of each row of a tile with the outputs of one panel.
fn sums(panel: &[Weights], tile: &[[i32; TILE]]) -> Sums {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[expect(unsafe_code, reason = "the processor was asked for AVX2 just before")]
        return unsafe { avx2::sums(panel, tile) };
    }
    portable(panel, tile)
}

fn portable(panel: &[Weights], tile: &[[i32; TILE]]) -> Sums {
    let mut sums = [[0; PANEL]; TILE];
    for (weights, pairs) in panel.iter().zip(tile) {
        for (sums, pair) in sums.iter_mut().zip(pairs) {
            let (low, high) = (i32::from(*pair as i16), pair >> 16);
            for (sum, [first, second]) in sums.iter_mut().zip(weights.as_chunks().0) {
                *sum += low * i32::from(*first) + high * i32::from(*second);
            }
        }
    }
    sums
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        _mm_loadu_si128, _mm256_add_epi32, _mm256_cvtepi8_epi16, _mm256_madd_epi16, _mm256_set1_epi32,
        _mm256_setzero_si256, _mm256_storeu_si256,
    };

    use super::{PANEL, Sums, TILE, Weights};

    /// As [`super::portable`]: `pmaddwd` multiplies a pair of activations with the pairs
    /// of eight outputs and adds the two products.
    #[target_feature(enable = "avx2")]
    #[expect(unsafe_code, reason = "vector loads and stores of arrays of just that size")]
    pub(super) fn sums(panel: &[Weights], tile: &[[i32; TILE]]) -> Sums {
        let mut low = [_mm256_setzero_si256(); TILE];
        let mut high = [_mm256_setzero_si256(); TILE];
        for (weights, pairs) in panel.iter().zip(tile) {
            let ([first, second], _) = weights.as_chunks::<16>() else { continue };
            // SAFETY: each half is an array of 16 bytes.
            let (first, second) =
                unsafe { (_mm_loadu_si128(first.as_ptr().cast()), _mm_loadu_si128(second.as_ptr().cast())) };
            let (first, second) = (_mm256_cvtepi8_epi16(first), _mm256_cvtepi8_epi16(second));
            for ((low, high), pair) in low.iter_mut().zip(&mut high).zip(pairs) {
                let both = _mm256_set1_epi32(*pair);
                *low = _mm256_add_epi32(*low, _mm256_madd_epi16(both, first));
                *high = _mm256_add_epi32(*high, _mm256_madd_epi16(both, second));
            }
        }
        let mut sums = [[0; PANEL]; TILE];
        for ((sums, low), high) in sums.iter_mut().zip(low).zip(high) {
            let (first, second) = sums.split_at_mut(PANEL / 2);
            // SAFETY: each half holds eight 32-bit values.
            unsafe {
                _mm256_storeu_si256(first.as_mut_ptr().cast(), low);
                _mm256_storeu_si256(second.as_mut_ptr().cast(), high);
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(n: usize, seed: u32) -> Vec<i32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8).cast_signed()
        };
        (0..n).map(|_| next()).collect()
    }

    fn floats(n: usize, seed: u32) -> Vec<f32> {
        noise(n, seed).into_iter().map(|v| v as f32 / 8_388_608.0 - 1.0).collect()
    }

    fn bytes(n: usize, seed: u32) -> Vec<i8> {
        noise(n, seed).into_iter().map(|v| (v % 255 - 127) as i8).collect()
    }

    #[test]
    fn rows_come_back_as_they_were_packed() {
        for (outputs, inputs) in [(1, 1), (16, 8), (33, 7), (40, 384)] {
            let (rows, scales) = (bytes(outputs * inputs, 1), vec![0.5; outputs]);
            assert_eq!(Int8::pack(&rows, scales.clone(), inputs).rows(), (rows, scales));
        }
    }

    #[test]
    fn a_linear_map_is_as_near_to_double_precision_as_its_activations() {
        for (outputs, inputs, rows) in [(16, 384, 5), (37, 33, 9), (48, 1536, 70), (1, 1, 1)] {
            let (weights, scales) = (bytes(outputs * inputs, 2), floats(outputs, 3));
            let (x, bias) = (floats(rows * inputs, 4), floats(outputs, 5));
            let mut y = vec![0.0; rows * outputs];
            Int8::pack(&weights, scales.clone(), inputs).linear(
                &mut y,
                &x,
                &bias,
                &mut Activations::default(),
            );
            for r in 0..rows {
                for o in 0..outputs {
                    let exact: f64 = (0..inputs)
                        .map(|i| f64::from(x[r * inputs + i]) * f64::from(weights[o * inputs + i]))
                        .sum::<f64>();
                    let want = exact * f64::from(scales[o]) + f64::from(bias[o]);
                    let most = 127.0 * (inputs as f64).sqrt() / 8191.0;
                    assert!((f64::from(y[r * outputs + o]) - want).abs() < 2.0 * most, "{r} {o}");
                }
            }
        }
    }

    #[test]
    fn every_kernel_gives_the_same_sums() {
        for pairs in [1, 17, 192, 768] {
            let panel = bytes(pairs * PANEL * PAIR, 6);
            let values = floats(TILE * pairs * PAIR, 7);
            let mut activations = Activations::default();
            activations.take(&values, pairs * PAIR);
            let panel = panel.as_chunks().0;
            assert_eq!(sums(panel, &activations.pairs), portable(panel, &activations.pairs), "{pairs} pairs");
        }
    }

    #[test]
    fn the_largest_sum_fits() {
        let matrix = Int8::pack(&[-127; MOST_INPUTS * 2], vec![1.0; 2], MOST_INPUTS);
        let mut y = vec![0.0; 2];
        matrix.linear(&mut y, &[1.0; MOST_INPUTS], &[0.0; 2], &mut Activations::default());
        assert!(y.iter().all(|v| (v + 127.0 * MOST_INPUTS as f32).abs() < 1.0), "{y:?}");
    }

    #[test]
    fn a_row_has_the_same_bits_whatever_its_company() {
        let (x, bias) = (floats(300 * 384, 8), floats(48, 9));
        let matrix = Int8::pack(&bytes(48 * 384, 10), floats(48, 11), 384);
        let mut all = vec![0.0; 300 * 48];
        matrix.linear(&mut all, &x, &bias, &mut Activations::default());
        for rows in [1, 2, 3, 5, 64, 65, 129] {
            let mut some = vec![0.0; rows * 48];
            matrix.linear(&mut some, &x[(300 - rows) * 384..], &bias, &mut Activations::default());
            assert!(some == all[(300 - rows) * 48..], "{rows} rows");
        }
    }
}
