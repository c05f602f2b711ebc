//! Matrix product on int8 weights: activations as unsigned bytes with a scale and a
//! zero point a row, exact sums in 32 bits. Owns the packed form of a weight matrix.
//! Every kernel gives the same bits, so a result does not depend on the machine, nor
//! a row on its company.

mod rows;
mod sums;
#[cfg(test)]
mod tests;

pub(crate) use rows::Activations;
pub(crate) use sums::Then;

/// Outputs of one panel: two AVX-512 registers of 32-bit sums.
const PANEL: usize = 32;
/// Input values that one multiplication takes together.
const QUAD: usize = 4;
/// Rows that are multiplied together, as their sums fit the registers.
const ROWS: usize = 12;
/// The same in tile registers; rows of activations come in multiples of it.
const TILE_ROWS: usize = 32;
/// Rows whose values of 16 bits lie together.
const WIDE_ROWS: usize = 2;
/// Inputs that a row of a tile register holds.
const DEEP: usize = 64;
/// With weights of ±127 and activations of 255 a sum stays in 32 bits.
const MOST_INPUTS: usize = 66_000;

/// For one quad of inputs the four weights of every output of a panel.
type Weights = [[i8; QUAD]; PANEL];

/// Outputs × inputs weights as int8 with one scale an output, in panels of
/// [`PANEL`] outputs; what is missing in the last panel and quad is 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Int8 {
    outputs: usize,
    inputs: usize,
    panels: Vec<Weights>,
    /// For each output its scale and the sum of its weights.
    scales: Vec<[f32; PANEL]>,
    totals: Vec<[i32; PANEL]>,
    /// Whether the products of two neighbours with any bytes add up to 16 bits.
    fits_pairs: bool,
}

impl Int8 {
    /// Rows whose activations stay in the cache while the weights pass.
    pub(crate) const BLOCK: usize = 3 * TILE_ROWS;

    /// Packs `rows` (one of `inputs` values for each of `scales`).
    ///
    /// # Panics
    /// When the sizes do not agree, or there are more inputs than a sum in 32 bits holds.
    pub fn pack(rows: &[i8], scales: &[f32], inputs: usize) -> Self {
        let outputs = scales.len();
        assert_eq!(rows.len(), outputs * inputs, "{outputs} rows of {inputs} weights");
        assert!(inputs <= MOST_INPUTS, "{inputs} inputs; a sum holds {MOST_INPUTS}");
        let (count, quads) = (outputs.div_ceil(PANEL), inputs.div_ceil(QUAD));
        let mut panels = vec![[[0; QUAD]; PANEL]; count * quads];
        let mut totals = vec![[0; PANEL]; count];
        for (output, row) in rows.chunks_exact(inputs.max(1)).enumerate() {
            let (panel, place) = (output / PANEL, output % PANEL);
            for (weights, values) in panels[panel * quads..].iter_mut().zip(row.chunks(QUAD)) {
                weights[place][..values.len()].copy_from_slice(values);
            }
            totals[panel][place] = row.iter().map(|w| i32::from(*w)).sum();
        }
        let fits_pairs = panels.iter().flatten().all(fits_pairs);
        Self { outputs, inputs, panels, scales: padded(scales), totals, fits_pairs }
    }

    /// The rows again, as they were packed.
    pub fn rows(&self) -> (Vec<i8>, Vec<f32>) {
        let quads = self.inputs.div_ceil(QUAD);
        let at = |output: usize, input: usize| {
            self.panels[output / PANEL * quads + input / QUAD][output % PANEL][input % QUAD]
        };
        let rows = (0..self.outputs).flat_map(|o| (0..self.inputs).map(move |i| at(o, i))).collect();
        (rows, self.scales.iter().flatten().copied().take(self.outputs).collect())
    }

    /// `y = then(x · wᵀ + b)` for rows of `x`, through `scratch`.
    ///
    /// # Panics
    /// When `x`, `y` and `bias` are not of the sizes of the matrix.
    pub(crate) fn linear(
        &self,
        y: &mut [f32],
        x: &[f32],
        bias: &[f32],
        then: Then,
        scratch: &mut Activations,
    ) {
        let rows = x.len() / self.inputs;
        assert_eq!((x.len(), bias.len()), (rows * self.inputs, self.outputs), "inputs and bias");
        assert_eq!(y.len(), rows * self.outputs, "result of {rows} rows");
        for (y, x) in y.chunks_mut(Self::BLOCK * self.outputs).zip(x.chunks(Self::BLOCK * self.inputs)) {
            scratch.take(x, self.inputs);
            sums::block(self, y, scratch, bias, then);
        }
    }
}

fn fits_pairs(quad: &[i8; QUAD]) -> bool {
    let sum = |pair: &[i8], sign: i32| pair.iter().map(|w| (sign * i32::from(*w)).max(0)).sum::<i32>();
    quad.chunks(2).all(|pair| sum(pair, 1).max(sum(pair, -1)) * i32::from(u8::MAX) <= i32::from(i16::MAX))
}

/// `values` in arrays of a panel, zeros at the end.
fn padded(values: &[f32]) -> Vec<[f32; PANEL]> {
    values.chunks(PANEL).map(|some| std::array::from_fn(|i| some.get(i).copied().unwrap_or(0.0))).collect()
}
