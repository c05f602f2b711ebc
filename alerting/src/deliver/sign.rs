//! Standard Webhooks 1.0, symmetric signature `v1`: HMAC-SHA256 over
//! `id.timestamp.body`.

use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretSlice};
use sha2::Sha256;

/// Reference libraries accept a key whose base64 lost its padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A signing key; its Debug shows nothing.
#[derive(Debug, Clone)]
pub(crate) struct Secret(SecretSlice<u8>);

impl Secret {
    /// Reads `whsec_` (may be missing) and base64. An error does not show the text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let encoded = text.strip_prefix("whsec_").unwrap_or(text);
        match LENIENT.decode(encoded) {
            Ok(key) if !key.is_empty() => Ok(Self(key.into())),
            Ok(_) => Err("its secret is empty".into()),
            Err(_) => Err("its secret is not `whsec_` and base64".into()),
        }
    }

    /// The value of header `webhook-signature`.
    pub(crate) fn sign(&self, id: &str, timestamp: i64, body: &str) -> Result<String, String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret())
            .map_err(|_| "the secret is no key".to_owned())?;
        mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
        Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn a_message_is_signed_as_the_reference_libraries_do() {
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signature.unwrap(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    /// Reads the shared test vectors; passes where they are absent.
    #[test]
    fn every_shared_vector_signs_alike() {
        let path =
            concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/fixtures/standard-webhooks/vectors.json");
        let Ok(text) = std::fs::read_to_string(path) else { return };
        let vectors: Value = serde_json::from_str(&text).unwrap();
        let vectors = vectors["sign_vectors"].as_array().unwrap();
        assert!(!vectors.is_empty());
        for vector in vectors {
            let field = |name: &str| vector[name].as_str().unwrap();
            let secret = Secret::parse(field("secret")).unwrap();
            let timestamp = vector["webhook_timestamp"].as_i64().unwrap();
            let signature = secret.sign(field("webhook_id"), timestamp, field("body")).unwrap();
            assert_eq!(signature, field("signature"), "{}", vector["name"]);
        }
    }

    #[test]
    fn a_secret_may_have_lost_its_prefix_or_padding_but_not_be_empty() {
        for text in ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS="] {
            assert!(Secret::parse(text).is_ok(), "{text}");
        }
        for text in ["", "whsec_", "whsec_***"] {
            assert!(Secret::parse(text).is_err(), "{text}");
        }
        assert!(!format!("{:?}", Secret::parse("whsec_TWZLUTlyOEdL").unwrap()).contains("TWZL"));
    }
}
