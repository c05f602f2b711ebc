use super::rows::{Row, quantise_loop};
use super::sums::{Rows, Sums, block, portable, portable_block};
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
    bytes_to(127, n, seed)
}

fn bytes_to(most: i32, n: usize, seed: u32) -> Vec<i8> {
    noise(n, seed).into_iter().map(|v| (v % (2 * most + 1) - most) as i8).collect()
}

#[test]
fn rows_come_back_as_they_were_packed() {
    for (outputs, inputs) in [(1, 1), (16, 8), (33, 7), (40, 384)] {
        let (rows, scales) = (bytes(outputs * inputs, 1), vec![0.5; outputs]);
        assert_eq!(Int8::pack(&rows, &scales, inputs).rows(), (rows, scales));
    }
}

#[test]
fn a_linear_map_is_as_near_to_double_precision_as_its_activations() {
    for (outputs, inputs, rows) in [(16, 384, 5), (37, 33, 9), (48, 1536, 130), (1, 1, 1)] {
        let (weights, scales) = (bytes(outputs * inputs, 2), floats(outputs, 3));
        let (x, bias) = (floats(rows * inputs, 4), floats(outputs, 5));
        let mut y = vec![0.0; rows * outputs];
        let matrix = Int8::pack(&weights, &scales, inputs);
        matrix.linear(&mut y, &x, &bias, Then::Store, &mut Activations::default());
        for r in 0..rows {
            for o in 0..outputs {
                let exact: f64 = (0..inputs)
                    .map(|i| f64::from(x[r * inputs + i]) * f64::from(weights[o * inputs + i]))
                    .sum::<f64>();
                let want = exact * f64::from(scales[o]) + f64::from(bias[o]);
                let most = 127.0 * (inputs as f64).sqrt() / 127.0;
                assert!((f64::from(y[r * outputs + o]) - want).abs() < 2.0 * most, "{r} {o}");
            }
        }
    }
}

#[test]
fn a_result_can_be_added_or_pass_through_gelu() {
    let (x, bias) = (floats(14 * 40, 12), floats(37, 13));
    let matrix = Int8::pack(&bytes(37 * 40, 14), &[0.02; 37], 40);
    let run = |then| {
        let mut y = vec![0.25; 14 * 37];
        matrix.linear(&mut y, &x, &bias, then, &mut Activations::default());
        y
    };
    let mut plain = run(Then::Store);
    assert!(run(Then::Add).iter().zip(&plain).all(|(added, v)| *added == 0.25 + v));
    crate::kernel::gelu(&mut plain);
    assert!(run(Then::Gelu).iter().zip(&plain).all(|(g, v)| (g - v).abs() < 1e-4));
}

#[test]
fn a_byte_is_within_half_a_step_of_its_value_and_zero_is_exact() {
    for (seed, shift) in [(15, 0.0), (16, 0.9), (17, -3.0), (18, 500.0)] {
        let mut values: Vec<f32> = floats(101, seed).iter().map(|v| v + shift).collect();
        values[50] = 0.0;
        let (mut bytes, mut row) = (vec![0; 101], Row::default());
        quantise_loop(&mut bytes, &mut row, &values);
        for (v, byte) in values.iter().zip(&bytes) {
            let back = (i32::from(*byte) - row.zero) as f32 * row.scale;
            assert!((back - v).abs() <= 0.51 * row.scale, "{v} became {back}");
        }
        assert_eq!(i32::from(bytes[50]), row.zero);
    }
    let (mut bytes, mut row) = (vec![7; 3], Row::default());
    quantise_loop(&mut bytes, &mut row, &[0.0; 3]);
    assert_eq!((bytes, row), (vec![0; 3], Row::default()));
}

/// Sums of so many rows.
type Kernel = fn(&mut Sums<ROWS>, &[Weights], &mut Activations, usize);

/// The largest weight of which two products with any bytes fit 16 bits.
const PAIRED: i32 = 64;

/// The kernels that this processor has for weights to `most`.
fn kernels(most: i32) -> Vec<(&'static str, Kernel)> {
    let mut all: Vec<(&'static str, Kernel)> =
        vec![("portable", |sums, panel, x, count| portable(sums, panel, rows(count, x, panel.len())))];
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx2") {
            #[expect(unsafe_code, reason = "the processor was asked for AVX2 just before")]
            all.push(("AVX2", |sums, panel, x, count| unsafe {
                let inputs = panel.len() * QUAD;
                x.widen(inputs);
                let wide = x.wide(inputs, 0..count);
                super::sums::avx2::words::sums(sums, panel, wide, Activations::wide_stride(inputs));
            }));
            if most <= PAIRED {
                #[expect(unsafe_code, reason = "the processor was asked for AVX2 just before")]
                all.push(("AVX2 on bytes", |sums, panel, x, count| unsafe {
                    super::sums::avx2::bytes::sums(sums, panel, rows(count, x, panel.len()));
                }));
            }
        }
        if crate::processor::has_vnni() {
            #[expect(unsafe_code, reason = "the processor was asked for the features just before")]
            all.push(("AVX-512 VNNI", |sums, panel, x, count| unsafe {
                super::sums::avx512::sums(sums, panel, rows(count, x, panel.len()));
            }));
        } else {
            eprintln!("this processor has no AVX-512 VNNI: its kernel is not tested");
        }
    }
    all
}

