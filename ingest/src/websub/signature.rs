//! `X-Hub-Signature`: who delivers knows the secret that only the hub was told.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

/// Whether `header` (`method=hex`) signs `body` with `secret`. Takes as long whatever
/// differs. The methods are those of the standard; hubs in use still sign with SHA-1,
/// of which HMAC needs no resistance to collisions.
pub(super) fn is_signed(header: &str, body: &[u8], secret: &str) -> bool {
    let Some((method, signature)) = header.trim().split_once('=') else { return false };
    let Ok(signature) = hex::decode(signature.trim()) else { return false };
    let (key, method) = (secret.as_bytes(), method.to_ascii_lowercase());
    match method.as_str() {
        "sha1" => verifies::<Hmac<Sha1>>(key, body, &signature),
        "sha256" => verifies::<Hmac<Sha256>>(key, body, &signature),
        "sha384" => verifies::<Hmac<Sha384>>(key, body, &signature),
        "sha512" => verifies::<Hmac<Sha512>>(key, body, &signature),
        _ => false,
    }
}

fn verifies<M: Mac + KeyInit>(key: &[u8], body: &[u8], signature: &[u8]) -> bool {
    <M as KeyInit>::new_from_slice(key).is_ok_and(|mut mac| {
        mac.update(body);
        mac.verify_slice(signature).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_body_and_secret_only() {
        // RFC 4231, test case 2; RFC 2202, test case 2.
        let (key, body) = ("Jefe", b"what do ya want for nothing?");
        let sha256 = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let sha1 = "SHA1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79";
        assert!(is_signed(sha256, body, key) && is_signed(sha1, body, key));
        assert!(!is_signed(sha256, b"what do ya want for something?", key));
        assert!(!is_signed(sha256, body, "other"));
        for wrong in ["", "sha256", "sha256=", "sha256=5bdc", "md5=00", &sha256.replace("256=5", "256=6")] {
            assert!(!is_signed(wrong, body, key), "{wrong}");
        }
    }
}
