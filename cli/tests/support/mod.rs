//! What the end-to-end tests share: running the binary.

use std::path::Path;
use std::process::Command;

/// The binary under test, started where the repository's config and models lie.
pub(crate) fn tocsin() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tocsin"));
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).env_remove("TOCSIN_CONFIG");
    command
}