/// A panel of so many quads of weights to `most`, and `rows` rows of values for it.
fn factors(most: i32, quads: usize, rows: usize) -> (Vec<Weights>, Activations) {
    let weights = bytes_to(most, quads * PANEL * QUAD, 6);
    let weight = |q, o, i| weights[(q * PANEL + o) * QUAD + i];
    let panel = (0..quads).map(|q| std::array::from_fn(|o| std::array::from_fn(|i| weight(q, o, i))));
    let mut activations = Activations::default();
    activations.take(&floats(rows * quads * QUAD, 7), quads * QUAD);
    (panel.collect(), activations)
}

fn rows(count: usize, activations: &Activations, quads: usize) -> Rows<'_> {
    Rows { count, bytes: &activations.bytes, stride: Activations::stride(quads * QUAD) }
}

#[test]
fn every_kernel_gives_the_same_sums() {
    for (most, quads) in
        [127, PAIRED].into_iter().flat_map(|most| [1, 17, 96, 384].map(|quads| (most, quads)))
    {
        let (panel, mut activations) = factors(most, quads, ROWS);
        for count in 1..=ROWS {
            let mut want = [[0; PANEL]; ROWS];
            portable(&mut want, &panel, rows(count, &activations, quads));
            for (name, kernel) in kernels(most) {
                let mut got = [[-1; PANEL]; ROWS];
                kernel(&mut got, &panel, &mut activations, count);
                assert!(
                    got[..count] == want[..count],
                    "{name}, weights to {most}, {quads} quads, {count} rows"
                );
            }
        }
    }
}

#[test]
fn the_largest_products_of_a_pair_fit_16_bits() {
    for weight in [64, -64] {
        let panel = [[[weight; QUAD]; PANEL]; 8];
        let mut activations = Activations::default();
        activations.take(&[1.0; ROWS * 8 * QUAD], 8 * QUAD);
        for (name, kernel) in kernels(PAIRED) {
            let mut got = [[-1; PANEL]; ROWS];
            kernel(&mut got, &panel, &mut activations, ROWS);
            assert_eq!(got, [[i32::from(weight) * 255 * 32; PANEL]; ROWS], "{name}");
        }
    }
}

#[test]
fn a_matrix_knows_whether_two_products_fit_16_bits() {
    for (row, fits) in [
        ([127, 1, -127, -1, 0], true),
        ([127, 2, 0, 0, 0], false),
        ([0, 127, 127, -127, 0], true),
        ([0, 0, -65, -64, 0], false),
        ([-127, 127, 0, 0, -127], true),
    ] {
        let matrix = Int8::pack(&[[1; 5], row].concat(), &[1.0; 2], 5);
        assert_eq!(matrix.fits_pairs, fits, "{row:?}");
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn tile_registers_give_the_same_sums() {
    if !crate::processor::has_tiles() {
        return eprintln!("this processor has no tile registers: their kernel is not tested");
    }
    for quads in [16, 96, 384] {
        let (panel, activations) = factors(127, quads, TILE_ROWS);
        let mut got = [[-1; PANEL]; TILE_ROWS];
        let registers = crate::amx::Registers::begin();
        super::sums::amx::sums(&mut got, &panel, rows(TILE_ROWS, &activations, quads), &registers);
        for (at, got) in got.iter().enumerate() {
            let mut want = [[0; PANEL]; ROWS];
            let stride = Activations::stride(quads * QUAD);
            portable(&mut want, &panel, Rows { count: 1, bytes: &activations.bytes[at * stride..], stride });
            assert_eq!(*got, want[0], "{quads} quads, row {at}");
        }
    }
}

#[test]
fn the_kernel_of_this_processor_gives_the_bits_of_the_portable_one() {
    for (most, outputs, inputs) in [(127, 37, 33), (127, 384, 128), (PAIRED, 37, 33), (PAIRED, 384, 392)] {
        let matrix = Int8::pack(&bytes_to(most, outputs * inputs, 20), &floats(outputs, 21), inputs);
        assert_eq!(matrix.fits_pairs, most <= PAIRED);
        let bias = floats(outputs, 22);
        let mut activations = Activations::default();
        activations.take(&floats(29 * inputs, 23), inputs);
        for then in [Then::Store, Then::Gelu, Then::Add] {
            let (mut here, mut plain) = (floats(29 * outputs, 24), floats(29 * outputs, 24));
            block(&matrix, &mut here, &mut activations, &bias, then);
            portable_block(&matrix, &mut plain, &activations, &bias, then);
            assert!(here == plain, "{outputs} outputs of weights to {most}, {then:?}");
        }
    }
}

#[test]
fn the_largest_sum_fits() {
    let matrix = Int8::pack(&[-127; MOST_INPUTS * 2], &[1.0; 2], MOST_INPUTS);
    let mut y = vec![0.0; 2];
    matrix.linear(&mut y, &[1.0; MOST_INPUTS], &[0.0; 2], Then::Store, &mut Activations::default());
    let want = -127.0 * MOST_INPUTS as f32;
    assert!(y.iter().all(|v| (v / want - 1.0).abs() < 1e-6), "{y:?}");
}

#[test]
fn a_row_has_the_same_bits_whatever_its_company() {
    let (x, bias) = (floats(300 * 384, 8), floats(48, 9));
    let matrix = Int8::pack(&bytes(48 * 384, 10), &floats(48, 11), 384);
    let mut all = vec![0.0; 300 * 48];
    matrix.linear(&mut all, &x, &bias, Then::Store, &mut Activations::default());
    for rows in [1, 2, 3, 5, 11, 12, 13, 96, 97, 129] {
        let mut some = vec![0.0; rows * 48];
        matrix.linear(&mut some, &x[(300 - rows) * 384..], &bias, Then::Store, &mut Activations::default());
        assert!(some == all[(300 - rows) * 48..], "{rows} rows");
    }
}
