//! How secrets are written out: not at all.

use secrecy::SecretString;
use serde::Serializer;

/// A secret, or one that may be missing.
pub trait Hide {
    fn is_set(&self) -> bool;
}

impl Hide for SecretString {
    fn is_set(&self) -> bool {
        true
    }
}

impl Hide for Option<SecretString> {
    fn is_set(&self) -> bool {
        self.is_some()
    }
}

/// For `#[serde(serialize_with)]`: writes `***` for a secret that is set.
pub fn serialize<T: Hide, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_set() { serializer.serialize_some("***") } else { serializer.serialize_none() }
}
