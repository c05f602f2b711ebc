//! How a message says its version: an integer field `v` beside its own fields.

use serde_json::Value;

use crate::Trace;

/// Why bytes are not a message of a topic. Such a record can never be read: park it.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    #[error("{topic} message is not JSON: {cause}")]
    NotJson { topic: &'static str, cause: serde_json::Error },
    #[error("{topic} message has no integer field \"v\"")]
    NoVersion { topic: &'static str },
    #[error("{topic} message has version {version}; this build reads up to {newest}")]
    UnknownVersion { topic: &'static str, version: u64, newest: u64 },
    #[error("{topic} message of version {version} does not fit its contract: {cause}")]
    Unfit { topic: &'static str, version: u64, cause: serde_json::Error },
    #[error("{topic} message: {field} lies in the year {year}")]
    NeverReached { topic: &'static str, field: &'static str, year: i32 },
}

/// Splits a message into its version and the rest.
pub(crate) fn split(topic: &'static str, bytes: &[u8]) -> Result<(u64, Value), ContractError> {
    let mut value: Value =
        serde_json::from_slice(bytes).map_err(|cause| ContractError::NotJson { topic, cause })?;
    let version = value
        .as_object_mut()
        .and_then(|fields| fields.remove("v"))
        .and_then(|v| v.as_u64())
        .ok_or(ContractError::NoVersion { topic })?;
    Ok((version, value))
}

/// Declares the versioned enum of a topic: `encode` writes `{"v": N, ...}` and
/// `decode` reads every version ever written.
macro_rules! versioned {
    ($(#[$doc:meta])* $name:ident, $topic:expr, newest $newest:literal, { $($variant:ident($body:ty) = $v:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub enum $name { $($variant($body)),+ }

        impl $name {
            pub const TOPIC: &'static str = $topic;

            /// Reads a message of any version that was ever written. The error names the topic
            /// and what does not fit; such a record can only be parked.
            pub fn decode(bytes: &[u8]) -> Result<Self, $crate::ContractError> {
                let (version, value) = $crate::version::split($topic, bytes)?;
                match version {
                    $($v => serde_json::from_value(value).map($name::$variant).map_err(|cause| {
                        $crate::ContractError::Unfit { topic: $topic, version, cause }
                    }),)+
                    _ => Err($crate::ContractError::UnknownVersion { topic: $topic, version, newest: $newest }),
                }
            }

            /// The message as JSON bytes, for a record's value.
            pub fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
                #[derive(serde::Serialize)]
                struct Tagged<'a, T> { v: u64, #[serde(flatten)] body: &'a T }
                match self {
                    $($name::$variant(body) => serde_json::to_vec(&Tagged { v: $v, body })),+
                }
            }

            /// Each version with the JSON Schema of its fields (the field `v` aside).
            pub fn schemas() -> Vec<(u64, schemars::Schema)> {
                vec![$(($v, schemars::schema_for!($body))),+]
            }
        }
    };
}
pub(crate) use versioned;

/// Headers that every message carries: what its value is, who wrote it, and the trace
/// that it belongs to.
pub fn headers(trace: Trace) -> [(&'static str, String); 3] {
    [
        ("content-type", "application/json".to_owned()),
        ("tocsin-version", env!("CARGO_PKG_VERSION").to_owned()),
        ("traceparent", trace.to_string()),
    ]
}
