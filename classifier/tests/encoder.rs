//! The packed encoder against the same mathematics written plainly on padded
//! tensors, on a tiny random model built here.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use candle_core::{D, DType, Device, Tensor};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tocsin_classifier::encoder::{Encoder, Scratch};
use tocsin_classifier::tensor::TensorEncoder;
use tocsin_classifier::weights::{Affine, Layer, Linear, Norm, Shape, Table, Weights};

const HIDDEN: usize = 144;
const HEADS: usize = 4;
const MIDDLE: usize = 160;
const WORDS: usize = 50;
const POSITIONS: usize = 40;

fn map(values: &mut dyn FnMut(usize, f32, f32) -> Vec<f32>, inputs: usize, outputs: usize) -> Affine {
    Linear { weight: values(outputs * inputs, 0.0, 0.1), bias: values(outputs, 0.0, 0.1) }.into()
}

fn weights() -> Weights {
    let mut rng = StdRng::seed_from_u64(7);
    let mut values = |n: usize, around: f32, by: f32| -> Vec<f32> {
        (0..n).map(|_| around + rng.random_range(-by..by)).collect()
    };
    let layers = (0..2)
        .map(|_| Layer {
            qkv: map(&mut values, HIDDEN, 3 * HIDDEN),
            attention_out: map(&mut values, HIDDEN, HIDDEN),
            attention_norm: Norm { gain: values(HIDDEN, 1.0, 0.2), bias: values(HIDDEN, 0.0, 0.1) },
            up: map(&mut values, HIDDEN, MIDDLE),
            down: map(&mut values, MIDDLE, HIDDEN),
            out_norm: Norm { gain: values(HIDDEN, 1.0, 0.2), bias: values(HIDDEN, 0.0, 0.1) },
        })
        .collect();
    Weights {
        shape: Shape {
            model_type: "bert".to_owned(),
            hidden_size: HIDDEN,
            num_hidden_layers: 2,
            num_attention_heads: HEADS,
            intermediate_size: MIDDLE,
            vocab_size: WORDS,
            max_position_embeddings: POSITIONS,
            layer_norm_eps: 1e-12,
        },
        words: Table::F32(values(WORDS * HIDDEN, 0.0, 1.0)),
        positions: values(POSITIONS * HIDDEN, 0.0, 0.5),
        norm: Norm { gain: values(HIDDEN, 1.0, 0.2), bias: values(HIDDEN, 0.0, 0.1) },
        layers,
    }
}

fn texts() -> Vec<Vec<u32>> {
    let mut rng = StdRng::seed_from_u64(8);
    [5, 2, 17, 40, 9].iter().map(|n| (0..*n).map(|_| rng.random_range(0..WORDS as u32)).collect()).collect()
}

fn tensor(values: &[f32], shape: (usize, usize)) -> Tensor {
    Tensor::from_slice(values, shape, &Device::Cpu).unwrap()
}

fn vector(values: &[f32]) -> Tensor {
    Tensor::from_slice(values, values.len(), &Device::Cpu).unwrap()
}

fn affine(x: &Tensor, l: &Affine) -> Tensor {
    let inputs = x.dim(D::Minus1).unwrap();
    let w = tensor(&l.weight.floats(), (l.bias.len(), inputs)).t().unwrap();
    x.broadcast_matmul(&w).unwrap().broadcast_add(&vector(&l.bias)).unwrap()
}

fn norm(x: &Tensor, n: &Norm) -> Tensor {
    let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1).unwrap()).unwrap();
    let variance = (centred.sqr().unwrap().mean_keepdim(D::Minus1).unwrap() + 1e-12).unwrap();
    let scaled = centred.broadcast_div(&variance.sqrt().unwrap()).unwrap();
    scaled.broadcast_mul(&vector(&n.gain)).unwrap().broadcast_add(&vector(&n.bias)).unwrap()
}

fn floats(table: &Table) -> Vec<f32> {
    match table {
        Table::F32(rows) => rows.clone(),
        Table::I8 { rows, scales } => {
            let values = rows.chunks(HIDDEN).zip(scales);
            values.flat_map(|(row, scale)| row.iter().map(move |v| f32::from(*v) * scale)).collect()
        }
    }
}

