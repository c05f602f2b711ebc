//! What the tests of this crate share.

use std::path::PathBuf;
use std::process::Command;

/// Where a file of ../shared/fixtures lies, which is test material and absent elsewhere; says so where it is.
fn fixture(name: &str) -> Option<PathBuf> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "..", "shared", "fixtures", name].iter().collect();
    if !path.exists() {
        eprintln!("{} is absent: nothing is tested", path.display());
        return None;
    }
    Some(path)
}

/// A file of ../shared/fixtures, if it is there.
pub(crate) fn shared(name: &str) -> Option<Vec<u8>> {
    Some(std::fs::read(fixture(name)?).unwrap())
}

/// A file in an archive (.tar.xz) of ../shared/fixtures, if that is there.
pub(crate) fn shared_in(archive: &str, name: &str) -> Option<Vec<u8>> {
    let path = fixture(archive)?;
    let output = Command::new("tar").arg("-xJOf").arg(&path).arg(name).output().unwrap();
    assert!(output.status.success(), "{name} is not in {}", path.display());
    Some(output.stdout)
}
