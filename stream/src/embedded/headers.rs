//! Headers as JSON that a person can read in psql: `[["name", "value"], ...]`;
//! a value that is no text is `{"hex": "..."}`.

use bytes::Bytes;
use serde_json::Value;

use crate::Headers;

pub(super) fn encode(headers: &Headers) -> String {
    let pairs = headers.iter().map(|(name, value)| Value::Array(vec![name.clone().into(), text(value)]));
    Value::Array(pairs.collect()).to_string()
}

/// Postgres keeps no NUL in JSON.
fn text(value: &Bytes) -> Value {
    match std::str::from_utf8(value) {
        Ok(text) if !text.contains('\0') => text.into(),
        Ok(_) | Err(_) => serde_json::json!({ "hex": hex::encode(value) }),
    }
}

pub(super) fn decode(headers: &Value) -> Headers {
    let pairs = headers.as_array().into_iter().flatten();
    pairs.filter_map(|pair| Some((pair.get(0)?.as_str()?.to_owned(), bytes(pair.get(1)?)?))).collect()
}

fn bytes(value: &Value) -> Option<Bytes> {
    if let Some(text) = value.as_str() {
        return Some(Bytes::from(text.to_owned()));
    }
    let digits = value.get("hex")?.as_str()?.as_bytes();
    let pairs = digits.chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn headers_come_back_as_they_were(
            headers in prop::collection::vec(("[a-z-]{0,8}", prop::collection::vec(any::<u8>(), 0..12)), 0..5)
        ) {
            let headers: Headers = headers.into_iter().map(|(n, v)| (n, Bytes::from(v))).collect();
            let stored: Value = serde_json::from_str(&encode(&headers)).unwrap();
            prop_assert_eq!(decode(&stored), headers);
        }
    }

    #[test]
    fn text_stays_readable() {
        let headers = vec![("content-type".to_owned(), Bytes::from_static(b"application/json"))];
        assert_eq!(encode(&headers), r#"[["content-type","application/json"]]"#);
    }
}