/// Padded to the longest text, padding masked in attention: `[texts, longest, HIDDEN]`.
fn padded(weights: &Weights, texts: &[Vec<u32>]) -> Tensor {
    let (b, n) = (texts.len(), texts.iter().map(Vec::len).max().unwrap());
    let at = |t: &Vec<u32>, i: usize| t.get(i).copied().unwrap_or(0);
    let ids: Vec<u32> = texts.iter().flat_map(|t| (0..n).map(move |i| at(t, i))).collect();
    let mask: Vec<f32> =
        texts.iter().flat_map(|t| (0..n).map(|i| if i < t.len() { 0.0 } else { -1e9 })).collect();
    let mask = Tensor::from_vec(mask, (b, 1, 1, n), &Device::Cpu).unwrap();
    let words = floats(&weights.words);
    let ids = Tensor::from_vec(ids, b * n, &Device::Cpu).unwrap();
    let words =
        tensor(&words, (WORDS, HIDDEN)).index_select(&ids, 0).unwrap().reshape((b, n, HIDDEN)).unwrap();
    let positions = tensor(&weights.positions, (POSITIONS, HIDDEN)).narrow(0, 0, n).unwrap();
    let mut x = norm(&words.broadcast_add(&positions).unwrap(), &weights.norm);
    for layer in &weights.layers {
        let qkv = affine(&x, &layer.qkv);
        let part = |i: usize| {
            let part =
                qkv.narrow(2, i * HIDDEN, HIDDEN).unwrap().reshape((b, n, HEADS, HIDDEN / HEADS)).unwrap();
            part.transpose(1, 2).unwrap().contiguous().unwrap()
        };
        let scores = part(0).matmul(&part(1).t().unwrap().contiguous().unwrap()).unwrap();
        let scores = (scores / ((HIDDEN / HEADS) as f64).sqrt()).unwrap().broadcast_add(&mask).unwrap();
        let weights = candle_nn::ops::softmax(&scores, D::Minus1).unwrap();
        let context =
            weights.matmul(&part(2)).unwrap().transpose(1, 2).unwrap().reshape((b, n, HIDDEN)).unwrap();
        let middle = norm(&(&x + affine(&context, &layer.attention_out)).unwrap(), &layer.attention_norm);
        let up = affine(&middle, &layer.up).gelu_erf().unwrap();
        x = norm(&(&middle + affine(&up, &layer.down)).unwrap(), &layer.out_norm);
    }
    x.to_dtype(DType::F32).unwrap()
}

#[test]
fn packed_tokens_give_what_padded_tensors_give() {
    let (weights, texts) = (weights(), texts());
    let want: Vec<Vec<Vec<f32>>> = padded(&weights, &texts).to_vec3().unwrap();
    let encoder = Encoder::new(weights, &[2]);
    let mut scratch = Scratch::default();
    encoder.forward(&texts.iter().map(Vec::as_slice).collect::<Vec<_>>(), &mut scratch);
    for (index, text) in texts.iter().enumerate() {
        let got = scratch.states(index).tap(0);
        assert_eq!(got.len(), text.len() * HIDDEN);
        for (row, want) in got.chunks(HIDDEN).zip(&want[index]) {
            for (a, b) in row.iter().zip(want) {
                assert!((a - b).abs() < 2e-5, "text {index}: {a} and {b}");
            }
        }
    }
}

#[test]
fn the_tensor_encoder_of_the_gpu_agrees_with_the_packed_one_also_in_half_precision() {
    let (packed, texts) = (Encoder::new(weights(), &[1, 2]), texts());
    let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
    let (mut one, mut two) = (Scratch::default(), Scratch::default());
    packed.forward(&texts, &mut one);
    for (dtype, least) in [(DType::F32, 2e-5), (DType::F16, 2e-2)] {
        let tensors = TensorEncoder::new(&packed, &Device::Cpu, dtype).unwrap();
        tensors.forward(&texts, &mut two).unwrap();
        for index in 0..texts.len() {
            assert_eq!(one.states(index).tokens(), two.states(index).tokens());
            for tap in 0..2 {
                let (a, b) = (one.states(index).tap(tap), two.states(index).tap(tap));
                assert_eq!(a.len(), b.len());
                let furthest = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(furthest < least, "{dtype:?}: text {index} tap {tap} is {furthest} off");
            }
        }
    }
}

#[test]
fn a_text_has_the_same_bits_alone_and_in_any_batch() {
    let (encoder, texts) = (Encoder::new(weights(), &[1, 2]), texts());
    let all: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
    let mut together = Scratch::default();
    let mut alone = Scratch::default();
    let mut reversed = Scratch::default();
    encoder.forward(&all, &mut together);
    encoder.forward(&all.iter().rev().copied().collect::<Vec<_>>(), &mut reversed);
    for (index, text) in all.iter().enumerate() {
        encoder.forward(&[*text], &mut alone);
        for tap in 0..2 {
            assert!(alone.states(0).tap(tap) == together.states(index).tap(tap));
            assert!(reversed.states(all.len() - 1 - index).tap(tap) == together.states(index).tap(tap));
        }
    }
}

#[test]
fn buffers_of_an_earlier_larger_batch_leave_no_trace() {
    let (encoder, texts) = (Encoder::new(weights(), &[2]), texts());
    let mut used = Scratch::default();
    encoder.forward(&[&texts[3], &texts[2]], &mut used);
    encoder.forward(&[&texts[1]], &mut used);
    let mut fresh = Scratch::default();
    encoder.forward(&[&texts[1]], &mut fresh);
    assert!(used.states(0).tap(0) == fresh.states(0).tap(0));
}

#[test]
fn int8_weights_give_what_their_floats_give() {
    let (weights, texts) = (weights().quantised(), texts());
    let want: Vec<Vec<Vec<f32>>> = padded(&weights, &texts).to_vec3().unwrap();
    let encoder = Encoder::new(weights, &[2]);
    let mut scratch = Scratch::default();
    encoder.forward(&texts.iter().map(Vec::as_slice).collect::<Vec<_>>(), &mut scratch);
    for (index, want) in want.iter().enumerate().take(texts.len()) {
        for (row, want) in scratch.states(index).tap(0).chunks(HIDDEN).zip(want) {
            let most = row.iter().zip(want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(most < 3e-2, "text {index}: off by {most}");
        }
    }
}
