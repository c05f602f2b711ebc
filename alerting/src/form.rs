//! How state is written into a row: one byte for the version of the form, then
//! postcard, which keeps every bit of a number.

use serde::Serialize;
use serde::de::DeserializeOwned;

const VERSION: u8 = 1;

pub(crate) fn write<T: Serialize>(value: &T) -> Result<Vec<u8>, String> {
    postcard::to_extend(value, vec![VERSION]).map_err(|error| error.to_string())
}

pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    match bytes.split_first() {
        Some((&VERSION, rest)) => postcard::from_bytes(rest).map_err(|error| error.to_string()),
        Some((version, _)) => Err(format!("it has form {version}; this build reads form {VERSION}")),
        None => Err("it is empty".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_bit_for_bit() {
        let values = vec![0.1 + 0.2, f64::MIN_POSITIVE, 1.0 / 3.0, -0.0];
        let read: Vec<f64> = read(&write(&values).unwrap()).unwrap();
        assert!(read.iter().zip(&values).all(|(a, b)| a.to_bits() == b.to_bits()));
    }

    #[test]
    fn another_form_is_refused_by_its_number() {
        assert!(read::<u8>(&[9, 1]).unwrap_err().contains("form 9"));
        assert!(read::<u8>(&[]).is_err());
    }
}
