//! Sums of products of packed tiles: in tile registers (AMX) where the processor has them, else in
//! the widest vectors (AVX-512 BF16), else one by one.

#[cfg(target_arch = "x86_64")]
use crate::{
    amx::{Factor, Registers, square_of_bf16},
    processor,
};

/// Rows of a tile, and pairs in one.
pub(super) const TILE: usize = 16;
/// Rows and columns of the square of sums that is made at a time: two tiles by two.
pub(super) const SIDE: usize = 2 * TILE;

/// 1 KB: sixteen rows of sixteen pairs of bfloat16.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C, align(64))]
pub(super) struct Tile(pub(super) [[u32; TILE]; TILE]);

#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Sums(pub(super) [[f32; SIDE]; SIDE]);

impl Default for Sums {
    fn default() -> Self {
        Self([[0.0; SIDE]; SIDE])
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kernel {
    Portable,
    Vectors,
    Tiles,
}

impl Kernel {
    const ALL: [Self; 3] = [Self::Tiles, Self::Vectors, Self::Portable];

    /// The fastest that runs here.
    pub(super) fn best() -> Self {
        Self::ALL.into_iter().find(|kernel| kernel.runs_here()).unwrap_or(Self::Portable)
    }

    #[cfg(target_arch = "x86_64")]
    fn runs_here(self) -> bool {
        match self {
            Self::Portable => true,
            Self::Vectors => processor::has_bf16(),
            Self::Tiles => processor::has_tiles(),
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn runs_here(self) -> bool {
        self == Self::Portable
    }

    /// All that run here.
    #[cfg(test)]
    pub(super) fn here() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|kernel| kernel.runs_here())
    }

    /// Makes this thread ready for [`Begun::square`].
    ///
    /// # Panics
    /// When the processor lacks the kernel.
    pub(super) fn begin(self) -> Begun {
        assert!(self.runs_here(), "{self:?} on a processor without");
        Begun {
            #[cfg(target_arch = "x86_64")]
            kernel: self,
            #[cfg(target_arch = "x86_64")]
            registers: (self == Self::Tiles).then(Registers::begin),
        }
    }
}

/// A thread whose tile registers are set up, if the kernel wants them, until this is dropped.
#[derive(Debug)]
pub(super) struct Begun {
    #[cfg(target_arch = "x86_64")]
    kernel: Kernel,
    #[cfg(target_arch = "x86_64")]
    registers: Option<Registers>,
}

impl Begun {
    /// The products of two rows of `a`'s tiles with two columns of `b`'s, summed along the inner dimension:
    /// pairs of tiles, one step after the other.
    ///
    /// # Panics
    /// When the two do not have as many steps.
    pub(super) fn square(&self, a: &[Tile], b: &[Tile], sums: &mut Sums) {
        assert!(a.len() == b.len() && a.len().is_multiple_of(2) && !a.is_empty(), "steps differ");
        #[cfg(target_arch = "x86_64")]
        match (&self.registers, self.kernel) {
            (Some(registers), _) => return in_registers(a, b, sums, registers),
            #[expect(unsafe_code, reason = "the processor was asked for both features in begin")]
            (None, Kernel::Vectors) => return unsafe { avx512::square(a, b, sums) },
            (None, Kernel::Tiles | Kernel::Portable) => {}
        }
        portable(a, b, sums);
    }
}

/// Each pair's two products are added in turn.
fn portable(a: &[Tile], b: &[Tile], sums: &mut Sums) {
    let halves = |pair: u32| (f32::from_bits(pair << 16), f32::from_bits(pair & 0xffff_0000));
    *sums = Sums::default();
    let steps = a.as_chunks::<2>().0.iter().zip(b.as_chunks::<2>().0);
    for (a, b) in steps {
        for (i, sums) in sums.0.iter_mut().enumerate() {
            for (pair, a) in a[i / TILE].0[i % TILE].iter().enumerate() {
                let (first, second) = halves(*a);
                for (j, sum) in sums.iter_mut().enumerate() {
                    let (b_first, b_second) = halves(b[j / TILE].0[pair][j % TILE]);
                    *sum += first * b_first + second * b_second;
                }
            }
        }
    }
}

/// As [`portable`] up to rounding.
#[cfg(target_arch = "x86_64")]
fn in_registers(a: &[Tile], b: &[Tile], sums: &mut Sums, registers: &Registers) {
    let factor = |tiles: &[Tile]| {
        let (first, size) = (tiles.as_ptr().cast::<u8>(), size_of::<Tile>());
        Factor { first, second: first.wrapping_add(size), stride: size / TILE, step: 2 * size }
    };
    #[expect(unsafe_code, reason = "both are pairs of whole tiles, as many, as square checked")]
    unsafe {
        square_of_bf16(factor(a), factor(b), a.len() / 2, &mut sums.0, registers);
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::{
        __m512bh, __m512i, _mm512_dpbf16_ps, _mm512_loadu_si512, _mm512_set1_epi32, _mm512_setzero_ps,
        _mm512_storeu_ps,
    };

    use super::{Sums, TILE, Tile};

    /// Rows whose sums are kept in registers at a time, 24 of the 32.
    const ROWS: usize = 8;

    /// As [`super::portable`] up to rounding: `vdpbf16ps` multiplies a pair of one row
    /// with the pairs of sixteen columns and adds both products.
    #[target_feature(enable = "avx512f,avx512bf16")]
    #[expect(unsafe_code, reason = "vector loads and stores of arrays of just that size")]
    pub(super) fn square(a: &[Tile], b: &[Tile], sums: &mut Sums) {
        for (band, sums) in sums.0.as_chunks_mut::<ROWS>().0.iter_mut().enumerate() {
            let mut low = [_mm512_setzero_ps(); ROWS];
            let mut high = [_mm512_setzero_ps(); ROWS];
            let top = band * ROWS % TILE;
            for (a, b) in a.as_chunks::<2>().0.iter().zip(b.as_chunks::<2>().0) {
                let rows = &a[band * ROWS / TILE].0[top..top + ROWS];
                for pair in 0..TILE {
                    // SAFETY: a row of a tile is 64 bytes.
                    let (first, second) = unsafe {
                        let [first, second] = [&b[0], &b[1]].map(|tile| tile.0[pair].as_ptr());
                        (_mm512_loadu_si512(first.cast()), _mm512_loadu_si512(second.cast()))
                    };
                    let (first, second) = (pairs(first), pairs(second));
                    for ((low, high), row) in low.iter_mut().zip(&mut high).zip(rows) {
                        let a = pairs(_mm512_set1_epi32(row[pair].cast_signed()));
                        *low = _mm512_dpbf16_ps(*low, a, first);
                        *high = _mm512_dpbf16_ps(*high, a, second);
                    }
                }
            }
            for ((sums, low), high) in sums.iter_mut().zip(low).zip(high) {
                let (first, second) = sums.split_at_mut(TILE);
                // SAFETY: each half holds sixteen values.
                unsafe {
                    _mm512_storeu_ps(first.as_mut_ptr(), low);
                    _mm512_storeu_ps(second.as_mut_ptr(), high);
                }
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512bf16")]
    #[expect(unsafe_code, reason = "both types are 64 bytes of a register, of any bits")]
    const fn pairs(bits: __m512i) -> __m512bh {
        // SAFETY: the reason above.
        unsafe { std::mem::transmute::<__m512i, __m512bh>(bits) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_gives_the_same_sums_up_to_rounding() {
        let tile = |seed: usize| {
            let value = |n: usize| ((n * 7919 + seed * 104_729) % 251) as f32 / 64.0 - 2.0;
            let bits = |n: usize| value(n).to_bits() >> 16;
            Tile(std::array::from_fn(|i| {
                std::array::from_fn(|j| bits(32 * i + 2 * j) | bits(32 * i + 2 * j + 1) << 16)
            }))
        };
        let (a, b): (Vec<Tile>, Vec<Tile>) = (0..6).map(|seed| (tile(seed), tile(seed + 9))).unzip();
        let mut plain = Sums::default();
        portable(&a, &b, &mut plain);
        for kernel in Kernel::here() {
            let mut fast = Sums::default();
            kernel.begin().square(&a, &b, &mut fast);
            let apart = fast.0.iter().flatten().zip(plain.0.iter().flatten()).map(|(x, y)| (x - y).abs());
            assert!(apart.fold(0.0, f32::max) < 1e-3, "{kernel:?}");
        }
    }

    #[test]
    #[should_panic(expected = "steps differ")]
    fn tiles_that_do_not_match_are_refused() {
        Kernel::Portable.begin().square(&[Tile::default(); 2], &[Tile::default(); 4], &mut Sums::default());
    }
}
