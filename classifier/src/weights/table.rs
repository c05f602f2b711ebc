//! Rows of weights as floats or as bytes with a scale a row, and linear maps of them.

use std::borrow::Cow;

use crate::int8::Int8;

/// Rows of floats, or of bytes with a scale each.
#[derive(Debug, Clone)]
pub enum Table {
    F32(Vec<f32>),
    I8 { rows: Vec<i8>, scales: Vec<f32> },
}

impl Table {
    /// Adds row `index` of `out.len()` values to `out`; a row that is not there adds nothing.
    pub(crate) fn add_row(&self, index: usize, out: &mut [f32]) {
        let range = index * out.len()..(index + 1) * out.len();
        match self {
            Self::F32(rows) => {
                for (o, v) in out.iter_mut().zip(rows.get(range).unwrap_or_default()) {
                    *o += v;
                }
            }
            Self::I8 { rows, scales } => {
                let scale = scales.get(index).copied().unwrap_or(0.0);
                for (o, v) in out.iter_mut().zip(rows.get(range).unwrap_or_default()) {
                    *o += f32::from(*v) * scale;
                }
            }
        }
    }

    /// The rows with these numbers, of `width` values each, in this order.
    pub(crate) fn chosen(&self, numbers: &[u32], width: usize) -> Self {
        let row = |number: &u32| *number as usize * width..(*number as usize + 1) * width;
        match self {
            Self::F32(rows) => Self::F32(
                numbers.iter().flat_map(|n| rows.get(row(n)).unwrap_or_default()).copied().collect(),
            ),
            Self::I8 { rows, scales } => Self::I8 {
                rows: numbers.iter().flat_map(|n| rows.get(row(n)).unwrap_or_default()).copied().collect(),
                scales: numbers.iter().filter_map(|n| scales.get(*n as usize)).copied().collect(),
            },
        }
    }

    /// Values of all rows.
    pub(crate) const fn len(&self) -> usize {
        match self {
            Self::F32(rows) => rows.len(),
            Self::I8 { rows, .. } => rows.len(),
        }
    }

    pub(crate) fn dequantised(self, width: usize) -> Vec<f32> {
        match self {
            Self::F32(rows) => rows,
            Self::I8 { rows, scales } => {
                let values = rows.chunks(width).zip(scales);
                values.flat_map(|(row, scale)| row.iter().map(move |v| f32::from(*v) * scale)).collect()
            }
        }
    }
}

#[derive(Debug, Clone)]
pub struct Linear {
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
}

/// Weights of a linear map: floats, one row an output, or packed int8.
#[derive(Debug, Clone)]
pub enum Matrix {
    F32(Vec<f32>),
    I8(Int8),
}

impl Matrix {
    /// The rows as floats.
    pub fn floats(&self) -> Cow<'_, [f32]> {
        match self {
            Self::F32(rows) => Cow::Borrowed(rows),
            Self::I8(packed) => {
                let (rows, scales) = packed.rows();
                let width = rows.len() / scales.len().max(1);
                Cow::Owned(Table::I8 { rows, scales }.dequantised(width))
            }
        }
    }

    /// Rows of the other side that are best multiplied together.
    pub(crate) const fn block(&self) -> usize {
        match self {
            Self::F32(_) => usize::MAX,
            Self::I8(_) => Int8::BLOCK,
        }
    }

    /// The rows of `inputs` values as int8 with a scale each.
    pub(crate) fn int8(&self, inputs: usize) -> (Vec<i8>, Vec<f32>) {
        match self {
            Self::F32(rows) => quantise_factor(rows, inputs),
            Self::I8(packed) => packed.rows(),
        }
    }
}

/// A linear map of the encoder.
#[derive(Debug, Clone)]
pub struct Affine {
    pub weight: Matrix,
    pub bias: Vec<f32>,
}

impl From<Linear> for Affine {
    fn from(linear: Linear) -> Self {
        Self { weight: Matrix::F32(linear.weight), bias: linear.bias }
    }
}

impl Affine {
    pub(super) fn quantised(self, inputs: usize) -> Self {
        let (rows, scales) = self.weight.int8(inputs);
        Self { weight: Matrix::I8(Int8::pack(&rows, &scales, inputs)), bias: self.bias }
    }
}

