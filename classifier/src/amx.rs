//! Tile registers of processors with AMX: whether this process may use them, setting them up for
//! a thread, and products in them. Owns their shape, the same everywhere: sixteen rows of 64 bytes.

use std::arch::asm;
use std::marker::PhantomData;

/// Bits of EDX of leaf 7: products of bfloat16, tiles, products of bytes.
const NEEDED: u32 = 1 << 22 | 1 << 24 | 1 << 25;

/// Whether the processor has tiles with both products, and the kernel keeps them for this process.
pub(crate) fn is_permitted() -> bool {
    std::arch::x86_64::__cpuid_count(7, 0).edx & NEEDED == NEEDED && is_kept()
}

/// Asks the kernel to keep the tiles of all threads of this process.
#[cfg(target_os = "linux")]
fn is_kept() -> bool {
    /// `ARCH_REQ_XCOMP_PERM`, and the feature that holds the data of tiles.
    const PERMISSION: libc::c_int = 0x1023;
    const TILE_DATA: libc::c_ulong = 18;
    #[expect(unsafe_code, reason = "takes two numbers, touches no memory")]
    unsafe {
        libc::syscall(libc::SYS_arch_prctl, PERMISSION, TILE_DATA) == 0
    }
}

#[cfg(not(target_os = "linux"))]
const fn is_kept() -> bool {
    false
}

/// As `ldtilecfg` reads it.
#[repr(C, align(64))]
struct Shape {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    bytes_a_row: [u16; 16],
    rows: [u8; 16],
}

/// All eight registers are used whole.
static SHAPE: Shape = Shape {
    palette: 1,
    start_row: 0,
    reserved: [0; 14],
    bytes_a_row: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
    rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
};

/// The registers of this thread, set up until this is dropped.
#[derive(Debug)]
pub(crate) struct Registers {
    on_this_thread: PhantomData<*const ()>,
}

impl Registers {
    /// # Panics
    /// When the processor or the kernel has none for this process.
    pub(crate) fn begin() -> Self {
        assert!(crate::processor::has_tiles(), "tile registers on a processor without");
        #[expect(unsafe_code, reason = "reads the 64 bytes of SHAPE; processor and kernel were just asked")]
        unsafe {
            asm!("ldtilecfg [{}]", in(reg) &raw const SHAPE, options(readonly, nostack));
        }
        Self { on_this_thread: PhantomData }
    }
}

impl Drop for Registers {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "touches the tile registers alone, which begin set up")]
        unsafe {
            asm!("tilerelease", options(nomem, nostack));
        }
    }
}

/// Where one factor of a product lies: two tiles side by side or one below the other, and those that follow
/// along the inner dimension.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Factor {
    pub(crate) first: *const u8,
    pub(crate) second: *const u8,
    /// Bytes from one row of a tile to the next.
    pub(crate) stride: usize,
    /// Bytes from one pair of tiles to the next.
    pub(crate) step: usize,
}

/// Products of two tiles with two others, summed over `steps` pairs of pairs: a square of 32 by 32.
macro_rules! square {
    ($(#[$doc:meta])* $name:ident, $sum:ty, $product:literal) => {
        $(#[$doc])*
        ///
        /// # Safety
        /// Both factors have sixteen rows of 64 bytes in each of `steps` (at least one) pairs of tiles.
        #[expect(unsafe_code, reason = "reads what the caller promises, in registers that were begun, and writes `sums`")]
        pub(crate) unsafe fn $name(a: Factor, b: Factor, steps: usize, sums: &mut [[$sum; 32]; 32], _: &Registers) {
            // SAFETY: the reason above.
            unsafe {
                asm!(
                    "tilezero tmm0",
                    "tilezero tmm1",
                    "tilezero tmm2",
                    "tilezero tmm3",
                    "2:",
                    "tileloadd tmm4, [{a_first} + {a_row}]",
                    "tileloadd tmm6, [{b_first} + {b_row}]",
                    "tileloadd tmm7, [{b_second} + {b_row}]",
                    "tileloadd tmm5, [{a_second} + {a_row}]",
                    concat!($product, " tmm0, tmm4, tmm6"),
                    concat!($product, " tmm1, tmm4, tmm7"),
                    concat!($product, " tmm2, tmm5, tmm6"),
                    concat!($product, " tmm3, tmm5, tmm7"),
                    "add {a_first}, {a_step}",
                    "add {a_second}, {a_step}",
                    "add {b_first}, {b_step}",
                    "add {b_second}, {b_step}",
                    "dec {steps}",
                    "jnz 2b",
                    "tilestored [{sums} + {sum_row}], tmm0",
                    "tilestored [{sums} + {sum_row} + 64], tmm1",
                    "tilestored [{sums} + {sum_row} + 2048], tmm2",
                    "tilestored [{sums} + {sum_row} + 2112], tmm3",
                    a_first = inout(reg) a.first => _,
                    a_second = inout(reg) a.second => _,
                    b_first = inout(reg) b.first => _,
                    b_second = inout(reg) b.second => _,
                    a_row = in(reg) a.stride,
                    b_row = in(reg) b.stride,
                    a_step = in(reg) a.step,
                    b_step = in(reg) b.step,
                    steps = inout(reg) steps => _,
                    sums = in(reg) sums.as_mut_ptr(),
                    sum_row = in(reg) 128_usize,
                    options(nostack),
                );
            }
        }
    };
}

square! {
    /// Rows of unsigned bytes with quads of signed ones.
    square_of_bytes, i32, "tdpbusd"
}

square! {
    /// Rows of pairs of bfloat16 with pairs.
    square_of_bf16, f32, "tdpbf16ps"
}
