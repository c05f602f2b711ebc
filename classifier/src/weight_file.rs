//! A safetensors file, read tensor by tensor: nothing of it is in memory but what is
//! being converted and what the caller keeps.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};

use crate::error::{ClassifierError, Result};
use crate::weights::{SCALE, Table};

/// Longest header that the format allows.
const MOST_HEADER: u64 = 100_000_000;
/// Bytes that say how long the header is.
const LENGTH: u64 = 8;
/// What the writers of some models put before every name.
const PREFIX: &str = "bert.";

/// An open weight file whose header agrees with its length.
#[derive(Debug)]
pub(crate) struct WeightFile {
    path: PathBuf,
    file: File,
    metadata: Metadata,
    /// Where the tensors begin.
    data: u64,
}

impl WeightFile {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let read = |e| ClassifierError::read(path, e);
        let unfit = |reason: String| ClassifierError::unfit(path, "weight file", reason);
        let mut file = File::open(path).map_err(read)?;
        let length = file.metadata().map_err(read)?.len();
        let mut size = [0; LENGTH as usize];
        file.read_exact(&mut size).map_err(read)?;
        let size = u64::from_le_bytes(size);
        if size > MOST_HEADER.min(length) {
            return Err(unfit(format!("a header of {size} bytes in a file of {length}")));
        }
        let mut header = vec![0; size as usize];
        file.read_exact(&mut header).map_err(read)?;
        let metadata: Metadata = serde_json::from_slice(&header).map_err(|e| unfit(e.to_string()))?;
        let (data, wanted) = (LENGTH + size, LENGTH + size + metadata.data_len() as u64);
        if wanted != length {
            return Err(unfit(format!("it has {length} bytes; its header says {wanted}")));
        }
        Ok(Self { path: path.to_owned(), file, metadata, data })
    }

    /// What the writer noted beside the tensors.
    pub(crate) fn facts(&self) -> HashMap<String, String> {
        self.metadata.metadata().clone().unwrap_or_default()
    }

    /// The shape of each tensor by its name in the file.
    pub(crate) fn shapes(&self) -> BTreeMap<String, Vec<usize>> {
        self.metadata.tensors().into_iter().map(|(name, info)| (name, info.shape.clone())).collect()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.info(name).is_ok()
    }

    /// Tensor `name` as it is stored: bytes with their scales, or floats of any kind as `f32`.
    pub(crate) fn table(&self, name: &str) -> Result<Table> {
        let info = self.info(name)?;
        if info.dtype != Dtype::I8 {
            return Ok(Table::F32(self.floats(name)?));
        }
        let rows = self.bytes(info)?.into_iter().map(u8::cast_signed).collect();
        let scale = format!("{name}{SCALE}");
        let scales = self.floats(&scale)?;
        let (_, outer) = info.shape.split_last().unwrap_or((&1, &[]));
        self.agree(&scale, scales.len(), outer.iter().product())?;
        Ok(Table::I8 { rows, scales })
    }

    /// A tensor of any float type, or of bytes with scales, as `f32`.
    pub(crate) fn floats(&self, name: &str) -> Result<Vec<f32>> {
        let info = self.info(name)?;
        if info.dtype == Dtype::I8 {
            let width = info.shape.last().copied().unwrap_or(1).max(1);
            return Ok(self.table(name)?.dequantised(width));
        }
        let data = self.bytes(info)?;
        if info.dtype == Dtype::F32 {
            Ok(data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
        } else if info.dtype == Dtype::F16 {
            Ok(data.as_chunks::<2>().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()).collect())
        } else if info.dtype == Dtype::BF16 {
            Ok(data.as_chunks::<2>().0.iter().map(|b| bf16::from_le_bytes(*b).to_f32()).collect())
        } else {
            Err(self.unfit(format!("tensor {name} has type {:?}", info.dtype)))
        }
    }

    /// As [`Self::floats`], exactly `wanted` of them.
    pub(crate) fn values(&self, name: &str, wanted: usize) -> Result<Vec<f32>> {
        let values = self.floats(name)?;
        self.agree(name, values.len(), wanted)?;
        Ok(values)
    }

    pub(crate) fn agree(&self, name: &str, length: usize, wanted: usize) -> Result<()> {
        if length == wanted {
            return Ok(());
        }
        Err(self.unfit(format!("tensor {name} has {length} values, not {wanted}")))
    }

    pub(crate) fn unfit(&self, reason: String) -> ClassifierError {
        ClassifierError::unfit(&self.path, "weight file", reason)
    }

    fn info(&self, name: &str) -> Result<&TensorInfo> {
        let info = self.metadata.info(name).or_else(|| self.metadata.info(&format!("{PREFIX}{name}")));
        info.ok_or_else(|| self.unfit(format!("no tensor {name}")))
    }

    fn bytes(&self, info: &TensorInfo) -> Result<Vec<u8>> {
        let (from, to) = info.data_offsets;
        let mut bytes = vec![0; to - from];
        let mut file = &self.file;
        let read =
            file.seek(SeekFrom::Start(self.data + from as u64)).and_then(|_| file.read_exact(&mut bytes));
        read.map_err(|e| ClassifierError::read(&self.path, e))?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(header: &str, data: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        std::fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    const HEADER: &str = r#"{"bert.a":{"dtype":"I8","shape":[2,2],"data_offsets":[0,4]},
        "bert.a.scale":{"dtype":"F32","shape":[2],"data_offsets":[4,12]},
        "b":{"dtype":"BF16","shape":[2],"data_offsets":[12,16]},
        "c":{"dtype":"I64","shape":[1],"data_offsets":[16,24]}}"#;

    fn data() -> Vec<u8> {
        let scales = [0.5f32, 2.0].map(f32::to_le_bytes).concat();
        let halves = [bf16::from_f32(1.5), bf16::from_f32(-3.0)].map(bf16::to_le_bytes).concat();
        [vec![1, 255, 2, 254], scales, halves, vec![0; 8]].concat()
    }

    #[test]
    fn each_tensor_is_read_from_its_own_place() {
        let (_folder, path) = written(HEADER, &data());
        let file = WeightFile::open(&path).unwrap();
        let Table::I8 { rows, scales } = file.table("a").unwrap() else { panic!("floats") };
        assert_eq!((rows, scales), (vec![1, -1, 2, -2], vec![0.5, 2.0]));
        assert_eq!(file.values("a", 4).unwrap(), [0.5, -0.5, 4.0, -4.0]);
        assert_eq!(file.values("b", 2).unwrap(), [1.5, -3.0]);
    }

    #[test]
    fn a_tensor_of_no_bytes_is_no_floats() {
        let header = r#"{"a":{"dtype":"I8","shape":[1,0],"data_offsets":[0,0]},
            "a.scale":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
        let (_folder, path) = written(header, &[0; 4]);
        assert!(WeightFile::open(&path).unwrap().floats("a").unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_with_a_tensor_is_named() {
        let (_folder, path) = written(HEADER, &data());
        let file = WeightFile::open(&path).unwrap();
        let told = |result: Result<Vec<f32>>| result.unwrap_err().to_string();
        assert!(told(file.floats("d")).contains("no tensor d"));
        assert!(told(file.floats("c")).contains("tensor c has type I64"));
        assert!(told(file.values("b", 3)).contains("tensor b has 2 values, not 3"));
    }

    #[test]
    fn a_file_cut_short_is_refused_before_anything_is_read() {
        let whole = data();
        let (_folder, path) = written(HEADER, &whole[..whole.len() - 1]);
        assert!(WeightFile::open(&path).unwrap_err().to_string().contains("its header says"));
        std::fs::write(&path, [255; 12]).unwrap();
        assert!(WeightFile::open(&path).unwrap_err().to_string().contains("in a file of 12"));
        std::fs::write(&path, [1, 2]).unwrap();
        assert!(WeightFile::open(&path).unwrap_err().to_string().contains("model.safetensors"));
    }
}
