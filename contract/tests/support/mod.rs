//! Where the recorded examples lie, and how a topic is named on disk.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tocsin_contract::{Alerts, DocumentsEnriched, DocumentsRaw, Signals, topics};

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A recorded example: the file it lies in, and its bytes.
#[derive(Debug)]
pub(crate) struct Example {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
}

impl Example {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|cause| panic!("{}: {cause}", self.path.display()))
    }
}

/// Every example of `topic` in version `v`, in the order of their names.
pub(crate) fn examples(topic: &str, v: u64) -> Vec<Example> {
    let folder = root().join("examples").join(topic).join(format!("v{v}"));
    let entries = fs::read_dir(&folder).unwrap_or_else(|cause| panic!("{}: {cause}", folder.display()));
    let mut examples: Vec<Example> = entries
        .map(|entry| entry.expect("a readable entry").path())
        .map(|path| Example { bytes: fs::read(&path).expect("a readable example"), path })
        .collect();
    examples.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!examples.is_empty(), "no example in {}", folder.display());
    examples
}

/// Reads a message of `topic` and writes it again in the newest version.
pub(crate) fn reencode(topic: &str, bytes: &[u8]) -> Result<Vec<u8>, tocsin_contract::ContractError> {
    let written = match topic {
        topics::DOCUMENTS_RAW => DocumentsRaw::decode(bytes)?.encode(),
        topics::DOCUMENTS_ENRICHED => DocumentsEnriched::decode(bytes)?.encode(),
        topics::SIGNALS => Signals::decode(bytes)?.encode(),
        topics::ALERTS => Alerts::decode(bytes)?.encode(),
        unknown => panic!("topic {unknown} has no codec in the tests"),
    };
    Ok(written.expect("a message that was read can be written"))
}

/// The versions of `topic` and the JSON Schema of each one's fields.
pub(crate) fn schemas(topic: &str) -> Vec<(u64, schemars::Schema)> {
    match topic {
        topics::DOCUMENTS_RAW => DocumentsRaw::schemas(),
        topics::DOCUMENTS_ENRICHED => DocumentsEnriched::schemas(),
        topics::SIGNALS => Signals::schemas(),
        topics::ALERTS => Alerts::schemas(),
        unknown => panic!("topic {unknown} has no schema in the tests"),
    }
}
