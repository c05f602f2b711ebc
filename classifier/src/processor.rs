//! Which wide kernels run here: what the processor has, as far as `TOCSIN_SIMD` allows.
//! Every kernel that classifies gives the same bits, so there the setting changes speed alone; the
//! products of training differ by rounding.

use std::sync::OnceLock;

/// How wide the kernels are that run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Width {
    Portable,
    Avx2,
    Avx512,
    /// AVX-512, and tile registers (AMX).
    Tiles,
}

/// `portable`, `avx2` and `avx512` allow no wider kernels than they name, to measure on one machine
/// what another would do.
const SETTING: &str = "TOCSIN_SIMD";

/// AVX-512 with what the loops of floats need.
pub(crate) fn has_avx512() -> bool {
    width() >= Width::Avx512
}

/// Tile registers with products of bytes and of bfloat16.
pub(crate) fn has_tiles() -> bool {
    width() == Width::Tiles
}

/// AVX-512 with products of bfloat16.
pub(crate) fn has_bf16() -> bool {
    has_avx512() && std::arch::is_x86_feature_detected!("avx512bf16")
}

/// AVX-512 with products of bytes.
pub(crate) fn has_vnni() -> bool {
    has_avx512() && std::arch::is_x86_feature_detected!("avx512vnni")
}

/// AVX2 with fused products.
pub(crate) fn has_avx2() -> bool {
    width() >= Width::Avx2
}

fn width() -> Width {
    static WIDTH: OnceLock<Width> = OnceLock::new();
    *WIDTH.get_or_init(|| {
        let allowed = match std::env::var(SETTING).as_deref() {
            Ok("portable") => Width::Portable,
            Ok("avx2") => Width::Avx2,
            Ok("avx512") => Width::Avx512,
            Ok(_) | Err(_) => Width::Tiles,
        };
        allowed.min(own())
    })
}

/// What the processor has.
fn own() -> Width {
    use std::arch::is_x86_feature_detected as has;
    let has_avx2 = has!("avx2") && has!("fma");
    let has_avx512 = has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl");
    match (has_avx2, has_avx512) {
        (true, true) if crate::amx::is_permitted() => Width::Tiles,
        (true, true) => Width::Avx512,
        (true, false) => Width::Avx2,
        (false, _) => Width::Portable,
    }
}
