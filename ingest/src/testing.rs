//! What the tests of this crate share.

use std::path::PathBuf;

/// A file of ../shared/fixtures, which is test material and absent elsewhere.
pub(crate) fn shared(name: &str) -> Option<Vec<u8>> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "..", "shared", "fixtures", name].iter().collect();
    std::fs::read(path).ok()
}
