//! Attention of one text among its own tokens, one thread. Owns the order of its
//! sums: every loop here gives the same bits on every processor.

use crate::kernel::exp;
#[cfg(target_arch = "x86_64")]
use crate::processor;

/// Queries that are multiplied together, as their sums fit the registers.
const ROWS: usize = 8;
/// Those that are in the plain loop: the sums of one would wait for each other.
const PAIR: usize = 2;
/// Keys, and values of a head, that are: two AVX-512 registers.
const BLOCK: usize = 32;
/// Lanes of the sum of a row's weights.
const LANES: usize = 16;

/// A value of each query, or of each key, or some values of one token.
type Queries = [f32; ROWS];
type Block = [f32; BLOCK];
/// For each query its product with each key of a block, or sums of a block of values.
type Tile = [Block; ROWS];

/// Where the heads are in a row of query, key and value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heads {
    pub(crate) count: usize,
    pub(crate) width: usize,
}

/// Buffers of one thread for one head of one text.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    /// For each tile of queries and each place in a head: that value of every query.
    queries: Vec<f32>,
    /// For each block of keys and each place in a head: that value of every key.
    keys: Vec<f32>,
    /// For each block of a head's width and each token: those values.
    values: Vec<f32>,
    /// For each block of keys and each query of a tile: weights of those keys.
    scores: Vec<f32>,
}

/// For rows of query, key and value of all heads: softmax(q · kᵀ / √width) · v, a row
/// of all heads for each.
pub(crate) fn attend(out: &mut [f32], qkv: &[f32], heads: Heads, buffers: &mut Buffers) {
    #[cfg(target_arch = "x86_64")]
    {
        if processor::has_avx512() {
            #[expect(unsafe_code, reason = "the processor was asked for the features just before")]
            return unsafe { avx512::attend(out, qkv, heads, buffers) };
        }
        if processor::has_avx2() {
            #[expect(unsafe_code, reason = "the processor was asked for both features just before")]
            return unsafe { attend_avx2(out, qkv, heads, buffers) };
        }
    }
    attend_loop(out, qkv, heads, buffers, products, weighted);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
#[expect(
    clippy::redundant_closure,
    reason = "a closure has the instructions of the function that it stands in, a function that is passed has not"
)]
fn attend_avx2(out: &mut [f32], qkv: &[f32], heads: Heads, buffers: &mut Buffers) {
    attend_loop(out, qkv, heads, buffers, |q, k| products(q, k), |w, v| weighted(w, v));
}

#[inline(always)]
fn attend_loop(
    out: &mut [f32],
    qkv: &[f32],
    heads: Heads,
    buffers: &mut Buffers,
    products: impl Fn(&[Queries], &[Block]) -> Tile,
    weighted: impl Fn(&[Tile], &[Block]) -> Tile,
) {
    let hidden = heads.count * heads.width;
    let tokens = out.len() / hidden;
    for head in 0..heads.count {
        let part = |part: usize| {
            let rows = qkv.chunks_exact(3 * hidden);
            rows.map(move |row| &row[part * hidden + head * heads.width..][..heads.width])
        };
        let scale = 1.0 / (heads.width as f32).sqrt();
        across::<ROWS>(&mut buffers.queries, part(0), tokens, heads.width, scale);
        across::<BLOCK>(&mut buffers.keys, part(1), tokens, heads.width, 1.0);
        along(&mut buffers.values, part(2), tokens, heads.width);
        buffers.scores.resize(tokens.div_ceil(BLOCK) * ROWS * BLOCK, 0.0);
        let queries = buffers.queries.as_chunks::<ROWS>().0.chunks_exact(heads.width);
        for (queries, out) in queries.zip(out.chunks_mut(ROWS * hidden)) {
            let scores = buffers.scores.as_chunks_mut::<BLOCK>().0.as_chunks_mut::<ROWS>().0;
            let keys = buffers.keys.as_chunks::<BLOCK>().0.chunks_exact(heads.width);
            for (scores, keys) in scores.iter_mut().zip(keys) {
                *scores = products(queries, keys);
            }
            softmax(scores, tokens);
            let values = buffers.values.as_chunks::<BLOCK>().0.chunks_exact(tokens);
            for (at, values) in (0..heads.width).step_by(BLOCK).zip(values) {
                let sums = weighted(scores, values);
                let to = at..heads.width.min(at + BLOCK);
                for (row, sums) in out.chunks_exact_mut(hidden).zip(&sums) {
                    let to = row[head * heads.width..][to.clone()].iter_mut();
                    to.zip(sums).for_each(|(to, sum)| *to = *sum);
                }
            }
        }
    }
}