/// Rows of `width` values as bytes, and the scale of each row.
pub(crate) fn quantise(values: &[f32], width: usize) -> (Vec<i8>, Vec<f32>) {
    quantise_by(values, width, |row| row.iter().fold(0.0, |most, v| v.abs().max(most)))
}

/// [`quantise`] for a factor of a product: of two neighbours those of one sign add up to 128 at most, so that two
/// products with bytes fit 16 bits. A step is a quarter wider for it.
pub(crate) fn quantise_factor(values: &[f32], width: usize) -> (Vec<i8>, Vec<f32>) {
    let sum = |pair: &[f32], sign: f32| pair.iter().map(|v| (sign * v).max(0.0)).sum::<f32>();
    let most = |pair: &[f32]| sum(pair, 1.0).max(sum(pair, -1.0));
    quantise_by(values, width, |row| row.chunks(2).map(most).fold(0.0, f32::max))
}

/// `most`: what of a row becomes 127.
fn quantise_by(values: &[f32], width: usize, most: impl Fn(&[f32]) -> f32) -> (Vec<i8>, Vec<f32>) {
    let (mut bytes, mut scales) = (Vec::with_capacity(values.len()), Vec::new());
    for row in values.chunks(width) {
        let most = most(row);
        let scale = if most > 0.0 { most / 127.0 } else { 1.0 };
        bytes.extend(row.iter().map(|v| (v / scale).round() as i8));
        scales.push(scale);
    }
    (bytes, scales)
}

/// Tables of `inputs` values a row, one below the other; int8 when all of them are.
pub(super) fn stacked(tables: Vec<Table>, inputs: usize) -> Matrix {
    if tables.iter().any(|table| matches!(table, Table::F32(_))) {
        return Matrix::F32(tables.into_iter().flat_map(|table| table.dequantised(inputs)).collect());
    }
    let (mut all, mut every) = (Vec::new(), Vec::new());
    for table in tables {
        if let Table::I8 { rows, scales } = table {
            all.extend(rows);
            every.extend(scales);
        }
    }
    Matrix::I8(Int8::pack(&all, &every, inputs))
}

/// Suffix of the tensor that holds the scale of each row of an int8 tensor.
pub(crate) const SCALE: &str = ".scale";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantised_row_is_within_half_a_step_of_the_original() {
        let values: Vec<f32> =
            (0..60).map(|i| (i as f32 * 0.7).sin() * if i < 20 { 0.01 } else { 3.0 }).collect();
        let (bytes, scales) = quantise(&values, 20);
        for (i, v) in values.iter().enumerate() {
            assert!((f32::from(bytes[i]) * scales[i / 20] - v).abs() <= scales[i / 20] * 0.501);
        }
        assert_eq!(quantise(&[0.0; 4], 4), (vec![0; 4], vec![1.0]));
    }

    #[test]
    fn two_neighbours_of_a_factor_leave_room_for_their_products_with_bytes() {
        let values = [[1.0, 1.0, -0.9], [-3.0, -2.9, 0.1], [5.0, -5.0, 5.0], [0.0, 0.0, 0.0]].concat();
        let (bytes, scales) = quantise_factor(&values, 3);
        assert_eq!(bytes, [64, 64, -57, -65, -62, 2, 127, -127, 127, 0, 0, 0]);
        for (i, v) in values.iter().enumerate() {
            assert!((f32::from(bytes[i]) * scales[i / 3] - v).abs() <= scales[i / 3] * 0.501);
        }
    }

    #[test]
    fn tables_of_bytes_are_stacked_as_bytes_and_read_back_as_floats() {
        let table = |first: i8| Table::I8 { rows: vec![first, 2, 3, 4], scales: vec![0.5, 2.0] };
        let both = stacked(vec![table(1), table(-1)], 2);
        assert!(matches!(both, Matrix::I8(_)));
        assert_eq!(both.floats().as_ref(), [0.5, 1.0, 6.0, 8.0, -0.5, 1.0, 6.0, 8.0]);
        let mixed = stacked(vec![table(1), Table::F32(vec![9.0, 9.0])], 2);
        assert_eq!(mixed.floats().as_ref(), [0.5, 1.0, 6.0, 8.0, 9.0, 9.0]);
    }
}
