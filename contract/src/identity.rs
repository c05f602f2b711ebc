//! Stable identity: the same document has the same id on every machine and day.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// 128 bits of SHA-256 over the canonical URL, or over source and native id.
/// Written as 32 lower-case hex digits. Re-delivery, re-crawl and restart give
/// the same id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("pattern" = "^[0-9a-f]{32}$"))]
pub struct DocumentId([u8; 16]);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum IdentityError {
    #[error("document id {0:?} is not 32 lower-case hex digits")]
    NotHex(String),
}

impl DocumentId {
    /// `url` has to be canonical already: another spelling of an address gives another id.
    pub fn from_canonical_url(url: &str) -> Self {
        Self::hash(&[b"url", url.as_bytes()])
    }

    /// For a document without a URL: `native_id` is what its source calls it.
    pub fn from_native(source_id: &str, native_id: &str) -> Self {
        Self::hash(&[b"native", source_id.as_bytes(), native_id.as_bytes()])
    }

    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    fn hash(parts: &[&[u8]]) -> Self {
        let digest = digest(parts);
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        Self(id)
    }
}

/// Content hash of one revision: 64 bits of SHA-256 over title and body, in hex.
pub fn revision_of(title: &str, body: &str) -> String {
    hex::encode(&digest(&[title.as_bytes(), body.as_bytes()])[..8])
}

/// SHA-256 over the parts, each with its length before it, so that ("ab", "c") and ("a", "bc") differ.
pub(crate) fn digest(parts: &[&[u8]]) -> Vec<u8> {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().to_vec()
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DocumentId({self})")
    }
}

impl FromStr for DocumentId {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut id = [0; 16];
        let lower = !text.bytes().any(|b| b.is_ascii_uppercase());
        match hex::decode_to_slice(text, &mut id) {
            Ok(()) if lower => Ok(Self(id)),
            _ => Err(IdentityError::NotHex(text.to_owned())),
        }
    }
}

impl TryFrom<String> for DocumentId {
    type Error = IdentityError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<DocumentId> for String {
    fn from(id: DocumentId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_being_written_and_read() {
        let id = DocumentId::from_canonical_url("https://example.com/a");
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn the_boundary_between_source_and_native_id_matters() {
        assert_ne!(DocumentId::from_native("ab", "c"), DocumentId::from_native("a", "bc"));
    }

    #[test]
    fn an_id_with_capitals_is_refused_by_name() {
        let text = "AB".repeat(16);
        assert_eq!(text.parse::<DocumentId>(), Err(IdentityError::NotHex(text)));
    }

    #[test]
    fn ids_and_revisions_never_change() {
        let id = DocumentId::from_canonical_url("https://example.com/a");
        assert_eq!(id.to_string(), "f6ab22a744adc73d78c19fb864c36b19");
        assert_eq!(DocumentId::from_native("desk", "1").to_string(), "35ced666462c018b43125f14ec7e0862");
        assert_eq!(revision_of("a", "b"), "3c9d591045bc8876");
    }
}