/// Groups of `N` rows of `width` values, scaled, each group with its columns side by side.
#[inline(always)]
fn across<'a, const N: usize>(
    out: &mut Vec<f32>,
    rows: impl Iterator<Item = &'a [f32]>,
    count: usize,
    width: usize,
    scale: f32,
) {
    out.resize(count.next_multiple_of(N) * width, 0.0);
    let groups = out.as_chunks_mut::<N>().0;
    for (index, row) in rows.enumerate() {
        for (group, value) in groups[index / N * width..].iter_mut().zip(row) {
            group[index % N] = value * scale;
        }
    }
}

/// Rows of `width` values cut in blocks: each block of all rows after the other.
#[inline(always)]
fn along<'a>(out: &mut Vec<f32>, rows: impl Iterator<Item = &'a [f32]>, count: usize, width: usize) {
    out.resize(count * width.next_multiple_of(BLOCK), 0.0);
    let blocks = out.as_chunks_mut::<BLOCK>().0;
    for (index, row) in rows.enumerate() {
        for (block, values) in row.chunks(BLOCK).enumerate() {
            blocks[block * count + index][..values.len()].copy_from_slice(values);
        }
    }
}

/// Products of each query with each key of a block, summed place by place.
#[inline(always)]
fn products(queries: &[Queries], keys: &[Block]) -> Tile {
    let mut tile = [[0.0; BLOCK]; ROWS];
    for (pair, out) in tile.as_chunks_mut::<PAIR>().0.iter_mut().enumerate() {
        let mut sums = [[0.0; BLOCK]; PAIR];
        for (query, key) in queries.iter().zip(keys) {
            add(&mut sums, query.as_chunks().0[pair], key);
        }
        *out = sums;
    }
    tile
}

/// `values` times the factor of each row to its sums.
#[inline(always)]
fn add(sums: &mut [Block; PAIR], factors: [f32; PAIR], values: &Block) {
    for (sums, factor) in sums.iter_mut().zip(factors) {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum = factor.mul_add(*value, *sum);
        }
    }
}

/// Softmax of each row over its first `count` values; the rest becomes 0.
#[inline(always)]
fn softmax(blocks: &mut [Tile], count: usize) {
    let tail = count - (blocks.len() - 1) * BLOCK;
    if let Some(last) = blocks.last_mut() {
        last.iter_mut().for_each(|row| row[tail..].fill(f32::NEG_INFINITY));
    }
    for row in 0..ROWS {
        let mut most = [f32::NEG_INFINITY; LANES];
        for block in &*blocks {
            for lanes in block[row].as_chunks::<LANES>().0 {
                most.iter_mut().zip(lanes).for_each(|(m, v)| *m = if *v > *m { *v } else { *m });
            }
        }
        let most = most.into_iter().fold(f32::NEG_INFINITY, f32::max);
        for block in &mut *blocks {
            block[row].iter_mut().for_each(|v| *v = exp(*v - most));
        }
        if let Some(last) = blocks.last_mut() {
            last[row][tail..].fill(0.0);
        }
        let mut sums = [0.0; LANES];
        for block in &*blocks {
            for lanes in block[row].as_chunks::<LANES>().0 {
                sums.iter_mut().zip(lanes).for_each(|(sum, v)| *sum += v);
            }
        }
        let scale = 1.0 / sums.iter().sum::<f32>();
        for block in &mut *blocks {
            block[row].iter_mut().for_each(|v| *v *= scale);
        }
    }
}

