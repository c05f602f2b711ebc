//! What the tests of this crate share.

use std::path::PathBuf;
use std::process::Command;

/// A file of ../shared/fixtures, which is test material and absent elsewhere.
pub(crate) fn shared(name: &str) -> Option<Vec<u8>> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "..", "shared", "fixtures", name].iter().collect();
    std::fs::read(path).ok()
}

/// A file in an archive (.tar.xz) of ../shared/fixtures; says so where it is absent.
pub(crate) fn shared_in(archive: &str, name: &str) -> Option<Vec<u8>> {
    let path: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "..", "..", "shared", "fixtures", archive].iter().collect();
    if !path.exists() {
        eprintln!("{} is absent: nothing is tested", path.display());
        return None;
    }
    let output = Command::new("tar").arg("-xJOf").arg(&path).arg(name).output().unwrap();
    assert!(output.status.success(), "{name} is not in {}", path.display());
    Some(output.stdout)
}
