//! The mean of two encoders that were tuned from the same one: it holds most of what each learned, and errs less on
//! texts that neither was tuned for (Wortsman et al., Model soups, 2022).

use std::collections::BTreeMap;
use std::path::Path;

use super::model::{copy, halves, write_halves};
use crate::error::{ClassifierError, Result};
use crate::folder::refuse_itself;
use crate::model::{CONFIG, NGRAMS, TOKENIZER, WEIGHTS};
use crate::weight_file::WeightFile;

/// Two encoders, and how much the second one counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair<'a> {
    pub first: &'a Path,
    pub second: &'a Path,
    /// From 0, which is the first one, to 1.
    pub share: f32,
}

/// Writes the mean to the folder `out`, in f16, with the configuration and the tokenizer of the first; heads that were
/// tuned with both are averaged like the rest. An error where one is a finished model, whose heads fit its own encoder
/// alone, where the two hold other tensors, or where one of them lies in `out`.
pub fn average(pair: Pair<'_>, out: &Path) -> Result<()> {
    refuse_itself(pair.first, out)?;
    refuse_itself(pair.second, out)?;
    let [first, second] = [opened(pair.first)?, opened(pair.second)?];
    let (shapes, others) = (first.shapes(), second.shapes());
    if let Some((name, shape)) = shapes.iter().find(|(name, shape)| others.get(*name) != Some(*shape)) {
        return Err(
            second.unfit(format!("the first encoder has a tensor {name} of {shape:?}, this one has not"))
        );
    }
    if let Some(name) = others.keys().find(|name| !shapes.contains_key(*name)) {
        return Err(second.unfit(format!("it has a tensor {name}, the first encoder has not")));
    }
    let mean = |(name, shape): (String, Vec<usize>)| {
        let (a, b) = (first.floats(&name)?, second.floats(&name)?);
        let mixed: Vec<f32> = a.iter().zip(&b).map(|(a, b)| a + pair.share * (b - a)).collect();
        Ok((name, (shape, halves(&mixed))))
    };
    let tensors = shapes.into_iter().map(mean).collect::<Result<BTreeMap<_, _>>>()?;
    std::fs::create_dir_all(out).map_err(|e| ClassifierError::write(out, e))?;
    for name in [CONFIG, TOKENIZER] {
        copy(name, pair.first, out)?;
    }
    write_halves(&out.join(WEIGHTS), &tensors)
}

fn opened(folder: &Path) -> Result<WeightFile> {
    if folder.join(NGRAMS).exists() {
        let reason = "it is a finished model; its encoder is what train --finetune left in finetune/encoder";
        return Err(ClassifierError::unfit(folder, "encoder", reason));
    }
    WeightFile::open(&folder.join(WEIGHTS))
}

#[cfg(test)]
mod tests {
    use safetensors::{Dtype, tensor::TensorView};

    use super::*;

    fn encoder(values: &[f32], name: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let view = TensorView::new(Dtype::F32, vec![1, values.len()], &bytes).unwrap();
        safetensors::serialize_to_file([(name, view)], None, &folder.path().join(WEIGHTS)).unwrap();
        for file in [CONFIG, TOKENIZER] {
            std::fs::write(folder.path().join(file), file).unwrap();
        }
        folder
    }

    fn averaged(first: &tempfile::TempDir, second: &tempfile::TempDir, out: &Path) -> Result<()> {
        average(Pair { first: first.path(), second: second.path(), share: 0.25 }, out)
    }

    #[test]
    fn each_weight_is_that_of_the_first_moved_towards_the_second() {
        let (first, second) = (encoder(&[0.0, 2.0, -4.0], "a"), encoder(&[4.0, 2.0, 4.0], "a"));
        let out = first.path().join("mean");
        averaged(&first, &second, &out).unwrap();
        assert_eq!(WeightFile::open(&out.join(WEIGHTS)).unwrap().floats("a").unwrap(), [1.0, 2.0, -2.0]);
        assert_eq!(std::fs::read_to_string(out.join(TOKENIZER)).unwrap(), TOKENIZER);
    }

    #[test]
    fn neither_encoder_is_written_over() {
        let (first, second) = (encoder(&[0.0, 2.0], "a"), encoder(&[4.0, 2.0], "a"));
        for out in [first.path(), second.path()] {
            let error = averaged(&first, &second, out).unwrap_err().to_string();
            assert!(error.contains("what it is made from lies there"), "{error}");
        }
        let floats = |folder: &tempfile::TempDir| {
            WeightFile::open(&folder.path().join(WEIGHTS)).unwrap().floats("a").unwrap()
        };
        assert_eq!((floats(&first), floats(&second)), (vec![0.0, 2.0], vec![4.0, 2.0]));
    }

    #[test]
    fn encoders_of_another_shape_and_finished_models_are_refused_with_the_reason() {
        let first = encoder(&[0.0, 2.0], "a");
        let out = first.path().join("mean");
        for (second, reason) in
            [(encoder(&[1.0], "a"), "a of [1, 2]"), (encoder(&[1.0, 1.0], "b"), "a of [1, 2]")]
        {
            let error = averaged(&first, &second, &out).unwrap_err().to_string();
            assert!(
                error.contains(reason) && error.contains(&second.path().display().to_string()),
                "{error}"
            );
        }
        let model = encoder(&[1.0, 1.0], "a");
        std::fs::write(model.path().join(NGRAMS), "").unwrap();
        assert!(averaged(&first, &model, &out).unwrap_err().to_string().contains("finished model"));
        assert!(!out.exists());
    }
}