/// For each row the sum of `values`, each times its weight in the row, one after the other.
#[inline(always)]
fn weighted(weights: &[Tile], values: &[Block]) -> Tile {
    let mut tile = [[0.0; BLOCK]; ROWS];
    for (pair, out) in tile.as_chunks_mut::<PAIR>().0.iter_mut().enumerate() {
        let mut sums = [[0.0; BLOCK]; PAIR];
        for (weights, values) in weights.iter().zip(values.chunks(BLOCK)) {
            let [first, second] = &weights.as_chunks::<PAIR>().0[pair];
            for ((first, second), values) in first.iter().zip(second).zip(values) {
                add(&mut sums, [*first, *second], values);
            }
        }
        *out = sums;
    }
    tile
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::{
        __m512, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
    };

    use super::{BLOCK, Block, Buffers, Heads, Queries, ROWS, Tile, attend_loop};

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    pub(super) fn attend(out: &mut [f32], qkv: &[f32], heads: Heads, buffers: &mut Buffers) {
        attend_loop(out, qkv, heads, buffers, |q, k| products(q, k), |w, v| weighted(w, v));
    }

    /// As [`super::products`].
    #[target_feature(enable = "avx512f")]
    fn products(queries: &[Queries], keys: &[Block]) -> Tile {
        let mut sums = [[_mm512_setzero_ps(); 2]; ROWS];
        for (query, key) in queries.iter().zip(keys) {
            add(&mut sums, query, key);
        }
        store(&sums)
    }

    /// As [`super::weighted`].
    #[target_feature(enable = "avx512f")]
    fn weighted(weights: &[Tile], values: &[Block]) -> Tile {
        let mut sums = [[_mm512_setzero_ps(); 2]; ROWS];
        for (weights, values) in weights.iter().zip(values.chunks(BLOCK)) {
            for (place, value) in values.iter().enumerate() {
                let mut factors = [0.0; ROWS];
                factors.iter_mut().zip(weights).for_each(|(factor, row)| *factor = row[place]);
                add(&mut sums, &factors, value);
            }
        }
        store(&sums)
    }

    /// Adds to each row of `sums` its factor times `values`.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn add(sums: &mut [[__m512; 2]; ROWS], factors: &[f32; ROWS], values: &Block) {
        let (low, high) = values.split_at(BLOCK / 2);
        #[expect(unsafe_code, reason = "each half is as large as the register")]
        let halves = unsafe { [_mm512_loadu_ps(low.as_ptr()), _mm512_loadu_ps(high.as_ptr())] };
        for (sums, factor) in sums.iter_mut().zip(factors) {
            let factor = _mm512_set1_ps(*factor);
            sums[0] = _mm512_fmadd_ps(factor, halves[0], sums[0]);
            sums[1] = _mm512_fmadd_ps(factor, halves[1], sums[1]);
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn store(sums: &[[__m512; 2]; ROWS]) -> Tile {
        let mut tile = [[0.0; BLOCK]; ROWS];
        for (out, sums) in tile.iter_mut().zip(sums) {
            let (low, high) = out.split_at_mut(BLOCK / 2);
            #[expect(unsafe_code, reason = "each half is as large as the register")]
            unsafe {
                _mm512_storeu_ps(low.as_mut_ptr(), sums[0]);
                _mm512_storeu_ps(high.as_mut_ptr(), sums[1]);
            }
        }
        tile
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(n: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 4_194_304.0 - 2.0
        };
        (0..n).map(|_| next()).collect()
    }

    /// Attention in double precision.
    fn exact(qkv: &[f32], heads: Heads, tokens: usize) -> Vec<f64> {
        let h = heads.count * heads.width;
        let at = |token: usize, part: usize, i: usize| f64::from(qkv[token * 3 * h + part * h + i]);
        let mut out = vec![0.0; tokens * h];
        for (token, place) in (0..tokens).flat_map(|t| (0..h).map(move |p| (t, p))) {
            let own = place / heads.width * heads.width..(place / heads.width + 1) * heads.width;
            let score =
                |other: usize| -> f64 { own.clone().map(|i| at(token, 0, i) * at(other, 1, i)).sum() };
            let weights: Vec<f64> =
                (0..tokens).map(|other| (score(other) / (heads.width as f64).sqrt()).exp()).collect();
            let sum: f64 = weights.iter().enumerate().map(|(other, w)| w * at(other, 2, place)).sum();
            out[token * h + place] = sum / weights.iter().sum::<f64>();
        }
        out
    }

    #[test]
    fn attention_agrees_with_double_precision() {
        for (tokens, count, width) in [(1, 1, 4), (7, 2, 32), (8, 3, 33), (33, 2, 64), (70, 1, 32)] {
            let heads = Heads { count, width };
            let qkv = noise(tokens * 3 * count * width, 1);
            let mut out = vec![0.0; tokens * count * width];
            attend(&mut out, &qkv, heads, &mut Buffers::default());
            for (got, want) in out.iter().zip(exact(&qkv, heads, tokens)) {
                assert!((f64::from(*got) - want).abs() < 1e-5, "{tokens} tokens: {got}, not {want}");
            }
        }
    }

    #[test]
    fn every_kernel_gives_the_same_bits_even_in_used_buffers() {
        let heads = Heads { count: 2, width: 36 };
        let mut used = Buffers::default();
        for tokens in [70, 1, 8, 31, 32, 65] {
            let qkv = noise(tokens * 3 * 72, 2);
            let (mut here, mut plain) = (vec![0.0; tokens * 72], vec![0.0; tokens * 72]);
            attend(&mut here, &qkv, heads, &mut used);
            attend_loop(&mut plain, &qkv, heads, &mut Buffers::default(), products, weighted);
            assert!(here == plain, "{tokens} tokens");
            #[cfg(target_arch = "x86_64")]
            if processor::has_avx2() {
                #[expect(unsafe_code, reason = "the processor was asked for both features just before")]
                unsafe {
                    attend_avx2(&mut here, &qkv, heads, &mut used);
                }
                assert!(here == plain, "{tokens} tokens, AVX2");
            }
        }
    }
}
